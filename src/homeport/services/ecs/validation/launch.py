"""What RunTask checks that needs no look-up."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from homeport.services.ecs.errors import InvalidParameter, PlatformUnknown, UnsupportedFeature

_MOST_TASKS = 10
_MOST_SUBNETS = 16
_MOST_GROUPS = 5
_PLATFORMS = ("LATEST", "1.4.0")
_OLD_PLATFORMS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0")
_STARTED_BY = re.compile(r"[\w/.:@=+-]{1,128}", re.ASCII)


def check_count(count: int) -> None:
    if not 1 <= count <= _MOST_TASKS:
        raise InvalidParameter(f"count must be between 1 and {_MOST_TASKS}.")


def check_platform(version: str) -> None:
    """Refuse a platform version other than the one that is offered."""
    if version in _OLD_PLATFORMS:
        raise UnsupportedFeature(f"Platform version {version} is not supported; use 1.4.0 or LATEST.")
    if version not in _PLATFORMS:
        raise PlatformUnknown("The specified platform version does not exist.")


def check_fargate_placement(constraints: Sequence[Any], strategy: Sequence[Any]) -> None:
    if constraints:
        raise InvalidParameter("Placement constraints are not supported with FARGATE launch type.")
    if strategy:
        raise InvalidParameter("Placement strategies are not supported with FARGATE launch type.")


def check_compatible(definition: Mapping[str, Any], launch_type: str) -> None:
    if launch_type not in definition["compatibilities"]:
        raise InvalidParameter(f"Task definition does not support launch_type {launch_type}.")


def check_network(mode: str | None, configuration: Mapping[str, Any] | None, launch_type: str) -> Mapping[str, Any]:
    """Return the awsvpcConfiguration, which tasks with an interface of their own need and others must not have."""
    awsvpc: Mapping[str, Any] | None = (configuration or {}).get("awsvpcConfiguration")
    if mode != "awsvpc":
        if awsvpc is not None:
            raise InvalidParameter(
                "Network Configuration is not valid for the given networkMode of this task definition."
            )
        return {}
    if awsvpc is None:
        raise InvalidParameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    if not awsvpc["subnets"]:
        raise InvalidParameter("subnets can not be empty.")
    if len(awsvpc["subnets"]) > _MOST_SUBNETS:
        raise InvalidParameter(f"subnets can have at most {_MOST_SUBNETS} items.")
    if len(awsvpc.get("securityGroups", ())) > _MOST_GROUPS:
        raise InvalidParameter(f"securityGroups can have at most {_MOST_GROUPS} items.")
    if awsvpc.get("assignPublicIp") == "ENABLED" and launch_type != "FARGATE":
        raise InvalidParameter("Assign public IP is not supported for this launch type.")
    return awsvpc


def check_labels(group: str, started_by: str) -> None:
    """Check the two free texts by which tasks can be told apart later."""
    if group.startswith(("service:", "family:")):
        raise InvalidParameter("Invalid namespace for group.")
    if len(group) > 255:
        raise InvalidParameter("group must be at most 255 characters long.")
    if started_by and not _STARTED_BY.fullmatch(started_by):
        raise InvalidParameter(
            "startedBy must be at most 128 letters, digits, hyphens, underscores and the characters / . : @ = +."
        )
