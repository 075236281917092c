"""The example pairs that botocore ships: AWS's own requests and answers go through us unharmed."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.utils import parse_timestamp

from homeport.aws.model import load_model

from .test_round_trips import PROTOCOLS, botocore_model, read, sent
from .values import as_parsed

SERVICES = ("ecs", "ec2", "ecr", "sts", "elbv2", "route53", "lambda", "iam")


def examples() -> Iterator[Any]:
    for name in SERVICES:
        for operation, pairs in Loader().load_service_model(name, "examples-1").get("examples", {}).items():
            for position, example in enumerate(pairs):
                yield pytest.param(name, operation, example, id=f"{name}-{operation}-{position}")


@pytest.mark.parametrize(("name", "operation", "example"), list(examples()))
def test_an_example_survives(name: str, operation: str, example: dict[str, Any]) -> None:
    protocol = botocore_model(name).protocol
    theirs, ours = botocore_model(name).operation_model(operation), load_model(name).get_operation(operation)
    flat = protocol == "ec2"  # which cannot say that a list is empty
    if theirs.input_shape is not None and example.get("input"):
        given = typed(theirs.input_shape, example["input"])
        parsed = PROTOCOLS[protocol].parse(ours, sent(theirs, protocol, given))
        assert parsed == as_parsed(theirs.input_shape, given, drop_empty_lists=flat)
    if theirs.output_shape is not None and example.get("output"):
        result = typed(theirs.output_shape, example["output"])
        got = read(theirs, protocol, PROTOCOLS[protocol].answer(ours, result, "request-1"))
        got.pop("ResponseMetadata", None)
        assert as_parsed(theirs.output_shape, got) == as_parsed(theirs.output_shape, result)


def typed(shape: Any, value: Any) -> Any:
    """Return *value*, written for readers, as the model types it; members that the model lost are dropped."""
    match shape.type_name:
        case "structure":
            return {name: typed(shape.members[name], item) for name, item in value.items() if name in shape.members}
        case "list":
            return [typed(shape.member, item) for item in value]
        case "map":
            return {key: typed(shape.value, item) for key, item in value.items()}
        case "timestamp":
            return parse_timestamp(value)
        case "integer" | "long":
            return int(value)
        case "float" | "double":
            return float(value)
        case "boolean":
            return value if isinstance(value, bool) else value == "true"
        case "blob":
            return str(value).encode()
        case _:
            return str(value)
