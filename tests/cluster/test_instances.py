"""Instances: how they boot, what they know of themselves, and how they end."""

import pytest
from tests.cluster.conftest import shell, until
from tests.cluster.machines import Machines, bound

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

WEB = {"name": "main", "stopTimeout": 30}


def test_an_instance_registers_with_its_types_size(machines: Machines) -> None:
    found = machines.registered(machines.launch(config="ECS_RESERVED_MEMORY=512 ECS_RESERVED_PORTS=[8443]"))
    resources = {each["name"]: each for each in found["registeredResources"]}
    assert resources["CPU"]["integerValue"] == 2048
    assert 3000 <= resources["MEMORY"]["integerValue"] <= 4096 - 512
    assert {"22", "2375", "2376", "51678", "51679", "8443"} <= set(resources["PORTS"]["stringSetValue"])
    attributes = {each["name"]: each.get("value", "") for each in found["attributes"]}
    assert attributes["ecs.instance-type"] == "c5.large"
    assert attributes["ecs.subnet-id"] == machines.subnet()


def test_remaining_resources_add_up_while_tasks_come_and_go(machines: Machines) -> None:
    instance = machines.ready()

    def left(name: str) -> int:
        answer = machines.ecs.describe_container_instances(cluster=machines.cluster, containerInstances=[instance])
        remaining = answer["containerInstances"][0]["remainingResources"]
        return int(next(each["integerValue"] for each in remaining if each["name"] == name))

    before = left("CPU"), left("MEMORY")
    tasks = [machines.run(machines.define({**WEB, "cpu": 100, "memory": 70})) for _ in range(3)]
    assert (left("CPU"), left("MEMORY")) == (before[0] - 300, before[1] - 210)
    for task in tasks:
        machines.running(task)
        machines.ecs.stop_task(cluster=machines.cluster, task=task)
        machines.stopped(task)
    assert (left("CPU"), left("MEMORY")) == before


def test_terminating_an_instance_ends_its_tasks_as_a_host_that_fails(machines: Machines) -> None:
    instance = machines.launch()
    arn = machines.registered(instance)["containerInstanceArn"]
    deaf = shell("trap '' TERM; while true; do sleep 1; done", stopTimeout=120)
    modes: list[tuple[str, list[str] | None]] = [("bridge", None), ("host", None), ("awsvpc", []), ("none", None)]
    tasks = [machines.run(machines.define(deaf, mode=mode), groups=groups) for mode, groups in modes]
    for task in tasks:
        machines.running(task)
    machines.ec2.terminate_instances(InstanceIds=[instance])
    for task in tasks:
        ended = machines.stopped(task)
        assert ended["stoppedReason"] == f"Host EC2 (instance {instance}) terminated."
        assert ended["stopCode"] == "TerminationNotice"
    answer = machines.ecs.describe_container_instances(cluster=machines.cluster, containerInstances=[arn])
    assert {each["status"] for each in answer["containerInstances"]} <= {"INACTIVE", "DEREGISTERING"}


def test_a_stopped_instance_comes_back_as_the_same_container_instance(machines: Machines) -> None:
    instance = machines.launch()
    arn = machines.registered(instance)["containerInstanceArn"]
    task = machines.run(machines.define(WEB))
    machines.running(task)
    machines.ec2.stop_instances(InstanceIds=[instance])
    machines.ec2.get_waiter("instance_stopped").wait(
        InstanceIds=[instance], WaiterConfig={"Delay": 1, "MaxAttempts": 180}
    )
    assert machines.stopped(task)["stoppedReason"] == f"Host EC2 (instance {instance}) stopped."
    machines.ec2.start_instances(InstanceIds=[instance])
    assert machines.registered(instance)["containerInstanceArn"] == arn
    machines.running(machines.run(machines.define(WEB)))


def test_an_interface_attached_by_hand_is_a_device_of_the_instance_and_takes_a_tasks_place(
    machines: Machines,
) -> None:
    instance = machines.launch()
    machines.registered(instance)
    eni = machines.ec2.create_network_interface(SubnetId=machines.subnet())["NetworkInterface"]
    attached = machines.ec2.attach_network_interface(
        NetworkInterfaceId=eni["NetworkInterfaceId"], InstanceId=instance, DeviceIndex=1
    )
    look = machines.define(shell("ip -o -4 addr show dev eth1"), mode="host")

    def there() -> bool:
        return any(eni["PrivateIpAddress"] in line for line in machines.output(look))

    until("the device to be there", there)
    waiting = machines.define(WEB, mode="awsvpc")
    machines.running(machines.run(waiting, groups=[]))
    late = machines.run(waiting, groups=[])
    machines.ec2.detach_network_interface(AttachmentId=attached["AttachmentId"])
    machines.running(late)
    machines.ec2.delete_network_interface(NetworkInterfaceId=eni["NetworkInterfaceId"])


def test_draining_takes_no_new_tasks_and_leaves_standalone_ones_alone(machines: Machines) -> None:
    arn = machines.ready()
    task = machines.run(machines.define(WEB))
    machines.running(task)
    machines.ecs.update_container_instances_state(cluster=machines.cluster, containerInstances=[arn], status="DRAINING")
    with pytest.raises(machines.ecs.exceptions.InvalidParameterException, match="No Container Instances were found"):
        machines.ask(machines.define(WEB))
    assert machines.describe(task)["lastStatus"] == "RUNNING"


def test_a_published_port_is_free_again_when_its_task_has_stopped(machines: Machines) -> None:
    machines.ready()
    fixed = machines.define({**WEB, "stopTimeout": 2, "portMappings": [{"containerPort": 80, "hostPort": 8080}]})
    for _ in range(3):
        task = machines.run(fixed)
        assert bound(machines.running(task))[0]["hostPort"] == 8080
        machines.ecs.stop_task(cluster=machines.cluster, task=task)
        machines.stopped(task)
