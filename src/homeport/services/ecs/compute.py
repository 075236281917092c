"""Where tasks shall run: on a launch type alone, or through capacity providers.  Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeport.services.ecs.errors import InvalidParameter, UnsupportedFeature
from homeport.services.ecs.model.clusters import Cluster, Strategy
from homeport.services.ecs.strategies import parse_strategy
from homeport.services.ecs.validation import launch


@dataclass(frozen=True, slots=True)
class Compute:
    """A launch type, and the strategy over capacity providers of that type, if it was not said alone."""

    launch_type: str
    strategy: tuple[Strategy, ...] = ()


def choose_compute(
    cluster: Cluster,
    definition: Mapping[str, Any],
    launch_type: str | None,
    strategy: Sequence[Mapping[str, Any]],
    platform_version: str | None,
) -> Compute:
    """Return what a request chooses, by what it says or by the cluster's default strategy; or refuse it."""
    if launch_type is not None and strategy:
        raise InvalidParameter(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again."
        )
    items = parse_strategy(strategy, cluster.document.capacity_providers)
    if launch_type is None and not items:
        items = cluster.document.default_capacity_provider_strategy
    chosen = "FARGATE" if items else launch_type or "EC2"
    if chosen != "FARGATE" and platform_version is not None:
        raise InvalidParameter(f"The platform version must be null when specifying an {chosen} launch type.")
    launch.check_compatible(definition, chosen)
    if chosen not in {"FARGATE", "EC2"}:
        raise UnsupportedFeature(f"The launch type {chosen} is not supported.")
    return Compute(chosen, tuple(items))
