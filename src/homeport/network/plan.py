"""
Decide what to do so that the kernel's network becomes the desired one.

Pure: it knows what is in force and what is wanted, and yields actions whose order keeps these true
whenever it is interrupted:

- An interface is registered with its security groups only after its link exists, and what is not
  registered passes nothing: no moment is more open than the old or the new configuration.
- What an interface that goes has left behind (its link, its connections) is gone before
  anything with its address comes.
- What does not differ is not touched: connections outlive any number of passes.
"""

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import NamedTuple

from homeport.network import firewall, naming
from homeport.network.desired import Group, Interface, Network, Vpc
from homeport.network.firewall import Changes, Filter
from homeport.network.ruleset import SERVICE_ADDRESSES


@dataclass(frozen=True, slots=True)
class Link:
    """What cannot change while an interface lives; all else about it is set elements."""

    vpc: str
    subnet_cidr: str
    mac: str
    address: str
    device: str


class Remains(NamedTuple):
    """What is left of an interface: the VPC whose router has its link, and its address; "" where there is none."""

    vpc: str = ""
    address: str = ""


@dataclass(slots=True)
class InForce:
    """
    What the kernel holds.

    After a restart only what can be read back is known: links that are complete, remains of others,
    which routers and gateways exist.  A VPC without a filter or translation here has an unknown one.
    """

    links: dict[str, Link] = field(default_factory=dict)
    remains: dict[str, Remains] = field(default_factory=dict)  # of interfaces half made or half gone
    routers: dict[str, Vpc | None] = field(default_factory=dict)
    addresses: dict[str, frozenset[str]] = field(default_factory=dict)  # VPC to what its router answers to
    gateways: set[str] = field(default_factory=set)
    edge: bool = False
    filters: dict[str, Filter] = field(default_factory=dict)
    translations: dict[str, Mapping[str, str]] = field(default_factory=dict)  # VPC to (private to public address)


@dataclass(frozen=True, slots=True)
class Detach:
    """Remove interfaces of one VPC and forget their connections; *addresses* are those known to be theirs."""

    vpc: str
    interfaces: tuple[str, ...]
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RemoveGateway:
    vpc: str


@dataclass(frozen=True, slots=True)
class RemoveRouter:
    vpc: str


@dataclass(frozen=True, slots=True)
class RemoveEdge:
    pass


@dataclass(frozen=True, slots=True)
class EnsureRouter:
    """Make the VPC's router if it is missing, and its addresses and routes what they shall be."""

    vpc: Vpc


@dataclass(frozen=True, slots=True)
class SetAddresses:
    """Make the router answer to exactly *addresses*: those of its services and its subnets' first."""

    vpc: str
    addresses: frozenset[str]


@dataclass(frozen=True, slots=True)
class EnsureEdge:
    pass


@dataclass(frozen=True, slots=True)
class EnsureGateway:
    vpc: Vpc


@dataclass(frozen=True, slots=True)
class Attach:
    interface: Interface


@dataclass(frozen=True, slots=True)
class ReplaceFilter:
    """Put the whole table in place of whatever is there, in one transaction."""

    vpc: Vpc
    filter: Filter


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    vpc: str
    changes: Changes


@dataclass(frozen=True, slots=True)
class ReplaceTranslation:
    """Make the gateway translate exactly *public* (by private address), whatever it did before."""

    vpc: str
    public: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ChangeTranslation:
    vpc: str
    removed: Mapping[str, str]
    added: Mapping[str, str]


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
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Actions in order, interfaces that cannot be made (id to reason), and what is in force afterwards."""

    actions: tuple[Action, ...]
    failures: Mapping[str, str]
    after: InForce


def link_of(interface: Interface) -> Link:
    return Link(interface.vpc, interface.subnet_cidr, interface.mac, interface.address, interface.device)


def plan(current: InForce, desired: Network) -> Plan:
    """Return what makes *desired* of *current*; the same again yields no action."""
    vpcs = {id_: vpc for id_, vpc in desired.vpcs.items() if not vpc_fault(vpc)}
    interfaces, failures = admissible(desired, current, vpcs)
    links = {id_: _link(current, interface) for id_, interface in interfaces.items()}
    addresses = _addresses(vpcs, links)
    filters = _filters(current, desired, vpcs, interfaces)
    translations = _translations(vpcs, interfaces)
    after = InForce(links, {}, dict(vpcs), addresses, set(translations), bool(translations), filters, translations)
    actions: list[Action] = []
    actions += _detach(current, links)
    actions += [RemoveGateway(vpc) for vpc in sorted(current.gateways - translations.keys())]
    actions += [RemoveRouter(vpc) for vpc in sorted(current.routers.keys() - vpcs.keys())]
    if current.edge and not translations:
        actions.append(RemoveEdge())
    actions += [EnsureRouter(vpc) for id_, vpc in vpcs.items() if current.routers.get(id_) != vpc]
    actions += [SetAddresses(id_, wanted) for id_, wanted in addresses.items() if current.addresses.get(id_) != wanted]
    if translations and not _edge_known(current):
        actions.append(EnsureEdge())
    actions += [EnsureGateway(vpcs[id_]) for id_ in translations if not _gateway_known(current, vpcs[id_])]
    actions += [Attach(interfaces[id_]) for id_, link in links.items() if current.links.get(id_) != link]
    actions += _filter_actions(current, vpcs, filters)
    actions += _translation_actions(current, translations)
    return Plan(tuple(actions), failures, after)


def admissible(
    desired: Network, current: InForce, vpcs: Mapping[str, Vpc]
) -> tuple[dict[str, Interface], dict[str, str]]:
    """
    Return the interfaces that can be made, and for each other the reason why not.

    One that is in force already is returned as that very value: it need not be examined again.  A group
    with a rule that cannot be enforced keeps new interfaces from being made; those that are there stay,
    and that rule allows nothing.
    """
    failures: dict[str, str] = {}
    good: dict[str, Interface] = {}
    owners: dict[tuple[str, str], str] = {}
    faults = dict(_group_faults(current, desired.groups))
    for id_, wanted in desired.interfaces.items():
        filter_ = current.filters.get(wanted.vpc)
        existing = filter_.interfaces.get(id_) if filter_ else None
        known = wanted is existing or wanted == existing
        interface = existing if existing is not None and known else wanted
        fault = "" if known else interface_fault(interface)
        if not fault and interface.vpc not in vpcs:
            vpc = desired.vpcs.get(interface.vpc)
            fault = vpc_fault(vpc) if vpc else f"{interface.vpc} is not among the VPCs of this node"
        if not fault and faults and id_ not in current.links:
            fault = next((faults[group] for group in interface.groups if group in faults), "")
        fault = fault or _claim(owners, interface)
        if fault:
            failures[id_] = fault
        else:
            good[id_] = interface
    return good, failures


def interface_fault(interface: Interface) -> str:
    """Say what makes the interface impossible, or nothing."""
    if not naming.is_safe(interface.id):
        return f"{interface.id!r} cannot name an interface"
    if not naming.is_safe(interface.device) or len(interface.device) > 15 or interface.device == "lo":
        return f"{interface.device!r} cannot name a device"
    if bad := [group for group in interface.groups if not naming.is_safe(group)]:
        return f"{bad[0]!r} cannot name a security group"
    if not _is_mac(interface.mac):
        return f"{interface.mac!r} is not the MAC address of an interface"
    if not is_ipv4(interface.address):
        return f"{interface.address!r} is not an IPv4 address"
    if not is_network(interface.subnet_cidr):
        return f"{interface.subnet_cidr!r} is not an IPv4 network"
    if interface.public_address and not is_ipv4(interface.public_address):
        return f"{interface.public_address!r} is not an IPv4 address"
    return ""


def vpc_fault(vpc: Vpc) -> str:
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
    except (OSError, UnicodeEncodeError):
        return False
    return True


def is_network(text: str) -> bool:
    try:
        return "/" in text and IPv4Network(text) is not None
    except ValueError:
        return False


def gateway_address(subnet_cidr: str) -> str:
    """Return the subnet's first address, which its VPC's router answers to."""
    base, _, _ = subnet_cidr.partition("/")
    first = int.from_bytes(socket.inet_aton(base), "big") + 1
    return socket.inet_ntoa(first.to_bytes(4, "big"))


def _is_mac(text: str) -> bool:
    parts = text.split(":")
    try:
        octets = [int(part, 16) for part in parts]
    except ValueError:
        return False
    unicast = not octets[0] & 1 and any(octets)
    return len(parts) == 6 and all(len(part) == 2 for part in parts) and unicast


def _group_faults(current: InForce, groups: Mapping[str, Group]) -> Iterator[tuple[str, str]]:
    for id_, group in groups.items():
        filter_ = current.filters.get(group.vpc)
        if filter_ is not None and filter_.groups.get(id_) is group:
            continue  # examined when it came into force
        if fault := group_fault(group):
            yield id_, fault


def _claim(owners: dict[tuple[str, str], str], interface: Interface) -> str:
    claims = [(interface.vpc, interface.address), (interface.vpc, naming.link(interface.id))]
    if firewall.reaches_internet(interface):
        claims.append(("", interface.public_address))
    for claim in claims:
        if claim in owners:
            return f"{claim[1]} belongs to {owners[claim]}"
    owners.update(dict.fromkeys(claims, interface.id))
    return ""


def _link(current: InForce, interface: Interface) -> Link:
    """Return the very value that is in force where the interface is, so that comparing it is free."""
    filter_ = current.filters.get(interface.vpc)
    if filter_ is not None and filter_.interfaces.get(interface.id) is interface:
        return current.links.get(interface.id) or link_of(interface)
    return link_of(interface)


def _addresses(vpcs: Mapping[str, Vpc], links: Mapping[str, Link]) -> dict[str, frozenset[str]]:
    found = {id_: {*SERVICE_ADDRESSES, *([vpc.dns] if vpc.dns else [])} for id_, vpc in vpcs.items()}
    for vpc_id, subnet in {(link.vpc, link.subnet_cidr) for link in links.values()}:
        found[vpc_id].add(gateway_address(subnet))
    return {id_: frozenset(addresses) for id_, addresses in found.items()}


def _filters(
    current: InForce, desired: Network, vpcs: Mapping[str, Vpc], interfaces: Mapping[str, Interface]
) -> dict[str, Filter]:
    groups: dict[str, dict[str, Group]] = {id_: {} for id_ in vpcs}
    members: dict[str, dict[str, Interface]] = {id_: {} for id_ in vpcs}
    for id_, group in desired.groups.items():
        if group.vpc in groups and naming.is_safe(id_):
            groups[group.vpc][id_] = group
    for id_, interface in interfaces.items():
        members[interface.vpc][id_] = interface
    return {
        id_: firewall.make_filter(groups[id_], members[id_], vpc.internet_gateway, current.filters.get(id_))
        for id_, vpc in vpcs.items()
    }


def _translations(vpcs: Mapping[str, Vpc], interfaces: Mapping[str, Interface]) -> dict[str, Mapping[str, str]]:
    found: dict[str, dict[str, str]] = {id_: {} for id_, vpc in vpcs.items() if vpc.internet_gateway}
    for interface in interfaces.values():
        if interface.vpc in found and firewall.reaches_internet(interface):
            found[interface.vpc][interface.address] = interface.public_address
    return dict(found)


def _detach(current: InForce, links: Mapping[str, Link]) -> Iterator[Detach]:
    """What is half made goes too, wanted or not: it is made anew from nothing."""
    gone = {id_: Remains(link.vpc, link.address) for id_, link in current.links.items() if links.get(id_) != link}
    by_vpc: dict[str, dict[str, Remains]] = {}
    for id_, left in (gone | current.remains).items():
        by_vpc.setdefault(left.vpc, {})[id_] = left
    for vpc, all_left in sorted(by_vpc.items()):
        addresses = {left.address for left in all_left.values()} - {""}
        yield Detach(vpc, tuple(sorted(all_left)), tuple(sorted(addresses)))


def _edge_known(current: InForce) -> bool:
    return current.edge and bool(current.translations)


def _gateway_known(current: InForce, vpc: Vpc) -> bool:
    return vpc.id in current.gateways and vpc.id in current.translations and current.routers.get(vpc.id) == vpc


def _filter_actions(
    current: InForce, vpcs: Mapping[str, Vpc], filters: Mapping[str, Filter]
) -> Iterator[ReplaceFilter | ChangeFilter]:
    for id_, wanted in filters.items():
        existing = current.filters.get(id_)
        if existing is None or current.routers.get(id_) != vpcs[id_]:
            yield ReplaceFilter(vpcs[id_], wanted)
        else:
            changes = firewall.changes(existing, wanted)
            if not changes.empty():
                yield ChangeFilter(id_, changes)


def _translation_actions(
    current: InForce, translations: Mapping[str, Mapping[str, str]]
) -> Iterator[ReplaceTranslation | ChangeTranslation]:
    for id_, wanted in translations.items():
        existing = current.translations.get(id_) if id_ in current.gateways else None
        if existing is None:
            yield ReplaceTranslation(id_, wanted)
        elif existing != wanted:
            removed = dict(existing.items() - wanted.items())
            yield ChangeTranslation(id_, removed, dict(wanted.items() - existing.items()))
