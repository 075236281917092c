"""What RunTask takes, refuses and remembers."""

from typing import Any

import pytest

ROLE = "arn:aws:iam::123456789012:role/ecsTaskExecutionRole"


def test_count_starts_that_many_over_the_zones(ecs: Any) -> None:
    network = {"awsvpcConfiguration": {"subnets": [subnet.id for subnet in ecs.subnets[:3]]}}
    answer = ecs.client.run_task(
        taskDefinition=ecs.register(), launchType="FARGATE", networkConfiguration=network, count=3
    )
    assert answer["failures"] == []
    assert len({task["availabilityZone"] for task in answer["tasks"]}) == 3


@pytest.mark.parametrize("count", [0, 11, -1])
def test_count_is_one_to_ten(ecs: Any, count: int) -> None:
    code, _ = ecs.refusal(ecs.unchecked.run_task, taskDefinition=ecs.register(), count=count)
    assert code == "InvalidParameterException"


def test_overrides_are_echoed_for_every_container(ecs: Any) -> None:
    definition = ecs.register({"name": "web", "image": "web"}, {"name": "side", "image": "side", "essential": False})
    change = {"name": "web", "command": ["migrate"], "environment": [{"name": "A", "value": "1"}], "cpu": 64}
    task = ecs.run(
        taskDefinition=definition,
        overrides={"containerOverrides": [change], "cpu": "512", "memory": "1GB", "taskRoleArn": ROLE},
    )
    assert task["overrides"] == {
        "containerOverrides": [change, {"name": "side"}],
        "inferenceAcceleratorOverrides": [],
        "cpu": "512",
        "memory": "1GB",
        "taskRoleArn": ROLE,
    }
    assert (task["cpu"], task["memory"]) == ("512", "1024")
    assert [container["cpu"] for container in task["containers"]] == ["64", "0"]
    ecs.place()
    item = ecs.assigned_task(task)
    assert (item.cpu, item.memory) == (512, 1024)
    assert item.containers[0].command == ("migrate",)


REFUSALS: dict[str, tuple[dict[str, Any], str, str]] = {
    "an unknown cluster": ({"cluster": "nowhere"}, "ClusterNotFoundException", "Cluster not found."),
    "an unknown definition": (
        {"taskDefinition": "nowhere"},
        "ClientException",
        "Unable to describe task definition.",
    ),
    "no network configuration": (
        {"networkConfiguration": None},
        "InvalidParameterException",
        "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
    ),
    "no subnets": (
        {"networkConfiguration": {"awsvpcConfiguration": {"subnets": []}}},
        "InvalidParameterException",
        "subnets can not be empty.",
    ),
    "an unknown subnet": (
        {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-00000000000000000"]}}},
        "InvalidParameterException",
        (
            "Error retrieving subnet information for [subnet-00000000000000000]: "
            "The subnet ID 'subnet-00000000000000000' does not exist (ErrorCode: InvalidSubnetID.NotFound)"
        ),
    ),
    "no launch type": (
        {"launchType": None},
        "InvalidParameterException",
        "No Container Instances were found in your cluster.",
    ),
    "EC2": (
        {"launchType": "EC2"},
        "InvalidParameterException",
        "No Container Instances were found in your cluster.",
    ),
    "external machines": (
        {"launchType": "EXTERNAL"},
        "InvalidParameterException",
        "Task definition does not support launch_type EXTERNAL.",
    ),
    "a platform version on EC2": (
        {"launchType": "EC2", "platformVersion": "LATEST"},
        "InvalidParameterException",
        "The platform version must be null when specifying an EC2 launch type.",
    ),
    "an unknown platform version": (
        {"platformVersion": "9.9.9"},
        "PlatformUnknownException",
        "The specified platform version does not exist.",
    ),
    "an old platform version": (
        {"platformVersion": "1.3.0"},
        "UnsupportedFeatureException",
        "Platform version 1.3.0 is not supported; use 1.4.0 or LATEST.",
    ),
    "launch type and strategy": (
        {"capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]},
        "InvalidParameterException",
        "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
    ),
    "a provider of another cluster": (
        {"launchType": None, "capacityProviderStrategy": [{"capacityProvider": "mine"}]},
        "InvalidParameterException",
        (
            "The specified capacity provider strategy cannot contain a capacity provider that is not "
            "associated with the cluster. Associate the capacity provider with the cluster and try again."
        ),
    ),
    "placement constraints": (
        {"placementConstraints": [{"type": "distinctInstance"}]},
        "InvalidParameterException",
        "Placement constraints are not supported with FARGATE launch type.",
    ),
    "a placement strategy": (
        {"placementStrategy": [{"type": "random"}]},
        "InvalidParameterException",
        "Placement strategies are not supported with FARGATE launch type.",
    ),
    "exec": ({"enableExecuteCommand": True}, "UnsupportedFeatureException", "enableExecuteCommand is not supported."),
    "an override of nobody": (
        {"overrides": {"containerOverrides": [{"name": "db"}]}},
        "InvalidParameterException",
        "Override for container named db is not a container in the TaskDefinition.",
    ),
    "two overrides of one": (
        {"overrides": {"containerOverrides": [{"name": "web"}, {"name": "web"}]}},
        "InvalidParameterException",
        "There is more than one override for container named web.",
    ),
    "a long override": (
        {"overrides": {"containerOverrides": [{"name": "web", "command": ["x" * 8192]}]}},
        "InvalidParameterException",
        "Container Overrides length must be at most 8192",
    ),
    "a size that is not sold": (
        {"overrides": {"cpu": "1024"}},
        "ClientException",
        (
            "No Fargate configuration exists for given values: 1024 CPU, 512 memory. "
            "See the Amazon ECS documentation for the valid values."
        ),
    ),
    "environment files in an override": (
        {"overrides": {"containerOverrides": [{"name": "web", "environmentFiles": [{"type": "s3", "value": "x"}]}]}},
        "UnsupportedFeatureException",
        "environmentFiles of a container override is not supported.",
    ),
    "a group of a service": ({"group": "service:web"}, "InvalidParameterException", "Invalid namespace for group."),
    "tags of a service": (
        {"propagateTags": "SERVICE"},
        "InvalidParameterException",
        "Tags of a service can only be propagated to tasks that the service starts.",
    ),
    "reserved tags": (
        {"tags": [{"key": "aws:mine", "value": ""}]},
        "InvalidParameterException",
        "Tag keys starting with 'aws:' are reserved for AWS use.",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_run_task_refuses(ecs: Any, case: str) -> None:
    changes, code, sentence = REFUSALS[case]
    arguments = {
        "taskDefinition": ecs.register(),
        "launchType": "FARGATE",
        "networkConfiguration": ecs.network(),
    } | changes
    given = {name: value for name, value in arguments.items() if value is not None}
    assert ecs.refusal(ecs.client.run_task, **given) == (code, sentence)
    assert ecs.client.list_tasks()["taskArns"] == []


def test_unknown_security_group_is_refused(ecs: Any) -> None:
    missing = "sg-00000000000000000"
    code, message = ecs.refusal(
        ecs.client.run_task,
        taskDefinition=ecs.register(),
        launchType="FARGATE",
        networkConfiguration=ecs.network(securityGroups=[missing]),
    )
    assert code == "InvalidParameterException"
    assert message == (
        f"Error retrieving security group information for [{missing}]: "
        f"The security group '{missing}' does not exist (ErrorCode: InvalidGroup.NotFound)"
    )


def test_inactive_definition_is_refused(ecs: Any) -> None:
    definition = ecs.register()
    ecs.client.deregister_task_definition(taskDefinition=definition)
    code, message = ecs.refusal(ecs.client.run_task, taskDefinition=definition, launchType="FARGATE")
    assert (code, message) == ("ClientException", "TaskDefinition is inactive")


def test_definition_for_ec2_does_not_run_on_fargate(ecs: Any) -> None:
    definition = ecs.client.register_task_definition(
        family="old", containerDefinitions=[{"name": "web", "image": "web", "memory": 64}]
    )["taskDefinition"]["taskDefinitionArn"]
    assert ecs.refusal(ecs.client.run_task, taskDefinition=definition, launchType="FARGATE") == (
        "InvalidParameterException",
        "Task definition does not support launch_type FARGATE.",
    )


UNSUPPORTED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "secrets of container web": ({"secrets": [{"name": "A", "valueFrom": "parameter"}]}, {}),
    "environmentFiles of container web": ({"environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::b/a.env"}]}, {}),
    "repositoryCredentials of container web": ({"repositoryCredentials": {"credentialsParameter": "x"}}, {}),
    "log driver splunk": ({"logConfiguration": {"logDriver": "splunk"}}, {}),
    "firelensConfiguration of container web": ({"firelensConfiguration": {"type": "fluentbit"}}, {}),
    "EFS volumes": ({}, {"volumes": [{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]}),
    "volumes configured at launch": (
        {"mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}]},
        {"volumes": [{"name": "data", "configuredAtLaunch": True}]},
    ),
    "operatingSystemFamily WINDOWS_SERVER_2022_CORE": (
        {},
        {"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}, "cpu": "1024", "memory": "2048"},
    ),
    "enableFaultInjection": ({}, {"enableFaultInjection": True}),
    "log option awslogs-endpoint": (
        {
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": "g",
                    "awslogs-region": "us-east-1",
                    "awslogs-stream-prefix": "p",
                    "awslogs-endpoint": "https://elsewhere.example",
                },
            }
        },
        {},
    ),
}


@pytest.mark.parametrize("feature", UNSUPPORTED)
def test_what_cannot_be_run_yet_is_registered_and_named_when_run(ecs: Any, feature: str) -> None:
    container, more = UNSUPPORTED[feature]
    definition = ecs.register({"name": "web", "image": "web"} | container, executionRoleArn=ROLE, **more)
    assert ecs.refusal(
        ecs.client.run_task, taskDefinition=definition, launchType="FARGATE", networkConfiguration=ecs.network()
    ) == ("UnsupportedFeatureException", f"The task definition cannot be run, not supported: {feature}.")


def test_volume_configurations_are_refused_by_name(ecs: Any) -> None:
    _, message = ecs.refusal(
        ecs.client.run_task, taskDefinition=ecs.register(), volumeConfigurations=[{"name": "data"}]
    )
    assert "volumeConfigurations" in message


def test_client_token_starts_nothing_twice(ecs: Any) -> None:
    definition = ecs.register()
    first = ecs.run(taskDefinition=definition, clientToken="once")
    ecs.place()
    again = ecs.run(taskDefinition=definition, clientToken="once")
    assert again["taskArn"] == first["taskArn"]
    assert again["version"] == 2
    assert len(ecs.client.list_tasks()["taskArns"]) == 1


def test_client_token_of_another_request_is_a_conflict(ecs: Any) -> None:
    definition = ecs.register()
    first = ecs.run(taskDefinition=definition, clientToken="once")
    with pytest.raises(ecs.client.exceptions.ConflictException) as conflict:
        ecs.run(taskDefinition=definition, clientToken="once", startedBy="somebody")
    assert conflict.value.response["resourceIds"] == [first["taskArn"]]


def test_client_token_is_forgotten_after_a_day(ecs: Any) -> None:
    definition = ecs.register()
    ecs.run(taskDefinition=definition, clientToken="once")
    ecs.cleanup(later=86_500)
    ecs.run(taskDefinition=definition, clientToken="once")
    assert len(ecs.client.list_tasks()["taskArns"]) == 2


def test_tags_come_from_the_request_the_definition_and_ecs(ecs: Any) -> None:
    definition = ecs.register(tags=[{"key": "team", "value": "blue"}, {"key": "from", "value": "definition"}])
    task = ecs.run(
        taskDefinition=definition,
        tags=[{"key": "team", "value": "red"}],
        propagateTags="TASK_DEFINITION",
        enableECSManagedTags=True,
    )
    expected = [
        {"key": "aws:ecs:clusterName", "value": "default"},
        {"key": "from", "value": "definition"},
        {"key": "team", "value": "red"},
    ]
    assert task["tags"] == expected
    assert ecs.describe(task)["tags"] == []
    assert ecs.describe(task, include=["TAGS"])["tags"] == expected
    untagged = ecs.run(taskDefinition=definition)
    assert ecs.describe(untagged, include=["TAGS"])["tags"] == []


def test_reference_id_is_accepted(ecs: Any) -> None:
    assert ecs.run(referenceId="mine")["lastStatus"] == "PROVISIONING"
