"""What security groups say of a packet, and which rule decides.  Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from homeport.cli.net.model import ALL_PROTOCOLS, Eni, Group, Model, Rule
from homeport.cli.net.packet import ECHO_REQUEST, PROTOCOL_NUMBERS, Packet

ANYWHERE = "0.0.0.0/0"
_WITH_PORTS = ("tcp", "udp")
_NAMES = {number: name for name, number in PROTOCOL_NUMBERS.items()}


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether an interface's groups let a packet pass, and why."""

    passes: bool
    sentence: str


def judge(model: Model, eni: Eni, packet: Packet, peer: str, *, inbound: bool) -> Ruling:
    """
    Ask the interface's groups about a packet from (to) the address *peer*; "" stands for any address there is.

    The groups are asked in turn, and the first rule that allows is the one that is named.
    """
    at = f"{'in' if inbound else 'out'} at {eni.id}"
    for group, rule in _rules(model, eni, inbound=inbound):
        if _covers(rule, packet) and _has_peer(model, eni, rule, peer):
            return Ruling(True, f"{title(group)} lets it {at}: {describe(rule, inbound=inbound)}.")
    groups = [model.groups[id_] for id_ in eni.groups if id_ in model.groups]
    names = " and ".join(title(group) for group in groups) or "no security group"
    direction = "from" if inbound else "to"
    whom = peer or "anywhere"
    sentence = f"{names} {'have' if len(groups) > 1 else 'has'} no rule for {packet} {direction} {whom}, {at}."
    return Ruling(False, " ".join([sentence, *_nearest(model, eni, packet, peer, inbound=inbound)]))


def title(group: Group) -> str:
    return f"{group.id} ({group.name})" if group.name else group.id


def describe(rule: Rule, *, inbound: bool) -> str:
    """Return a rule in words: "tcp 80-90 from sg-1"."""
    peer = rule.cidr or rule.group
    if rule.cidr == ANYWHERE:
        peer = "anywhere"
    return f"{_service(rule)} {'from' if inbound else 'to'} {peer}"


def _service(rule: Rule) -> str:
    protocol = _NAMES.get(rule.protocol, rule.protocol)
    if protocol == ALL_PROTOCOLS:
        return "everything"
    if protocol in _WITH_PORTS:
        low, high = _ports(rule)
        if (low, high) == (0, 65535):
            return f"all {protocol}"
        return f"{protocol} {low}" if low == high else f"{protocol} {low}-{high}"
    if protocol == "icmp" and rule.from_port >= 0:
        return f"icmp type {rule.from_port}"
    return protocol if not protocol.isdigit() else f"protocol {protocol}"


def _rules(model: Model, eni: Eni, *, inbound: bool) -> Iterator[tuple[Group, Rule]]:
    for id_ in eni.groups:
        # A group that is not there allows nothing.
        if group := model.groups.get(id_):
            yield from ((group, rule) for rule in (group.ingress if inbound else group.egress))


def _ports(rule: Rule) -> tuple[int, int]:
    """Return a rule's ports; none given means all."""
    return (max(rule.from_port, 0), 65535 if rule.to_port < 0 else rule.to_port)


def _covers(rule: Rule, packet: Packet) -> bool:
    protocol = _NAMES.get(rule.protocol, rule.protocol)
    if protocol == ALL_PROTOCOLS:
        return True
    if protocol != packet.protocol:
        return False
    if protocol in _WITH_PORTS:
        low, high = _ports(rule)
        return low <= packet.port <= high
    return rule.from_port in {-1, ECHO_REQUEST} and (rule.from_port == -1 or rule.to_port in {-1, 0})


def _has_peer(model: Model, eni: Eni, rule: Rule, peer: str) -> bool:
    if rule.group:
        # A group means its members' private addresses, whatever way the packet has come.
        owner = model.address_owner(eni.vpc, peer) if peer else None
        return owner is not None and rule.group in owner.groups
    if ":" in rule.cidr:
        return False
    if not peer:
        return rule.cidr == ANYWHERE
    return IPv4Address(peer) in IPv4Network(rule.cidr, strict=False)


def _nearest(model: Model, eni: Eni, packet: Packet, peer: str, *, inbound: bool) -> Iterator[str]:
    """Say what comes closest: the right service for others, or other services for this peer."""
    rules = list(_rules(model, eni, inbound=inbound))
    for group, rule in rules:
        if _covers(rule, packet):
            yield f"{title(group)} allows {describe(rule, inbound=inbound)}{_whose(rule, peer, inbound=inbound)}."
            return
    for group, rule in rules:
        if _has_peer(model, eni, rule, peer):
            yield f"{title(group)} allows {describe(rule, inbound=inbound)} only."
            return


def _whose(rule: Rule, peer: str, *, inbound: bool) -> str:
    if rule.group:
        return f", and {peer or 'the internet'} is not in it"
    return "" if peer else f", which is only a part of where it may {'come from' if inbound else 'go'}"
