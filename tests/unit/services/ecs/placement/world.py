"""Instances and requirements with the usual values filled in."""

from typing import Any

from homeport.services.ecs.placement.filters import Requirements
from homeport.services.ecs.placement.instance import Instance
from homeport.services.ecs.placement.resources import Demand, Room

GROUP = "family:web"
#: 2018-06-18T22:28:28Z.
REGISTERED_AT = 1_529_360_908.9


def instance(name: str = "i-1", *, zone: str = "us-east-1a", room: Room | None = None, **more: Any) -> Instance:
    """Return a c5.large of the VPC vpc-1 unless told otherwise."""
    attributes = {
        "ecs.instance-type": "c5.large",
        "ecs.availability-zone": zone,
        "ecs.vpc-id": "vpc-1",
        "ecs.capability.task-eni": "",
    } | more.pop("attributes", {})
    return Instance(
        arn=name,
        room=room or Room(cpu=2048, memory_mib=3800, ports=frozenset({22}), interfaces=2),
        attributes=attributes,
        **more,
    )


def requirements(**more: Any) -> Requirements:
    fields: dict[str, Any] = {"demand": Demand(cpu=256, memory_mib=512), "group": GROUP}
    return Requirements(**(fields | more))
