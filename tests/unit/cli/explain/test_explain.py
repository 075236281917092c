"""Why tasks are where they are: sentences from the API's documents."""

from datetime import UTC, datetime
from typing import Any

from homeport.cli.explain.instances import eni_limit, instances_of
from homeport.cli.explain.placing import explain_definition
from homeport.cli.explain.tasks import explain_task
from homeport.services.ecs.placement.filters import Network

ARN = "arn:aws:ecs:us-east-1:123456789012"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def registered(number: int, *, cpu: int = 2048, memory: int = 3900, ports: tuple[str, ...] = ("22",), **members):
    attributes = {
        "ecs.instance-type": "c5.large",
        "ecs.availability-zone": "us-east-1a",
        "ecs.vpc-id": "vpc-1",
        "ecs.capability.task-eni": "",
        **members.pop("attributes", {}),
    }
    return {
        "containerInstanceArn": f"{ARN}:container-instance/default/{number}",
        "ec2InstanceId": f"i-{number}",
        "status": "ACTIVE",
        "agentConnected": True,
        "registeredAt": NOW,
        "runningTasksCount": 0,
        "remainingResources": [
            {"name": "CPU", "type": "INTEGER", "integerValue": cpu},
            {"name": "MEMORY", "type": "INTEGER", "integerValue": memory},
            {"name": "PORTS", "type": "STRINGSET", "stringSetValue": list(ports)},
            {"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": []},
        ],
        "attributes": [{"name": name, **({"value": value} if value else {})} for name, value in attributes.items()],
        **members,
    }


def definition(mode: str | None = None, **members):
    container = {"name": "web", "memory": 512, "cpu": 256, "essential": True, **members.pop("container", {})}
    return {
        "family": "web",
        "revision": 3,
        "compatibilities": ["EC2"],
        "containerDefinitions": [container],
        **({"networkMode": mode} if mode else {}),
        **members,
    }


def task(status: str = "RUNNING", **members):
    return {
        "taskArn": f"{ARN}:task/default/{'a' * 32}",
        "taskDefinitionArn": f"{ARN}:task-definition/web:3",
        "containerInstanceArn": f"{ARN}:container-instance/default/1",
        "lastStatus": status,
        "desiredStatus": "RUNNING",
        "group": "family:web",
        "attachments": [],
        "containers": [{"name": "web", "lastStatus": status}],
        **members,
    }


def instances(*documents, tasks=()):
    return instances_of(documents, tasks, {"c5.large": 3})


def foresee(wanted, *documents, tasks=(), network=None) -> list[str]:
    return list(explain_definition(wanted, instances(*documents, tasks=tasks), network, "default"))


HTTP: dict[str, Any] = {"container": {"portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}]}}


def test_an_instance_that_would_take_the_task_is_told_with_what_would_be_left() -> None:
    assert foresee(definition(**HTTP), registered(1)) == [
        "web:3 runs in bridge mode and needs 256 CPU units, 512 MiB of memory and host port tcp 80.",
        "i-1 (c5.large, us-east-1a) would take it. 1792 CPU units and 3388 MiB would be left.",
        "It would run: 1 instance of 1 would take it.",
    ]


def test_each_instance_that_would_not_says_why() -> None:
    lines = foresee(
        definition(**HTTP),
        registered(1, ports=("22", "80")),
        registered(2, cpu=100, memory=100),
        registered(3, agentConnected=False),
        registered(4, status="DRAINING"),
    )
    assert lines[1:] == [
        "i-1 (c5.large, us-east-1a) would not: RESOURCE:PORTS. Host ports the task needs are in use or reserved: tcp 80.",
        (
            "i-2 (c5.large, us-east-1a) would not: RESOURCE:CPU. It has 100 CPU units left and the task needs 256. "
            "It has 100 MiB of memory left and the task needs 512."
        ),
        "i-3 (c5.large, us-east-1a) would not: AGENT. Its agent is not connected.",
        "i-4 (c5.large, us-east-1a) would not: INACTIVE. Its status is DRAINING.",
        "It would not run: none of 4 instances would take it.",
    ]


def test_interfaces_are_counted_though_the_api_does_not_list_them() -> None:
    eni = [{"status": "ATTACHED", "details": []}]
    two = [task(attachments=eni), task(attachments=eni), task()]
    lines = foresee(definition("awsvpc"), registered(1), tasks=two)
    assert "RESOURCE:ENI. It can take 0 more network interfaces and the task needs 1." in lines[2]
    trunked = registered(1, attributes={"ecs.awsvpc-trunk-id": "eni-1"})
    lines = foresee(definition("awsvpc"), trunked, tasks=two)
    assert lines[2].endswith("1792 CPU units, 3388 MiB and 7 network interfaces would be left.")


def test_a_limit_is_the_tables_only_with_a_trunk() -> None:
    assert eni_limit({"ecs.instance-type": "c5.large"}, {"c5.large": 3}) == 2
    assert eni_limit({"ecs.instance-type": "c5.large", "ecs.awsvpc-trunk-id": "eni-1"}, {"c5.large": 3}) == 10
    assert eni_limit({"ecs.instance-type": "homeport.local"}, {"homeport.local": 15}) == 14
    assert eni_limit({}, {}) == 0


def test_subnets_bring_vpc_and_zone_into_it() -> None:
    wanted = definition("awsvpc")
    assert "with --subnets" in foresee(wanted, registered(1))[1]
    elsewhere = foresee(wanted, registered(1), network=Network("vpc-1", frozenset({"us-east-1b"})))
    assert "LOCATION. It is in us-east-1a and the task's subnets are in us-east-1b." in elsewhere[1]
    other = foresee(wanted, registered(1), network=Network("vpc-2", frozenset({"us-east-1a"})))
    assert "ATTRIBUTE. It is in vpc-1 and the task's subnets are in vpc-2." in other[1]


def test_the_definitions_own_constraints_count() -> None:
    expression = "attribute:ecs.instance-type == m5.large"
    wanted = definition(placementConstraints=[{"type": "memberOf", "expression": expression}])
    lines = foresee(wanted, registered(1))
    assert lines[1] == f"It may only go where: {expression}."
    assert "MemberOf placement constraint unsatisfied. " in lines[2]


def test_a_cluster_without_instances_and_a_definition_for_fargate() -> None:
    assert foresee(definition())[-1] == "No container instances are registered in the cluster default."
    assert (
        "needs no container instance" in foresee(definition("awsvpc", compatibilities=["FARGATE"]), registered(1))[-1]
    )


def explain(document, wanted=None, *documents) -> list[str]:
    return list(explain_task(document, wanted or definition(), instances(*documents)))


def test_a_running_task_is_told_with_where_it_is_and_what_else_there_is() -> None:
    lines = explain(task(), None, registered(1), registered(2, cpu=0))
    assert lines == [
        f"The task {'a' * 32} of web:3 is RUNNING, in bridge mode.",
        f"It was placed on i-1 (c5.large, us-east-1a), {ARN}:container-instance/default/1.",
        (
            "i-2 (c5.large, us-east-1a) would not take such a task now: RESOURCE:CPU. "
            "It has 0 CPU units left and the task needs 256."
        ),
    ]


def test_a_task_waits_for_its_interface() -> None:
    details = [{"name": "networkInterfaceId", "value": "eni-9"}]
    waiting = task("PROVISIONING", attachments=[{"status": "ATTACHING", "details": details}])
    waiting["containers"][0]["lastStatus"] = "PENDING"
    assert explain(waiting, definition("awsvpc"), registered(1))[2:] == [
        "It waits for its network interface eni-9, which is ATTACHING."
    ]


def test_a_task_waits_for_images_and_for_one_another() -> None:
    wanted = definition()
    wanted["containerDefinitions"].append(
        {"name": "app", "dependsOn": [{"containerName": "web", "condition": "HEALTHY"}]}
    )
    containers = [
        {"name": "web", "lastStatus": "PENDING", "image": "nginx"},
        {"name": "app", "lastStatus": "PENDING", "image": "app"},
    ]
    lines = explain(task("PENDING", containers=containers), wanted, registered(1))
    assert lines[2:] == ["web waits for its image, nginx.", "app waits for web to be HEALTHY."]
    containers[0] |= {"lastStatus": "RUNNING", "healthStatus": "HEALTHY"}
    lines = explain(task("PENDING", containers=containers, pullStoppedAt=NOW), wanted, registered(1))
    assert lines[2:] == ["app is being started."]


def test_a_stopped_task_says_who_ended_it_and_how() -> None:
    ended = task(
        "STOPPED",
        desiredStatus="STOPPED",
        stopCode="EssentialContainerExited",
        stoppedReason="Essential container in task exited",
        containers=[
            {
                "name": "web",
                "lastStatus": "STOPPED",
                "exitCode": 137,
                "reason": "OutOfMemoryError: Container killed due to memory usage",
            },
            {"name": "side", "lastStatus": "STOPPED"},
        ],
    )
    assert explain(ended)[1:] == [
        (
            "A container that is essential has ended, and a task ends with those (EssentialContainerExited). "
            "Essential container in task exited."
        ),
        (
            "web, which is essential, ended with exit code 137: it was killed (SIGKILL). "
            "OutOfMemoryError: Container killed due to memory usage."
        ),
        "side never ran.",
    ]


def test_a_task_that_is_stopping_says_what_still_runs() -> None:
    going = task(desiredStatus="STOPPED", stopCode="UserInitiated", stoppedReason="enough")
    assert explain(going, None, registered(1))[1:] == [
        "It is on its way out: It was asked to stop (UserInitiated). enough.",
        "Still running: web.",
    ]


def test_a_fargate_task_needs_no_instance() -> None:
    alone = task(availabilityZone="us-east-1b")
    del alone["containerInstanceArn"]
    assert explain(alone)[1] == "It runs on Fargate, in us-east-1b, and needs no container instance."


def test_an_instance_that_is_gone_or_not_connected_is_said_to_be() -> None:
    assert explain(task())[1].endswith("which is not registered any more.")
    assert "is what was last heard" in explain(task(), None, registered(1, agentConnected=False))[2]
