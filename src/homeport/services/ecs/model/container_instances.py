"""Container instances: what was registered of them, and what tasks take of that."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from homeport.services.ecs.placement.instance import Instance
from homeport.services.ecs.placement.resources import Demand, Room


class Status(StrEnum):
    """AWS's states of a container instance."""

    REGISTERING = "REGISTERING"
    REGISTRATION_FAILED = "REGISTRATION_FAILED"
    ACTIVE = "ACTIVE"
    DRAINING = "DRAINING"
    DEREGISTERING = "DEREGISTERING"
    INACTIVE = "INACTIVE"


class Registration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What an instance registered with: CPU units, MiB, ports that no task can have, awsvpc tasks it may hold.

    *attributes* are those of the agent and of ECS, "" where an attribute is only a name; those that users give are kept
    apart.  *block_metadata* keeps awsvpc tasks from the instance's metadata.
    """

    cpu: int
    memory: int
    interfaces: int
    ports: tuple[int, ...] = ()
    udp_ports: tuple[int, ...] = ()
    attributes: dict[str, str] = msgspec.field(default_factory=dict)
    agent_version: str = ""
    runtime_version: str = ""
    trunk: str = ""
    trunk_wanted: bool = False
    block_metadata: bool = False
    status_reason: str = ""
    version: int = 1


class Used(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What tasks take of an instance: sums, ports with how often, and tasks that are meant to run by group."""

    cpu: int = 0
    memory: int = 0
    interfaces: int = 0
    ports: tuple[int, ...] = ()
    udp_ports: tuple[int, ...] = ()
    groups: dict[str, int] = msgspec.field(default_factory=dict)
    pending: int = 0
    running: int = 0


@dataclass(frozen=True, slots=True)
class ContainerInstance:
    """A machine that takes tasks; *connected* says whether its agent can be told something now."""

    id: str
    arn: str
    cluster: str
    ec2_instance: str
    status: Status
    registered_at: float
    registration: Registration
    used: Used = field(default_factory=Used)
    tags: Mapping[str, str] = field(default_factory=dict)
    custom: Mapping[str, str] = field(default_factory=dict)  # attributes that users have given
    connected: bool = False

    @property
    def attributes(self) -> dict[str, str]:
        """All attributes by name."""
        return self.registration.attributes | dict(self.custom)

    @property
    def room(self) -> Room:
        """What is left for tasks."""
        own, used = self.registration, self.used
        return Room(
            cpu=own.cpu - used.cpu,
            memory_mib=own.memory - used.memory,
            ports=frozenset(own.ports) | frozenset(used.ports),
            udp_ports=frozenset(own.udp_ports) | frozenset(used.udp_ports),
            interfaces=own.interfaces - used.interfaces,
        )

    def for_placement(self) -> Instance:
        """Return the instance as placement sees it."""
        return Instance(
            arn=self.arn,
            room=self.room,
            status=self.status.value,
            agent_connected=self.connected,
            agent_version=self.registration.agent_version,
            ec2_instance_id=self.ec2_instance,
            registered_at=self.registered_at,
            running_tasks=self.used.running,
            tasks=self.used.groups,
            attributes=self.attributes,
        )


class Share(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one task has of its instance, as it is kept with the task."""

    cpu: int = 0
    memory: int = 0
    interfaces: int = 0
    ports: tuple[int, ...] = ()
    udp_ports: tuple[int, ...] = ()
    group: str = ""
    stage: str = "pending"  # or "running"
    leaving: bool = False  # it has been asked to stop, and no longer counts for its group


def share_of(demand: Demand, group: str) -> Share:
    """Return the share of a new task."""
    return Share(
        cpu=demand.cpu,
        memory=demand.memory_mib,
        interfaces=demand.interfaces,
        ports=tuple(sorted(demand.ports)),
        udp_ports=tuple(sorted(demand.udp_ports)),
        group=group,
    )


def take(used: Used, share: Share) -> Used:
    """Return what is used with one more task's share."""
    return _count(used, share, 1)


def give_back(used: Used, share: Share) -> Used:
    """Return what is used without a task's share."""
    return _count(used, share, -1)


def _count(used: Used, share: Share, sign: int) -> Used:
    groups = dict(used.groups)
    if not share.leaving:
        groups[share.group] = groups.get(share.group, 0) + sign
        if not groups[share.group]:
            del groups[share.group]
    return Used(
        cpu=used.cpu + sign * share.cpu,
        memory=used.memory + sign * share.memory,
        interfaces=used.interfaces + sign * share.interfaces,
        ports=_ports(used.ports, share.ports, sign),
        udp_ports=_ports(used.udp_ports, share.udp_ports, sign),
        groups=groups,
        pending=used.pending + sign * (share.stage == "pending"),
        running=used.running + sign * (share.stage == "running"),
    )


def _ports(used: tuple[int, ...], own: tuple[int, ...], sign: int) -> tuple[int, ...]:
    return tuple(sorted({*used, *own} if sign > 0 else set(used) - set(own)))
