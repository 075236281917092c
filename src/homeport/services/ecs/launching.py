"""
The documents of new tasks.  Pure: ids, time and everything looked up come in as values.

A new task shows what AWS shows at once: containers that are PENDING and, where it gets an interface of its own,
PROVISIONING and an attachment that knows no more than its subnet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from msgspec import UNSET

from homeport.kit.ids import Ids
from homeport.services.ecs.model.clusters import Cluster
from homeport.services.ecs.model.container_instances import ContainerInstance, share_of
from homeport.services.ecs.model.task_definitions import TaskDefinition
from homeport.services.ecs.model.tasks import (
    Attachment,
    Container,
    ContainerLaunch,
    Launch,
    NetworkBinding,
    Pair,
    Status,
    Storage,
    Task,
    TaskRecord,
)
from homeport.services.ecs.placement.filters import ZONE
from homeport.services.ecs.placement.resources import demand_of
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
    """Everything that tasks started together have in common."""

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
    service: str = ""  # the ARNs of the service that orders them and of its revision
    revision_of_service: str = ""


def build(order: Order, provider: str | None, index: int, ids: Ids) -> TaskRecord:
    """Return task number *index* of an order, through a capacity provider unless that is None."""
    task_id = ids.hex(32)
    arn = _arn(order, task_id)
    subnets = spread(order.subnets, order.turn + index)
    containers = order.applied["containerDefinitions"]
    storage = Storage(size=(order.applied.get("ephemeralStorage") or {}).get("sizeInGiB", 20))
    task = Task(
        attachments=(_attachment(subnets, ids),),
        attributes=(Pair(name="ecs.cpu-architecture", value=order.architecture),),
        availability_zone=subnets[0].zone,
        capacity_provider_name=provider or UNSET,
        cluster_arn=order.cluster.arn,
        containers=tuple(_container(arn, container, ids) for container in containers),
        cpu=order.applied["cpu"],
        created_at=order.now,
        group=group_of(order),
        launch_type="FARGATE",
        memory=order.applied["memory"],
        overrides=dict(order.overrides),
        platform_version=PLATFORM_VERSION,
        platform_family="Linux",
        started_by=order.started_by or UNSET,
        task_arn=arn,
        task_definition_arn=_definition_arn(order),
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
        service=order.service,
        revision_of_service=order.revision_of_service,
    )
    return TaskRecord(task, launch, order.tags)


def build_on(order: Order, instance: ContainerInstance, index: int, ids: Ids) -> TaskRecord:
    """Return task number *index* of an order, on a container instance that has room for it."""
    task_id = ids.hex(32)
    arn = _arn(order, task_id)
    zone = instance.attributes[ZONE]
    own = [subnet for subnet in order.subnets if subnet.zone == zone]
    subnets = spread(own, order.turn + index) if own else []
    containers = order.applied["containerDefinitions"]
    demand = demand_of(order.applied)
    task = Task(
        attachments=(_attachment(subnets, ids),) if subnets else (),
        attributes=(Pair(name="ecs.cpu-architecture", value=order.architecture),),
        availability_zone=zone,
        cluster_arn=order.cluster.arn,
        container_instance_arn=instance.arn,
        containers=tuple(_container(arn, container, ids) for container in containers),
        cpu=str(demand.cpu),
        created_at=order.now,
        group=group_of(order),
        last_status=Status.PROVISIONING if subnets else Status.PENDING,
        launch_type="EC2",
        memory=str(demand.memory_mib),
        overrides=dict(order.overrides),
        started_by=order.started_by or UNSET,
        task_arn=arn,
        task_definition_arn=_definition_arn(order),
    )
    in_host = order.applied.get("networkMode") == "host"
    launch = Launch(
        family=order.definition.family,
        revision=order.definition.revision,
        subnets=tuple(subnet.id for subnet in subnets),
        groups=tuple(order.groups),
        public_address=False,
        containers=tuple(_part_on(container, ids, in_host=in_host) for container in containers),
        container_instance=instance.id,
        ec2_instance=instance.ec2_instance,
        share=share_of(demand, group_of(order)),
        service=order.service,
        revision_of_service=order.revision_of_service,
    )
    return TaskRecord(task, launch, order.tags)


def group_of(order: Order) -> str:
    """Return what an order's tasks are told apart by."""
    return order.group or f"family:{order.definition.family}"


def _arn(order: Order, task_id: str) -> str:
    return f"arn:aws:ecs:{order.region}:{order.account}:task/{order.cluster.name}/{task_id}"


def _definition_arn(order: Order) -> str:
    definition = order.definition
    return f"arn:aws:ecs:{order.region}:{order.account}:task-definition/{definition.family}:{definition.revision}"


def _attachment(subnets: Sequence[Zoned], ids: Ids) -> Attachment:
    return Attachment(id=ids.uuid(), details=(Pair(name="subnetId", value=subnets[0].id),))


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


def _part_on(container: Mapping[str, Any], ids: Ids, *, in_host: bool) -> ContainerLaunch:
    """Return a container's part on an instance: its runtime id is Docker's, its endpoint's a secret of its own."""
    ports = container["portMappings"] if in_host else ()
    return ContainerLaunch(
        name=container["name"],
        runtime_id=ids.hex(64),
        essential=container["essential"],
        checked=has_health_check(container.get("healthCheck")),
        endpoint_id=ids.uuid(),
        host_ports=tuple(
            NetworkBinding(container_port=port["containerPort"], host_port=port["hostPort"], protocol=port["protocol"])
            for port in ports
        ),
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
