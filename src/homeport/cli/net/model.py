"""
The network as plain values: what the API says of VPCs, instances, interfaces, groups and tasks.  Pure.

Ids are EC2's; a task's is the last part of its ARN.  References to other things are ids, "" for none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network

DOCKER_NETWORK = IPv4Network("172.17.0.0/16")
DOCKER_ADDRESS = IPv4Address("172.17.0.1")

ALL_PROTOCOLS = "-1"


class Mode(StrEnum):
    """A task's network mode."""

    AWSVPC = "awsvpc"
    BRIDGE = "bridge"
    HOST = "host"
    NONE = "none"


class Kind(StrEnum):
    """A network interface's type."""

    INTERFACE = "interface"
    TRUNK = "trunk"
    BRANCH = "branch"


@dataclass(frozen=True, slots=True)
class Vpc:
    """A VPC with its one IPv4 network."""

    id: str
    cidr: str
    name: str = ""
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet of a VPC, in one zone."""

    id: str
    vpc: str
    cidr: str
    zone: str
    name: str = ""
    free: int = 0


@dataclass(frozen=True, slots=True)
class Route:
    """Where a destination leads: to "local", or a gateway's id."""

    destination: str
    target: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class RouteTable:
    """A VPC's route table; the main one is for every subnet that has none of its own."""

    id: str
    vpc: str
    routes: tuple[Route, ...] = ()
    main: bool = False
    subnets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gateway:
    """An internet gateway, attached to a VPC or not."""

    id: str
    vpc: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One security group rule: peers are a network or another group's members.

    The protocol is "-1" for all; ports are inclusive, and for ICMP they are type and code, -1 for all.
    """

    protocol: str = ALL_PROTOCOLS
    from_port: int = -1
    to_port: int = -1
    cidr: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A security group."""

    id: str
    vpc: str
    name: str = ""
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Eni:
    """
    A network interface.

    With an *instance* it is attached to that.  Its *task* is the one it belongs to: then it lies in the task's
    namespace, also where it counts as the instance's.  With a *balancer* (app/NAME/ID) it is a load balancer's.
    """

    id: str
    subnet: str
    vpc: str
    address: str
    mac: str = ""
    groups: tuple[str, ...] = ()
    kind: Kind = Kind.INTERFACE
    public: str = ""
    attached: bool = True
    instance: str = ""
    device_index: int = 0
    task: str = ""
    trunk: str = ""
    vlan: int = 0
    description: str = ""
    balancer: str = ""


@dataclass(frozen=True, slots=True)
class Instance:
    """
    An EC2 instance; *enis* is what its type may hold.

    As a container instance it has an ARN, its cluster's name, and with a trunk room for *branches* tasks.
    """

    id: str
    type: str
    subnet: str
    vpc: str
    interface: str
    running: bool = True
    state: str = "running"
    name: str = ""
    enis: int = 0
    container_instance: str = ""
    cluster: str = ""
    status: str = ""
    branches: int = 0


@dataclass(frozen=True, slots=True)
class Binding:
    """A container's port, or with *last_port* a range, and the instance's port that leads to it."""

    container_port: int
    host_port: int
    protocol: str = "tcp"
    last_port: int = 0
    last_host_port: int = 0

    def __str__(self) -> str:
        """Return what it does: "32768 → 80/tcp"."""
        inner = f"{self.container_port}-{self.last_port}" if self.last_port else str(self.container_port)
        outer = f"{self.host_port}-{self.last_host_port}" if self.last_host_port else str(self.host_port)
        return f"{outer} → {inner}/{self.protocol}"

    def publishes(self, port: int, protocol: str) -> bool:
        """Tell whether the instance's *port* leads here."""
        return protocol == self.protocol and self.host_port <= port <= max(self.host_port, self.last_host_port)

    def host_port_of(self, port: int, protocol: str) -> int:
        """Return the instance's port that leads to the container's; 0 where none does."""
        if protocol != self.protocol or not self.container_port <= port <= max(self.container_port, self.last_port):
            return 0
        return self.host_port + port - self.container_port

    def container_port_of(self, port: int) -> int:
        """Return where the instance's *port*, which this publishes, leads."""
        return self.container_port + port - self.host_port


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a task: what it says it listens on, and in bridge mode what the instance publishes."""

    name: str
    running: bool = True
    ports: tuple[tuple[int, str], ...] = ()
    bindings: tuple[Binding, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A task; on an *instance* it is EC2's, with an *eni* it is in awsvpc mode."""

    id: str
    cluster: str
    definition: str
    mode: Mode
    running: bool = True
    status: str = "RUNNING"
    instance: str = ""
    eni: str = ""
    containers: tuple[Container, ...] = ()

    def container(self, name: str) -> Container | None:
        return next((container for container in self.containers if container.name == name), None)


@dataclass(frozen=True, slots=True)
class Model:
    """All of a region's network, each kind by id."""

    vpcs: Mapping[str, Vpc] = field(default_factory=dict)
    subnets: Mapping[str, Subnet] = field(default_factory=dict)
    tables: Mapping[str, RouteTable] = field(default_factory=dict)
    gateways: Mapping[str, Gateway] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    enis: Mapping[str, Eni] = field(default_factory=dict)
    instances: Mapping[str, Instance] = field(default_factory=dict)
    tasks: Mapping[str, Task] = field(default_factory=dict)

    def table_of(self, subnet: Subnet) -> RouteTable | None:
        """Return the route table in force for a subnet."""
        of_vpc = [table for table in self.tables.values() if table.vpc == subnet.vpc]
        own = [table for table in of_vpc if subnet.id in table.subnets]
        return next(iter(own), None) or next((table for table in of_vpc if table.main), None)

    def tasks_on(self, instance: str) -> Iterator[Task]:
        return (task for task in self.tasks.values() if task.instance == instance)

    def own_enis(self, instance: str) -> list[Eni]:
        """Return the interfaces in the instance's own namespace, the primary first."""
        found = (eni for eni in self.enis.values() if eni.instance == instance and not eni.task)
        return sorted((eni for eni in found if eni.kind is not Kind.BRANCH), key=lambda eni: (eni.device_index, eni.id))

    def counted_enis(self, instance: str) -> int:
        """Count what takes one of the places that the instance's type has: a trunk's branches do not."""
        return sum(eni.instance == instance and eni.kind is not Kind.BRANCH for eni in self.enis.values())

    def address_owner(self, vpc: str, address: str) -> Eni | None:
        """Return who has a private address in a VPC."""
        return next((eni for eni in self.enis.values() if eni.vpc == vpc and eni.address == address), None)

    def public_owner(self, address: str) -> Eni | None:
        return next((eni for eni in self.enis.values() if eni.public and eni.public == address), None)
