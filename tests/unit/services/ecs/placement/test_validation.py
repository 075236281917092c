"""The form of placement constraints and strategies, in AWS's words where they are known."""

import re
from typing import Any

import pytest

from homeport.aws.errors import AwsError
from homeport.services.ecs.definitions import complete
from homeport.services.ecs.errors import Client, InvalidParameter
from homeport.services.ecs.placement.filters import DistinctInstance, MemberOf
from homeport.services.ecs.placement.strategies import Binpack, Random, Spread
from homeport.services.ecs.validation.placement import check_definition, parse_constraints, parse_strategies

PROD = {"type": "memberOf", "expression": "attribute:stack == prod"}
DISTINCT = {"type": "distinctInstance"}
MANGLED = "Invalid expression: expected an argument at position 19."


def test_constraints_are_read() -> None:
    distinct, member = parse_constraints([DISTINCT, PROD], [PROD])
    assert distinct == DistinctInstance()
    assert isinstance(member, MemberOf)
    assert member.expression.text == PROD["expression"]


@pytest.mark.parametrize(
    ("constraint", "sentence"),
    [
        ({"type": "memberOf", "expression": "attribute:stack =="}, MANGLED),
        ({"type": "memberOf"}, "Invalid expression: expected a subject at position 1."),
        (DISTINCT | {"expression": "attribute:stack == prod"}, "distinctInstance expression should not be specified."),
        (DISTINCT | {"expression": ""}, "distinctInstance expression should not be specified."),
        ({}, "Placement constraint type should not be null or empty."),
    ],
)
def test_a_constraint_is_refused(constraint: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidParameter, match=f"^{re.escape(sentence)}$"):
        parse_constraints([constraint], [])


def test_a_task_has_at_most_ten_constraints_wherever_they_come_from() -> None:
    assert len(parse_constraints([DISTINCT] * 4, [PROD] * 6)) == 4
    with pytest.raises(InvalidParameter, match="Maximum number of placement constraints is 10"):
        parse_constraints([DISTINCT] * 5, [PROD] * 6)
    with pytest.raises(Client, match="Maximum number of placement constraints is 10"):
        check_definition([PROD] * 11)


@pytest.mark.parametrize(
    ("constraint", "sentence"),
    [
        ({"type": "memberOf", "expression": "attribute:stack =="}, MANGLED),
        (DISTINCT, "The only placement constraint of a task definition is memberOf."),
    ],
)
def test_a_definition_with_such_a_constraint_is_not_registered(constraint: dict[str, Any], sentence: str) -> None:
    definition = {
        "family": "web",
        "containerDefinitions": [{"name": "web", "image": "web", "memory": 64}],
        "placementConstraints": [constraint],
    }
    with pytest.raises(Client, match=f"^{re.escape(sentence)}$"):
        complete(definition)


def test_strategies_are_read_in_order() -> None:
    given = [
        {"type": "spread", "field": "attribute:ecs.availability-zone"},
        {"type": "spread", "field": "host"},
        {"type": "binpack", "field": "memory"},
        {"type": "binpack", "field": "cpu"},
        {"type": "random"},
    ]
    assert parse_strategies(given) == (
        Spread("attribute:ecs.availability-zone"),
        Spread("host"),
        Binpack("memory"),
        Binpack("cpu"),
        Random(),
    )


@pytest.mark.parametrize(
    ("strategies", "sentence"),
    [
        ([{"type": "random", "field": "cpu"}], "random field should not be specified"),
        ([{"type": "binpack", "field": "disk"}], "binpack field 'disk' is invalid"),
        ([{"type": "binpack"}], "binpack field '' is invalid"),
        ([{"type": "spread", "field": "cpu"}], "spread field 'cpu' is invalid"),
        ([{"type": "spread", "field": "attribute:"}], "spread field 'attribute:' is invalid"),
        ([{"field": "cpu"}], "Placement strategy type should not be null or empty."),
        ([{"type": "random"}] * 6, "Maximum number of strategies is 5"),
    ],
)
def test_a_strategy_is_refused(strategies: list[dict[str, str]], sentence: str) -> None:
    with pytest.raises(AwsError, match=f"^{re.escape(sentence)}$") as refusal:
        parse_strategies(strategies)
    assert isinstance(refusal.value, InvalidParameter)
