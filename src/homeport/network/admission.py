"""
Decide which of the desired interfaces are possible at all.

Ids become part of file names and rule sets, so nothing strange gets past here.  What was examined once
and has not changed is not examined again: a pass costs what is new.
"""

import re
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from homeport.network import firewall, naming
from homeport.network.actions import Admitted, Claim
from homeport.network.desired import Group, Interface, Network, Vpc

LAST_VLAN = 4094
_HOST_DEVICE = re.compile(r"eth(\d{1,2})")
OWN_ADDRESSES = 4  # of the public pool, at its beginning


@dataclass(frozen=True, slots=True)
class Admission:
    """Who is admitted now, who is not and why; what is new or different, and what was there instead or is gone."""

    admitted: Admitted
    failures: Mapping[str, str]
    changed: Mapping[str, Interface]
    left: Mapping[str, Interface]


def admit(
    before: Admitted, desired: Network, vpcs: Mapping[str, Vpc], hosts: Collection[str], pool: IPv4Network
) -> Admission:
    """
    Admit the desired interfaces that can be made.

    What an interface alone may have (its address, its public address) stays with who had it before.  A
    group with a rule that cannot be enforced keeps new interfaces from being made; those that are
    there stay, and that rule allows nothing.  Branches come after the trunks that carry them.
    """
    known = before.interfaces
    candidates = {
        id_: interface
        for id_, interface in desired.interfaces.items()
        if (known.get(id_) is not interface and known.get(id_) != interface)
        or interface.vpc not in vpcs
        or (interface.host and interface.host not in hosts)
    }
    candidates |= {
        id_: interface
        for id_, interface in desired.interfaces.items()
        if interface.trunk and (interface.trunk in candidates or interface.trunk not in desired.interfaces)
    }
    left = {id_: known[id_] for id_ in known.keys() - desired.interfaces.keys() | known.keys() & candidates.keys()}
    interfaces = {id_: interface for id_, interface in known.items() if id_ not in left} if left else dict(known)
    owners = dict(before.owners)
    for interface in left.values():
        for claim in _claims(interface):
            del owners[claim]
    group_faults: dict[str, str] = {}
    failures: dict[str, str] = {}
    changed: dict[str, Interface] = {}
    for id_, interface in sorted(candidates.items(), key=lambda item: bool(item[1].trunk)):
        fault = _fault(interface, desired.vpcs, vpcs) or _public_fault(interface, pool)
        fault = fault or _place_fault(interface, interfaces, hosts)
        if not fault and id_ not in known:
            fault = _groups_fault(interface, desired.groups, group_faults)
        fault = fault or _claim(owners, interface)
        if fault:
            failures[id_] = fault
        else:
            interfaces[id_] = changed[id_] = interface
    return Admission(Admitted(interfaces, owners), failures, changed, left)


def _place_fault(interface: Interface, interfaces: Mapping[str, Interface], hosts: Collection[str]) -> str:
    """Say what is missing where the interface shall lie, or nothing."""
    if interface.host and interface.host not in hosts:
        return f"{interface.host} is not among the hosts of this node"
    if not interface.trunk:
        return ""
    trunk = interfaces.get(interface.trunk)
    if trunk is None or not trunk.carries_branches or trunk.vpc != interface.vpc:
        return f"{interface.trunk} is not a trunk of {interface.vpc} on this node"
    return ""


def interface_fault(interface: Interface) -> str:
    """Say what makes the interface impossible, or nothing."""
    if not naming.is_safe(interface.id):
        return f"{interface.id!r} cannot name an interface"
    if not naming.is_safe(interface.device) or len(interface.device) > 15 or interface.device == "lo":
        return f"{interface.device!r} cannot name a device"
    if interface.host and not naming.is_safe(interface.host):
        return f"{interface.host!r} cannot name a host"
    if interface.carries_branches and not interface.host:
        return "a trunk lies in a host"
    if interface.trunk and (interface.host or not 1 <= interface.vlan <= LAST_VLAN):
        return f"{interface.vlan} is not the VLAN id of a branch in a namespace of its own"
    if interface.host and not device_number(interface.device):
        return f"{interface.device!r} cannot name a device of a host"
    if bad := [group for group in interface.groups if not naming.is_safe(group)]:
        return f"{bad[0]!r} cannot name a security group"
    if not is_mac(interface.mac):
        return f"{interface.mac!r} is not the MAC address of an interface"
    if not is_ipv4(interface.address):
        return f"{interface.address!r} is not an IPv4 address"
    if not is_network(interface.subnet_cidr):
        return f"{interface.subnet_cidr!r} is not an IPv4 network"
    if interface.public_address and not is_ipv4(interface.public_address):
        return f"{interface.public_address!r} is not an IPv4 address"
    return ""


def device_number(device: str) -> int:
    """Return a number from 1 for a device of a host, "eth0" being the first; 0 if it cannot be one."""
    match = _HOST_DEVICE.fullmatch(device)
    return int(match[1]) + 1 if match else 0


def vpc_fault(vpc: Vpc) -> str:
    """Say what makes the VPC impossible, or nothing."""
    if not naming.is_safe(vpc.id):
        return f"{vpc.id!r} cannot name a VPC"
    if bad := [cidr for cidr in vpc.cidrs if not is_network(cidr)]:
        return f"{bad[0]!r} is not an IPv4 network"
    return "" if not vpc.dns or is_ipv4(vpc.dns) else f"{vpc.dns!r} is not an IPv4 address"


def group_fault(group: Group) -> str:
    """Say which rule of the group cannot be enforced, or nothing: a rule is never silently left out."""
    if not naming.is_safe(group.id):
        return f"{group.id!r} cannot name a security group"
    for rule in (*group.ingress, *group.egress):
        if fault := firewall.rule_fault(rule):
            return f"{group.id}: {fault}"
    return ""


def is_ipv4(text: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET, text)
    except (OSError, UnicodeEncodeError, ValueError):
        return False
    return True


def is_network(text: str) -> bool:
    """Tell whether this is an IPv4 network with its length, and no host bits."""
    try:
        return "/" in text and IPv4Network(text) is not None
    except ValueError:
        return False


def is_mac(text: str) -> bool:
    """Tell whether this is a unicast MAC address."""
    parts = text.split(":")
    if len(parts) != 6 or not all(len(part) == 2 for part in parts):
        return False
    try:
        octets = bytes.fromhex("".join(parts))
    except ValueError:
        return False
    return not octets[0] & 1 and any(octets)


def _fault(interface: Interface, desired: Mapping[str, Vpc], vpcs: Mapping[str, Vpc]) -> str:
    if fault := interface_fault(interface):
        return fault
    if interface.vpc in vpcs:
        return ""
    vpc = desired.get(interface.vpc)
    return vpc_fault(vpc) if vpc else f"{interface.vpc} is not among the VPCs of this node"


def _public_fault(interface: Interface, pool: IPv4Network) -> str:
    """The pool is all that leads here; its first addresses are the machine's, the edge's and the gateways'."""
    address = interface.public_address
    if not address or pool[OWN_ADDRESSES] <= IPv4Address(address) < pool[-1]:
        return ""
    return f"{address} is not a public address of this node: they are from {pool[OWN_ADDRESSES]} to {pool[-2]}"


def _groups_fault(interface: Interface, groups: Mapping[str, Group], seen: dict[str, str]) -> str:
    for id_ in interface.groups:
        if id_ not in seen:
            seen[id_] = group_fault(groups[id_]) if id_ in groups else ""
        if seen[id_]:
            return seen[id_]
    return ""


def _claims(interface: Interface) -> list[Claim]:
    claims = [(interface.vpc, interface.address), (interface.vpc, naming.link(interface.id))]
    if interface.host:
        claims.append((interface.host, interface.device))
    if interface.trunk:
        claims.append((interface.trunk, f"VLAN {interface.vlan}"))
    if firewall.reaches_internet(interface):
        claims.append(("", interface.public_address))
    return claims


def _claim(owners: dict[Claim, str], interface: Interface) -> str:
    claims = _claims(interface)
    for claim in claims:
        if claim in owners:
            return f"{claim[1]} belongs to {owners[claim]}"
    owners.update(dict.fromkeys(claims, interface.id))
    return ""
