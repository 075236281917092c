"""Tags: AWS's limits, and the list form in which rows keep them, ready to be shown."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from homeport.services.ecs.errors import InvalidParameter

_MOST = 50


def parse_tags(given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the tags of a request by key, or refuse them as AWS does."""
    tags: dict[str, str] = {}
    for tag in given:
        key, value = tag.get("key", ""), tag.get("value", "")
        check_key(key)
        if key in tags:
            raise InvalidParameter("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
        if len(value) > 256:
            raise InvalidParameter(f"The value of tag '{key}' is longer than 256 characters.")
        tags[key] = value
    check_count(tags)
    return tags


def check_key(key: str) -> None:
    if not 1 <= len(key) <= 128:
        raise InvalidParameter("A tag key must have between 1 and 128 characters.")
    if key.lower().startswith("aws:"):
        raise InvalidParameter("Tag keys starting with 'aws:' are reserved for AWS use.")


def check_count(tags: Mapping[str, str]) -> None:
    """AWS's own tags (aws:...) do not count towards the limit."""
    if sum(not key.startswith("aws:") for key in tags) > _MOST:
        raise InvalidParameter("The number of tags exceeds the limit of 50.")


def to_json(tags: Mapping[str, str]) -> str:
    return json.dumps([{"key": key, "value": value} for key, value in tags.items()], separators=(",", ":"))


def from_json(text: str) -> dict[str, str]:
    if text == "[]":
        return {}
    pairs: list[dict[str, Any]] = json.loads(text)
    return {pair["key"]: pair["value"] for pair in pairs}
