"""The resources of a VPC as plain values, and the rules that hold for them everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network

from homeport.kit.ids import Ids
from homeport.services.ec2 import regions

#: How many security groups an interface may have, AWS's default quota.
GROUPS_PER_INTERFACE = 5
#: How many rules of one direction and address family a security group may have, AWS's default quota.
RULES_PER_GROUP = 60
#: The pool that public addresses come from, and its range where an installation says nothing else.
PUBLIC_POOL = "public"
PUBLIC_POOL_CIDR = "198.18.0.0/16"
#: Who owns what AWS itself attaches.
AWS_OWNER = "amazon-aws"

Tags = Mapping[str, str]


def new_id(ids: Ids, prefix: str) -> str:
    """Return a fresh id of AWS's long form, such as vpc-0123456789abcdef0."""
    return f"{prefix}-0{ids.hex(16)}"


@dataclass(frozen=True, slots=True)
class Vpc:
    """An isolated network with one IPv4 range."""

    id: str
    region: str
    cidr: str
    cidr_association: str
    network_acl: str
    is_default: bool = False
    dns_hostnames: bool = False
    dhcp_options: str = ""

    @property
    def resolver(self) -> str:
        """The address that answers DNS inside the VPC: its base plus two."""
        return str(IPv4Network(self.cidr)[2])

    @property
    def domain(self) -> str:
        return regions.internal_domain(self.region)


@dataclass(frozen=True, slots=True)
class Subnet:
    """A range of a VPC in one availability zone; *lent* counts the addresses in use."""

    id: str
    region: str
    vpc: str
    cidr: str
    zone: str
    network_acl_association: str
    default_for_zone: bool = False
    map_public_ip: bool = False
    lent: int = 0

    @property
    def free(self) -> int:
        first, last = usable(self.cidr)
        return last - first + 1 - self.lent


@dataclass(frozen=True, slots=True)
class SecurityGroupRule:
    """
    One rule: a protocol, a port range and exactly one source (or destination, for egress).

    The protocol is "-1" (all), "tcp", "udp", "icmp", "icmpv6" or a number; ports are -1 where the
    protocol has none, and type and code for ICMP.  The source is a CIDR of either family or a group's id.
    """

    id: str
    region: str
    group: str
    egress: bool
    protocol: str
    from_port: int
    to_port: int
    source: str
    description: str = ""

    @property
    def references_group(self) -> bool:
        return self.source.startswith("sg-")

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.source

    @property
    def identity(self) -> tuple[bool, str, int, int, str]:
        """What no two rules of a group share; the description is not part of it."""
        return self.egress, self.protocol, self.from_port, self.to_port, self.source


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """A named list of what is allowed; what no rule allows is dropped."""

    id: str
    region: str
    vpc: str
    name: str
    description: str
    rules: tuple[SecurityGroupRule, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupName:
    """A security group as an interface shows it."""

    id: str
    name: str


class InterfaceKind(StrEnum):
    """What an interface is for: traffic of its own, carrying branches, or being carried by a trunk."""

    INTERFACE = "interface"
    TRUNK = "trunk"
    BRANCH = "branch"


@dataclass(frozen=True, slots=True)
class TrunkAssociation:
    """A branch's hold on the trunk that carries it, under a VLAN id that no other branch there has."""

    id: str
    region: str
    trunk: str
    branch: str
    vlan: int


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """
    An ENI.

    One with a *requester* belongs to an AWS service: its users can see it, not delete, detach or
    change it.  One with an *attachment* is in use; with an *instance* it is attached to that as device *device_index*,
    *for_task* says that the device lies in the namespace of a task there.  *detaching* ones are still attached.
    A branch in use has an *association*; one with a *balancer* lies in that load balancer's namespace.  *private_dns_name* is empty where the VPC has DNS
    hostnames switched off; *dns_name* is the name regardless, which is what a task's host name is made of.
    """

    id: str
    region: str
    vpc: str
    subnet: str
    zone: str
    mac: str
    address: str
    dns_hostnames: bool
    groups: tuple[GroupName, ...] = ()
    public_address: str = ""
    description: str = ""
    requester: str = ""
    attachment: str = ""
    created_at: float = 0.0
    kind: InterfaceKind = InterfaceKind.INTERFACE
    instance: str = ""
    device_index: int = 1
    for_task: bool = False
    delete_on_termination: bool = False
    attached_at: float = 0.0
    detaching: bool = False
    block_metadata: bool = False
    association: TrunkAssociation | None = None
    balancer: str = ""

    @property
    def dns_name(self) -> str:
        return f"ip-{self.address.replace('.', '-')}.{regions.internal_domain(self.region)}"

    @property
    def private_dns_name(self) -> str:
        return self.dns_name if self.dns_hostnames else ""

    @property
    def status(self) -> str:
        if self.detaching:
            return "detaching"
        return "in-use" if self.in_use else "available"

    @property
    def in_use(self) -> bool:
        return bool(self.attachment) or self.association is not None

    @property
    def is_open(self) -> bool:
        """Whether nothing is filtered on it: a network load balancer may have no security groups."""
        return bool(self.balancer) and not self.groups

    @property
    def service_owner(self) -> str:
        """Who owns what an interface of a service's is attached to."""
        return self.requester if self.balancer else AWS_OWNER

    @property
    def type(self) -> str:
        """The type that users see."""
        return "network_load_balancer" if self.balancer.startswith("net/") else str(self.kind)

    @property
    def attachment_status(self) -> str:
        return "detaching" if self.detaching else "attached"


@dataclass(frozen=True, slots=True)
class InternetGateway:
    """The way out of at most one VPC."""

    id: str
    region: str
    vpc: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a destination leads: to an internet gateway, which counts only while it is attached."""

    destination: str
    gateway: str
    active: bool


@dataclass(frozen=True, slots=True)
class Association:
    """A route table's hold on a subnet, or on the VPC as its main table (no subnet)."""

    id: str
    route_table: str
    subnet: str = ""


@dataclass(frozen=True, slots=True)
class RouteTable:
    """Routes of the subnets associated with it; the local route is understood."""

    id: str
    region: str
    vpc: str
    vpc_cidr: str
    routes: tuple[Route, ...] = ()
    associations: tuple[Association, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkAcl:
    """A VPC's default network ACL, which allows everything; it has no rows of its own."""

    id: str
    region: str
    vpc: str
    subnets: Mapping[str, str] = field(default_factory=dict)  # association id -> subnet id


@dataclass(frozen=True, slots=True)
class DhcpOptions:
    """The region's default DHCP options."""

    id: str
    region: str


def usable(cidr: str) -> tuple[int, int]:
    """Return the first and last address that AWS lends: it keeps the first four and the last of a subnet."""
    network = IPv4Network(cidr)
    return int(network.network_address) + 4, int(network.broadcast_address) - 1


def dotted(address: int) -> str:
    return str(IPv4Address(address))
