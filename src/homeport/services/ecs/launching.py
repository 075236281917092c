"""
The documents of new tasks.  Pure: ids, time and everything looked up come in as values.

A new task shows what AWS shows at once: PROVISIONING, an attachment that knows no more than its
subnet, and containers that are PENDING.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from msgspec import UNSET

from homeport.kit.ids import Ids
from homeport.services.ecs.model.clusters import Cluster
from homeport.services.ecs.model.task_definitions import TaskDefinition
from homeport.services.ecs.model.tasks import (
    Attachment,
    Container,
    ContainerLaunch,
    Launch,
    Pair,
    Storage,
    Task,
    TaskRecord,
)
from homeport.services.ecs.translate import has_health_check

PLATFORM_VERSION = "1.4.0"


class Zoned(Protocol):
    """A subnet, as far as spreading needs to know it."""

    @property
    def id(self) -> str: ...
    @property
    def zone(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Order:
    """Everything about a RunTask that its tasks have in common."""

    account: str
    region: str
    cluster: Cluster
    definition: TaskDefinition
    applied: Mapping[str, Any]  # the definition with the overrides applied
    overrides: Mapping[str, Any]
    subnets: Sequence[Zoned]
    groups: Sequence[str]
    public_address: bool
    architecture: str
    group: str
    started_by: str
    now: float
    turn: int  # where in the order of zones the first task goes
    tags: Mapping[str, str] = field(default_factory=dict)


def build(order: Order, provider: str | None, index: int, ids: Ids) -> TaskRecord:
    """Return task number *index* of an order, through a capacity provider unless that is None."""
    task_id = ids.hex(32)
    arn = f"arn:aws:ecs:{order.region}:{order.account}:task/{order.cluster.name}/{task_id}"
    subnets = spread(order.subnets, order.turn + index)
    containers = order.applied["containerDefinitions"]
    storage = Storage(size=(order.applied.get("ephemeralStorage") or {}).get("sizeInGiB", 20))
    task = Task(
        attachments=(Attachment(id=ids.uuid(), details=(Pair(name="subnetId", value=subnets[0].id),)),),
        attributes=(Pair(name="ecs.cpu-architecture", value=order.architecture),),
        availability_zone=subnets[0].zone,
        capacity_provider_name=provider or UNSET,
        cluster_arn=order.cluster.arn,
        containers=tuple(_container(arn, container, ids) for container in containers),
        cpu=order.applied["cpu"],
        created_at=order.now,
        group=order.group or f"family:{order.definition.family}",
        launch_type="FARGATE",
        memory=order.applied["memory"],
        overrides=dict(order.overrides),
        platform_version=PLATFORM_VERSION,
        started_by=order.started_by or UNSET,
        task_arn=arn,
        task_definition_arn=(
            f"arn:aws:ecs:{order.region}:{order.account}:task-definition/"
            f"{order.definition.family}:{order.definition.revision}"
        ),
        ephemeral_storage=storage,
        fargate_ephemeral_storage=storage,
    )
    launch = Launch(
        family=order.definition.family,
        revision=order.definition.revision,
        subnets=tuple(subnet.id for subnet in subnets),
        groups=tuple(order.groups),
        public_address=order.public_address,
        containers=tuple(_part(task_id, container, ids) for container in containers),
    )
    return TaskRecord(task, launch, order.tags)


def _container(task_arn: str, container: Mapping[str, Any], ids: Ids) -> Container:
    def text(member: str) -> Any:
        return str(container[member]) if member in container else UNSET

    return Container(
        container_arn=task_arn.replace(":task/", ":container/") + f"/{ids.uuid()}",
        task_arn=task_arn,
        name=container["name"],
        image=container["image"],
        cpu=str(container["cpu"]),
        memory=text("memory"),
        memory_reservation=text("memoryReservation"),
    )


def _part(task_id: str, container: Mapping[str, Any], ids: Ids) -> ContainerLaunch:
    number = int(ids.hex(10), 16) % 10**10
    return ContainerLaunch(
        name=container["name"],
        runtime_id=f"{task_id}-{number:010}",
        essential=container["essential"],
        checked=has_health_check(container.get("healthCheck")),
    )


def spread(subnets: Sequence[Zoned], turn: int) -> list[Zoned]:
    """
    Return the subnets in the order in which task number *turn* shall try them.

    Zones take turns, and the subnets of a zone do among themselves: so consecutive tasks lie in
    different zones, and a full subnet still leaves all the others.
    """
    by_zone: dict[str, list[Zoned]] = {}
    for subnet in subnets:
        by_zone.setdefault(subnet.zone, []).append(subnet)
    zones = list(by_zone.values())
    start, inner = turn % len(zones), turn // len(zones)
    turned = [[zone[(inner + step) % len(zone)] for step in range(len(zone))] for zone in zones[start:] + zones[:start]]
    longest = max(len(zone) for zone in turned)
    return [zone[step] for step in range(longest) for zone in turned if step < len(zone)]
