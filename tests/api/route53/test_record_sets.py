"""Record sets: changed in batches or not at all, and listed in AWS's order."""

import pytest
from tests.api.route53.conftest import record


def listed(route53, zone, **arguments):
    return route53.list_resource_record_sets(HostedZoneId=zone, **arguments)["ResourceRecordSets"]


def test_a_record_set_is_shown_as_it_was_made(route53, make_zone, change):
    zone = make_zone()
    change(zone, ("CREATE", record("WWW.example.com", "A", "192.0.2.1", "192.0.2.2")))
    assert listed(route53, zone)[2] == {
        "Name": "www.example.com.",
        "Type": "A",
        "TTL": 60,
        "ResourceRecords": [{"Value": "192.0.2.1"}, {"Value": "192.0.2.2"}],
    }
    assert route53.get_hosted_zone(Id=zone)["HostedZone"]["ResourceRecordSetCount"] == 3


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("AAAA", "2001:db8::1"),
        ("CAA", '0 issue "ca.example.net"'),
        ("CNAME", "www.example.net"),
        ("DS", "1 13 2 " + "ab" * 32),
        ("HTTPS", "1 . alpn=h2,h3 port=8443"),
        ("MX", "10 mail.example.net"),
        ("NAPTR", '100 10 "U" "E2U+sip" "!^.*$!sip:a@example.net!" .'),
        ("NS", "ns.example.net."),
        ("PTR", "www.example.net"),
        ("SPF", '"v=spf1 -all"'),
        ("SRV", "1 10 5269 xmpp.example.net."),
        ("SSHFP", "1 1 " + "ab" * 20),
        ("SVCB", "16 foo.example.org. port=53"),
        ("TLSA", "3 1 1 " + "ab" * 32),
        ("TXT", '"one" "two \\"quoted\\" \\052"'),
    ],
)
def test_every_type_is_kept_in_the_callers_words(route53, make_zone, change, refused, kind, value):
    zone = make_zone()
    change(zone, ("CREATE", record("x.example.com", kind, value)))
    (found,) = [each for each in listed(route53, zone) if each["Name"] == "x.example.com."]
    assert (found["Type"], found["ResourceRecords"]) == (kind, [{"Value": value}])
    code, message = refused(change, zone, ("UPSERT", record("x.example.com", kind, "no such value")))
    assert code == "InvalidChangeBatch"
    assert message.startswith("[Invalid Resource Record: 'FATAL problem: ")


def test_a_batch_is_done_whole_or_not_at_all(route53, make_zone, change, refused):
    zone = make_zone()
    code, _ = refused(
        change,
        zone,
        ("CREATE", record("a.example.com", "A", "192.0.2.1")),
        ("DELETE", record("b.example.com", "A", "192.0.2.1")),
    )
    assert (code, len(listed(route53, zone))) == ("InvalidChangeBatch", 2)
    change(
        zone,
        ("CREATE", record("a.example.com", "CNAME", "b.example.com")),
        ("DELETE", record("a.example.com", "CNAME", "b.example.com")),
        ("CREATE", record("a.example.com", "A", "192.0.2.1")),
        ("UPSERT", record("a.example.com", "A", "192.0.2.2")),
    )
    assert listed(route53, zone)[2]["ResourceRecords"] == [{"Value": "192.0.2.2"}]


def test_refusals_are_told_together_in_awss_words(route53, make_zone, change, refused):
    zone = make_zone()
    change(
        zone,
        ("CREATE", record("www.example.com", "A", "192.0.2.1")),
        ("CREATE", record("alias.example.com", "CNAME", "www.example.com")),
    )
    code, message = refused(
        change,
        zone,
        ("CREATE", record("www.example.com", "A", "192.0.2.9")),
        ("DELETE", record("none.example.com", "TXT", '"x"')),
        ("DELETE", record("www.example.com", "A", "192.0.2.7")),
        ("CREATE", record("www.example.com", "CNAME", "a.test")),
        ("CREATE", record("alias.example.com", "A", "192.0.2.1")),
        ("CREATE", record("example.com", "CNAME", "a.test")),
        ("CREATE", record("example.org", "A", "192.0.2.1")),
        ("CREATE", record("two.example.com", "A", "192.0.2.1", "192.0.2.1")),
        ("CREATE", record("bad.example.com", "A", "192.0.2")),
        ("CREATE", record("text.example.com", "TXT", "bare")),
    )
    assert code == "InvalidChangeBatch"
    assert message[1:-1].split(", ") == [
        *["Tried to create resource record set [name='www.example.com.'", "type='A'] but it already exists"],
        *["Tried to delete resource record set [name='none.example.com.'", "type='TXT'] but it was not found"],
        *[
            "Tried to delete resource record set [name='www.example.com.'",
            "type='A'] but the values provided do not match the current values",
        ],
        (
            "RRSet of type CNAME with DNS name www.example.com. is not permitted as it conflicts with other records with "
            "the same DNS name in zone example.com."
        ),
        (
            "RRSet of type A with DNS name alias.example.com. is not permitted because a conflicting RRSet of type CNAME "
            "with the same DNS name already exists in zone example.com."
        ),
        "RRSet of type CNAME with DNS name example.com. is not permitted at apex in zone example.com.",
        "RRSet with DNS name example.org. is not permitted in zone example.com.",
        "Duplicate Resource Record: '192.0.2.1'",
        (
            "Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) "
            "encountered with '192.0.2''"
        ),
        (
            "Invalid Resource Record: 'FATAL problem: InvalidCharacterString (Value should be enclosed in quotation "
            "marks) encountered with 'bare''"
        ),
    ]


def test_the_list_of_refusals_is_a_member_of_the_error(api, route53, make_zone):
    zone = make_zone()
    with pytest.raises(route53.exceptions.InvalidChangeBatch) as caught:
        route53.change_resource_record_sets(
            HostedZoneId=zone,
            ChangeBatch={
                "Changes": [{"Action": "CREATE", "ResourceRecordSet": record("example.org", "A", "192.0.2.1")}]
            },
        )
    assert caught.value.response["messages"] == [
        "RRSet with DNS name example.org. is not permitted in zone example.com."
    ]


def test_deleting_needs_the_same_meaning_not_the_same_order(route53, make_zone, change):
    zone = make_zone()
    change(zone, ("CREATE", record("m.example.com", "MX", "10 a.test", "20 b.test.")))
    change(zone, ("DELETE", record("M.example.com", "MX", "20 b.test", "10 A.test.")))
    assert len(listed(route53, zone)) == 2


def test_an_upsert_makes_or_replaces(route53, make_zone, change):
    zone = make_zone()
    for value in ("192.0.2.1", "192.0.2.2"):
        change(zone, ("UPSERT", record("www.example.com", "A", value)))
    assert [each["ResourceRecords"] for each in listed(route53, zone)][2:] == [[{"Value": "192.0.2.2"}]]


def test_the_records_of_the_zone_itself_can_be_changed_not_deleted(route53, make_zone, change, refused):
    zone = make_zone()
    name_servers, soa = listed(route53, zone)
    assert refused(change, zone, ("DELETE", name_servers)) == (
        "InvalidChangeBatch",
        "[A HostedZone must contain at least one NS record for the zone itself.]",
    )
    assert refused(change, zone, ("DELETE", soa))[1] == "[A HostedZone must contain exactly one SOA record.]"
    change(zone, ("UPSERT", soa | {"TTL": 30}))
    assert listed(route53, zone)[1]["TTL"] == 30


@pytest.mark.parametrize(
    "routing",
    [
        {"Weight": 0},
        {"Failover": "SECONDARY"},
        {"Region": "eu-west-1"},
        {"GeoLocation": {"ContinentCode": "EU"}},
        {"GeoLocation": {"CountryCode": "US", "SubdivisionCode": "VA"}},
        {"GeoLocation": {"CountryCode": "*"}},
        {"MultiValueAnswer": True},
    ],
)
def test_a_routing_policy_is_shown_as_it_was_given_and_is_part_of_what_is_deleted(
    route53, make_zone, change, refused, routing
):
    zone = make_zone()
    content = record("r.example.com", "A", "192.0.2.1", SetIdentifier="a", **routing)
    change(zone, ("CREATE", content))
    (shown,) = [each for each in listed(route53, zone) if each["Name"] == "r.example.com."]
    assert shown == content | {"Name": "r.example.com."}
    other = record("r.example.com", "A", "192.0.2.1", SetIdentifier="a", Weight=7)
    assert "do not match the current values" in refused(change, zone, ("DELETE", other))[1]
    change(zone, ("DELETE", content))


@pytest.mark.parametrize(
    "location", [{}, {"ContinentCode": "XX"}, {"CountryCode": "us"}, {"ContinentCode": "EU", "CountryCode": "DE"}]
)
def test_a_location_is_a_continent_or_a_country(make_zone, change, refused, location):
    content = record("r.example.com", "A", "192.0.2.1", SetIdentifier="a", GeoLocation=location)
    assert refused(change, make_zone(), ("CREATE", content))[0] == "InvalidInput"


def test_what_is_incomplete_is_refused_as_aws_does(make_zone, change, refused):
    zone = make_zone()
    assert refused(change, zone, ("CREATE", {"Name": "a.example.com", "Type": "A"})) == (
        "InvalidInput",
        (
            "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or "
            "TrafficPolicyInstanceId], but found none in Change with [Action=CREATE, Name=a.example.com., Type=A, "
            "SetIdentifier=null]"
        ),
    )
    code, message = refused(change, zone, ("CREATE", record("a.example.com", "A", "192.0.2.1", Weight=1)))
    assert (code, message.startswith("Invalid request: Missing field 'SetIdentifier' in Change")) == (
        "InvalidInput",
        True,
    )
    code, message = refused(change, zone, ("CREATE", record("a.example.com", "A", "192.0.2.1", SetIdentifier="x")))
    assert (code, "but found none" in message) == ("InvalidInput", True)


def test_names_are_kept_with_octal_escapes(route53, make_zone, change):
    zone = make_zone()
    change(zone, ("CREATE", record("*.example.com", "A", "192.0.2.1")))
    change(zone, ("CREATE", record("a\\344b.example.com", "A", "192.0.2.1")))
    names = [each["Name"] for each in listed(route53, zone)]
    assert names[2:] == ["\\052.example.com.", "a\\344b.example.com."]
    change(zone, ("DELETE", record("\\052.example.com", "A", "192.0.2.1")))
    assert len(listed(route53, zone)) == 3


def test_an_alias_stands_for_a_record_set_of_its_zone(route53, make_zone, change, refused):
    zone = make_zone()
    target = {"HostedZoneId": zone, "DNSName": "www.example.com", "EvaluateTargetHealth": False}
    alias = record("example.com", "A", AliasTarget=target)
    assert refused(change, zone, ("CREATE", alias)) == (
        "InvalidChangeBatch",
        (
            f"[Tried to create an alias that targets www.example.com., type A in zone {zone}, but that target was not "
            "found]"
        ),
    )
    change(zone, ("CREATE", record("www.example.com", "A", "192.0.2.1")), ("CREATE", alias))
    assert listed(route53, zone)[0] == {
        "Name": "example.com.",
        "Type": "A",
        "AliasTarget": target | {"DNSName": "www.example.com."},
    }
    outside = record("b.example.com", "A", AliasTarget=target | {"DNSName": "example.org"})
    assert "does not lie within the target zone" in refused(change, zone, ("CREATE", outside))[1]
    elsewhere = record("b.example.com", "A", AliasTarget=target | {"HostedZoneId": make_zone("example.net")})
    assert "but that target was not found" in refused(change, zone, ("CREATE", elsewhere))[1]
    both = alias | record("b.example.com", "A", "192.0.2.1")
    assert refused(change, zone, ("CREATE", both))[0] == "InvalidInput"


def test_record_sets_are_listed_by_labels_type_and_identifier_in_pages(route53, make_zone, change):
    zone = make_zone()
    change(
        zone,
        ("CREATE", record("b.example.com", "TXT", '"x"')),
        ("CREATE", record("b.example.com", "A", "192.0.2.1", SetIdentifier="two", Weight=1)),
        ("CREATE", record("b.example.com", "A", "192.0.2.1", SetIdentifier="one", Weight=1)),
        ("CREATE", record("a.b.example.com", "A", "192.0.2.1")),
        ("CREATE", record("a.example.com", "A", "192.0.2.1")),
    )
    expected = [
        ("example.com.", "NS", None),
        ("example.com.", "SOA", None),
        ("a.example.com.", "A", None),
        ("b.example.com.", "A", "one"),
        ("b.example.com.", "A", "two"),
        ("b.example.com.", "TXT", None),
        ("a.b.example.com.", "A", None),
    ]
    for size in (1, 2, 3, 300):
        pages = route53.get_paginator("list_resource_record_sets").paginate(
            HostedZoneId=zone, PaginationConfig={"PageSize": size}
        )
        found = [each for page in pages for each in page["ResourceRecordSets"]]
        assert [(each["Name"], each["Type"], each.get("SetIdentifier")) for each in found] == expected
    later = listed(route53, zone, StartRecordName="b.example.com", StartRecordType="SRV")
    assert [each["Type"] for each in later] == ["TXT", "A"]


def test_record_sets_of_one_name_and_type_follow_one_policy(make_zone, change, refused):
    zone = make_zone()
    weighted = record("w.example.com", "A", "192.0.2.1", SetIdentifier="a", Weight=1)
    change(zone, ("CREATE", weighted), ("CREATE", record("s.example.com", "A", "192.0.2.1")))
    assert refused(change, zone, ("CREATE", record("w.example.com", "A", "192.0.2.2")))[1] == (
        "[RRSet with DNS name w.example.com., type A cannot be created as other RRSets exist with the same name and "
        "type.]"
    )
    multi = record("w.example.com", "A", "192.0.2.2", SetIdentifier="b", MultiValueAnswer=True)
    assert "cannot be created as a non-multivalue answer set exists" in refused(change, zone, ("CREATE", multi))[1]
    other = record("w.example.com", "A", "192.0.2.2", SetIdentifier="b", Weight=1, TTL=5)
    assert "weighted sets must contain the same TTL." in refused(change, zone, ("CREATE", other))[1]
    late = record("s.example.com", "A", "192.0.2.2", SetIdentifier="b", Weight=1)
    assert "a non-weighted set exists with the same name and type." in refused(change, zone, ("CREATE", late))[1]
    primary = record("f.example.com", "A", "192.0.2.1", SetIdentifier="a", Failover="PRIMARY")
    change(zone, ("CREATE", primary))
    again = primary | {"SetIdentifier": "b"}
    assert "a failover set with the same role exists" in refused(change, zone, ("CREATE", again))[1]


@pytest.mark.parametrize(
    "more",
    [
        {"CidrRoutingConfig": {"CollectionId": "0" * 8 + "-0000-0000-0000-" + "0" * 12, "LocationName": "x"}},
        {"GeoProximityLocation": {"AWSRegion": "us-east-1"}},
        {"TrafficPolicyInstanceId": "x"},
    ],
)
def test_what_is_not_honoured_is_refused_by_name(make_zone, change, refused, more):
    content = record("a.example.com", "A", "192.0.2.1", SetIdentifier="a", Weight=1, **more)
    code, message = refused(change, make_zone(), ("CREATE", content))
    assert (code, next(iter(more)) in message) == ("InvalidInput", True)


def test_an_unknown_zone_is_said_to_be_unknown(change, refused):
    content = record("a.example.com", "A", "192.0.2.1")
    assert refused(change, "Z0", ("CREATE", content)) == ("NoSuchHostedZone", "No hosted zone found with ID: Z0")
