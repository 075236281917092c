"""Internet gateways."""

import pytest

from .conftest import only, refused


@pytest.fixture
def gateway(ec2):
    return ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]


def test_gateway_is_born_detached(ec2, gateway, api):
    (shown,) = ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"]
    assert shown == {"InternetGatewayId": gateway, "OwnerId": api.account, "Attachments": [], "Tags": []}


def test_attach_and_detach(ec2, vpc, gateway, api):
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    assert api.wakes[-1] == "ec2.network"
    (shown,) = ec2.describe_internet_gateways(Filters=only("attachment.vpc-id", vpc))["InternetGateways"]
    assert shown["Attachments"] == [{"VpcId": vpc, "State": "available"}]
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    with refused("InvalidInternetGatewayID.NotFound", f"The internetGateway ID '{gateway}' does not exist"):
        ec2.describe_internet_gateways(InternetGatewayIds=[gateway])


def test_one_vpc_each(ec2, vpc, gateway, default_vpc):
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    with refused("Resource.AlreadyAssociated", f"resource {gateway} is already attached to network {vpc}"):
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=default_vpc)
    second = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    with refused("InvalidParameterValue", f"Network {vpc} already has an internet gateway attached"):
        ec2.attach_internet_gateway(InternetGatewayId=second, VpcId=vpc)
    with refused("Gateway.NotAttached", f"resource {second} is not attached to network {vpc}"):
        ec2.detach_internet_gateway(InternetGatewayId=second, VpcId=vpc)
    with refused("DependencyViolation", f"The internetGateway '{gateway}' has dependencies and cannot be deleted."):
        ec2.delete_internet_gateway(InternetGatewayId=gateway)


def test_gateway_in_front_of_public_addresses_stays(ec2, default_vpc, in_transaction, api):
    from homeport.kit.ids import RandomIds
    from homeport.services.ec2 import store

    async def make(tx):
        subnet = (await store.default_subnets(tx, api.region))[0]
        groups = [await store.default_security_group(tx, subnet.vpc)]
        return await store.allocate_interface(tx, subnet=subnet, groups=groups, public=True, now=1.0, ids=RandomIds())

    in_transaction(make)
    (gateway,) = ec2.describe_internet_gateways()["InternetGateways"]
    with refused("DependencyViolation") as refusal:
        ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=default_vpc)
    assert "mapped public address(es)" in refusal.message


def test_unknown_gateway(ec2, vpc):
    with refused("InvalidInternetGatewayID.NotFound"):
        ec2.attach_internet_gateway(InternetGatewayId="igw-0123456789abcdef0", VpcId=vpc)
    with refused("InvalidInternetGatewayId.Malformed"):
        ec2.delete_internet_gateway(InternetGatewayId="gateway")
