"""
Which container asks: by the place a question came to, the address it came from, and the id in it.

An id alone is never enough.  It is good for its own container only, and from where that container is: in awsvpc mode
from the task's address in its VPC, in bridge mode from the container's address on its instance's docker0, in host
mode from the instance itself.  All three are addresses that the network lets nobody else use.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Protocol

from homeport.node.instances.runner import InstanceRunner
from homeport.node.tasks.roster import Roster
from homeport.node.tasks.runner import Runner
from homeport.wire.messages import Container, NetworkMode

BRIDGE = "172.17.0.1"  # an instance's own address on its docker0
_LOOPBACK = IPv4Network("127.0.0.0/8")


class Place(Protocol):
    """Where a listener is: inside a VPC's router, or on an instance."""

    @property
    def name(self) -> str:
        """Something that no other place is called."""

    @property
    def vpc(self) -> str:
        """The VPC it lies in."""

    def find(self, peer: str, endpoint_id: str) -> tuple[Runner, Container] | None:
        """Return the container of that id, if it can ask from *peer*."""

    def task_at(self, peer: str) -> Runner | None:
        """Return the task that has the address *peer* for its own."""


@dataclass(frozen=True, slots=True)
class VpcPlace:
    """A VPC's router: tasks with an interface of their own ask here."""

    roster: Roster
    vpc: str

    @property
    def name(self) -> str:
        return self.vpc

    def find(self, peer: str, endpoint_id: str) -> tuple[Runner, Container] | None:
        found = self.roster.find_endpoint(endpoint_id)
        return found if found is not None and found[0] is self.task_at(peer) else None

    def task_at(self, peer: str) -> Runner | None:
        return self.roster.find_address(self.vpc, peer)


@dataclass(frozen=True, slots=True)
class InstancePlace:
    """An instance: containers on its bridge ask here, and those that share its namespace."""

    roster: Roster
    instance: InstanceRunner

    @property
    def name(self) -> str:
        return self.instance.id

    @property
    def vpc(self) -> str:
        return self.instance.vpc.id

    def find(self, peer: str, endpoint_id: str) -> tuple[Runner, Container] | None:
        found = self.roster.find_endpoint(endpoint_id)
        if found is None or found[0].spec.instance != self.instance.id:
            return None
        runner, container = found
        match runner.spec.network_mode:
            case NetworkMode.HOST if self.is_instance(peer) and not container.network_disabled:
                return found
            case NetworkMode.BRIDGE if peer and runner.state.containers[container.name].address == peer:
                return found
        return None

    def task_at(self, peer: str) -> Runner | None:
        """Return nothing: only a task with an interface of its own is known by its address."""
        del peer
        return None

    def is_instance(self, peer: str) -> bool:
        """Say whether the instance's own processes ask from *peer*."""
        return (
            IPv4Address(peer) in _LOOPBACK or peer == BRIDGE or any(eni.address == peer for eni in self.instance.enis)
        )
