"""Zones of any shape are answered as RFC 1034 and 4592 say, with dnspython's own zones as the judge."""

from random import Random

import dns.btreezone
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
from hypothesis import given, settings
from hypothesis import strategies as st

from homeport.node.naming.resolving import Answer, Resolution
from homeport.node.naming.zones import Names
from homeport.wire.messages import Drop, Item, RecordSet, Zone

ORIGIN = dns.name.from_text("example.com.")
SOA = "ns.example. hostmaster.example. 1 7200 900 1209600 300"

labels = st.sampled_from(["a", "b", "c", "*"])
names = st.lists(labels, max_size=4).map(lambda parts: dns.name.Name([p.encode() for p in parts] + list(ORIGIN.labels)))
kinds = st.sampled_from(["A", "TXT", "NS", "AAAA"])
contents = st.dictionaries(st.tuples(names, kinds), st.integers(1, 3), max_size=12)

#: How many records each set has.
Sets = dict[tuple[dns.name.Name, str], int]

VALUES = {"A": "192.0.2.{}", "AAAA": "2001:db8::{}", "TXT": '"{}"', "NS": "ns{}.example."}


def record_set(name: dns.name.Name, kind: str, count: int) -> RecordSet:
    values = tuple(VALUES[kind].format(number) for number in range(count))
    return RecordSet(id=f"Z/{name}/{kind}/", zone="Z", name=name.to_text(), kind=kind, ttl=60, values=values)


def allowed(sets: Sets) -> Sets:
    """Leave the wildcard delegations out (RFC 4592 leaves them undefined) and apexes' NS records, which are there."""
    return {
        (name, kind): count
        for (name, kind), count in sets.items()
        if not (kind == "NS" and (name == ORIGIN or b"*" in name.labels))
    }


def judge(items: list[RecordSet]) -> dns.btreezone.Zone:
    zone = dns.btreezone.Zone(ORIGIN, relativize=False)
    with zone.writer() as writer:
        for item in items:
            name = dns.name.from_text(item.name)
            writer.add(name, dns.rdataset.from_text("IN", item.kind, item.ttl, *item.values))
    return zone


def verdict(zone: dns.btreezone.Zone, name: dns.name.Name, kind: str) -> tuple[str, set[str]]:
    """Return what an authoritative server says: the case, and the records that make it."""
    with zone.reader() as reader:
        bounds = reader.version.bounds(name)
        encloser = bounds.closest_encloser
        if bounds.is_delegation or (
            encloser is not None and reader.get_node(encloser) and reader.get_node(encloser).is_glue()
        ):
            cut = name
            while not ((node := reader.get_node(cut)) and node.is_delegation()):
                cut = cut.parent()
            return "referral", texts(reader.get(cut, "NS"))
        if not bounds.is_equal:
            exists = encloser == name  # an empty non-terminal
            if exists:
                return "no data", set()
            name = dns.name.Name([b"*", *encloser.labels])
            if reader.get_node(name) is None and reader.version.bounds(name).closest_encloser != name:
                return "nxdomain", set()
        found = reader.get(name, kind)
        return ("answer", texts(found)) if found is not None else ("no data", set())


def texts(rdataset: dns.rdataset.Rdataset) -> set[str]:
    return {rdata.to_text() for rdata in rdataset}


def case(answer: Answer) -> tuple[str, set[str]]:
    if answer.answer:
        return "answer", {rdata.to_text() for rrset in answer.answer for rdata in rrset}
    if answer.rcode == dns.rcode.NXDOMAIN:
        return "nxdomain", set()
    if answer.authority and answer.authority[0].rdtype == dns.rdatatype.NS:
        return "referral", texts(answer.authority[0])
    return "no data", set()


def apex() -> list[RecordSet]:
    return [
        RecordSet(id="Z/SOA", zone="Z", name="example.com.", kind="SOA", ttl=900, values=(SOA,)),
        record_set(ORIGIN, "NS", 2),
    ]


@settings(max_examples=400)
@given(contents, st.lists(st.tuples(names, kinds), min_size=1, max_size=8))
def test_every_question_is_answered_as_the_judge_would(sets, questions):
    items = [*apex(), *(record_set(name, kind, count) for (name, kind), count in allowed(sets).items())]
    ours, theirs = Names([Zone(id="Z", name="example.com."), *items]), judge(items)
    for name, kind in questions:
        answer = Resolution(ours, None, Random(0)).resolve(name, dns.rdatatype.from_text(kind))
        assert case(answer) == verdict(theirs, name, kind), (name, kind)
        assert all(rrset.name == name for rrset in answer.answer)


@given(contents, contents, st.randoms(use_true_random=False))
def test_it_does_not_matter_by_which_changes_a_zone_came_about(before: Sets, after: Sets, random: Random) -> None:
    before, after = allowed(before), allowed(after)
    zone = Zone(id="Z", name="example.com.")
    items: list[Item] = [zone, *apex(), *(record_set(*key, count) for key, count in before.items())]
    random.shuffle(items)
    changed = Names(items)
    changed.change(
        [record_set(*key, count) for key, count in after.items()],
        [Drop(kind="RecordSet", id=record_set(*key, 1).id) for key in before],
    )
    fresh = Names([zone, *apex(), *(record_set(*key, count) for key, count in after.items())])
    for name, kind in {*before, *after}:
        for asked in (name, name.parent(), dns.name.Name([b"x", *name.labels])):
            answers = [
                case(Resolution(each, None, Random(0)).resolve(asked, dns.rdatatype.from_text(kind)))
                for each in (changed, fresh)
            ]
            assert answers[0] == answers[1]
