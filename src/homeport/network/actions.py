"""What can be in force, and what can be done about it: the words of a plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from homeport.network.desired import Host, Interface, Sandbox, Vpc
from homeport.network.firewall import Changes, Filter
from homeport.network.host_rules import HostRules


@dataclass(frozen=True, slots=True)
class Link:
    """
    What cannot change while an interface lives; all else about it is set elements.

    *number* tells trunks of one router apart; a branch has its trunk's, and the address of it in *carrier*.
    """

    vpc: str
    subnet_cidr: str
    mac: str
    address: str
    device: str
    host: str = ""
    primary: bool = True
    number: int = 0
    trunk: str = ""
    vlan: int = 0
    carrier: str = ""
    block_metadata: bool = False


class Remains(NamedTuple):
    """What is left of an interface: the VPC whose router has its link, and its address; "" where there is none."""

    vpc: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """What cannot change while a sandbox lives; without an address it is no host's in particular."""

    host: str = ""
    address: str = ""


Source = tuple[str, int]  # an address, and the routing table for what it sends


Claim = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Admitted:
    """Interfaces that were examined and found possible, and what each of them alone may have."""

    interfaces: Mapping[str, Interface] = field(default_factory=dict)
    owners: Mapping[Claim, str] = field(default_factory=dict)


@dataclass(slots=True)
class InForce:
    """
    What the kernel holds.

    After a restart only what can be read back is known: links that are complete, remains of others,
    which routers and gateways exist.  A VPC without a filter or translation here has an unknown one.
    """

    links: dict[str, Link] = field(default_factory=dict)
    remains: dict[str, Remains] = field(default_factory=dict)  # of interfaces half made or half gone
    routers: dict[str, Vpc | None] = field(default_factory=dict)  # None: there, contents unknown
    addresses: dict[str, frozenset[str]] = field(default_factory=dict)  # VPC to what its router answers to
    gateways: set[str] = field(default_factory=set)
    edge: bool = False
    filters: dict[str, Filter] = field(default_factory=dict)
    translations: dict[str, Mapping[str, str]] = field(default_factory=dict)  # VPC to (private to public address)
    admitted: Admitted = field(default_factory=Admitted)
    hosts: dict[str, Host] = field(default_factory=dict)
    half_hosts: set[str] = field(default_factory=set)  # half made or half gone
    sources: dict[str, frozenset[Source]] = field(default_factory=dict)  # by host, where known
    host_rules: dict[str, HostRules] = field(default_factory=dict)  # by host, where known
    sandboxes: dict[str, Box] = field(default_factory=dict)
    half_sandboxes: dict[str, str] = field(default_factory=dict)  # half made or half gone, and their host, "" if none


@dataclass(frozen=True, slots=True)
class Detach:
    """
    Remove interfaces of one VPC and forget their connections; *addresses* are those known to be theirs.

    *hosts* are those that stay and lose an interface.  The links of *emptied* are deleted where they are, at once:
    a branch's would stay its trunk's until the kernel gets round to ending its namespace.
    """

    vpc: str
    interfaces: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RemoveGateway:
    """Remove a VPC's internet gateway, whole or half made."""

    vpc: str


@dataclass(frozen=True, slots=True)
class RemoveRouter:
    """Remove a VPC's router, whole or half made."""

    vpc: str


@dataclass(frozen=True, slots=True)
class RemoveEdge:
    """Remove the edge and, from the machine, all that made it reach public addresses."""


@dataclass(frozen=True, slots=True)
class EnsureRouter:
    """Make the VPC's router if it is missing, and its routes what they shall be."""

    vpc: Vpc


@dataclass(frozen=True, slots=True)
class SetAddresses:
    """Make the router answer to exactly *addresses*: those of its services and its subnets' first."""

    vpc: str
    addresses: frozenset[str]


@dataclass(frozen=True, slots=True)
class EnsureEdge:
    """Make the edge if it is missing or incomplete."""


@dataclass(frozen=True, slots=True)
class EnsureGateway:
    """Make the VPC's internet gateway if it is missing or incomplete."""

    vpc: Vpc


@dataclass(frozen=True, slots=True)
class Attach:
    """Make an interface, as *link* says."""

    interface: Interface
    link: Link


@dataclass(frozen=True, slots=True)
class ReplaceFilter:
    """Put the whole table in place of whatever is there, in one transaction."""

    vpc: Vpc
    filter: Filter


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Change a table that is known, in one transaction."""

    vpc: str
    changes: Changes


@dataclass(frozen=True, slots=True)
class ReplaceTranslation:
    """Make the gateway translate exactly *public* (by private address), whatever it did before."""

    vpc: str
    public: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ChangeTranslation:
    """Change a translation that is known."""

    vpc: str
    removed: Mapping[str, str]
    added: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DetachSandboxes:
    """Remove sandboxes of one host, or of none, and forget their connections there."""

    host: str
    sandboxes: tuple[str, ...]
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RemoveHost:
    """Remove a host's namespace, whole or half made."""

    host: str


@dataclass(frozen=True, slots=True)
class EnsureHost:
    """Make a host's namespace with its bridge."""

    host: Host


@dataclass(frozen=True, slots=True)
class SetSources:
    """Have each address among *sources*, and no other, send by a routing table of its own."""

    host: str
    sources: frozenset[Source]


@dataclass(frozen=True, slots=True)
class AttachSandbox:
    """Make a sandbox, on the bridge of *host* if it has an address."""

    sandbox: Sandbox
    host: Host


@dataclass(frozen=True, slots=True)
class ReplaceHostRules:
    """Put a host's tables in place of whatever is there, in one transaction."""

    host: Host
    rules: HostRules


@dataclass(frozen=True, slots=True)
class ChangeHostRules:
    """Change a host's tables, which are known, in one transaction."""

    host: str
    removed: HostRules
    added: HostRules


Action = (
    Detach
    | RemoveGateway
    | RemoveRouter
    | RemoveEdge
    | EnsureRouter
    | SetAddresses
    | EnsureEdge
    | EnsureGateway
    | Attach
    | ReplaceFilter
    | ChangeFilter
    | ReplaceTranslation
    | ChangeTranslation
    | DetachSandboxes
    | RemoveHost
    | EnsureHost
    | SetSources
    | AttachSandbox
    | ReplaceHostRules
    | ChangeHostRules
)


@dataclass(frozen=True, slots=True)
class Plan:
    """
    Actions in order, what cannot be made (id to reason), and what is in force afterwards.

    *sandboxes* names each admitted sandbox's host.
    """

    actions: tuple[Action, ...]
    failures: Mapping[str, str]
    after: InForce
    sandboxes: Mapping[str, str] = field(default_factory=dict)
