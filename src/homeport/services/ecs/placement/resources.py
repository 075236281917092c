"""
What a task needs of an instance, and what an instance has left of it.

Elastic network interfaces are counted like the rest and shown to nobody: the API lists CPU, memory
and ports only, yet a task with an interface of its own is refused where none is left.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class Resource(StrEnum):
    """What an instance can run short of, in the order in which it is looked at."""

    CPU = "CPU"
    MEMORY = "MEMORY"
    PORTS = "PORTS"
    ENI = "ENI"


@dataclass(frozen=True, slots=True)
class Demand:
    """
    What one task takes of its instance.

    Of ports only those that the task definition fixes: a port that the node picks from the ephemeral
    range is promised to nobody beforehand, and an interface of the task's own has all ports to itself.
    """

    cpu: int = 0
    memory_mib: int = 0
    ports: frozenset[int] = frozenset()
    udp_ports: frozenset[int] = frozenset()
    interfaces: int = 0


@dataclass(frozen=True, slots=True)
class Shortage:
    """What an instance lacks for a task, with the figures in words."""

    resource: Resource
    sentence: str


@dataclass(frozen=True, slots=True)
class Room:
    """
    What is left on an instance: units and interfaces that are free, ports that are taken.

    Amounts may be negative, on an instance that came back smaller than its tasks.
    """

    cpu: int
    memory_mib: int
    ports: frozenset[int] = frozenset()
    udp_ports: frozenset[int] = frozenset()
    interfaces: int = 0

    def take(self, demand: Demand) -> "Room":
        """Return what is left beside one more task."""
        return replace(
            self,
            cpu=self.cpu - demand.cpu,
            memory_mib=self.memory_mib - demand.memory_mib,
            ports=self.ports | demand.ports,
            udp_ports=self.udp_ports | demand.udp_ports,
            interfaces=self.interfaces - demand.interfaces,
        )

    def shortages(self, demand: Demand) -> Iterator[Shortage]:
        """Name everything that is missing for the task; nothing if it fits."""
        # A task that asks for nothing of a kind fits even where less than nothing is left.
        if 0 < demand.cpu > self.cpu:
            yield Shortage(Resource.CPU, f"It has {self.cpu} CPU units left and the task needs {demand.cpu}.")
        if 0 < demand.memory_mib > self.memory_mib:
            yield Shortage(
                Resource.MEMORY, f"It has {self.memory_mib} MiB of memory left and the task needs {demand.memory_mib}."
            )
        taken = [
            f"{protocol} {', '.join(str(port) for port in sorted(ports))}"
            for protocol, ports in (("tcp", self.ports & demand.ports), ("udp", self.udp_ports & demand.udp_ports))
            if ports
        ]
        if taken:
            yield Shortage(Resource.PORTS, f"Host ports the task needs are in use or reserved: {'; '.join(taken)}.")
        if 0 < demand.interfaces > self.interfaces:
            yield Shortage(
                Resource.ENI,
                f"It can take {self.interfaces} more network interfaces and the task needs {demand.interfaces}.",
            )


def room_beside(registered: Room, demands: Iterable[Demand]) -> Room:
    """
    Return what tasks leave of what an instance registered.

    The ports of *registered* are the reserved ones, which no task can have.
    """
    for demand in demands:
        registered = registered.take(demand)
    return registered


def demand_of(definition: Mapping[str, Any]) -> Demand:
    """
    Return what a task of the normalised *definition*, overrides applied, takes of an instance.

    The task's own size counts where it has one; else the sum over its containers, of which each counts
    with its memory reservation, or with its limit if that is all it has.
    """
    containers = definition["containerDefinitions"]
    cpu, memory = definition.get("cpu"), definition.get("memory")
    awsvpc = definition.get("networkMode") == "awsvpc"
    return Demand(
        cpu=int(cpu) if cpu is not None else sum(container["cpu"] for container in containers),
        memory_mib=int(memory) if memory is not None else sum(_memory(container) for container in containers),
        ports=frozenset() if awsvpc else _ports(containers, "tcp"),
        udp_ports=frozenset() if awsvpc else _ports(containers, "udp"),
        interfaces=1 if awsvpc else 0,
    )


def _memory(container: Mapping[str, Any]) -> int:
    memory: int = container.get("memoryReservation") or container["memory"]
    return memory


def _ports(containers: Iterable[Mapping[str, Any]], protocol: str) -> frozenset[int]:
    return frozenset(
        mapping["hostPort"]
        for container in containers
        for mapping in container["portMappings"]
        if mapping.get("hostPort") and mapping["protocol"] == protocol
    )
