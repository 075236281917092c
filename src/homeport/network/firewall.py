"""
Security groups as sets, maps and chains: what a VPC router's nftables table holds.

An interface is looked up by its device's name and yields its *combination*, the number of its list
of groups, whose chain jumps to each group's chain.  So an interface is only ever some set elements,
whatever its groups allow, and the look-up stays flat.  A device that is not registered, or that sends
from another address than its own, is dropped.

Everything here is pure.  `contents` is the whole table's variable part; `changes` leads from one
configuration to another and costs what differs, not what there is.
"""

import functools
import ipaddress
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from homeport.network import naming
from homeport.network.desired import Group, Interface, Rule

COMBINATION, SOURCES, INTERNET, FRAMES = "eni_combination", "eni_source", "internet", "frames"
BY_DEVICE = frozenset({COMBINATION, INTERNET})  # whose keys are devices alone
INBOUND, OUTBOUND = "inbound", "outbound"

Key = str | int | tuple[str, str | int]
Data = str | int | None

PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58}
_WITH_PORTS = (6, 17)
_COMBINATION = "combination-"


class Element(NamedTuple):
    """An entry of a set (no data) or a map."""

    set: str
    key: Key
    data: Data = None


@dataclass(frozen=True, slots=True)
class Allow:
    """Accept what comes from (goes to) a network or a set's members, of one protocol and range."""

    inbound: bool
    cidr: str = ""
    members: str = ""
    protocol: int | None = None
    low: int = -1  # first port, or ICMP type
    high: int = -1  # last port, or ICMP code


class Jump(NamedTuple):
    """Go on in a group's chain, and come back where it allows nothing."""

    chain: str


class Drop(NamedTuple):
    """The end of a combination: what no group allowed."""


Statement = Allow | Jump | Drop


@dataclass(frozen=True, slots=True)
class Filter:
    """What a VPC's table is made from.  *numbers* gives each combination its number, *carried* branches theirs."""

    groups: Mapping[str, Group]
    interfaces: Mapping[str, Interface]
    numbers: Mapping[tuple[str, ...], int]
    internet_gateway: bool = False
    carried: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Contents:
    """The variable part of a table: chains with their rules, sets with their elements."""

    chains: dict[str, tuple[Statement, ...]] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)  # the sets of group members
    elements: set[Element] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Changes:
    """What leads from one table to another, in the order in which the kernel can take it."""

    new_sets: tuple[str, ...] = ()
    new_chains: tuple[str, ...] = ()
    rules: tuple[tuple[str, tuple[Statement, ...]], ...] = ()  # chains whose rules are replaced
    dropped: tuple[Element, ...] = ()
    added: tuple[Element, ...] = ()
    old_chains: tuple[str, ...] = ()
    old_sets: tuple[str, ...] = ()

    def empty(self) -> bool:
        return self == Changes()


@functools.lru_cache(maxsize=4096)
def combination(groups: tuple[str, ...]) -> tuple[str, ...]:
    """Return a list of groups in its one form: order and repetition mean nothing."""
    return tuple(sorted(set(groups)))


def make_filter(
    groups: Mapping[str, Group],
    interfaces: Mapping[str, Interface],
    internet_gateway: bool,
    previous: "Filter | None",
    carried: Mapping[str, int] | None = None,
) -> Filter:
    """
    Number the combinations in use, keeping the numbers that *previous* gave.

    Where two lists would have the same number the later one takes the next that is free.
    """
    kept = previous.numbers if previous else {}
    used = {combination(groups) for groups in {interface.groups for interface in interfaces.values()}}
    numbers = {each: kept[each] for each in used if each in kept}
    taken = set(numbers.values())
    for each in sorted(used - numbers.keys()):
        number = naming.combination(each)
        while number in taken or number == 0:
            number = (number + 1) & 0xFFFFFFFF
        numbers[each] = number
        taken.add(number)
    return Filter(groups, interfaces, numbers, internet_gateway, carried or {})


def reaches_internet(interface: Interface) -> bool:
    """Tell whether the interface may use its VPC's internet gateway: only 1:1 translation leads through it."""
    return bool(interface.public_address) and interface.internet


def protocol_number(name: str) -> int | None:
    """Return a rule's protocol as a number, None for all; raise ValueError where it is none."""
    if name in {"", "-1"}:
        return None
    number = PROTOCOLS[name] if name in PROTOCOLS else int(name)
    if not 0 <= number <= 255:
        raise ValueError(name)
    return number


def rule_fault(rule: Rule) -> str:
    """Say why the rule cannot be enforced, or nothing."""
    try:
        protocol = protocol_number(rule.protocol)
    except ValueError:
        return f"{rule.protocol!r} is not a protocol"
    if bool(rule.cidr) == bool(rule.group):
        return "a rule names either a network or a group"
    if rule.group and not naming.is_safe(rule.group):
        return f"{rule.group!r} cannot name a security group"
    try:
        _ = ipaddress.ip_network(rule.cidr, strict=False) if rule.cidr else None
    except ValueError:
        return f"{rule.cidr!r} is not a network"
    limit = 65535 if protocol in _WITH_PORTS else 255
    ranged = protocol in _WITH_PORTS or protocol == PROTOCOLS["icmp"]
    if ranged and not (-1 <= rule.from_port <= limit and -1 <= rule.to_port <= limit):
        return f"{rule.from_port}-{rule.to_port} is not a range"
    if protocol in _WITH_PORTS and rule.from_port > rule.to_port and rule.to_port != -1:
        return f"{rule.from_port}-{rule.to_port} is not a range"
    return ""


def contents(filter_: Filter) -> Contents:
    """Return all that the table shall hold besides its fixed chains."""
    chains = dict(_chains(filter_, _used_groups(filter_), filter_.numbers.items()))
    whole = Contents(chains, _member_sets(filter_))
    for number in filter_.numbers.values():
        whole.elements.update(_entries(number))
    for interface in filter_.interfaces.values():
        whole.elements.update(elements(interface, filter_))
    return whole


def changes(old: Filter, new: Filter) -> Changes:
    """Return what leads from *old* to *new*; the internet gateway must be the same in both."""
    dropped: set[Element] = set()
    added: set[Element] = set()
    for id_, interface in old.interfaces.items():
        if new.interfaces.get(id_) is not interface or old.carried.get(id_) != new.carried.get(id_):
            dropped.update(elements(interface, old))
    for id_, interface in new.interfaces.items():
        if old.interfaces.get(id_) is not interface or old.carried.get(id_) != new.carried.get(id_):
            added.update(elements(interface, new))
    gone, come = old.numbers.items() - new.numbers.items(), new.numbers.items() - old.numbers.items()
    for _, number in gone:
        dropped.update(_entries(number))
    for _, number in come:
        added.update(_entries(number))
    groups = _changed_groups(old, new)
    before = dict(_chains(old, groups, gone))
    after = dict(_chains(new, groups, come))
    sets_before = _member_sets(old) if groups else set()
    sets_after = _member_sets(new) if groups else set()
    return Changes(
        new_sets=tuple(sorted(sets_after - sets_before)),
        new_chains=tuple(sorted(after.keys() - before.keys())),
        rules=tuple((name, rules) for name, rules in after.items() if before.get(name, ()) != rules),
        dropped=tuple(element for element in dropped - added if element.set not in sets_before - sets_after),
        added=tuple(added - dropped),
        # combinations first: a chain cannot go while another jumps to it
        old_chains=tuple(sorted(before.keys() - after.keys(), key=lambda name: not name.startswith(_COMBINATION))),
        old_sets=tuple(sorted(sets_before - sets_after)),
    )


def elements(interface: Interface, filter_: Filter) -> Iterator[Element]:
    """Return what registers one interface."""
    name = naming.link(interface.id)
    groups = combination(interface.groups)
    yield Element(COMBINATION, name, filter_.numbers[groups])
    yield Element(SOURCES, (name, interface.address))
    for group in groups:
        yield Element(member_set(group), interface.address)
    if filter_.internet_gateway and reaches_internet(interface):
        yield Element(INTERNET, name)
    if interface.id in filter_.carried:
        yield Element(FRAMES, (naming.link(interface.trunk), frame_mark(filter_.carried[interface.id])))


def frame_mark(identifier: int) -> int:
    """Return the mark that a VXLAN identifier and the zero octet after it make, loaded as they are in the packet."""
    return int.from_bytes((identifier << 8).to_bytes(4, "big"), sys.byteorder)


def member_set(group: str) -> str:
    return f"members-{group}"


def group_chain(group: str, inbound: bool) -> str:
    return f"group-{group}-{'in' if inbound else 'out'}"


def combination_chain(number: int, inbound: bool) -> str:
    return f"{_COMBINATION}{number:08x}-{'in' if inbound else 'out'}"


def _entries(number: int) -> tuple[Element, Element]:
    return (
        Element(INBOUND, number, combination_chain(number, inbound=True)),
        Element(OUTBOUND, number, combination_chain(number, inbound=False)),
    )


def _used_groups(filter_: Filter) -> set[str]:
    return set(filter_.groups).union(*filter_.numbers)


def _changed_groups(old: Filter, new: Filter) -> set[str]:
    """Return the groups whose chains differ, come or go."""
    used_before, used_after = _used_groups(old), _used_groups(new)
    both = used_before & used_after
    return (used_before ^ used_after) | {name for name in both if old.groups.get(name) != new.groups.get(name)}


def _member_sets(filter_: Filter) -> set[str]:
    referenced = {rule.group for group in filter_.groups.values() for rule in (*group.ingress, *group.egress)}
    return {member_set(group) for group in _used_groups(filter_) | (referenced - {""})}


def _chains(
    filter_: Filter, groups: Iterable[str], numbers: Iterable[tuple[tuple[str, ...], int]]
) -> Iterator[tuple[str, tuple[Statement, ...]]]:
    """A group that nobody has described allows nothing, so that a message that comes late opens nothing early."""
    for name in sorted(_used_groups(filter_).intersection(groups)):
        group = filter_.groups.get(name, Group(name, ""))
        yield group_chain(name, inbound=True), tuple(_allow(group.ingress, inbound=True))
        yield group_chain(name, inbound=False), tuple(_allow(group.egress, inbound=False))
    for names, number in sorted(numbers):
        for inbound in (True, False):
            jumps = tuple(Jump(group_chain(name, inbound)) for name in names)
            yield combination_chain(number, inbound), (*jumps, Drop())


def _allow(rules: Iterable[Rule], inbound: bool) -> Iterator[Allow]:
    """Yield each distinct rule once; rules for IPv6 match nothing, as there is none, nor do faulty ones."""
    seen = set()
    for rule in rules:
        if rule_fault(rule):
            continue
        protocol = protocol_number(rule.protocol)
        if protocol == PROTOCOLS["icmpv6"] or ":" in rule.cidr:
            continue
        cidr = str(ipaddress.IPv4Network(rule.cidr, strict=False)) if rule.cidr else ""
        cidr = "" if cidr == "0.0.0.0/0" else cidr
        low, high = rule.from_port, rule.to_port
        if protocol in _WITH_PORTS:
            high = 65535 if high < 0 else high
            if low <= 0 and high == 65535:
                low = high = -1
            low = max(low, 0) if high >= 0 else -1
        elif protocol != PROTOCOLS["icmp"]:
            low = high = -1
        allow = Allow(inbound, cidr, member_set(rule.group) if rule.group else "", protocol, low, high)
        if allow not in seen:
            seen.add(allow)
            yield allow
