"""Placement constraints and strategies: their form, in requests and in task definitions."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.errors import AwsError
from homeport.services.ecs.errors import Client, InvalidParameter
from homeport.services.ecs.placement.filters import Constraint, DistinctInstance, MemberOf
from homeport.services.ecs.placement.query import InvalidExpression, parse_expression
from homeport.services.ecs.placement.strategies import (
    ATTRIBUTE_PREFIX,
    BINPACK_FIELDS,
    INSTANCE_FIELDS,
    Binpack,
    Random,
    Spread,
    Strategy,
)

_MOST_CONSTRAINTS = 10
_MOST_STRATEGIES = 5


def check_definition(constraints: Sequence[Mapping[str, Any]]) -> None:
    """Check the constraints of a task definition, which knows one kind only."""
    if len(constraints) > _MOST_CONSTRAINTS:
        raise Client(f"Maximum number of placement constraints is {_MOST_CONSTRAINTS}")
    for constraint in constraints:
        if constraint.get("type") != "memberOf":
            raise Client("The only placement constraint of a task definition is memberOf.")
        _member_of(constraint, Client)


def parse_constraints(
    given: Sequence[Mapping[str, Any]], definition: Sequence[Mapping[str, Any]]
) -> tuple[Constraint, ...]:
    """Return a request's constraints, which together with those of its task definition may be ten; or refuse them."""
    if len(given) + len(definition) > _MOST_CONSTRAINTS:
        raise InvalidParameter(f"Maximum number of placement constraints is {_MOST_CONSTRAINTS}")
    return tuple(_constraint(constraint) for constraint in given)


def _constraint(given: Mapping[str, Any]) -> Constraint:
    kind = given.get("type")
    if kind == "memberOf":
        return _member_of(given, InvalidParameter)
    if kind != "distinctInstance":
        raise InvalidParameter("Placement constraint type should not be null or empty.")
    if "expression" in given:  # an empty one is refused too
        raise InvalidParameter("distinctInstance expression should not be specified.")
    return DistinctInstance()


def _member_of(given: Mapping[str, Any], error: type[AwsError]) -> MemberOf:
    try:
        return MemberOf(parse_expression(given.get("expression", "")))
    except InvalidExpression as problem:
        raise error(f"Invalid expression: {problem}.") from problem


def parse_strategies(given: Sequence[Mapping[str, Any]]) -> tuple[Strategy, ...]:
    """Return a request's placement strategies, or refuse them."""
    if len(given) > _MOST_STRATEGIES:
        raise InvalidParameter(f"Maximum number of strategies is {_MOST_STRATEGIES}")
    return tuple(_strategy(strategy) for strategy in given)


def _strategy(given: Mapping[str, Any]) -> Strategy:
    kind, field = given.get("type"), given.get("field", "")
    if kind == "random":
        if field:
            raise InvalidParameter("random field should not be specified")
        return Random()
    if kind == "binpack":
        if field not in BINPACK_FIELDS:
            raise InvalidParameter(f"binpack field '{field}' is invalid")
        return Binpack(field)
    if kind != "spread":
        raise InvalidParameter("Placement strategy type should not be null or empty.")
    if field not in INSTANCE_FIELDS and not (field.startswith(ATTRIBUTE_PREFIX) and field != ATTRIBUTE_PREFIX):
        raise InvalidParameter(f"spread field '{field}' is invalid")
    return Spread(field)
