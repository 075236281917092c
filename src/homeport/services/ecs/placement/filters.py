"""
Which instances will not do, and why: AWS's word for it, and a sentence for people.

Each filter answers both at once, so an explanation cannot differ from the decision.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from homeport.services.ecs.placement.instance import ACTIVE, Instance
from homeport.services.ecs.placement.query import Expression, parse_expression
from homeport.services.ecs.placement.resources import Demand, Resource, demand_of

ZONE = "ecs.availability-zone"
_VPC = "ecs.vpc-id"


class Reason(StrEnum):
    """Why a task is not placed on an instance, as `failures[]` says it."""

    AGENT = "AGENT"
    INACTIVE = "INACTIVE"
    ATTRIBUTE = "ATTRIBUTE"
    LOCATION = "LOCATION"
    MEMBER_OF = "MemberOf placement constraint unsatisfied."
    DISTINCT_INSTANCE = "DistinctInstance placement constraint unsatisfied."
    CPU = "RESOURCE:CPU"
    MEMORY = "RESOURCE:MEMORY"
    PORTS = "RESOURCE:PORTS"
    ENI = "RESOURCE:ENI"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a task cannot go to one instance."""

    instance: str  # its ARN
    reason: Reason
    sentence: str


@dataclass(frozen=True, slots=True)
class Network:
    """Where the subnets lie in which a task can have its interface."""

    vpc: str
    zones: frozenset[str]


@dataclass(frozen=True, slots=True)
class MemberOf:
    """Only on instances that the expression picks."""

    expression: Expression

    def refuse(self, instance: Instance, _group: str) -> Refusal | None:
        why = self.expression.explain(instance)
        return Refusal(instance.arn, Reason.MEMBER_OF, f"{why[0].upper()}{why[1:]}.") if why else None


@dataclass(frozen=True, slots=True)
class DistinctInstance:
    """Only where no other task of the group is meant to run."""

    def refuse(self, instance: Instance, group: str) -> Refusal | None:
        if not instance.tasks_of(group):
            return None
        return Refusal(instance.arn, Reason.DISTINCT_INSTANCE, f"A task of the group {group} is there already.")


Constraint = MemberOf | DistinctInstance


@dataclass(frozen=True, slots=True)
class Requirements:
    """
    Everything a task asks of the instance it may run on.

    *attributes* are names with the values they must have, "" where any will do.  *group* is what tasks
    are told apart by when they shall be spread or kept apart: a service's tasks, or those run together.
    """

    demand: Demand
    group: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    network: Network | None = None  # for tasks with an interface of their own
    constraints: tuple[Constraint, ...] = ()


def requirements_of(
    definition: Mapping[str, Any], group: str, network: Network | None = None, constraints: Sequence[Constraint] = ()
) -> Requirements:
    """Return what a task of the normalised *definition* requires, by its own constraints and those given."""
    own = [MemberOf(parse_expression(constraint["expression"])) for constraint in definition["placementConstraints"]]
    return Requirements(
        demand=demand_of(definition),
        group=group,
        attributes={wanted["name"]: wanted.get("value", "") for wanted in definition["requiresAttributes"]},
        network=network,
        constraints=(*own, *constraints),
    )


def find_refusal(requirements: Requirements, instance: Instance) -> Refusal | None:
    """Return the first reason why the task cannot go to *instance*; None if it can."""
    for refuse in _FILTERS:
        if (refusal := refuse(requirements, instance)) is not None:
            return refusal
    return None


def _agent(_: Requirements, instance: Instance) -> Refusal | None:
    if instance.agent_connected:
        return None
    return Refusal(instance.arn, Reason.AGENT, "Its agent is not connected.")


def _status(_: Requirements, instance: Instance) -> Refusal | None:
    if instance.status == ACTIVE:
        return None
    # AWS documents the word for deregistered instances; it fits one that is draining or not yet registered.
    return Refusal(instance.arn, Reason.INACTIVE, f"Its status is {instance.status}.")


def _attributes(requirements: Requirements, instance: Instance) -> Refusal | None:
    missing = [
        f"{name} = {value}" if value else name
        for name, value in sorted(requirements.attributes.items())
        if name not in instance.attributes or (value and instance.attributes[name] != value)
    ]
    if not missing:
        return None
    return Refusal(instance.arn, Reason.ATTRIBUTE, f"It lacks attributes the task requires: {', '.join(missing)}.")


def _location(requirements: Requirements, instance: Instance) -> Refusal | None:
    network = requirements.network
    if network is None:
        return None
    vpc, zone = (instance.attributes.get(name, "") for name in (_VPC, ZONE))
    if vpc != network.vpc:
        return Refusal(
            instance.arn, Reason.ATTRIBUTE, f"It is in {vpc or 'no VPC'} and the task's subnets are in {network.vpc}."
        )
    if zone not in network.zones:
        zones = ", ".join(sorted(network.zones))
        return Refusal(
            instance.arn, Reason.LOCATION, f"It is in {zone or 'no zone'} and the task's subnets are in {zones}."
        )
    return None


def _constraints(requirements: Requirements, instance: Instance) -> Refusal | None:
    for constraint in requirements.constraints:
        if (refusal := constraint.refuse(instance, requirements.group)) is not None:
            return refusal
    return None


_SHORTAGES = {
    Resource.CPU: Reason.CPU,
    Resource.MEMORY: Reason.MEMORY,
    Resource.PORTS: Reason.PORTS,
    Resource.ENI: Reason.ENI,
}


def _resources(requirements: Requirements, instance: Instance) -> Refusal | None:
    shortages = list(instance.room.shortages(requirements.demand))
    if not shortages:
        return None
    # AWS names the first; people want to know what else would be missing once that is solved.
    sentence = " ".join(shortage.sentence for shortage in shortages)
    return Refusal(instance.arn, _SHORTAGES[shortages[0].resource], sentence)


#: What lasts comes before what passes: an instance of another zone is not refused for being full.
_FILTERS: Sequence[Callable[[Requirements, Instance], Refusal | None]] = (
    _agent,
    _status,
    _attributes,
    _location,
    _constraints,
    _resources,
)
