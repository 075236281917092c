"""Targets, and the state that AWS's users see of them.  Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

#: The zone of a target that lies outside the VPC, and of functions.
ALL_ZONES = "all"


class State(StrEnum):
    """AWS's states of a target."""

    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNUSED = "unused"
    DRAINING = "draining"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class TargetState:
    """What DescribeTargetHealth says: a state, and why where it is not healthy."""

    state: State
    reason: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A target as a request names it; without a *port* it has the group's, without a *zone* that of its address."""

    id: str
    port: int | None = None
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """
    A registered target: an instance, an address or a function, and a port (0 for a function).

    *registration* grows with every registration of the same target.  *seen*, *reason* and *description* are what the
    load balancer last reported of this registration; *seen* is empty before it has.  *item* is the target's id on the
    node that has it.
    """

    group: str
    id: str
    port: int
    zone: str
    address: str
    registration: int
    draining_since: float | None = None
    seen: str = ""
    reason: str = ""
    description: str = ""
    observed_sequence: int = 0
    item: str = ""

    @property
    def key(self) -> tuple[str, int]:
        return self.id, self.port


NOT_IN_USE = TargetState(
    State.UNUSED, "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
)
OTHER_ZONE = TargetState(
    State.UNUSED, "Target.NotInUse", "Target is in an Availability Zone that is not enabled for the load balancer"
)
NOT_REGISTERED = TargetState(State.UNUSED, "Target.NotRegistered", "Target is not registered to the target group")
DRAINING = TargetState(State.DRAINING, "Target.DeregistrationInProgress", "Target deregistration is in progress")
REGISTERING = TargetState(State.INITIAL, "Elb.RegistrationInProgress", "Target registration is in progress")
CHECKING = TargetState(State.INITIAL, "Elb.InitialHealthChecking", "Initial health checks in progress")
UNCHECKED = TargetState(
    State.UNAVAILABLE, "Target.HealthCheckDisabled", "Health checks are not enabled for this target"
)


def not_running(state: str) -> TargetState:
    """Return the state of an instance that is in *state*."""
    return TargetState(State.UNUSED, "Target.InvalidState", f"Target is in the {state} state")


def in_zones(target: Target, zones: Collection[str]) -> bool:
    """Say whether a load balancer in *zones* sends anything to a target."""
    return target.zone == ALL_ZONES or target.zone in zones


def state_of(
    target: Target, *, zones: Collection[str] | None, instance_state: str = "running", checked: bool = True
) -> TargetState:
    """
    Return what AWS's users see of a target.

    *zones* are those of the load balancer that forwards to the group, None where none does; *checked* says whether the
    group has health checks, *instance_state* is that of the target where it is an instance.
    """
    if target.draining_since is not None:
        return DRAINING
    if zones is None:
        return NOT_IN_USE
    if not in_zones(target, zones):
        return OTHER_ZONE
    if instance_state != "running":
        return not_running(instance_state)
    if not checked:
        return UNCHECKED
    if not target.seen:
        return REGISTERING
    if target.seen == State.INITIAL:
        return CHECKING
    return TargetState(State(target.seen), target.reason, target.description)
