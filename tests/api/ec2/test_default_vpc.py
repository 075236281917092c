"""What an account finds in a region without having made anything."""

from typing import Any

import pytest

from .conftest import only, refused


def test_default_vpc_has_a_public_subnet_in_each_zone(ec2, default_vpc):
    subnets = ec2.describe_subnets(Filters=only("vpc-id", default_vpc))["Subnets"]
    assert [(s["CidrBlock"], s["AvailabilityZone"], s["AvailabilityZoneId"]) for s in _by_cidr(subnets)] == [
        ("172.31.0.0/20", "us-east-1a", "use1-az1"),
        ("172.31.16.0/20", "us-east-1b", "use1-az2"),
        ("172.31.32.0/20", "us-east-1c", "use1-az3"),
    ]
    assert all(s["DefaultForAz"] and s["MapPublicIpOnLaunch"] and s["State"] == "available" for s in subnets)
    assert {s["AvailableIpAddressCount"] for s in subnets} == {4091}


def _by_cidr(subnets):
    return sorted(subnets, key=lambda s: int(s["CidrBlock"].split(".")[2]))


def test_default_vpc_is_shown_as_aws_shows_it(ec2, api):
    (vpc,) = ec2.describe_vpcs()["Vpcs"]
    association = vpc["CidrBlockAssociationSet"][0].pop("AssociationId")
    assert association.startswith("vpc-cidr-assoc-")
    assert vpc == {
        "VpcId": vpc["VpcId"],
        "OwnerId": api.account,
        "State": "available",
        "CidrBlock": "172.31.0.0/16",
        "CidrBlockAssociationSet": [{"CidrBlock": "172.31.0.0/16", "CidrBlockState": {"State": "associated"}}],
        "Ipv6CidrBlockAssociationSet": [],
        "DhcpOptionsId": ec2.describe_dhcp_options()["DhcpOptions"][0]["DhcpOptionsId"],
        "InstanceTenancy": "default",
        "IsDefault": True,
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"},
        "Tags": [],
    }
    assert len(vpc["VpcId"]) == len("vpc-") + 17


def test_main_route_table_leads_to_the_internet_gateway(ec2, default_vpc):
    (gateway,) = ec2.describe_internet_gateways(Filters=only("attachment.vpc-id", default_vpc))["InternetGateways"]
    assert gateway["Attachments"] == [{"VpcId": default_vpc, "State": "available"}]
    (table,) = ec2.describe_route_tables(Filters=only("association.main", "true"))["RouteTables"]
    assert [(r["DestinationCidrBlock"], r["GatewayId"], r["State"], r["Origin"]) for r in table["Routes"]] == [
        ("172.31.0.0/16", "local", "active", "CreateRouteTable"),
        ("0.0.0.0/0", gateway["InternetGatewayId"], "active", "CreateRoute"),
    ]
    assert table["Associations"][0]["Main"] is True


def test_default_group_allows_itself_in_and_everything_out(ec2, default_vpc, api):
    (group,) = ec2.describe_security_groups(Filters=only("group-name", "default"))["SecurityGroups"]
    nothing: dict[str, Any] = {"IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []}
    itself = {"GroupId": group["GroupId"], "UserId": api.account}
    assert group["IpPermissions"] == [nothing | {"IpProtocol": "-1", "UserIdGroupPairs": [itself]}]
    assert group["IpPermissionsEgress"] == [nothing | {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    assert group["Description"] == "default VPC security group"
    assert group["VpcId"] == default_vpc


def test_default_network_acl_allows_everything_and_covers_all_subnets(ec2, default_vpc):
    (acl,) = ec2.describe_network_acls(Filters=only("vpc-id", default_vpc))["NetworkAcls"]
    assert acl["IsDefault"] is True
    assert len(acl["Associations"]) == 3
    assert {(e["Egress"], e["RuleNumber"], e["RuleAction"]) for e in acl["Entries"]} == {
        (True, 100, "allow"), (True, 32767, "deny"), (False, 100, "allow"), (False, 32767, "deny"),
    }  # fmt: skip
    subnet = acl["Associations"][0]["SubnetId"]
    assert ec2.describe_network_acls(Filters=only("association.subnet-id", subnet))["NetworkAcls"] == [acl]


def test_dhcp_options_name_the_regions_domain(ec2, api):
    (options,) = api.client("ec2", region="eu-west-1").describe_dhcp_options()["DhcpOptions"]
    assert options["DhcpConfigurations"] == [
        {"Key": "domain-name", "Values": [{"Value": "eu-west-1.compute.internal"}]},
        {"Key": "domain-name-servers", "Values": [{"Value": "AmazonProvidedDNS"}]},
    ]


def test_every_region_has_its_own(ec2, api):
    elsewhere = api.client("ec2", region="eu-central-1")
    assert elsewhere.describe_vpcs()["Vpcs"][0]["VpcId"] != ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    assert {s["AvailabilityZone"] for s in elsewhere.describe_subnets()["Subnets"]} == {
        "eu-central-1a", "eu-central-1b", "eu-central-1c",
    }  # fmt: skip
    with refused("InvalidVpcID.NotFound"):
        elsewhere.describe_vpcs(VpcIds=[ec2.describe_vpcs()["Vpcs"][0]["VpcId"]])


def test_unknown_region_is_refused(ec2, api):
    with refused("InvalidParameterValue", "The region 'moon-north-1' does not exist."):
        api.client("ec2", region="moon-north-1").describe_vpcs()


def test_a_second_default_vpc_is_refused(ec2):
    with refused("DefaultVpcAlreadyExists"):
        ec2.create_default_vpc()


@pytest.fixture
def without_default_vpc(ec2, default_vpc):
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    for gateway in ec2.describe_internet_gateways()["InternetGateways"]:
        ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=default_vpc)
        ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])
    ec2.delete_vpc(VpcId=default_vpc)
    return ec2


def test_deleted_default_vpc_stays_deleted_after_a_restart(without_default_vpc, in_transaction):
    from homeport.kit.ids import RandomIds
    from homeport.services.ec2 import store

    in_transaction(lambda tx: store.initialise(tx, ids=RandomIds()))
    assert without_default_vpc.describe_vpcs()["Vpcs"] == []
    attributes = without_default_vpc.describe_account_attributes(AttributeNames=["default-vpc"])["AccountAttributes"]
    assert attributes[0]["AttributeValues"] == [{"AttributeValue": "none"}]
    with refused("VPCIdNotSpecified", "No default VPC for this user"):
        without_default_vpc.create_security_group(GroupName="web", Description="web")


def test_default_vpc_can_be_made_again(without_default_vpc):
    vpc = without_default_vpc.create_default_vpc()["Vpc"]
    assert vpc["IsDefault"] is True
    assert len(without_default_vpc.describe_subnets(Filters=only("default-for-az", "true"))["Subnets"]) == 3


def test_default_subnet_can_be_made_again(ec2):
    (lost,) = ec2.describe_subnets(Filters=only("availability-zone", "us-east-1b"))["Subnets"]
    with refused("DefaultSubnetAlreadyExistsInAvailabilityZone"):
        ec2.create_default_subnet(AvailabilityZone="us-east-1b")
    ec2.delete_subnet(SubnetId=lost["SubnetId"])
    made = ec2.create_default_subnet(AvailabilityZone="us-east-1b")["Subnet"]
    assert (made["CidrBlock"], made["DefaultForAz"]) == (lost["CidrBlock"], True)
