"""Why a name says what it says: sentences from the API's documents."""

from typing import Any

from homeport.cli.explain.names import Contents, Question, Zones, explain_elsewhere, explain_name

ZONES = Zones(
    private=[{"Id": "ZP", "Name": "corp.test."}],
    public=[{"Id": "/hostedzone/ZQ", "Name": "corp.test."}, {"Id": "/hostedzone/ZR", "Name": "shop.test."}],
)


def record(name: str, kind: str, *values: str, **more: Any) -> dict[str, Any]:
    content = {"TTL": 60, "ResourceRecords": [{"Value": value} for value in values]} if values else {}
    return {"Name": name, "Type": kind, **content, **more}


def said(name: str, *records: dict[str, Any], kind: str = "A", zone: str = "ZP", vpc: str = "vpc-1") -> list[str]:
    contents = Contents(zone, records, {"h1": "Failure: Connection refused"})
    return list(explain_name(Question(name, kind, vpc), ZONES, contents))


def test_a_private_zone_answers_its_vpc_and_hides_the_public_one():
    assert ZONES.place(Question("web.corp.test.", "A", "vpc-1")) == ("ZP", "ZQ")
    assert ZONES.place(Question("web.corp.test.", "A")) == ("", "ZQ")
    assert ZONES.place(Question("example.org.", "A", "vpc-1")) == ("", "")
    assert said("web.corp.test.", record("web.corp.test.", "A", "10.0.0.5")) == [
        "Zone corp.test. (ZP, private) answers for web.corp.test.",
        "It hides the public zone corp.test. (ZQ), whatever that has.",
        "  10.0.0.5",
    ]


def test_why_there_is_no_answer_is_said():
    there = [record("a.b.corp.test.", "A", "10.0.0.5"), record("sub.corp.test.", "NS", "ns.test.")]
    assert said("x.corp.test.", *there)[-1] == "The name does not exist, nor does a wildcard cover it: NXDOMAIN."
    assert "(there: only names below it)" in said("b.corp.test.", *there)[-1]
    assert "(there: A)" in said("a.b.corp.test.", *there, kind="TXT")[-1]
    assert "a referral" in said("x.sub.corp.test.", *there)[-1]


def test_the_wildcard_that_answers_is_named_and_a_cname_goes_on():
    lines = said("x.any.corp.test.", record("\\052.any.corp.test.", "CNAME", "web.corp.test"))
    assert lines[2:] == [
        "Nothing of that name exists; the wildcard *.any.corp.test. covers it.",
        "The name stands for another one (CNAME), with which the question goes on:",
        "  web.corp.test",
    ]


def test_each_set_is_shown_with_what_decides_about_it():
    alias = {"HostedZoneId": "ZR", "DNSName": "t.shop.test.", "EvaluateTargetHealth": True}
    first = record("shop.test.", "A", "192.0.2.1", SetIdentifier="one", Failover="PRIMARY", HealthCheckId="h1")
    second = record("shop.test.", "A", SetIdentifier="two", Failover="SECONDARY", AliasTarget=alias)
    assert said("shop.test.", first, second, zone="ZR", vpc="")[1:] == [
        "Routing is failover; of these sets each answer chooses:",
        "  one: primary, 192.0.2.1 [Failure: Connection refused]",
        "  two: secondary, alias of t.shop.test., as healthy as that is",
    ]


def test_names_of_nobodys_zone_are_for_others():
    assert "the machine's resolvers are asked" in explain_elsewhere(Question("example.org.", "A", "vpc-1"))
    assert "refuses it" in explain_elsewhere(Question("example.org.", "A"))
    assert "explain balancer" in explain_elsewhere(Question("web-1.elb.us-east-1.homeport.internal.", "A"))
