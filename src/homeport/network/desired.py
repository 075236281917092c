"""
The network a node shall have: plain values, no kernel.

The server's messages say it in the protocol's words; the agent turns them into these.  All
addresses are strings in their usual notation, IPv4 for now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rule:
    """One security group rule; an empty protocol allows all, ports are inclusive, ICMP uses them as type and code."""

    protocol: str = ""
    from_port: int = -1
    to_port: int = -1
    cidr: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Vpc:
    """A VPC's router.  *dns* is the resolver's address, which the router owns."""

    id: str
    cidrs: tuple[str, ...]
    dns: str
    internet_gateway: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A security group with the rules in force; what no rule allows is dropped."""

    id: str
    vpc: str
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Interface:
    """
    An ENI: *device* with *mac* and *address* inside a network namespace.

    The namespace is its own unless *host* names the host it is attached to; there the one with *primary* has the
    default route, and the others answer by the way that a question came.  A *trunk* carries branches; a branch
    names its trunk, by which it is reached as the trunk's VLAN *vlan*.  With *block_metadata* nothing leads from its
    namespace to the instance metadata service.
    """

    id: str
    vpc: str
    subnet_cidr: str
    mac: str
    address: str
    device: str = "eth1"
    groups: tuple[str, ...] = ()
    public_address: str = ""
    internet: bool = True
    host: str = ""
    primary: bool = True
    carries_branches: bool = False
    trunk: str = ""
    vlan: int = 0
    block_metadata: bool = False


@dataclass(frozen=True, slots=True)
class Host:
    """
    An instance's namespace: its interfaces lie in it, and a bridge, docker0, that leads out through them.

    *agent_port* is where 169.254.170.2:80 is answered for those who live here or on the bridge.  Without a *bridge*
    it is a load balancer's: programs with several interfaces, for whom no endpoint is answered.
    """

    id: str
    bridge: str = "172.17.0.0/16"  # the bridge has the first address; "" is none
    agent_port: int = 51679


@dataclass(frozen=True, slots=True)
class Binding:
    """A port of a sandbox that its host publishes on all its addresses."""

    protocol: str
    host_port: int
    port: int


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A container's own namespace: with *address* a port of its host's bridge, as eth0; without, a loopback alone."""

    id: str
    host: str
    address: str = ""
    bindings: tuple[Binding, ...] = ()


@dataclass(frozen=True, slots=True)
class Network:
    """Everything the node's network shall be; what is not in it shall not exist."""

    vpcs: Mapping[str, Vpc] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    interfaces: Mapping[str, Interface] = field(default_factory=dict)
    hosts: Mapping[str, Host] = field(default_factory=dict)
    sandboxes: Mapping[str, Sandbox] = field(default_factory=dict)
