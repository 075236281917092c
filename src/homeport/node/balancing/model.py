"""What a load balancer shall be, as the node knows it: plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from homeport.wire.messages import Forward, LoadBalancer, Target, TargetGroup, TargetState


@dataclass(frozen=True, slots=True)
class Desired:
    """A load balancer with the target groups its rules lead to, and their targets."""

    balancer: LoadBalancer
    groups: Mapping[str, TargetGroup] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)


def groups_of(balancer: LoadBalancer) -> frozenset[str]:
    """Return the ids of the target groups that a load balancer's rules lead to."""
    return frozenset(
        weighted.target_group
        for listener in balancer.listeners
        for rule in listener.rules
        if isinstance(rule.action, Forward)
        for weighted in rule.action.target_groups
    )


def namespace_of(balancer: str) -> str:
    """Return what the network calls a load balancer's namespace: its id ends in digits that no other has."""
    return balancer.replace("/", "-")


def backend_of(group: str) -> str:
    """Return what HAProxy calls a target group: names of groups hold no dots, so two never become one."""
    return group.replace("/", ".")


def open_backend_of(group: str) -> str:
    """Return the backend that answers while no target of the group is healthy."""
    return f"{backend_of(group)}.open"


def first_backend_of(group: str) -> str:
    """Return the backend, asked by nobody, that finds out quickly when a new target begins to answer."""
    return f"{backend_of(group)}.first"


def server_of(target: Target) -> str:
    """Return what HAProxy calls a target."""
    return f"{target.address}:{target.port}"


@dataclass(frozen=True, slots=True)
class Placed:
    """A target with the state in which a proxy that is started takes it over."""

    target: Target
    state: TargetState
