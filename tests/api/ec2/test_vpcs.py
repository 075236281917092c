"""VPCs."""

import pytest

from .conftest import only, refused


def test_vpc_is_born_with_table_group_and_acl(ec2, vpc):
    (table,) = ec2.describe_route_tables(Filters=only("vpc-id", vpc))["RouteTables"]
    assert [route["GatewayId"] for route in table["Routes"]] == ["local"]
    (group,) = ec2.describe_security_groups(Filters=only("vpc-id", vpc))["SecurityGroups"]
    assert group["GroupName"] == "default"
    assert len(ec2.describe_network_acls(Filters=only("vpc-id", vpc))["NetworkAcls"]) == 1


def test_host_bits_of_the_range_are_cleared(ec2):
    assert ec2.create_vpc(CidrBlock="10.1.2.3/16")["Vpc"]["CidrBlock"] == "10.1.0.0/16"


@pytest.mark.parametrize("cidr", ["10.0.0.0/15", "10.0.0.0/29", "127.0.0.0/16", "169.254.0.0/24", "198.18.4.0/24"])
def test_range_that_no_vpc_can_have(ec2, cidr):
    with refused("InvalidVpc.Range", f"The CIDR '{cidr}' is invalid."):
        ec2.create_vpc(CidrBlock=cidr)


@pytest.mark.parametrize("cidr", ["10.0.0.0", "ten/16", "10.0.0.256/24", "10.0.0.0/33", "fd00::/16", "/", ""])
def test_range_that_is_none(ec2, cidr):
    with refused("InvalidParameterValue") as refusal:
        ec2.create_vpc(CidrBlock=cidr)
    assert "This is not a valid CIDR block." in refusal.message


def test_missing_range(ec2):
    with refused("MissingParameter", "The request must contain the parameter cidrBlock"):
        ec2.create_vpc()


@pytest.mark.parametrize(
    "parameters",
    [{"InstanceTenancy": "dedicated"}, {"AmazonProvidedIpv6CidrBlock": True}, {"Ipv4IpamPoolId": "ipam-pool-1"}],
    ids=["tenancy", "ipv6", "ipam"],
)
def test_what_homeport_does_not_have_is_refused(ec2, parameters):
    with refused("UnsupportedOperation"):
        ec2.create_vpc(CidrBlock="10.0.0.0/16", **parameters)


def test_what_terraform_sends_is_taken(ec2):
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", InstanceTenancy="default", AmazonProvidedIpv6CidrBlock=False)["Vpc"]
    ec2.modify_vpc_attribute(VpcId=vpc["VpcId"], EnableDnsSupport={"Value": True})
    ec2.modify_vpc_attribute(VpcId=vpc["VpcId"], EnableNetworkAddressUsageMetrics={"Value": False})


def test_dns_host_names_can_be_switched_on(ec2, vpc):
    assert _attribute(ec2, vpc, "enableDnsHostnames", "EnableDnsHostnames") is False
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    assert _attribute(ec2, vpc, "enableDnsHostnames", "EnableDnsHostnames") is True
    assert _attribute(ec2, vpc, "enableDnsSupport", "EnableDnsSupport") is True


def _attribute(ec2, vpc, attribute, member):
    return ec2.describe_vpc_attribute(VpcId=vpc, Attribute=attribute)[member]["Value"]


def test_switching_off_the_resolver_is_refused(ec2, vpc):
    with refused("UnsupportedOperation"):
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": False})
    with refused("InvalidParameterCombination"):
        ec2.modify_vpc_attribute(VpcId=vpc)


def test_unknown_vpc(ec2):
    with refused("InvalidVpcID.NotFound", "The vpc ID 'vpc-0123456789abcdef0' does not exist"):
        ec2.describe_vpcs(VpcIds=["vpc-0123456789abcdef0"])
    with refused("InvalidVpcID.NotFound", "The vpc ID 'nonsense' does not exist"):
        ec2.delete_vpc(VpcId="nonsense")


def test_several_unknown_vpcs(ec2, vpc):
    with refused("InvalidVpcID.NotFound", "The vpc IDs 'vpc-1, vpc-2' do not exist"):
        ec2.describe_vpcs(VpcIds=["vpc-1", vpc, "vpc-2"])


def test_deleted_vpc_takes_what_it_was_born_with(ec2, vpc):
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": "gone"}])
    ec2.delete_vpc(VpcId=vpc)
    with refused("InvalidVpcID.NotFound"):
        ec2.describe_vpcs(VpcIds=[vpc])
    assert ec2.describe_route_tables(Filters=only("vpc-id", vpc))["RouteTables"] == []
    assert ec2.describe_security_groups(Filters=only("vpc-id", vpc))["SecurityGroups"] == []
    assert ec2.describe_network_acls(Filters=only("vpc-id", vpc))["NetworkAcls"] == []
    assert ec2.describe_tags()["Tags"] == []


@pytest.mark.parametrize("dependency", ["subnet", "group", "table", "gateway"])
def test_vpc_with_dependencies_is_not_deleted(ec2, vpc, dependency):
    if dependency == "subnet":
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")
    elif dependency == "group":
        ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)
    elif dependency == "table":
        ec2.create_route_table(VpcId=vpc)
    else:
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    with refused("DependencyViolation", f"The vpc '{vpc}' has dependencies and cannot be deleted."):
        ec2.delete_vpc(VpcId=vpc)
    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]


def test_dry_run_changes_nothing_and_says_it_would_have(ec2):
    with refused("DryRunOperation", "Request would have succeeded, but DryRun flag is set.") as refusal:
        ec2.create_vpc(CidrBlock="10.0.0.0/16", DryRun=True)
    assert refusal.status == 412
    assert len(ec2.describe_vpcs()["Vpcs"]) == 1


def test_dry_run_of_what_would_fail_says_why(ec2):
    with refused("InvalidVpc.Range"):
        ec2.create_vpc(CidrBlock="10.0.0.0/8", DryRun=True)
