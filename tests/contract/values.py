"""Values for any shape of AWS's models, made deterministically: the same test sends the same request every time."""

import datetime as dt
from typing import Any

from botocore.model import Shape

MOMENT = dt.datetime(2024, 2, 29, 12, 34, 56, tzinfo=dt.UTC)
TEXT = 'a "quoted" <b>&amp; é=+%/?\n\tend'
PLAIN = "plain-text.1"
MAX_DEPTH = 5


def value_of(shape: Shape, depth: int = 0, path: tuple[str, ...] = (), *, plain: bool = False) -> Any:
    """Return a value of *shape*; a shape inside itself, or very deep, becomes as empty as it may be."""
    if shape.type_name in ("structure", "list", "map"):
        if shape.serialization.get("eventstream"):
            return None
        if shape.type_name == "structure":
            return _structure(shape, depth, path)
        return _collection(shape, depth, path, plain=plain)
    return _scalar(shape, plain=plain)


def _structure(shape: Any, depth: int, path: tuple[str, ...]) -> Any:
    if shape.is_document_type:
        return {"free": [1, "form"]}
    members = {}
    for name, member in shape.members.items():
        too_deep = depth >= MAX_DEPTH and not shape.is_tagged_union
        if member.name in path or (too_deep and member.type_name in ("structure", "list", "map")):
            continue
        if member.serialization.get("eventstream"):
            continue
        plain = "location" in member.serialization or "hostLabel" in member.serialization
        members[name] = value_of(member, depth + 1, (*path, shape.name), plain=plain)
        if shape.is_tagged_union:
            break
    return members


def _collection(shape: Any, depth: int, path: tuple[str, ...], *, plain: bool) -> Any:
    inner = (*path, shape.name)
    held = shape.member if shape.type_name == "list" else shape.value
    if held.name in inner or depth > MAX_DEPTH + 1:
        return [] if shape.type_name == "list" else {}
    item = value_of(held, depth + 1, inner, plain=plain)
    if shape.type_name == "list":
        return [item, item] if depth < 3 else [item]
    keys = shape.key.enum[:2] if getattr(shape.key, "enum", None) else ["First", "second"]
    return dict.fromkeys(keys, item)


def _scalar(shape: Any, *, plain: bool) -> Any:
    match shape.type_name:
        case "string" | "character":
            if shape.serialization.get("jsonvalue"):
                return {"free": "form"}
            return shape.enum[0] if getattr(shape, "enum", None) else PLAIN if plain else TEXT
        case "integer" | "long":
            return max(int(shape.metadata.get("min") or 0), 7)
        case "float" | "double":
            return 1.5
        case "boolean":
            return True
        case "timestamp":
            return MOMENT
        case "blob":
            return b"bytes"
        case other:
            raise AssertionError(f"AWS has a new type: {other}")


def as_parsed(shape: Any, value: Any, *, drop_empty_lists: bool = False) -> Any:
    """Return *value* as our parser should give it: epoch seconds for times, no empty lists where they are not sent."""
    if shape.type_name == "structure" and not shape.is_document_type:
        members = {
            name: as_parsed(shape.members[name], item, drop_empty_lists=drop_empty_lists)
            for name, item in value.items()
        }
        return {name: item for name, item in members.items() if not (drop_empty_lists and item in ([], {}))}
    if shape.type_name == "list":
        items = [as_parsed(shape.member, item, drop_empty_lists=drop_empty_lists) for item in value]
        return [item for item in items if not (drop_empty_lists and item in ([], {}))]
    if shape.type_name == "map":
        return {key: as_parsed(shape.value, item, drop_empty_lists=drop_empty_lists) for key, item in value.items()}
    return value.timestamp() if isinstance(value, dt.datetime) else value
