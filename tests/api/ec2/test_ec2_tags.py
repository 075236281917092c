"""Tags of EC2's resources."""

import pytest

from .conftest import only, refused


def test_tags_are_shown_with_their_resource(ec2, vpc, subnet):
    ec2.create_tags(Resources=[vpc, subnet], Tags=[{"Key": "env", "Value": "test"}, {"Key": "Name", "Value": "x"}])
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "env", "Value": "prod"}])
    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Tags"] == [
        {"Key": "Name", "Value": "x"}, {"Key": "env", "Value": "prod"},
    ]  # fmt: skip
    shown = ec2.describe_tags(Filters=only("resource-type", "subnet"))["Tags"]
    assert shown == [
        {"ResourceId": subnet, "ResourceType": "subnet", "Key": "Name", "Value": "x"},
        {"ResourceId": subnet, "ResourceType": "subnet", "Key": "env", "Value": "test"},
    ]


def test_every_kind_of_resource_can_be_tagged(ec2, vpc, subnet, group):
    ec2.create_network_interface(SubnetId=subnet)
    resources = [
        ec2.describe_dhcp_options()["DhcpOptions"][0]["DhcpOptionsId"],
        ec2.describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"],
        ec2.describe_network_acls()["NetworkAcls"][0]["NetworkAclId"],
        ec2.describe_network_interfaces()["NetworkInterfaces"][0]["NetworkInterfaceId"],
        ec2.describe_route_tables()["RouteTables"][0]["RouteTableId"],
        ec2.describe_security_group_rules()["SecurityGroupRules"][0]["SecurityGroupRuleId"],
        group,
        subnet,
        vpc,
    ]
    ec2.create_tags(Resources=resources, Tags=[{"Key": "all", "Value": "yes"}])
    shown = ec2.describe_tags(Filters=only("key", "all"))["Tags"]
    assert {tag["ResourceId"]: tag["ResourceType"] for tag in shown} == dict(
        zip(
            resources,
            [
                "dhcp-options", "internet-gateway", "network-acl", "network-interface", "route-table",
                "security-group-rule", "security-group", "subnet", "vpc",
            ],
            strict=True,
        )
    )  # fmt: skip
    for describe in (ec2.describe_network_acls, ec2.describe_dhcp_options, ec2.describe_route_tables):
        (found,) = [value for value in describe(Filters=only("tag:all", "y*")).values() if isinstance(value, list)]
        assert len(found) == 1


def test_tags_are_deleted_by_key_by_value_or_all(ec2, vpc):
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": key, "Value": "1"} for key in "abc"])
    ec2.delete_tags(Resources=[vpc], Tags=[{"Key": "a"}, {"Key": "b", "Value": "2"}, {"Key": "c", "Value": "1"}])
    assert [tag["Key"] for tag in ec2.describe_tags()["Tags"]] == ["b"]
    ec2.delete_tags(Resources=[vpc])
    assert ec2.describe_tags()["Tags"] == []


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([{"Key": "aws:mine", "Value": ""}], "InvalidParameterValue"),
        ([{"Key": "k" * 129, "Value": ""}], "InvalidParameterValue"),
        ([{"Key": "k", "Value": "v" * 257}], "InvalidParameterValue"),
        ([{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}], "InvalidParameterValue"),
        ([{"Key": f"k{n}", "Value": ""} for n in range(51)], "TagLimitExceeded"),
    ],
    ids=["reserved", "long key", "long value", "twice", "too many"],
)
def test_tags_that_are_refused(ec2, vpc, tags, code):
    with refused(code):
        ec2.create_tags(Resources=[vpc], Tags=tags)
    with refused(code):
        ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}])


def test_fifty_tags_are_enough_together(ec2, vpc):
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)])
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "k1", "Value": "changed"}])
    with refused("TagLimitExceeded"):
        ec2.create_tags(Resources=[vpc], Tags=[{"Key": "one more", "Value": ""}])


def test_resources_that_do_not_exist(ec2, vpc):
    tags = [{"Key": "k", "Value": "v"}]
    with refused("InvalidID", "The ID 'nonsense' is not valid"):
        ec2.create_tags(Resources=["nonsense"], Tags=tags)
    with refused("InvalidSubnetID.NotFound"):
        ec2.create_tags(Resources=[vpc, "subnet-0123456789abcdef0"], Tags=tags)
    assert ec2.describe_tags()["Tags"] == []


@pytest.mark.parametrize(
    ("specifications", "message"),
    [
        (
            [{"ResourceType": "subnet", "Tags": [{"Key": "k", "Value": "v"}]}],
            "'subnet' is not a valid taggable resource type for this operation.",
        ),
        ([{"ResourceType": "vpc", "Tags": []}], "Tag specification must have at least one tag"),
        ([{"Tags": [{"Key": "k", "Value": "v"}]}], "Tag specification resource type must have a value"),
    ],
)
def test_specifications_that_are_refused(ec2, specifications, message):
    with refused("InvalidParameterValue", message):
        ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=specifications)
