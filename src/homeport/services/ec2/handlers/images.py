"""Machine images, to be found and used; none can be made."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.services.ec2 import errors, images
from homeport.services.ec2.handlers.catalogues import Reader, page_of, passing
from homeport.services.ec2.handlers.documents import Documents
from homeport.services.ec2.images import ROOT_DEVICE, Image
from homeport.services.ec2.service import ec2
from homeport.services.ec2.views import View

IMAGES_PER_PAGE = 1000

_FIELDS: Mapping[str, Reader[Image]] = {
    "architecture": lambda image: (image.architecture,),
    "creation-date": lambda image: (image.created,),
    "description": lambda image: (image.description,),
    "image-id": lambda image: (image.id,),
    "image-type": lambda _: ("machine",),
    "is-public": lambda _: ("true",),
    "name": lambda image: (image.name,),
    "owner-alias": lambda image: (image.owner_alias,),
    "owner-id": lambda image: (image.owner,),
    "platform": lambda _: (),  # Windows alone has one
    "root-device-name": lambda _: (ROOT_DEVICE,),
    "root-device-type": lambda _: ("ebs",),
    "state": lambda _: ("available",),
    "tag-key": lambda _: (),
    "virtualization-type": lambda _: ("hvm",),
}


# IncludeDeprecated, IncludeDisabled: no image here is either.
@ec2.operation("DescribeImages", reads=True, ignores=("IncludeDeprecated", "IncludeDisabled"))
async def describe_images(
    call: Call,
    *,
    image_ids: Sequence[str] = (),
    owners: Sequence[str] = (),
    executable_users: Sequence[str] = (),
    filters: Documents = (),
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    found = [image for image in _named(call.region, image_ids) if _belongs(image, owners)]
    # Everyone may launch from a public image, and nobody has been given a permission of his own.
    if executable_users and "all" not in executable_users:
        found = []
    return page_of(
        passing(found, filters, _FIELDS),
        image_view,
        "Images",
        key=lambda image: image.id,
        size=max_results or IMAGES_PER_PAGE,
        next_token=next_token,
    )


def _named(region: str, ids: Sequence[str]) -> list[Image]:
    """Return the region's images with these *ids*, or all of them."""
    for id_ in ids:
        if not re.fullmatch(r"ami-[0-9a-f]{8,17}", id_):
            raise errors.NotFound(f'Invalid id: "{id_}" (expecting "ami-...")', code="InvalidAMIID.Malformed")
    if absent := [id_ for id_ in dict.fromkeys(ids) if images.find_image(region, id_) is None]:
        raise errors.no_such_images(absent)
    return [image for image in images.images(region) if not ids or image.id in ids]


def _belongs(image: Image, owners: Sequence[str]) -> bool:
    """Say whether one of *owners*, ids or aliases, has the image; "self" has none."""
    return not owners or image.owner in owners or image.owner_alias in owners


def image_view(image: Image) -> View:
    return {
        "ImageId": image.id,
        "ImageLocation": image.location,
        "ImageOwnerAlias": image.owner_alias,
        "ImageType": "machine",
        "Name": image.name,
        "Description": image.description,
        "OwnerId": image.owner,
        "State": "available",
        "Public": True,
        "Architecture": image.architecture,
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "VirtualizationType": "hvm",
        "RootDeviceName": ROOT_DEVICE,
        "RootDeviceType": "ebs",
        "CreationDate": image.created,
        "ImdsSupport": image.imds_support,
    }
