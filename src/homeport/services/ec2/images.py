"""
Machine images: in every region one, the ECS-optimised Amazon Linux 2023, which belongs to Amazon.

An instance of it behaves as one of AWS's with the versions named here; they are what it registers with.
"""

import hashlib
from dataclasses import dataclass

IMAGE_DATE = "20260708"
ECS_AGENT_VERSION = "1.105.1"
ECS_RUNTIME_VERSION = "Docker version 25.0.14"

ROOT_DEVICE = "/dev/xvda"

#: The account of the ECS-optimised images, as DescribeImages shows it.
ECS_IMAGE_OWNER = "591542846629"


@dataclass(frozen=True, slots=True)
class Image:
    """A machine image as DescribeImages and the public parameters of SSM show it."""

    id: str
    region: str
    name: str
    version: str
    created: str
    os: str = "Amazon Linux 2023"
    architecture: str = "x86_64"
    owner: str = ECS_IMAGE_OWNER
    owner_alias: str = "amazon"
    agent_version: str = ECS_AGENT_VERSION
    runtime_version: str = ECS_RUNTIME_VERSION
    imds_support: str = "v2.0"  # instances want tokens and answer two hops away, unless their launch says otherwise

    @property
    def location(self) -> str:
        return f"{self.owner_alias}/{self.name}"

    @property
    def description(self) -> str:
        return f"ECS-optimised {self.os} {self.version}, {self.architecture}"


def ecs_optimised_image(region: str) -> Image:
    """Return the region's image; its id is another in each region, and always the same there."""
    version = f"2023.0.{IMAGE_DATE}"
    name = f"al2023-ami-ecs-hvm-{version}-kernel-6.1-x86_64"
    digest = hashlib.sha256(f"{region}/{name}".encode()).hexdigest()
    date = f"{IMAGE_DATE[:4]}-{IMAGE_DATE[4:6]}-{IMAGE_DATE[6:]}"
    return Image(f"ami-0{digest[:16]}", region, name, version, f"{date}T00:00:00.000Z")


def images(region: str) -> tuple[Image, ...]:
    """Return the images that can be used in the region."""
    return (ecs_optimised_image(region),)


def find_image(region: str, image_id: str) -> Image | None:
    return next((image for image in images(region) if image.id == image_id), None)
