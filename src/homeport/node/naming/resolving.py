"""
From a question to the sections of its answer.

Pure but for the dice that routing policies throw.  What is not ours is left to be asked elsewhere: the whole
question, or the name at which a chain of aliases (CNAME) leaves our zones.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.SOA
import dns.rrset

from homeport.node.naming import internal, routing
from homeport.node.naming.places import place_of, region_of_domain
from homeport.node.naming.zones import LoadedZone, Match, Names, Node, Records, Sets, labels_of, parse_name
from homeport.wire.messages import Vpc

#: Longer chains of names than this are taken for circles.
LONGEST_CHAIN = 16
_DEEPEST_ALIAS = 8

_SINGLE = frozenset({dns.rdatatype.CNAME, dns.rdatatype.SOA})


@dataclass(slots=True)
class Answer:
    """
    What there is to say.

    `elsewhere` is the name to go on with at another resolver, `steady` whether the same question has this answer again
    for as long as the names do not change, in one of `orders` orders of its records.
    """

    rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    answer: list[dns.rrset.RRset] = field(default_factory=list)
    authority: list[dns.rrset.RRset] = field(default_factory=list)
    additional: list[dns.rrset.RRset] = field(default_factory=list)
    elsewhere: dns.name.Name | None = None
    steady: bool = True
    orders: int = 1


class Resolution:
    """One question by one asker: from a VPC, or from the machine itself, which sees public zones only."""

    def __init__(self, names: Names, vpc: Vpc | None, chance: Random, *, region: str = "", turn: int = 0) -> None:
        self._names = names
        self._asker = place_of(region_of_domain(vpc.domain) if vpc is not None else region)
        self._vpc = vpc
        self._chance = chance
        self._turn = turn  # which of several records comes first
        self._said = Answer()

    def resolve(self, name: dns.name.Name, kind: int) -> Answer:
        """Answer the question for records of *kind* at *name*."""
        said = self._said
        for _ in range(LONGEST_CHAIN):
            zone, own = self._place(name, kind)
            if own is not None:
                self._say_own(own)
                return said
            if zone is None:
                said.elsewhere = name
                return said
            target = self._ask(zone, name, kind)
            if target is None:
                return said
            name = target
        said.rcode = dns.rcode.SERVFAIL
        return said

    def _place(self, name: dns.name.Name, kind: int) -> tuple[LoadedZone | None, internal.Found | None]:
        """
        Find who answers for a name: a private zone, the VPC itself, or a public zone.

        The most specific wins between the first two; a private zone hides public ones, however specific those are.
        """
        labels = labels_of(name)
        if self._vpc is not None:
            private = self._names.private_zone(self._vpc.id, labels)
            own_depth = len(labels_of(parse_name(self._vpc.domain)))
            if private is not None and len(private.origin) >= own_depth:
                return private, None
            own = internal.find(name, kind, self._vpc)
            if own is not None:
                return None, own
            if private is not None:
                return private, None
        return self._names.public_zone(labels), None

    def _say_own(self, own: internal.Found) -> None:
        if not own.exists:
            self._said.rcode = dns.rcode.NXDOMAIN
        if own.records is not None:
            self._said.answer.append(own.records)
        else:
            self._said.authority.append(own.soa)

    def _ask(self, zone: LoadedZone, name: dns.name.Name, kind: int) -> dns.name.Name | None:
        """Say what the zone has; returns the name to go on with, if it is an alias of another."""
        match = zone.match(labels_of(name))
        if match.delegation >= 0 and not (kind == dns.rdatatype.DS and match.exact):
            self._refer(zone, name, match)
            return None
        if match.node is None:
            self._said.rcode = dns.rcode.NXDOMAIN
            self._say_soa(zone)
            return None
        if kind == dns.rdatatype.ANY:
            self._say_all(zone, name, match.node)
            return None
        wanted = kind if dns.rdatatype.CNAME not in match.node.sets else dns.rdatatype.CNAME
        found = self._records(name, wanted, match.node.sets.get(wanted))
        if found is None:
            self._say_soa(zone)
            return None
        self._said.answer.append(found)
        if wanted == kind:
            return None
        target: dns.name.Name = found[0].target
        return target

    def _say_all(self, zone: LoadedZone, name: dns.name.Name, node: Node) -> None:
        found = [self._records(name, kind, sets) for kind, sets in node.sets.items()]
        self._said.answer += [records for records in found if records is not None]
        if not self._said.answer:
            self._say_soa(zone)

    def _refer(self, zone: LoadedZone, name: dns.name.Name, match: Match) -> None:
        """Name the servers of the zone that a name was handed to, with the addresses of those that are in this one."""
        assert match.node is not None, "a delegation is a name with records"
        _, cut = name.split(len(name.labels) - match.delegation)
        servers = self._records(cut, dns.rdatatype.NS, match.node.sets.get(dns.rdatatype.NS))
        if servers is None:
            return
        self._said.authority.append(servers)
        for server in servers:
            node = zone.find(labels_of(server.target))
            for kind in (dns.rdatatype.A, dns.rdatatype.AAAA):
                glue = self._records(server.target, kind, node.sets.get(kind)) if node is not None else None
                if glue is not None:
                    self._said.additional.append(glue)

    def _say_soa(self, zone: LoadedZone) -> None:
        """Say how long the absence of something holds (RFC 2308)."""
        assert zone.item is not None, "only zones that were declared answer"
        apex = zone.find(zone.origin)
        origin = parse_name(zone.item.name)
        found = self._records(origin, dns.rdatatype.SOA, apex.sets.get(dns.rdatatype.SOA)) if apex is not None else None
        if found is not None:
            soa = found[0]
            assert isinstance(soa, dns.rdtypes.ANY.SOA.SOA), "the type was asked for"
            found.update_ttl(min(found.ttl, soa.minimum))
            self._said.authority.append(found)

    # --- Record sets

    def _records(self, name: dns.name.Name, kind: int, sets: Sets | None) -> dns.rrset.RRset | None:
        """Return the records that answer for a name, None if there are none."""
        if not sets:
            return None
        ttl, rdatas = self._values(sets, kind, 0)
        if not rdatas:
            return None
        if len(rdatas) > 1 and kind not in _SINGLE:
            self._said.orders = max(self._said.orders, len(rdatas))
            turn = self._turn % len(rdatas)
            rdatas = rdatas[turn:] + rdatas[:turn]  # clients take the first: each is it in its turn
        return dns.rrset.from_rdata_list(name, ttl, rdatas[:1] if kind in _SINGLE else rdatas)

    def _values(self, sets: Sets, kind: int, depth: int) -> tuple[int, list[dns.rdata.Rdata]]:
        """Return the records of the sets that answer, and how long they hold."""
        every = list(sets.values())
        if len(every) > 1:
            self._said.steady = False
        chosen = routing.choose(every, lambda records: self._healthy(records, depth), self._asker, self._chance)
        said = [self._said_by(records, kind, depth) for records in chosen]
        return min((ttl for ttl, _ in said), default=0), _distinct(rdata for _, rdatas in said for rdata in rdatas)

    def _said_by(self, records: Records, kind: int, depth: int) -> tuple[int, list[dns.rdata.Rdata]]:
        if records.item.alias is None:
            return records.item.ttl, list(records.rdatas)
        target = self._target(records, kind)
        if not target or depth >= _DEEPEST_ALIAS:
            return 0, []
        return self._values(target, kind, depth + 1)

    def _target(self, records: Records, kind: int) -> Sets | None:
        """Return the sets that an alias stands for, as they are now."""
        alias = records.item.alias
        zone = self._names.zone(alias.zone) if alias is not None else None
        if alias is None or zone is None:
            return None
        match = zone.match(labels_of(parse_name(alias.name)))
        return match.node.sets.get(kind) if match.node is not None and match.delegation < 0 else None

    def _healthy(self, records: Records, depth: int) -> bool:
        """Say whether a set may answer: its health check says so, and where it asks for that, so does its target."""
        if not self._names.healthy(records.item.health_check):
            return False
        alias = records.item.alias
        if alias is None or not alias.evaluate_health or depth >= _DEEPEST_ALIAS:
            return True
        target = self._target(records, dns.rdatatype.from_text(records.item.kind))
        return target is not None and any(self._healthy(each, depth + 1) for each in target.values())


def _distinct(rdatas: Iterable[dns.rdata.Rdata]) -> list[dns.rdata.Rdata]:
    return list(dict.fromkeys(rdatas))
