"""AWS's public parameters: the region's ECS-optimised image, and no others."""

import json
from datetime import datetime

from homeport.services.ec2.images import Image, ecs_optimised_image
from homeport.services.ssm.model import IMAGE, STRING, TEXT, Parameter

#: What no account's own parameter can begin with.
PUBLIC = "/aws/"

_RECOMMENDED = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended"
_PUBLISHER = "arn:aws:iam::aws:root"


def is_public(name: str) -> bool:
    """Say whether *name*, or a path, is in AWS's part of the hierarchy."""
    return f"{name}/".startswith(PUBLIC)


def public_parameters(region: str) -> list[Parameter]:
    """Return the region's public parameters in the order of their names."""
    image = ecs_optimised_image(region)
    return [
        _parameter(image, _RECOMMENDED, json.dumps(_metadata(image), separators=(",", ":")), TEXT),
        _parameter(image, f"{_RECOMMENDED}/image_id", image.id, IMAGE),
    ]


def find_public(region: str, name: str) -> Parameter | None:
    return next((parameter for parameter in public_parameters(region) if parameter.name == name), None)


def _metadata(image: Image) -> dict[str, str | int]:
    return {
        "ecs_agent_version": image.agent_version,
        "ecs_runtime_version": image.runtime_version,
        "image_id": image.id,
        "image_name": image.name,
        "image_version": image.version,
        "os": image.os,
        "schema_version": 1,
    }


def _parameter(image: Image, name: str, value: str, data_type: str) -> Parameter:
    published = datetime.fromisoformat(image.created).timestamp()
    return Parameter(name, 1, STRING, value, "", published, _PUBLISHER, data_type, public=True)
