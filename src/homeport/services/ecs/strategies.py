"""Capacity provider strategies: who may be named, and which tasks go to whom.  Pure."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from homeport.services.ecs.errors import InvalidParameter
from homeport.services.ecs.model.clusters import Strategy

#: The capacity providers that AWS brings along.  Homeport runs both on its nodes and interrupts neither.
PROVIDERS = ("FARGATE", "FARGATE_SPOT")
_MOST_ITEMS = 20


def check_providers(names: Sequence[str]) -> None:
    """Refuse a capacity provider that does not exist."""
    for name in names:
        if name not in PROVIDERS:
            raise InvalidParameter(f"The specified capacity provider '{name}' was not found.")
    if len(set(names)) < len(names):
        raise InvalidParameter("A capacity provider must be named only once.")


def parse_strategy(given: Sequence[Mapping[str, Any]], associated: Sequence[str]) -> tuple[Strategy, ...]:
    """Return a request's strategy over the providers *associated* with the cluster, or refuse it."""
    if len(given) > _MOST_ITEMS:
        raise InvalidParameter(
            f"A capacity provider strategy can contain a maximum of {_MOST_ITEMS} capacity providers."
        )
    items = tuple(
        # One provider alone needs no weight: every task is its own.
        Strategy(
            capacity_provider=item["capacityProvider"],
            weight=item.get("weight", 1 if len(given) == 1 else 0),
            base=item.get("base", 0),
        )
        for item in given
    )
    for item in items:
        if item.capacity_provider not in associated:
            raise InvalidParameter(
                "The specified capacity provider strategy cannot contain a capacity provider that is not "
                "associated with the cluster. Associate the capacity provider with the cluster and try again."
            )
        if not 0 <= item.weight <= 1000 or not 0 <= item.base <= 100_000:
            raise InvalidParameter("The weight must be between 0 and 1000 and the base between 0 and 100000.")
    if len({item.capacity_provider for item in items}) < len(items):
        raise InvalidParameter("A capacity provider must be named only once.")
    if sum(item.base > 0 for item in items) > 1:
        raise InvalidParameter(
            "There are multiple capacity providers in the specified capacity provider strategy with a base value defined"
        )
    if items and not any(item.weight for item in items):
        raise InvalidParameter(
            "There are no capacity providers in the capacity provider strategy with a weight value greater than zero"
        )
    return items


def distribute(
    strategy: Sequence[Strategy], count: int, present: Mapping[str, int] = MappingProxyType({})
) -> list[str]:
    """
    Name a provider for each of *count* tasks: the base first, then whoever is furthest behind its weight.

    *present* counts the tasks that each provider has already.
    """
    named = {item.capacity_provider: max(0, present.get(item.capacity_provider, 0) - item.base) for item in strategy}
    order: list[str] = []
    for item in strategy:
        lacking = max(0, item.base - present.get(item.capacity_provider, 0))
        order.extend([item.capacity_provider] * min(lacking, count - len(order)))
    weighted = [item for item in strategy if item.weight]
    while len(order) < count:
        item = min(weighted, key=lambda item: (named[item.capacity_provider] + 1) / item.weight)
        named[item.capacity_provider] += 1
        order.append(item.capacity_provider)
    return order
