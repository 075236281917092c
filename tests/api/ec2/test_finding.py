"""What all Describe calls share: filters, pages, and the places there are."""

import pytest

from .conftest import only, refused


@pytest.fixture
def many(ec2, vpc):
    """Give twelve subnets tagged with their number."""
    return [
        ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=f"10.0.{n}.0/24",
            TagSpecifications=[{"ResourceType": "subnet", "Tags": [{"Key": "n", "Value": f"{n:02}"}]}],
        )["Subnet"]["SubnetId"]
        for n in range(12)
    ]


def test_pages_hold_everything_once(ec2, many):
    pages = list(ec2.get_paginator("describe_subnets").paginate(PaginationConfig={"PageSize": 5}))
    sizes = [len(page["Subnets"]) for page in pages]
    assert sizes == [5, 5, 5]
    found = [subnet["SubnetId"] for page in pages for subnet in page["Subnets"]]
    assert len(found) == len(set(found)) == 15
    assert set(many) < set(found)


def test_pages_count_what_the_filter_lets_through(ec2, many):
    first = ec2.describe_subnets(Filters=only("tag:n", "0?"), MaxResults=6)
    second = ec2.describe_subnets(Filters=only("tag:n", "0?"), MaxResults=6, NextToken=first["NextToken"])
    assert (len(first["Subnets"]), len(second["Subnets"])) == (6, 4)
    assert "NextToken" not in second
    tags = ec2.describe_tags(Filters=only("key", "n"), MaxResults=8)
    rest = ec2.describe_tags(Filters=only("key", "n"), MaxResults=8, NextToken=tags["NextToken"])
    assert [tag["ResourceId"] for tag in tags["Tags"] + rest["Tags"]] == sorted(many)


def test_tokens_of_others_are_refused(ec2, many, api):
    with refused("InvalidNextToken"):
        ec2.describe_subnets(NextToken="bm9uc2Vuc2U=")
    token = ec2.describe_subnets(MaxResults=5)["NextToken"]
    with refused("InvalidNextToken"):
        ec2.describe_vpcs(NextToken=token)
    with refused("InvalidParameterCombination"):
        ec2.describe_subnets(SubnetIds=many[:1], MaxResults=5)
    with refused("InvalidParameterValue"):
        api.client("ec2", validate=False).describe_subnets(MaxResults=4)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["03"], 1),
        (["03", "07"], 2),
        (["0*"], 10),
        (["?1"], 2),
        (["*"], 12),
        (["0", ""], 0),
        (["\\*"], 0),
        (["[0-9]*"], 0),
        (["%"], 0),
    ],
)
def test_wildcards(ec2, many, values, expected):
    assert len(ec2.describe_subnets(Filters=only("tag:n", *values))["Subnets"]) == expected


def test_filters_are_joined_by_and(ec2, many):
    filters = [*only("tag:n", "0*"), *only("cidr-block", "10.0.3.0/24", "10.0.11.0/24"), *only("tag-key", "n")]
    assert [s["CidrBlock"] for s in ec2.describe_subnets(Filters=filters)["Subnets"]] == ["10.0.3.0/24"]
    assert ec2.describe_subnets(SubnetIds=many[:3], Filters=only("tag:n", "01"))["Subnets"][0]["SubnetId"] == many[1]


def test_bad_filters(ec2):
    with refused("InvalidParameterValue", "The filter 'colour' is invalid"):
        ec2.describe_vpcs(Filters=only("colour", "red"))
    with refused("InvalidParameterValue", "The filter 'colour' is invalid"):
        ec2.describe_tags(Filters=only("colour", "red"))
    with refused("MissingParameter"):
        ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": []}])
    with refused("FilterLimitExceeded"):
        ec2.describe_vpcs(Filters=only("vpc-id", *(f"vpc-{n}" for n in range(201))))


def test_regions(ec2):
    regions = {region["RegionName"]: region for region in ec2.describe_regions()["Regions"]}
    assert regions["us-east-1"] == {
        "RegionName": "us-east-1",
        "Endpoint": "ec2.us-east-1.amazonaws.com",
        "OptInStatus": "opt-in-not-required",
    }
    assert len(regions) == 34
    (one,) = ec2.describe_regions(RegionNames=["eu-west-1"])["Regions"]
    assert one["RegionName"] == "eu-west-1"
    assert len(ec2.describe_regions(Filters=only("region-name", "eu-*"))["Regions"]) == 8
    with refused("InvalidParameterValue", "Invalid region provided: moon-north-1"):
        ec2.describe_regions(RegionNames=["moon-north-1"])


def test_zones(ec2):
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    assert [(zone["ZoneName"], zone["ZoneId"], zone["State"]) for zone in zones] == [
        ("us-east-1a", "use1-az1", "available"),
        ("us-east-1b", "use1-az2", "available"),
        ("us-east-1c", "use1-az3", "available"),
    ]
    (one,) = ec2.describe_availability_zones(ZoneIds=["use1-az2"])["AvailabilityZones"]
    assert one["ZoneName"] == "us-east-1b"
    assert ec2.describe_availability_zones(Filters=only("zone-type", "local-zone"))["AvailabilityZones"] == []
    with refused("InvalidParameterValue", "Invalid availability zone: [us-east-1f]"):
        ec2.describe_availability_zones(ZoneNames=["us-east-1f"])


def test_account_attributes(ec2, default_vpc):
    attributes = {
        a["AttributeName"]: a["AttributeValues"][0]["AttributeValue"]
        for a in ec2.describe_account_attributes()["AccountAttributes"]
    }
    assert attributes["default-vpc"] == default_vpc
    assert attributes["supported-platforms"] == "VPC"
    assert attributes["vpc-max-security-groups-per-interface"] == "5"
