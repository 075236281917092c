"""Names and ARNs: what may be in them."""

import re

from homeport.services.ecs.errors import Client, InvalidParameter

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}", re.ASCII)


def check_family(family: str) -> None:
    if not _NAME.fullmatch(family):
        raise Client("Invalid 'family' setting: letters, digits, hyphens and underscores, at most 255 of them.")


def check_container(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise Client(f"Invalid container name '{name}': letters, digits, hyphens and underscores, at most 255 of them.")


def check_cluster(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidParameter("Invalid cluster name: letters, digits, hyphens and underscores, at most 255 of them.")


def is_role(arn: str) -> bool:
    """Say whether it is an IAM role's ARN by its form; whether that role exists is not asked here."""
    return _ROLE.fullmatch(arn) is not None
