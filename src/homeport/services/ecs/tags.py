"""The form in which rows keep tags: the JSON list that answers show."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws import tags as shared
from homeport.services.ecs.errors import InvalidParameter


def parse_tags(given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the tags of a request by key, or refuse them."""
    return shared.parse_tags(given, InvalidParameter)


def merge_tags(present: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """Return *present* tags overlaid by *added* ones, or refuse what that makes too many."""
    return shared.merge_tags(present, added, InvalidParameter)


def to_json(tags: Mapping[str, str]) -> str:
    return json.dumps(shared.tags_view(tags), separators=(",", ":")) if tags else "[]"


def from_json(text: str) -> dict[str, str]:
    if text == "[]":
        return {}
    pairs: list[dict[str, Any]] = json.loads(text)
    return {pair["key"]: pair["value"] for pair in pairs}
