"""Network interfaces, a user's own and a service's."""

import time

import pytest

from homeport.kit.ids import RandomIds
from homeport.services.ec2 import store

from .conftest import only, refused


@pytest.fixture
def managed(ec2, api, in_transaction):
    """Give an interface with a public address, as ECS makes for a task."""

    async def make(tx):
        subnet = (await store.default_subnets(tx, api.region))[0]
        return await store.allocate_interface(
            tx,
            subnet=subnet,
            groups=[await store.default_security_group(tx, subnet.vpc)],
            description="arn:aws:ecs:us-east-1:123456789012:attachment/1",
            public=True,
            requester="ecs.amazonaws.com",
            tag={"aws:ecs:clusterName": "default"},
            now=time.time(),
            ids=RandomIds(),
        )

    return in_transaction(make)


def test_interface_is_shown_as_aws_shows_it(ec2, vpc, subnet, api):
    made = ec2.create_network_interface(SubnetId=subnet, Description="mine")["NetworkInterface"]
    (default,) = ec2.describe_security_groups(Filters=only("vpc-id", vpc))["SecurityGroups"]
    assert made["Status"] == "pending"
    assert made["MacAddress"].startswith("0e:")
    (shown,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[made["NetworkInterfaceId"]])["NetworkInterfaces"]
    assert shown == {
        "NetworkInterfaceId": made["NetworkInterfaceId"],
        "OwnerId": api.account,
        "VpcId": vpc,
        "SubnetId": subnet,
        "AvailabilityZone": "us-east-1a",
        "AvailabilityZoneId": "use1-az1",
        "Description": "mine",
        "Groups": [{"GroupId": default["GroupId"], "GroupName": "default"}],
        "InterfaceType": "interface",
        "Ipv6Addresses": [],
        "MacAddress": made["MacAddress"],
        "PrivateIpAddress": "10.0.1.4",
        "PrivateIpAddresses": [{"Primary": True, "PrivateIpAddress": "10.0.1.4"}],
        "RequesterManaged": False,
        "SourceDestCheck": True,
        "Status": "available",
        "Operator": {"Managed": False},
        "TagSet": [],
    }


def test_managed_interface_is_in_use_and_public(ec2, managed, api):
    (shown,) = ec2.describe_network_interfaces(Filters=only("description", managed.description))["NetworkInterfaces"]
    association = {"IpOwnerId": "amazon", "PublicDnsName": "", "PublicIp": "198.18.0.4"}
    name = "ip-172-31-0-4.ec2.internal"
    assert shown["Association"] == association
    assert shown["PrivateIpAddresses"] == [
        {"Primary": True, "PrivateIpAddress": "172.31.0.4", "PrivateDnsName": name, "Association": association}
    ]
    assert (shown["PrivateDnsName"], shown["Status"]) == (name, "in-use")
    assert (shown["RequesterManaged"], shown["RequesterId"]) == (True, "ecs.amazonaws.com")
    attachment = shown["Attachment"]
    assert attachment["AttachmentId"].startswith("ela-attach-")
    assert (attachment["DeviceIndex"], attachment["Status"], attachment["DeleteOnTermination"]) == (
        1, "attached", False,
    )  # fmt: skip
    assert abs(attachment["AttachTime"].timestamp() - time.time()) < 60
    assert shown["TagSet"] == [{"Key": "aws:ecs:clusterName", "Value": "default"}]


def test_managed_interface_cannot_be_taken_away(ec2, managed):
    with refused("InvalidParameterValue", f"Network interface '{managed.id}' is currently in use."):
        ec2.delete_network_interface(NetworkInterfaceId=managed.id)
    with refused("OperationNotPermitted", "You are not allowed to manage 'ela-attach' attachments."):
        ec2.detach_network_interface(AttachmentId=managed.attachment, Force=True)
    with refused("AuthFailure", "You do not have permission to access the specified resource."):
        ec2.modify_network_interface_attribute(NetworkInterfaceId=managed.id, Description={"Value": "mine"})
    assert ec2.describe_network_interfaces(NetworkInterfaceIds=[managed.id])["NetworkInterfaces"]


def test_released_interface_is_gone_with_its_tags(ec2, managed, in_transaction):
    in_transaction(lambda tx: store.release_interface(tx, managed.id))
    in_transaction(lambda tx: store.release_interface(tx, managed.id))
    with refused("InvalidNetworkInterfaceID.NotFound", f"The networkInterface ID '{managed.id}' does not exist"):
        ec2.describe_network_interfaces(NetworkInterfaceIds=[managed.id])
    assert ec2.describe_tags()["Tags"] == []


def test_private_dns_name_needs_dns_host_names(ec2, vpc, subnet):
    made = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]
    assert "PrivateDnsName" not in made
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    (shown,) = ec2.describe_network_interfaces(Filters=only("private-dns-name", "ip-10-0-1-4.*"))["NetworkInterfaces"]
    assert shown["PrivateDnsName"] == "ip-10-0-1-4.ec2.internal"


def test_address_can_be_chosen_once(ec2, subnet):
    made = ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress="10.0.1.77")["NetworkInterface"]
    assert made["PrivateIpAddress"] == "10.0.1.77"
    with refused("InvalidIPAddress.InUse", "The specified address is already in use."):
        ec2.create_network_interface(
            SubnetId=subnet, PrivateIpAddresses=[{"PrivateIpAddress": "10.0.1.77", "Primary": True}]
        )


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("10.0.2.4", "Address 10.0.2.4 does not fall within the subnet's address range"),
        ("10.0.1.0", "Address 10.0.1.0 is in subnet's reserved address range"),
        ("10.0.1.3", "Address 10.0.1.3 is in subnet's reserved address range"),
        ("10.0.1.255", "Address 10.0.1.255 is in subnet's reserved address range"),
        ("10.0.1", None),
        ("fd00::1", None),
    ],
)
def test_addresses_that_are_refused(ec2, subnet, address, message):
    with refused("InvalidParameterValue", message):
        ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress=address)


def test_secondary_addresses_are_refused(ec2, subnet):
    with refused("UnsupportedOperation"):
        ec2.create_network_interface(SubnetId=subnet, PrivateIpAddresses=[{"PrivateIpAddress": "10.0.1.9"}])
    with refused("UnsupportedOperation"):
        ec2.create_network_interface(SubnetId=subnet, SecondaryPrivateIpAddressCount=2)


def test_full_subnet(ec2, vpc):
    small = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.9.0/28")["Subnet"]
    assert small["AvailableIpAddressCount"] == 11
    for _ in range(11):
        made = ec2.create_network_interface(SubnetId=small["SubnetId"])["NetworkInterface"]
    with refused(
        "InsufficientFreeAddressesInSubnet",
        "The specified subnet does not have enough free addresses to satisfy the request.",
    ):
        ec2.create_network_interface(SubnetId=small["SubnetId"])
    ec2.delete_network_interface(NetworkInterfaceId=made["NetworkInterfaceId"])
    again = ec2.create_network_interface(SubnetId=small["SubnetId"])["NetworkInterface"]
    assert again["PrivateIpAddress"] == made["PrivateIpAddress"]


def test_same_token_makes_one_interface(ec2, subnet):
    first = ec2.create_network_interface(SubnetId=subnet, ClientToken="once")
    again = ec2.create_network_interface(SubnetId=subnet, ClientToken="once")
    assert first["ClientToken"] == "once"
    assert again["NetworkInterface"] == first["NetworkInterface"]
    with refused("IdempotentParameterMismatch"):
        ec2.create_network_interface(SubnetId=subnet, ClientToken="once", Description="another")
    ec2.delete_network_interface(NetworkInterfaceId=first["NetworkInterface"]["NetworkInterfaceId"])
    anew = ec2.create_network_interface(SubnetId=subnet, ClientToken="once")["NetworkInterface"]
    assert anew["NetworkInterfaceId"] != first["NetworkInterface"]["NetworkInterfaceId"]


def test_groups_and_description_can_be_changed(ec2, vpc, subnet, group):
    made = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=made, Groups=[group])
    ec2.modify_network_interface_attribute(NetworkInterfaceId=made, Description={"Value": "new"})
    ec2.modify_network_interface_attribute(NetworkInterfaceId=made, SourceDestCheck={"Value": True})
    (shown,) = ec2.describe_network_interfaces(Filters=only("group-id", group))["NetworkInterfaces"]
    assert (shown["Description"], shown["Groups"]) == ("new", [{"GroupId": group, "GroupName": "web"}])
    assert ec2.describe_network_interface_attribute(NetworkInterfaceId=made, Attribute="groupSet")["Groups"] == [
        {"GroupId": group, "GroupName": "web"}
    ]
    described = ec2.describe_network_interface_attribute(NetworkInterfaceId=made, Attribute="description")
    assert described["Description"] == {"Value": "new"}
    with refused("UnsupportedOperation"):
        ec2.modify_network_interface_attribute(NetworkInterfaceId=made, SourceDestCheck={"Value": False})
    with refused("InvalidParameterCombination", "Fields for multiple attribute types specified"):
        ec2.modify_network_interface_attribute(NetworkInterfaceId=made, Groups=[group], Description={"Value": "x"})


def test_groups_must_be_few_and_of_the_same_vpc(ec2, vpc, subnet):
    other = ec2.create_security_group(GroupName="other", Description="other")["GroupId"]
    with refused("InvalidParameterCombination", "You have specified two resources that belong to different networks."):
        ec2.create_network_interface(SubnetId=subnet, Groups=[other])
    many = [ec2.create_security_group(GroupName=f"g{n}", Description="g", VpcId=vpc)["GroupId"] for n in range(6)]
    with refused("SecurityGroupsPerInterfaceLimitExceeded"):
        ec2.create_network_interface(SubnetId=subnet, Groups=many)
    made = ec2.create_network_interface(SubnetId=subnet, Groups=many[:5])["NetworkInterface"]
    assert [g["GroupId"] for g in made["Groups"]] == many[:5]


def test_unknown_things(ec2, subnet):
    with refused("InvalidSubnetID.NotFound", "The subnet ID 'subnet-0123456789abcdef0' does not exist"):
        ec2.create_network_interface(SubnetId="subnet-0123456789abcdef0")
    with refused("InvalidGroup.NotFound"):
        ec2.create_network_interface(SubnetId=subnet, Groups=["sg-0123456789abcdef0"])
    with refused("InvalidNetworkInterfaceId.Malformed", 'Invalid id: "nic" (expecting "eni-...")'):
        ec2.delete_network_interface(NetworkInterfaceId="nic")
    with refused("InvalidAttachmentID.NotFound"):
        ec2.detach_network_interface(AttachmentId="eni-attach-0123456789abcdef0")
    with refused("UnsupportedOperation"):
        ec2.create_network_interface(SubnetId=subnet, InterfaceType="efa")


def test_filters(ec2, managed, subnet):
    ec2.create_network_interface(SubnetId=subnet)
    for name, value in {
        "addresses.private-ip-address": managed.address,
        "association.public-ip": managed.public_address,
        "attachment.attachment-id": managed.attachment,
        "attachment.status": "attached",
        "description": "arn:aws:ecs:*:attachment/*",
        "group-name": "default",
        "mac-address": managed.mac,
        "network-interface-id": managed.id,
        "private-dns-name": "ip-172-31-0-4.ec2.internal",
        "private-ip-address": "172.31.*",
        "requester-id": "ecs.amazonaws.com",
        "requester-managed": "true",
        "status": "in-use",
        "subnet-id": managed.subnet,
        "tag:aws:ecs:clusterName": "default",
        "tag-key": "aws:ecs:*",
        "vpc-id": managed.vpc,
    }.items():
        filters = [*only(name, value), *only("status", "in-use")]
        found = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        assert [i["NetworkInterfaceId"] for i in found] == [managed.id], name
    assert ec2.describe_network_interfaces(Filters=only("attachment.instance-id", "i-*"))["NetworkInterfaces"] == []
