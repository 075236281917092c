"""Names and ARNs: what may be in them."""

import re

from homeport.services.ecs.errors import Client, InvalidParameter

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")


def check_family(family: str) -> None:
    if not _NAME.fullmatch(family):
        raise Client("Invalid 'family' setting: letters, digits, hyphens and underscores, at most 255 of them.")


def check_container(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise Client(f"Invalid container name '{name}': letters, digits, hyphens and underscores, at most 255 of them.")


def check_volume(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise Client(f"Invalid volume name '{name}': letters, digits, hyphens and underscores, at most 255 of them.")


def check_cluster(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidParameter("Invalid cluster name: letters, digits, hyphens and underscores, at most 255 of them.")
