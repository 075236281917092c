"""Whatever a batch says, it is planned or refused in words; and what is planned can be told to nodes and read there."""

from typing import Any

import botocore.session
from hypothesis import event, given, settings
from hypothesis import strategies as st

from homeport.aws.errors import AwsError
from homeport.node.naming.zones import Names
from homeport.services.route53.batch import Scope, plan
from homeport.services.route53.documents import read_changes
from homeport.services.route53.projection import record_set_item
from homeport.services.route53.views import record_set_view

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40) | st.text(
    '\\"().;@#*-_ 0123456789abc\t', max_size=40
)
names = st.sampled_from(["z.test", "a.z.test", "*.z.test", "\\052.z.test", "a\\344.z.test"]) | texts.map(
    lambda text: f"{text}.z.test"
)
TYPES: Any = botocore.session.get_session().get_service_model("route53").shape_for("RRType")
KINDS: list[str] = TYPES.enum
PLAUSIBLE = {
    "A": "192.0.2.1",
    "AAAA": "2001:db8::1",
    "CAA": '0 issue "ca.test"',
    "CNAME": "x.test",
    "DS": "1 13 2 " + "ab" * 32,
    "HTTPS": "1 . alpn=h2",
    "MX": "10 x.test",
    "NAPTR": '1 1 "U" "x" "!a!b!" .',
    "NS": "ns.test",
    "PTR": "x.test",
    "SOA": "ns.test. h.test. 1 2 3 4 5",
    "SPF": '"v=spf1"',
    "SRV": "1 1 80 x.test",
    "SSHFP": "1 1 " + "ab" * 20,
    "SVCB": "1 x.test. port=53",
    "TLSA": "3 1 1 " + "ab" * 32,
    "TXT": '"x" "\\052y"',
}


@st.composite
def documents(draw: st.DrawFn) -> dict:
    kind = draw(st.sampled_from(KINDS))
    value = st.just(PLAUSIBLE[kind]) | texts
    made = {
        "Name": draw(names),
        "Type": kind,
        "TTL": draw(st.integers(0, 2**31 - 1)),
        "ResourceRecords": [{"Value": draw(value)} for _ in range(draw(st.integers(1, 2)))],
    }
    optional = {
        "SetIdentifier": texts.filter(bool),
        "Weight": st.integers(0, 255),
        "Failover": st.sampled_from(["PRIMARY", "SECONDARY"]),
        "Region": st.just("us-east-1"),
        "MultiValueAnswer": st.booleans(),
        "GeoLocation": st.dictionaries(
            st.sampled_from(["ContinentCode", "CountryCode", "SubdivisionCode"]),
            st.text("A*UEVS", min_size=1, max_size=2),
        ),
        "HealthCheckId": texts,
        "AliasTarget": st.fixed_dictionaries(
            {"HostedZoneId": st.just("Z1") | texts, "DNSName": names, "EvaluateTargetHealth": st.booleans()}
        ),
    }
    for member in draw(st.sets(st.sampled_from(sorted(optional)), max_size=2)):
        made[member] = draw(optional[member])
    if draw(st.booleans()) and "AliasTarget" in made:
        del made["TTL"], made["ResourceRecords"]
    return made


changes = st.fixed_dictionaries(
    {"Action": st.sampled_from(["CREATE", "UPSERT", "DELETE"]), "ResourceRecordSet": documents()}
)


@settings(max_examples=500)
@given(st.lists(changes, min_size=1, max_size=4))
def test_a_batch_is_planned_or_refused_in_words(batch):
    try:
        requested, _ = read_changes({"Changes": batch})
        outcome = plan(Scope("Z1", "z.test."), {}, requested)
    except AwsError as refused:
        told = refused.message
    else:
        event("planned")
        told = ""
        for record_set in outcome.changed.values():
            assert record_set is not None
            assert record_set_view(record_set)["Name"] == record_set.name
            names_ = Names([record_set_item("Z1", record_set)])
            (known,) = names_._sets.values()
            assert len(known.rdatas) == len(record_set.values)
    assert isinstance(told, str)
