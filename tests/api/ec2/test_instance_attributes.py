"""What can be changed of an instance after its launch."""

import pytest

from .conftest import refused


def attribute(machine, instance, name):
    answer = machine.ec2.describe_instance_attribute(InstanceId=instance, Attribute=name)
    return {key: value for key, value in answer.items() if key not in {"InstanceId", "ResponseMetadata"}}


def test_flags_and_behaviour_can_be_changed_at_any_time(machine):
    instance = machine.running()
    for name, member, value in (
        ("disableApiTermination", "DisableApiTermination", True),
        ("disableApiStop", "DisableApiStop", True),
        ("instanceInitiatedShutdownBehavior", "InstanceInitiatedShutdownBehavior", "terminate"),
    ):
        machine.ec2.modify_instance_attribute(InstanceId=instance, **{member: {"Value": value}})
        assert attribute(machine, instance, name) == {member: {"Value": value}}
    machine.ec2.modify_instance_attribute(InstanceId=instance, Attribute="disableApiTermination", Value="false")
    assert attribute(machine, instance, "disableApiTermination") == {"DisableApiTermination": {"Value": False}}


def test_type_and_user_data_change_while_the_instance_is_stopped(machine):
    instance = machine.running()
    with refused("IncorrectInstanceState", f"The instance '{instance}' is not in the 'stopped' state."):
        machine.ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "m5.large"})
    with refused("IncorrectInstanceState"):
        machine.ec2.modify_instance_attribute(InstanceId=instance, UserData={"Value": b"#!/bin/sh\n"})
    machine.ec2.stop_instances(InstanceIds=[instance])
    machine.report(instance, "stopped")
    machine.ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "m5.large"})
    machine.ec2.modify_instance_attribute(InstanceId=instance, UserData={"Value": b"#!/bin/sh\necho\n"})
    machine.look()
    item = machine.told(instance)
    assert (item.memory, item.metadata.instance_type, item.user_data) == (8192, "m5.large", b"#!/bin/sh\necho\n")
    assert attribute(machine, instance, "instanceType") == {"InstanceType": {"Value": "m5.large"}}
    assert attribute(machine, instance, "userData") == {"UserData": {"Value": "IyEvYmluL3NoCmVjaG8K"}}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("x9.mega", "InvalidParameterValue"),
        ("m6g.large", "InvalidParameterValue"),
        ("homeport.node-1", "UnsupportedOperation"),
        ("t3.nano", "AttachmentLimitExceeded"),
    ],
)
def test_types_that_would_not_do_are_refused(machine, name, code):
    instance = machine.stopped()
    for device in (1, 2):
        machine.ec2.attach_network_interface(NetworkInterfaceId=machine.eni(), InstanceId=instance, DeviceIndex=device)
    with refused(code):
        machine.ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": name})


def test_groups_of_the_only_interface_change_and_reach_the_node(machine):
    instance = machine.running()
    group = machine.ec2.create_security_group(GroupName="mine", Description="mine")["GroupId"]
    machine.ec2.modify_instance_attribute(InstanceId=instance, Groups=[group])
    machine.look()
    assert machine.told(instance).metadata.groups == ("mine",)
    assert machine.enis()[machine.told(instance).interface].groups == (group,)
    assert attribute(machine, instance, "groupSet") == {"Groups": [{"GroupId": group, "GroupName": "mine"}]}
    machine.ec2.attach_network_interface(NetworkInterfaceId=machine.eni(), InstanceId=instance, DeviceIndex=1)
    with refused("InvalidInstanceID"):
        machine.ec2.modify_instance_attribute(InstanceId=instance, Groups=[group])


def test_groups_changed_at_the_interface_reach_the_metadata(machine):
    instance = machine.running()
    group = machine.ec2.create_security_group(GroupName="mine", Description="mine")["GroupId"]
    interface = machine.told(instance).interface
    machine.ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=[group])
    machine.look()
    assert machine.told(instance).metadata.groups == ("mine",)


def test_the_source_destination_check_stays_on(machine):
    instance = machine.running()
    machine.ec2.modify_instance_attribute(InstanceId=instance, SourceDestCheck={"Value": True})
    with refused("UnsupportedOperation"):
        machine.ec2.modify_instance_attribute(InstanceId=instance, SourceDestCheck={"Value": False})
    assert attribute(machine, instance, "sourceDestCheck") == {"SourceDestCheck": {"Value": True}}


def test_one_attribute_at_a_time(machine):
    instance = machine.running()
    with refused("InvalidParameterCombination"):
        machine.ec2.modify_instance_attribute(
            InstanceId=instance, DisableApiStop={"Value": True}, DisableApiTermination={"Value": True}
        )
    with refused("InvalidParameterCombination"):
        machine.ec2.modify_instance_attribute(InstanceId=instance)
    with refused("UnsupportedOperation"):
        machine.ec2.modify_instance_attribute(InstanceId=instance, Attribute="kernel", Value="aki-1")
    with refused("InvalidParameterValue"):
        machine.ec2.modify_instance_attribute(InstanceId=instance, Attribute="disableApiStop", Value="maybe")


def test_every_attribute_can_be_looked_at(machine):
    instance = machine.running()
    assert attribute(machine, instance, "rootDeviceName") == {"RootDeviceName": {"Value": "/dev/xvda"}}
    assert attribute(machine, instance, "blockDeviceMapping") == {"BlockDeviceMappings": []}
    for name in (
        "kernel",
        "ramdisk",
        "productCodes",
        "ebsOptimized",
        "enaSupport",
        "enclaveOptions",
        "sriovNetSupport",
    ):
        attribute(machine, instance, name)
    with refused("InvalidParameterValue"):
        machine.ec2.describe_instance_attribute(InstanceId=instance, Attribute="colour")


def test_metadata_options_reach_the_node(machine):
    instance = machine.running()
    answer = machine.ec2.modify_instance_metadata_options(
        InstanceId=instance, HttpTokens="optional", HttpPutResponseHopLimit=5, HttpEndpoint="disabled"
    )["InstanceMetadataOptions"]
    assert answer == {
        "State": "pending", "HttpTokens": "optional", "HttpPutResponseHopLimit": 5, "HttpEndpoint": "disabled",
        "HttpProtocolIpv6": "disabled", "InstanceMetadataTags": "disabled",
    }  # fmt: skip
    machine.look()
    metadata = machine.told(instance).metadata
    assert (metadata.tokens_required, metadata.hop_limit, metadata.endpoint) == (False, 5, False)
    assert machine.describe(instance)["MetadataOptions"] == answer | {"State": "applied"}
    with refused("InvalidParameterValue"):
        machine.ec2.modify_instance_metadata_options(InstanceId=instance, HttpPutResponseHopLimit=0)
    machine.terminate(instance)
    with refused("IncorrectInstanceState"):
        machine.ec2.modify_instance_metadata_options(InstanceId=instance, HttpTokens="required")
    with refused("IncorrectInstanceState"):
        machine.ec2.modify_instance_attribute(InstanceId=instance, DisableApiStop={"Value": True})
