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
    """An ENI: *device* with *mac* and *address* inside a network namespace of its own."""

    id: str
    vpc: str
    subnet_cidr: str
    mac: str
    address: str
    device: str = "eth1"
    groups: tuple[str, ...] = ()
    public_address: str = ""
    internet: bool = True


@dataclass(frozen=True, slots=True)
class Network:
    """Everything the node's network shall be; what is not in it shall not exist."""

    vpcs: Mapping[str, Vpc] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    interfaces: Mapping[str, Interface] = field(default_factory=dict)
