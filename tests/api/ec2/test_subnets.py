"""Subnets."""

import pytest

from .conftest import only, refused


def test_subnet_is_shown_as_aws_shows_it(ec2, vpc, api):
    made = ec2.create_subnet(
        VpcId=vpc,
        CidrBlock="10.0.1.0/24",
        AvailabilityZone="us-east-1b",
        TagSpecifications=[{"ResourceType": "subnet", "Tags": [{"Key": "Name", "Value": "private"}]}],
    )["Subnet"]
    assert made == {
        "SubnetId": made["SubnetId"],
        "SubnetArn": f"arn:aws:ec2:us-east-1:{api.account}:subnet/{made['SubnetId']}",
        "OwnerId": api.account,
        "VpcId": vpc,
        "State": "available",
        "CidrBlock": "10.0.1.0/24",
        "AvailableIpAddressCount": 251,
        "AvailabilityZone": "us-east-1b",
        "AvailabilityZoneId": "use1-az2",
        "DefaultForAz": False,
        "MapPublicIpOnLaunch": False,
        "MapCustomerOwnedIpOnLaunch": False,
        "AssignIpv6AddressOnCreation": False,
        "Ipv6CidrBlockAssociationSet": [],
        "Ipv6Native": False,
        "EnableDns64": False,
        "PrivateDnsNameOptionsOnLaunch": {
            "HostnameType": "ip-name",
            "EnableResourceNameDnsARecord": False,
            "EnableResourceNameDnsAAAARecord": False,
        },
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"},
        "Tags": [{"Key": "Name", "Value": "private"}],
    }
    assert ec2.describe_subnets(SubnetIds=[made["SubnetId"]])["Subnets"] == [made]


def test_zone_can_be_given_by_id(ec2, vpc):
    made = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZoneId="use1-az3")["Subnet"]
    assert made["AvailabilityZone"] == "us-east-1c"


def test_unknown_zone(ec2, vpc):
    with refused(
        "InvalidParameterValue",
        "Value (us-east-1z) for parameter availabilityZone is invalid. Subnets can currently only be created in the "
        "following availability zones: us-east-1a, us-east-1b, us-east-1c.",
    ):
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1z")


@pytest.mark.parametrize("cidr", ["10.1.0.0/24", "10.0.0.0/15", "10.0.0.0/29", "192.168.0.0/24"])
def test_range_outside_the_vpc(ec2, vpc, cidr):
    with refused("InvalidSubnet.Range", f"The CIDR '{cidr}' is invalid."):
        ec2.create_subnet(VpcId=vpc, CidrBlock=cidr)


@pytest.mark.parametrize("cidr", ["10.0.1.0/24", "10.0.0.0/16", "10.0.1.128/25"])
def test_range_of_another_subnet(ec2, vpc, subnet, cidr):
    with refused("InvalidSubnet.Conflict", f"The CIDR '{cidr}' conflicts with another subnet"):
        ec2.create_subnet(VpcId=vpc, CidrBlock=cidr)


def test_range_that_is_none(ec2, vpc):
    with refused(
        "InvalidParameterValue", "Value (10.0.1.0) for parameter cidrBlock is invalid. This is not a valid CIDR block."
    ):
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0")


def test_unknown_vpc(ec2):
    with refused("InvalidVpcID.NotFound"):
        ec2.create_subnet(VpcId="vpc-0123456789abcdef0", CidrBlock="10.0.1.0/24")


def test_public_addresses_on_launch_can_be_switched(ec2, subnet):
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    assert ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["MapPublicIpOnLaunch"] is True


def test_free_addresses_are_counted(ec2, subnet):
    made = [ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"] for _ in range(3)]
    assert ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"] == 248
    ec2.delete_network_interface(NetworkInterfaceId=made[0]["NetworkInterfaceId"])
    assert ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"] == 249


def test_subnet_with_an_interface_is_not_deleted(ec2, subnet):
    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    with refused("DependencyViolation", f"The subnet '{subnet}' has dependencies and cannot be deleted."):
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    ec2.delete_subnet(SubnetId=subnet)
    with refused("InvalidSubnetID.NotFound", f"The subnet ID '{subnet}' does not exist"):
        ec2.describe_subnets(SubnetIds=[subnet])


def test_filters(ec2, vpc, subnet):
    for name, value in {
        "availability-zone": "us-east-1a",
        "availability-zone-id": "use1-az1",
        "available-ip-address-count": "251",
        "cidr-block": "10.0.1.0/24",
        "default-for-az": "false",
        "owner-id": "123456789012",
        "state": "available",
        "subnet-id": subnet,
        "vpc-id": vpc,
    }.items():
        filters = [{"Name": name, "Values": [value]}, {"Name": "vpc-id", "Values": [vpc]}]
        found = ec2.describe_subnets(Filters=filters)["Subnets"]
        assert [s["SubnetId"] for s in found] == [subnet], name
    assert ec2.describe_subnets(Filters=only("outpost-arn", "*"))["Subnets"] == []
    assert ec2.describe_subnets(Filters=only("owner-id", "999999999999"))["Subnets"] == []
