"""Requests that have the form of an operation's model and any content, made from a seed."""

import random
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError
from botocore.model import ServiceModel

from homeport.aws.operation import Service

_TEXTS = [
    "",
    "a",
    "web",
    "\x00",
    "é" * 3,
    "x" * 300,
    "{",
    "[1]",
    "${a}",
    "arn:aws:x",
    "m1 + 1",
    "cron(* * ? * ? *)",
    "-1",
]
_INTEGERS = [-1, 0, 1, 10, 60, 61, 86_400, 2**31 - 1]
_NUMBERS = [0.0, -1.0, 1.5, 1e300, 5e-324, float("inf"), float("nan")]
_TIMES = [0, 1_700_000_000, 4_000_000_000]


def request(
    service: Service, model: ServiceModel, name: str, source: random.Random, likely: Mapping[str, list[Any]]
) -> dict[str, Any]:
    """Return a request of the operation *name*; the members in *likely* are mostly one of those."""
    shape = model.operation_model(name).input_shape
    bound = service.find_bound(name)
    assert bound is not None, name
    honoured = bound._keywords  # what is not is refused before anything else
    document = _value(shape, source, likely, "", 0)
    return {member: value for member, value in document.items() if member in honoured and member != "NextToken"}


def _value(shape: Any, source: random.Random, likely: Mapping[str, list[Any]], name: str, depth: int) -> Any:
    if name in likely and source.random() < 0.9:
        return source.choice(likely[name])
    match shape.type_name:
        case "structure":
            members = {}
            for member, inner in shape.members.items():
                needed = member in shape.required_members or member in likely
                if source.random() < (0.95 if needed else 0.3):
                    members[member] = _value(inner, source, likely, member, depth + 1)
            return members
        case "list":
            return [_value(shape.member, source, likely, f"{name}[]", depth + 1) for _ in range(source.randint(0, 2))]
        case "map":
            keys = (source.choice(_TEXTS) for _ in range(source.randint(0, 2)))
            return {key: _value(shape.value, source, likely, name, depth + 1) for key in keys}
        case "string":
            known = getattr(shape, "enum", None)
            return source.choice(known if known and source.random() < 0.9 else _TEXTS)
        case "integer" | "long":
            return source.choice(_INTEGERS)
        case "double" | "float":
            return source.choice(_NUMBERS)
        case "boolean":
            return source.random() < 0.5
        case "timestamp":
            return source.choice(_TIMES)
        case other:
            raise AssertionError(f"no operation here takes a {other}")


def is_answered(client: Any, name: str, document: dict[str, Any]) -> bool:
    """Ask, and say whether that was done; what is not must be refused in words, and never be an internal failure."""
    method = next(python for python, aws in client.meta.method_to_api_mapping.items() if aws == name)
    try:
        getattr(client, method)(**document)
    except ClientError as error:
        answered = error.response["Error"]
        assert answered["Code"] != "InternalFailure", document
        assert answered["Message"], document
        return False
    return True
