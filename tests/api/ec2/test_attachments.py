"""Interfaces, trunks and branches on instances."""

import time

import pytest

from homeport.kit.ids import RandomIds
from homeport.services.ec2 import store

from .conftest import only, refused


def attach(machine, instance, device=1, interface=None):
    interface = interface or machine.eni()
    answer = machine.ec2.attach_network_interface(NetworkInterfaceId=interface, InstanceId=instance, DeviceIndex=device)
    assert answer["NetworkCardIndex"] == 0
    return interface, answer["AttachmentId"]


def shown(machine, interface):
    (found,) = machine.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"]
    return found


def test_an_attached_interface_is_shown_and_reaches_the_node(machine, api):
    instance = machine.running()
    interface, attachment = attach(machine, instance)
    machine.look()
    eni = machine.enis()[interface]
    assert (eni.instance, eni.device_index, eni.kind) == (instance, 1, "interface")
    view = shown(machine, interface)
    assert view["Status"] == "in-use"
    assert view["Attachment"] | {"AttachTime": ""} == {
        "AttachmentId": attachment, "AttachTime": "", "DeleteOnTermination": False, "DeviceIndex": 1,
        "NetworkCardIndex": 0, "InstanceId": instance, "InstanceOwnerId": api.account, "Status": "attached",
    }  # fmt: skip
    assert len(machine.describe(instance)["NetworkInterfaces"]) == 2
    for name, value in {
        "attachment.instance-id": instance, "attachment.device-index": "1", "attachment.attachment-id": attachment,
        "attachment.delete-on-termination": "false",
    }.items():  # fmt: skip
        found = machine.ec2.describe_network_interfaces(Filters=only(name, value))["NetworkInterfaces"]
        assert interface in {each["NetworkInterfaceId"] for each in found}, name


def test_a_detached_interface_is_free_once_its_node_was_told(machine):
    instance = machine.running()
    interface, attachment = attach(machine, instance)
    machine.look()
    machine.ec2.detach_network_interface(AttachmentId=attachment)
    view = shown(machine, interface)
    assert (view["Status"], view["Attachment"]["Status"]) == ("detaching", "detaching")
    with refused("InvalidParameterValue", f"Network interface '{interface}' is currently in use."):
        machine.ec2.delete_network_interface(NetworkInterfaceId=interface)
    assert machine.look() == ["fleet.sessions", "ec2.network", "ec2.instances"]
    assert interface not in machine.enis()
    view = shown(machine, interface)
    assert view["Status"] == "available"
    assert "Attachment" not in view
    other = machine.running()
    attach(machine, other, 1, interface)
    machine.look()
    assert machine.enis()[interface].instance == other


def test_limits_of_the_type_hold(machine):
    instance = machine.running()
    attach(machine, instance, 1)
    attach(machine, instance, 2)
    with refused("AttachmentLimitExceeded", "Interface count 4 exceeds the limit for c5.large"):
        attach(machine, instance, 3)


def test_a_device_number_is_taken_once(machine):
    instance = machine.running()
    interface, _ = attach(machine, instance)
    message = f"Instance '{instance}' already has an interface attached at device index '1'."
    with refused("InvalidParameterValue", message):
        attach(machine, instance, 1)
    with refused("InvalidParameterValue", f"Interface: [{interface}] in use."):
        attach(machine, instance, 2, interface)
    with refused("InvalidParameterValue"):
        attach(machine, instance, 99)


def test_zones_do_not_mix(machine):
    instance = machine.running()
    with refused("InvalidParameterCombination"):
        attach(machine, instance, 1, machine.eni(SubnetId=machine.subnet("us-east-1b")))


def test_only_what_runs_or_is_stopped_takes_an_interface(machine):
    pending = machine.run()["InstanceId"]
    with refused("IncorrectInstanceState"):
        attach(machine, pending)


def test_the_primary_interface_stays(machine):
    instance = machine.running()
    (interface,) = machine.interfaces(instance)
    with refused("OperationNotPermitted", "The network interface at device index 0 cannot be detached."):
        machine.ec2.detach_network_interface(AttachmentId=interface["Attachment"]["AttachmentId"])
    with refused("InvalidAttachmentID.NotFound"):
        machine.ec2.detach_network_interface(AttachmentId="eni-attach-00000000000000000")


def test_what_goes_with_its_instance_is_decided_by_the_attachment(machine):
    instance = machine.running()
    interface, attachment = attach(machine, instance)
    machine.ec2.modify_network_interface_attribute(
        NetworkInterfaceId=interface, Attachment={"AttachmentId": attachment, "DeleteOnTermination": True}
    )
    assert shown(machine, interface)["Attachment"]["DeleteOnTermination"] is True
    with refused("InvalidAttachmentID.NotFound"):
        machine.ec2.modify_network_interface_attribute(
            NetworkInterfaceId=interface, Attachment={"AttachmentId": "eni-attach-1", "DeleteOnTermination": True}
        )
    machine.look()
    machine.terminate(instance)
    assert machine.ec2.describe_network_interfaces()["NetworkInterfaces"] == []


@pytest.fixture
def trunked(machine, api):
    """Give an instance with a trunk as ECS makes it, and that trunk's id."""
    instance = machine.running()

    async def make(tx):
        found = await store.get_instance(tx, api.region, instance)
        return await store.attach_trunk(tx, found, now=time.time(), ids=RandomIds())

    return instance, machine.in_transaction(make).id


def test_ecs_trunk_is_the_services_own(machine, trunked):
    instance, trunk = trunked
    machine.look()
    assert machine.enis()[trunk].kind == "trunk"
    view = shown(machine, trunk)
    assert (view["InterfaceType"], view["RequesterManaged"]) == ("trunk", True)
    with refused("OperationNotPermitted", "You are not allowed to manage 'ela-attach' attachments."):
        machine.ec2.detach_network_interface(AttachmentId=view["Attachment"]["AttachmentId"])
    with refused("InvalidParameterValue"):
        machine.ec2.delete_network_interface(NetworkInterfaceId=trunk)
    branch = machine.eni(InterfaceType="branch")
    with refused("AuthFailure"):
        machine.ec2.associate_trunk_interface(BranchInterfaceId=branch, TrunkInterfaceId=trunk)
    machine.terminate(instance)
    left = machine.ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert [each["NetworkInterfaceId"] for each in left] == [branch]


def test_a_tasks_interface_on_an_instance_is_managed_and_counts(machine, api):
    instance = machine.running()

    async def make(tx):
        found = await store.get_instance(tx, api.region, instance)
        (subnet,) = await store.get_subnets(tx, api.region, [machine_subnet])
        groups = [await store.default_security_group(tx, subnet.vpc)]
        return await store.allocate_task_interface(
            tx, found, subnet=subnet, groups=groups, now=time.time(), ids=RandomIds(), requester="amazon-ecs"
        )

    machine_subnet = machine.subnet()
    interface = machine.in_transaction(make)
    view = shown(machine, interface.id)
    assert (view["RequesterManaged"], view["Attachment"]["InstanceId"]) == (True, instance)
    machine.look()
    assert interface.id not in machine.enis()
    attach(machine, instance, 2)
    with refused("AttachmentLimitExceeded"):
        attach(machine, instance, 3)
    machine.terminate(instance)
    assert shown(machine, interface.id)["Status"] == "in-use"
    machine.look(later=4000)
    assert machine.state(instance) == "terminated"
    machine.in_transaction(lambda tx: store.release_interface(tx, interface.id))
    machine.look(later=4000)
    assert machine.ec2.describe_instances()["Reservations"] == []


@pytest.fixture
def trunk(machine):
    return machine.eni(InterfaceType="trunk")


def test_branches_hang_on_trunks_under_the_lowest_free_vlan(machine, trunk):
    made = []
    for vlan in (1, 2, 3):
        branch = machine.eni(InterfaceType="branch")
        association = machine.ec2.associate_trunk_interface(BranchInterfaceId=branch, TrunkInterfaceId=trunk)[
            "InterfaceAssociation"
        ]
        assert association == {
            "AssociationId": association["AssociationId"], "BranchInterfaceId": branch, "TrunkInterfaceId": trunk,
            "InterfaceProtocol": "VLAN", "VlanId": vlan, "Tags": [],
        }  # fmt: skip
        made.append(association)
    assert machine.ec2.disassociate_trunk_interface(AssociationId=made[1]["AssociationId"])["Return"] is True
    branch = machine.eni(InterfaceType="branch")
    answer = machine.ec2.associate_trunk_interface(BranchInterfaceId=branch, TrunkInterfaceId=trunk, ClientToken="t")
    again = machine.ec2.associate_trunk_interface(BranchInterfaceId=branch, TrunkInterfaceId=trunk, ClientToken="t")
    assert answer["InterfaceAssociation"] == again["InterfaceAssociation"]
    assert (answer["InterfaceAssociation"]["VlanId"], answer["ClientToken"]) == (2, "t")
    assert shown(machine, branch)["Status"] == "in-use"
    found = machine.ec2.describe_trunk_interface_associations(Filters=only("vlan-id", "3"))["InterfaceAssociations"]
    assert found == [made[2]]
    with refused("InvalidParameterValue", f"Network interface '{trunk}' is currently in use."):
        machine.ec2.delete_network_interface(NetworkInterfaceId=trunk)
    with refused("InvalidParameterValue", f"Network interface '{branch}' is currently in use."):
        machine.ec2.delete_network_interface(NetworkInterfaceId=branch)


def test_trunks_and_branches_are_of_their_kinds(machine, trunk):
    plain, branch = machine.eni(), machine.eni(InterfaceType="branch")
    associate = machine.ec2.associate_trunk_interface
    with refused("InvalidParameterValue"):
        associate(BranchInterfaceId=plain, TrunkInterfaceId=trunk)
    with refused("InvalidParameterValue"):
        associate(BranchInterfaceId=branch, TrunkInterfaceId=plain)
    with refused("InvalidParameterValue"):
        associate(BranchInterfaceId=branch, TrunkInterfaceId=trunk, VlanId=121)
    with refused("UnsupportedOperation"):
        associate(BranchInterfaceId=branch, TrunkInterfaceId=trunk, GreKey=7)
    associate(BranchInterfaceId=branch, TrunkInterfaceId=trunk, VlanId=120)
    with refused("InvalidParameterValue", f"Interface: [{branch}] in use."):
        associate(BranchInterfaceId=branch, TrunkInterfaceId=trunk)
    with refused("InvalidParameterValue"):
        associate(BranchInterfaceId=machine.eni(InterfaceType="branch"), TrunkInterfaceId=trunk, VlanId=120)
    with refused("UnsupportedOperation"):
        machine.eni(InterfaceType="efa")


def test_a_trunk_is_attached_where_the_type_has_trunks(machine, trunk):
    small = machine.running(InstanceType="t3.large")
    with refused("UnsupportedOperation"):
        attach(machine, small, 1, trunk)
    instance = machine.running()
    _, attachment = attach(machine, instance, 1, trunk)
    with refused("UnsupportedOperation"):
        attach(machine, instance, 2, machine.eni(InterfaceType="trunk"))
    branch = machine.eni(InterfaceType="branch")
    with refused("InvalidParameterValue"):
        attach(machine, instance, 2, branch)
    machine.ec2.associate_trunk_interface(BranchInterfaceId=branch, TrunkInterfaceId=trunk)
    with refused("OperationNotPermitted"):
        machine.ec2.detach_network_interface(AttachmentId=attachment)
