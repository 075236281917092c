"""Batches of changes do all that they say or nothing, and leave only zones that DNS allows."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeport.services.route53.batch import Scope, plan
from homeport.services.route53.documents import Requested, policies
from homeport.services.route53.errors import InvalidChangeBatch
from homeport.services.route53.model import AliasTarget, Key, RecordSet

SCOPE = Scope("Z1", "z.test.")
VALUES = {"A": ("192.0.2.1", "192.0.2.2"), "TXT": ('"a"', '"b"'), "CNAME": ("x.test", "y.test")}

names = st.sampled_from(["z.test.", "a.z.test.", "b.z.test.", "elsewhere.test."])
kinds = st.sampled_from(["A", "TXT", "CNAME"])


@st.composite
def record_sets(draw: st.DrawFn) -> RecordSet:
    name, kind = draw(names), draw(kinds)
    routing = draw(st.sampled_from(["simple", "weighted", "multivalue", "alias"]))
    if routing == "alias":
        return RecordSet(name=name, kind=kind, alias=AliasTarget(zone="Z1", name=draw(names)))
    values = tuple(draw(st.lists(st.sampled_from(VALUES[kind]), min_size=1, max_size=2)))
    more: dict[str, Any] = {
        "simple": {},
        "weighted": {"weight": draw(st.integers(0, 1)), "set_identifier": draw(st.sampled_from("pq"))},
        "multivalue": {"multivalue": True, "set_identifier": draw(st.sampled_from("pq"))},
    }[routing]
    return RecordSet(name=name, kind=kind, ttl=draw(st.sampled_from([1, 2])), values=values, **more)


changes = st.builds(Requested, st.sampled_from(["CREATE", "UPSERT", "DELETE"]), record_sets())
batches = st.lists(st.lists(changes, min_size=1, max_size=4), max_size=12)

Zone = dict[Key, RecordSet]


def born() -> Zone:
    soa = RecordSet(name="z.test.", kind="SOA", ttl=900, values=("ns.test. h.test. 1 2 3 4 5",))
    ns = RecordSet(name="z.test.", kind="NS", ttl=900, values=("ns.test.",))
    return {soa.key: soa, ns.key: ns}


def apply(zone: Zone, batch: list[Requested]) -> tuple[Zone, int]:
    outcome = plan(SCOPE, zone, batch)
    return with_changes(zone, outcome.changed), outcome.growth


def with_changes(zone: Zone, changed: Mapping[Key, RecordSet | None]) -> Zone:
    merged = {**zone, **changed}
    return {key: record_set for key, record_set in merged.items() if record_set is not None}


def check(zone: Zone) -> None:
    """Hold a zone against what DNS and Route 53 ask of every zone."""
    by_name: dict[str, list[RecordSet]] = {}
    for key, record_set in zone.items():
        assert record_set.key == key
        assert key.name == "z.test." or key.name.endswith(".z.test.")
        by_name.setdefault(key.name, []).append(record_set)
    for name, sets in by_name.items():
        kinds = {record_set.kind for record_set in sets}
        assert "CNAME" not in kinds or kinds == {"CNAME"}, "a name that is another's alias has nothing else"
        assert not (name == "z.test." and "CNAME" in kinds)
        for kind in kinds:
            alike = [record_set for record_set in sets if record_set.kind == kind]
            assert len({tuple(policies(record_set)) for record_set in alike}) == 1
            assert policies(alike[0]) or len(alike) == 1
            if policies(alike[0]) == ["weighted"]:
                assert len({record_set.ttl for record_set in alike if record_set.alias is None}) <= 1
    assert {key.kind for key in zone if key.name == "z.test."} >= {"SOA", "NS"}
    assert all(len(set(record_set.values)) == len(record_set.values) for record_set in zone.values())


@settings(max_examples=300)
@given(batches)
def test_every_zone_that_batches_lead_to_is_a_lawful_one(batches):
    zone = born()
    for batch in batches:
        try:
            after, growth = apply(zone, batch)
        except InvalidChangeBatch:
            continue
        assert growth == len(after) - len(zone)
        zone = after
        check(zone)


@given(batches, st.lists(changes, min_size=2, max_size=5))
def test_a_batch_is_its_changes_one_after_the_other(batches, batch):
    zone = born()
    for earlier in batches:
        try:
            zone, _ = apply(zone, earlier)
        except InvalidChangeBatch:
            continue
    changed = zone
    step_by_step: Zone | None = None
    for change in batch:
        try:
            changed, _ = apply(changed, [change])
        except InvalidChangeBatch:
            break
    else:
        step_by_step = changed
    try:
        at_once, _ = apply(zone, batch)
    except InvalidChangeBatch:
        at_once = None
    assert at_once == step_by_step


@given(record_sets())
def test_what_was_made_is_deleted_by_the_same_words(record_set):
    try:
        zone, _ = apply(born(), [Requested("CREATE", record_set)])
    except InvalidChangeBatch:
        return
    assert apply(zone, [Requested("DELETE", record_set)])[0] == born()
    with pytest.raises(InvalidChangeBatch, match="but it already exists"):
        apply(zone, [Requested("CREATE", record_set)])
