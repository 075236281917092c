"""The life of an instance, as its users see it."""

import pytest

from homeport.wire.messages import Instance

from .conftest import only, refused

USER = {"Code": "Client.UserInitiatedShutdown", "Message": "Client.UserInitiatedShutdown: User initiated shutdown"}


def wait(machine, name, *instances):
    machine.ec2.get_waiter(name).wait(InstanceIds=list(instances), WaiterConfig={"Delay": 0, "MaxAttempts": 1})


def statuses(machine, **more):
    found = machine.ec2.describe_instance_status(**more)["InstanceStatuses"]
    return {each["InstanceId"]: (each["InstanceStatus"]["Status"], each["SystemStatus"]["Status"]) for each in found}


def test_an_instance_runs_when_its_node_says_so(machine):
    instance = machine.running()
    wait(machine, "instance_running", instance)
    wait(machine, "instance_status_ok", instance)
    assert "StateReason" not in machine.describe(instance)


def test_a_pending_instance_says_why_it_does_not_run_yet(machine):
    instance = machine.run()["InstanceId"]
    machine.look()
    machine.report(instance, "pending", reason="no busybox on this machine")
    assert machine.describe(instance)["StateReason"] == {
        "Code": "pending",
        "Message": "pending: no busybox on this machine",
    }


def test_a_stopped_instance_keeps_its_private_address_and_loses_its_public_one(machine):
    instance = machine.running()
    before = machine.describe(instance)
    (change,) = machine.ec2.stop_instances(InstanceIds=[instance])["StoppingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]) == ("running", {"Code": 64, "Name": "stopping"})
    machine.look()
    assert machine.told(instance).running is False
    assert machine.describe(instance)["PublicIpAddress"] == before["PublicIpAddress"]
    machine.report(instance, "stopping")
    assert machine.state(instance) == "stopping"
    machine.report(instance, "stopped")
    wait(machine, "instance_stopped", instance)
    after = machine.describe(instance)
    assert "PublicIpAddress" not in after
    assert after["PrivateIpAddress"] == before["PrivateIpAddress"]
    assert after["StateReason"] == USER
    assert after["StateTransitionReason"].startswith("User initiated (20")
    assert after["StateTransitionReason"].endswith(" GMT)")
    machine.look()
    assert machine.enis()[machine.told(instance).interface].public_address == ""


def test_a_start_brings_another_public_address_and_another_launch_time(machine):
    instance = machine.running()
    before = machine.describe(instance)
    machine.ec2.stop_instances(InstanceIds=[instance])
    machine.report(instance, "stopped")
    (change,) = machine.ec2.start_instances(InstanceIds=[instance])["StartingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("stopped", "pending")
    machine.look()
    assert machine.told(instance).running is True
    machine.report(instance, "running", agent={"ECS_CLUSTER": "web"})
    after = machine.describe(instance)
    assert after["State"]["Name"] == "running"
    assert after["PublicIpAddress"] != before["PublicIpAddress"]
    assert after["LaunchTime"] >= before["LaunchTime"]
    assert "StateReason" not in after
    assert after["StateTransitionReason"] == ""


def test_a_start_with_two_interfaces_brings_no_public_address(machine):
    instance = machine.stopped()
    machine.ec2.attach_network_interface(NetworkInterfaceId=machine.eni(), InstanceId=instance, DeviceIndex=1)
    machine.ec2.start_instances(InstanceIds=[instance])
    assert "PublicIpAddress" not in machine.describe(instance)


def test_repetition_changes_nothing(machine):
    instance = machine.running()
    (change,) = machine.ec2.start_instances(InstanceIds=[instance])["StartingInstances"]
    assert change["PreviousState"] == change["CurrentState"] == {"Code": 16, "Name": "running"}
    for _ in range(2):
        (change,) = machine.ec2.stop_instances(InstanceIds=[instance], Force=True)["StoppingInstances"]
        assert change["CurrentState"]["Name"] == "stopping"
    assert change["PreviousState"]["Name"] == "stopping"


def test_states_from_which_there_is_no_way(machine):
    pending = machine.run()["InstanceId"]
    words = "The instance '{}' is not in a state from which it can be {}."
    with refused("IncorrectInstanceState", words.format(pending, "stopped")):
        machine.ec2.stop_instances(InstanceIds=[pending])
    with refused("IncorrectInstanceState", words.format(pending, "rebooted")):
        machine.ec2.reboot_instances(InstanceIds=[pending])
    stopping = machine.running()
    machine.ec2.stop_instances(InstanceIds=[stopping])
    with refused("IncorrectInstanceState", words.format(stopping, "started")):
        machine.ec2.start_instances(InstanceIds=[stopping])


def test_one_instance_that_cannot_be_changed_leaves_all_as_they_were(machine):
    running, pending = machine.running(), machine.run()["InstanceId"]
    with refused("IncorrectInstanceState"):
        machine.ec2.stop_instances(InstanceIds=[running, pending])
    assert machine.state(running) == "running"


def test_a_reboot_stops_and_starts_without_leaving_running(machine):
    instance = machine.running()
    before = machine.describe(instance)
    machine.ec2.reboot_instances(InstanceIds=[instance])
    machine.look()
    assert machine.told(instance).running is False
    assert statuses(machine) == {instance: ("initializing", "ok")}
    machine.report(instance, "stopping")
    machine.report(instance, "stopped")
    machine.look()
    assert machine.told(instance).running is True
    machine.report(instance, "running")
    assert machine.describe(instance) == before
    assert statuses(machine) == {instance: ("ok", "ok")}


def test_a_terminated_instance_gives_everything_back_and_is_shown_for_an_hour(machine):
    subnet = machine.subnet()
    free = machine.free(subnet)
    instance = machine.running(TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "k", "Value": "v"}]}])
    (change,) = machine.ec2.terminate_instances(InstanceIds=[instance])["TerminatingInstances"]
    assert change["CurrentState"] == {"Code": 32, "Name": "shutting-down"}
    assert machine.look() == ["fleet.sessions", "ec2.network"]
    assert machine.assigned(Instance) == {}
    assert machine.enis() == {}
    assert machine.free(subnet) == free - 1
    machine.report(instance, "gone")
    wait(machine, "instance_terminated", instance)
    shown = machine.describe(instance)
    assert shown["State"] == {"Code": 48, "Name": "terminated"}
    assert shown["StateReason"] == USER
    assert shown["NetworkInterfaces"] == shown["SecurityGroups"] == []
    assert not {"VpcId", "SubnetId", "PrivateIpAddress", "PublicIpAddress"} & set(shown)
    assert machine.free(subnet) == free
    assert machine.interfaces(instance) == []
    machine.look(later=3500)
    assert machine.state(instance) == "terminated"
    machine.look(later=3700)
    with refused("InvalidInstanceID.NotFound", f"The instance ID '{instance}' does not exist"):
        machine.describe(instance)
    assert machine.ec2.describe_tags()["Tags"] == []


def test_an_instance_whose_node_never_heard_of_it_ends_at_once(machine):
    instance = machine.run()["InstanceId"]
    machine.ec2.terminate_instances(InstanceIds=[instance])
    assert "ec2.instances" in machine.look()
    assert machine.state(instance) == "terminated"
    assert machine.assigned(Instance) == {}
    assert machine.ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def test_a_stopped_instance_can_be_terminated(machine):
    instance = machine.stopped()
    machine.terminate(instance)
    assert machine.state(instance) == "terminated"


def test_termination_twice_is_no_error(machine):
    instance = machine.running()
    machine.terminate(instance)
    (change,) = machine.ec2.terminate_instances(InstanceIds=[instance])["TerminatingInstances"]
    assert change["PreviousState"]["Name"] == change["CurrentState"]["Name"] == "terminated"


def test_what_was_attached_to_stay_stays(machine):
    instance, interface = machine.running(), machine.eni()
    machine.ec2.attach_network_interface(NetworkInterfaceId=interface, InstanceId=instance, DeviceIndex=1)
    machine.look()
    machine.terminate(instance)
    (left,) = machine.ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert (left["NetworkInterfaceId"], left["Status"]) == (interface, "available")
    machine.ec2.delete_network_interface(NetworkInterfaceId=interface)


def test_protected_instances_stay(machine):
    instance = machine.running(DisableApiTermination=True, DisableApiStop=True)
    message = f"The instance '{instance}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again."
    with refused("OperationNotPermitted", message):
        machine.ec2.terminate_instances(InstanceIds=[instance])
    with refused("OperationNotPermitted"):
        machine.ec2.stop_instances(InstanceIds=[instance])
    machine.ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": False})
    machine.ec2.terminate_instances(InstanceIds=[instance])


@pytest.mark.parametrize(("behavior", "state"), [("stop", "stopped"), ("terminate", "shutting-down")])
def test_an_instance_that_shuts_itself_down_does_as_its_launch_said(machine, behavior, state):
    instance = machine.running(InstanceInitiatedShutdownBehavior=behavior)
    machine.report(instance, "stopped")
    shown = machine.describe(instance)
    assert shown["State"]["Name"] == state
    assert shown["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"


def test_an_instance_that_was_lost_is_terminated_with_the_servers_reason(machine):
    instance = machine.running()
    machine.report(instance, "gone")
    shown = machine.describe(instance)
    assert shown["State"]["Name"] == "terminated"
    assert shown["StateReason"]["Code"] == "Server.InternalError"
    assert machine.assigned(Instance) == {}


def test_reports_that_are_old_or_another_nodes_change_nothing(machine):
    instance = machine.running()
    machine.report(instance, "gone", sequence=1)
    machine.report(instance, "gone", node="node-2", sequence=9)
    machine.report("i-00000000000000000", "gone")
    assert machine.state(instance) == "running"


def test_a_late_report_of_running_does_not_undo_a_stop(machine):
    instance = machine.running()
    machine.ec2.stop_instances(InstanceIds=[instance])
    machine.report(instance, "running")
    assert machine.state(instance) == "stopping"


def test_an_instance_outlives_its_nodes_absence_and_its_checks_say_so(machine):
    instance = machine.running()
    machine.leave()
    assert machine.state(instance) == "running"
    assert statuses(machine) == {instance: ("insufficient-data", "impaired")}
    (found,) = machine.ec2.describe_instance_status(Filters=only("system-status.reachability", "failed"))[
        "InstanceStatuses"
    ]
    assert found["SystemStatus"]["Details"] == [{"Name": "reachability", "Status": "failed"}]
    machine.join()
    assert statuses(machine) == {instance: ("ok", "ok")}


def test_checks_are_shown_of_running_instances_unless_all_are_asked_for(machine):
    running, stopped = machine.running(), machine.stopped()
    pending = machine.run()["InstanceId"]
    assert set(statuses(machine)) == {running}
    assert statuses(machine, InstanceIds=[stopped]) == {}
    assert statuses(machine, IncludeAllInstances=True) == {
        running: ("ok", "ok"),
        stopped: ("not-applicable", "not-applicable"),
        pending: ("initializing", "ok"),
    }


def test_instances_are_found_by_what_they_are(machine):
    group = machine.ec2.create_security_group(GroupName="mine", Description="mine")["GroupId"]
    made = machine.run(
        SecurityGroupIds=[group],
        IamInstanceProfile={"Name": "role"},
        ClientToken="t-1",
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "mine"}]}],
    )
    machine.run(InstanceType="t3.micro", Placement={"AvailabilityZone": "us-east-1b"})
    interface = made["NetworkInterfaces"][0]
    for name, value in {
        "instance-id": made["InstanceId"], "instance-type": "c5.*", "availability-zone": "us-east-1a",
        "private-ip-address": made["PrivateIpAddress"], "ip-address": made["PublicIpAddress"], "client-token": "t-1",
        "iam-instance-profile.arn": "*/role", "instance.group-id": group, "tag:Name": "mine",
        "network-interface.network-interface-id": interface["NetworkInterfaceId"], "subnet-id": made["SubnetId"],
        "network-interface.attachment.attachment-id": interface["Attachment"]["AttachmentId"],
        "network-interface.group-name": "mine", "private-dns-name": made["PrivateDnsName"],
    }.items():  # fmt: skip
        found = machine.ec2.describe_instances(Filters=only(name, value))["Reservations"]
        assert [each["InstanceId"] for one in found for each in one["Instances"]] == [made["InstanceId"]], name
    for name, value in {
        "instance-state-name": "pending", "network-interface.attachment.instance-owner-id": machine.api.account,
        "owner-id": machine.api.account, "network-interface.addresses.primary": "true",
    }.items():  # fmt: skip
        assert len(machine.ec2.describe_instances(Filters=only(name, value))["Reservations"]) == 2, name
    with refused("InvalidParameterValue", "The filter 'colour' is invalid"):
        machine.ec2.describe_instances(Filters=only("colour", "red"))


def test_instances_come_in_pages(machine):
    made = {each["InstanceId"] for each in machine.launch(MinCount=7, MaxCount=7)}
    pages = list(machine.ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
    shown = [each["InstanceId"] for page in pages for one in page["Reservations"] for each in one["Instances"]]
    assert len(pages) == 2
    assert sorted(shown) == sorted(made)
    with refused("InvalidParameterCombination"):
        machine.ec2.describe_instances(InstanceIds=list(made), MaxResults=5)


def test_ids_that_are_none_are_told_apart(machine):
    with refused("InvalidInstanceID.NotFound", "The instance ID 'i-00000000000000000' does not exist"):
        machine.ec2.describe_instances(InstanceIds=["i-00000000000000000"])
    with refused("InvalidInstanceID.Malformed", 'Invalid id: "web" (expecting "i-...")'):
        machine.ec2.terminate_instances(InstanceIds=["web"])


def test_tags_reach_the_metadata_only_where_that_was_asked_for(machine):
    instance = machine.running()
    machine.ec2.create_tags(Resources=[instance], Tags=[{"Key": "Name", "Value": "web"}])
    machine.look()
    assert machine.told(instance).metadata.tags == {}
    machine.ec2.modify_instance_metadata_options(InstanceId=instance, InstanceMetadataTags="enabled")
    machine.look()
    assert machine.told(instance).metadata.tags == {"Name": "web"}
    machine.ec2.delete_tags(Resources=[instance], Tags=[{"Key": "Name"}])
    machine.look()
    assert machine.told(instance).metadata.tags == {}
    machine.ec2.create_tags(Resources=[instance], Tags=[{"Key": "a", "Value": "b"}])
    (tag,) = machine.ec2.describe_tags(Filters=only("resource-type", "instance"))["Tags"]
    assert (tag["ResourceId"], tag["Key"]) == (instance, "a")


def test_the_agents_configuration_is_kept_with_the_instance(machine):
    from homeport.services.ec2 import store

    instance = machine.running()
    found = machine.in_transaction(lambda tx: store.find_instance(tx, instance))
    assert found.agent == {"ECS_CLUSTER": "web"}
    assert found.launched_by.endswith(":root")
    pending = machine.run()["InstanceId"]
    assert machine.in_transaction(lambda tx: store.find_instance(tx, pending)).agent is None
