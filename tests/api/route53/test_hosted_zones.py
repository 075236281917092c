"""Hosted zones, public and private, and the VPCs that these answer in."""

import pytest
from tests.api.route53.conftest import record


def test_a_zone_is_born_with_its_soa_and_name_servers(route53, make_zone):
    made = route53.create_hosted_zone(Name="Example.COM", CallerReference="once", HostedZoneConfig={"Comment": "mine"})
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    zone = made["HostedZone"]
    assert zone["Id"].startswith("/hostedzone/Z")
    assert (zone["Name"], zone["ResourceRecordSetCount"], zone["CallerReference"]) == ("example.com.", 2, "once")
    assert zone["Config"] == {"Comment": "mine", "PrivateZone": False}
    assert made["Location"].endswith(zone["Id"])
    assert made["ChangeInfo"]["Status"] == "PENDING"
    assert len(made["DelegationSet"]["NameServers"]) == 4
    sets = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    assert [(each["Name"], each["Type"], each["TTL"]) for each in sets] == [
        ("example.com.", "NS", 172_800),
        ("example.com.", "SOA", 900),
    ]
    assert [value["Value"].rstrip(".") for value in sets[0]["ResourceRecords"]] == made["DelegationSet"]["NameServers"]
    shown = route53.get_hosted_zone(Id=zone["Id"])
    assert (shown["HostedZone"], shown["DelegationSet"]) == (zone, made["DelegationSet"])


def test_a_caller_reference_counts_once(route53, make_zone, refused):
    route53.create_hosted_zone(Name="a.test", CallerReference="once")
    assert refused(route53.create_hosted_zone, Name="b.test", CallerReference="once") == (
        "HostedZoneAlreadyExists",
        "A hosted zone has already been created with the specified caller reference.",
    )
    assert route53.get_hosted_zone_count()["HostedZoneCount"] == 1


@pytest.mark.parametrize("name", ["a..test", "a b.test", "x" * 64 + ".test", ".", "*.example.com", "ü.test"])
def test_what_is_no_domain_is_refused(route53, refused, name):
    code, message = refused(route53.create_hosted_zone, Name=name, CallerReference="r")
    assert code == "InvalidDomainName"
    assert name in message


def test_two_public_zones_may_have_one_name(make_zone):
    assert make_zone("example.com") != make_zone("example.com")


def test_a_private_zone_answers_in_its_vpcs(route53, api, make_zone, vpc, refused):
    zone = make_zone("corp.test", vpc)
    shown = route53.get_hosted_zone(Id=zone)
    assert shown["HostedZone"]["Config"]["PrivateZone"] is True
    assert shown["VPCs"] == [{"VPCRegion": "us-east-1", "VPCId": vpc}]
    assert "DelegationSet" not in shown
    other = api.client("ec2").create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    place = {"VPCRegion": "us-east-1", "VPCId": other}
    assert route53.associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC=place)["ChangeInfo"]["Id"]
    assert {each["VPCId"] for each in route53.get_hosted_zone(Id=zone)["VPCs"]} == {vpc, other}
    summaries = route53.list_hosted_zones_by_vpc(VPCId=other, VPCRegion="us-east-1")["HostedZoneSummaries"]
    assert summaries == [{"HostedZoneId": zone, "Name": "corp.test.", "Owner": {"OwningAccount": api.account}}]
    route53.disassociate_vpc_from_hosted_zone(HostedZoneId=zone, VPC={"VPCRegion": "us-east-1", "VPCId": vpc})
    assert refused(route53.disassociate_vpc_from_hosted_zone, HostedZoneId=zone, VPC=place)[0] == "LastVPCAssociation"
    gone = {"VPCRegion": "us-east-1", "VPCId": vpc}
    code, _ = refused(route53.disassociate_vpc_from_hosted_zone, HostedZoneId=zone, VPC=gone)
    assert code == "VPCAssociationNotFound"


def test_a_vpc_has_one_private_zone_of_a_name(route53, make_zone, vpc, refused):
    zone = make_zone("corp.test", vpc)
    place = {"VPCRegion": "us-east-1", "VPCId": vpc}
    code, message = refused(route53.create_hosted_zone, Name="corp.test", CallerReference="again", VPC=place)
    assert (code, zone in message) == ("ConflictingDomainExists", True)
    assert route53.get_hosted_zone_count()["HostedZoneCount"] == 1
    make_zone("other.test", vpc)


def test_a_vpc_must_exist_and_the_zone_be_private(route53, make_zone, vpc, refused):
    for region, id_ in (("us-east-1", "vpc-0123"), ("eu-west-1", vpc)):
        place = {"VPCRegion": region, "VPCId": id_}
        assert refused(route53.create_hosted_zone, Name="a.test", CallerReference="r", VPC=place)[0] == "InvalidVPCId"
    public = make_zone("a.test")
    place = {"VPCRegion": "us-east-1", "VPCId": vpc}
    code, _ = refused(route53.associate_vpc_with_hosted_zone, HostedZoneId=public, VPC=place)
    assert code == "PublicZoneVPCAssociation"


def test_zones_are_listed_in_pages(route53, make_zone, vpc):
    made = {make_zone(f"z{number}.test") for number in range(5)} | {make_zone("p.test", vpc)}
    pages = list(route53.get_paginator("list_hosted_zones").paginate(PaginationConfig={"PageSize": 2}))
    found = [zone["Id"].rpartition("/")[2] for page in pages for zone in page["HostedZones"]]
    assert (len(pages), sorted(found)) == (3, sorted(made))
    private = route53.list_hosted_zones(HostedZoneType="PrivateHostedZone")["HostedZones"]
    assert [zone["Name"] for zone in private] == ["p.test."]


def test_zones_are_listed_by_name_from_the_last_label_on(route53, make_zone):
    for name in ("b.example.com", "a.test", "example.com", "a.example.com"):
        make_zone(name)
    listed = route53.list_hosted_zones_by_name()["HostedZones"]
    assert [zone["Name"] for zone in listed] == ["example.com.", "a.example.com.", "b.example.com.", "a.test."]
    first = route53.list_hosted_zones_by_name(DNSName="a.example.com", MaxItems="1")
    assert [zone["Name"] for zone in first["HostedZones"]] == ["a.example.com."]
    assert (first["IsTruncated"], first["NextDNSName"]) == (True, "b.example.com.")
    following = route53.list_hosted_zones_by_name(DNSName=first["NextDNSName"], HostedZoneId=first["NextHostedZoneId"])
    assert [zone["Name"] for zone in following["HostedZones"]] == ["b.example.com.", "a.test."]


def test_a_comment_can_be_changed_and_taken_away(route53, make_zone):
    zone = make_zone()
    changed = route53.update_hosted_zone_comment(Id=zone, Comment="new")["HostedZone"]
    assert changed["Config"]["Comment"] == "new"
    assert "Comment" not in route53.update_hosted_zone_comment(Id=zone)["HostedZone"]["Config"]


def test_only_an_empty_zone_is_deleted(route53, make_zone, change, refused):
    zone = make_zone()
    change(zone, ("CREATE", record("www.example.com", "A", "192.0.2.1")))
    assert refused(route53.delete_hosted_zone, Id=zone) == (
        "HostedZoneNotEmpty",
        "The specified hosted zone contains non-required resource record sets and so cannot be deleted.",
    )
    change(zone, ("DELETE", record("www.example.com", "A", "192.0.2.1")))
    assert route53.delete_hosted_zone(Id=zone)["ChangeInfo"]["Status"] == "PENDING"
    assert refused(route53.get_hosted_zone, Id=zone) == ("NoSuchHostedZone", f"No hosted zone found with ID: {zone}")


def test_tags_are_kept_with_a_zone(route53, make_zone, refused):
    zone = make_zone()
    target = {"ResourceType": "hostedzone", "ResourceId": zone}
    route53.change_tags_for_resource(**target, AddTags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    route53.change_tags_for_resource(**target, AddTags=[{"Key": "a", "Value": "3"}], RemoveTagKeys=["b"])
    expected = {"ResourceType": "hostedzone", "ResourceId": zone, "Tags": [{"Key": "a", "Value": "3"}]}
    assert route53.list_tags_for_resource(**target)["ResourceTagSet"] == expected
    listed = route53.list_tags_for_resources(ResourceType="hostedzone", ResourceIds=[zone])
    assert listed["ResourceTagSets"] == [expected]
    code, _ = refused(route53.list_tags_for_resource, ResourceType="hostedzone", ResourceId="Z0")
    assert code == "NoSuchHostedZone"


def test_no_zone_is_signed(route53, make_zone, vpc, refused):
    status = route53.get_dnssec(HostedZoneId=make_zone())
    assert (status["Status"]["ServeSignature"], status["KeySigningKeys"]) == ("NOT_SIGNING", [])
    assert refused(route53.get_dnssec, HostedZoneId=make_zone("p.test", vpc))[0] == "InvalidArgument"


def test_delegation_sets_of_ones_own_are_refused_by_name(route53, refused):
    code, message = refused(route53.create_hosted_zone, Name="a.test", CallerReference="r", DelegationSetId="N1")
    assert (code, "DelegationSetId" in message) == ("InvalidInput", True)
