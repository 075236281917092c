"""Zones in a few words, and what is said of them."""

from random import Random
from typing import Any

import dns.name
import dns.rdatatype

from homeport.node.naming.resolving import Answer, Resolution
from homeport.node.naming.zones import Names
from homeport.wire.messages import RecordSet, Vpc, Zone

VPC = Vpc(id="vpc-1", cidrs=("10.0.0.0/16",), dns="10.0.0.2", domain="ec2.internal")
SOA = "ns-1.example. hostmaster.example. 1 7200 900 1209600 300"


def records(zone: str, name: str, kind: str, *values: str, **more: Any) -> RecordSet:
    id_ = f"{zone}/{name}/{kind}/{more.get('set_identifier', '')}"
    return RecordSet(id=id_, zone=zone, name=name, kind=kind, values=values, **({"ttl": 60} | more))


def zone(id_: str, name: str, *vpcs: str, created: float = 0.0) -> list[Zone | RecordSet]:
    """Return a zone with its SOA and NS records."""
    return [
        Zone(id=id_, name=name, vpcs=vpcs, created=created),
        records(id_, name, "SOA", SOA, ttl=900),
        records(id_, name, "NS", "ns-1.example.", ttl=172_800),
    ]


def ask(names: Names, name: str, kind: str = "A", *, vpc: Vpc | None = VPC, seed: int = 0) -> Answer:
    return Resolution(names, vpc, Random(seed)).resolve(dns.name.from_text(name), dns.rdatatype.from_text(kind))


def said(answer: Answer) -> list[str]:
    """Return the answer's records as sorted lines, without TTL and class."""
    return sorted(
        f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)} {rdata}" for rrset in answer.answer for rdata in rrset
    )
