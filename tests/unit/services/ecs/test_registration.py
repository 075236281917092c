"""What RegisterTaskDefinition refuses, in AWS's words."""

from typing import Any

import pytest

from homeport.services.ecs.definitions import complete
from homeport.services.ecs.errors import Client

ROLE = "arn:aws:iam::123456789012:role/ecsTaskExecutionRole"
AWSLOGS = {
    "logDriver": "awslogs",
    "options": {"awslogs-group": "/ecs/web", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web"},
}


def fargate(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a definition that Fargate takes, with other containers and members where given."""
    return {
        "family": "web",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": list(containers) or [container()],
    } | more


def container(**more: Any) -> dict[str, Any]:
    return {"name": "web", "image": "homeport/web:latest"} | more


def bridge(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"family": "web", "containerDefinitions": list(containers) or [container(memory=64)]} | more


def logs(**options: str) -> dict[str, Any]:
    return {"logDriver": "awslogs", "options": options}


def without(definition: dict[str, Any], *members: str) -> dict[str, Any]:
    return {member: value for member, value in definition.items() if member not in members}


def port(number: int, **more: Any) -> dict[str, Any]:
    return {"containerPort": number} | more


def volume(**more: Any) -> dict[str, Any]:
    return {"name": "data"} | more


SIDE = container(name="side", essential=False)

REFUSALS = {
    "fargate in bridge mode": (
        fargate(networkMode="bridge"),
        "Fargate only supports network mode \u2018awsvpc\u2019.",
    ),
    "fargate without a network mode": (
        without(fargate(), "networkMode"),
        "Fargate only supports network mode \u2018awsvpc\u2019.",
    ),
    "fargate without cpu": (
        without(fargate(), "cpu"),
        "Fargate requires that 'cpu' be defined at the task level.",
    ),
    "fargate without memory": (
        without(fargate(), "memory"),
        "Fargate requires that 'memory' be defined at the task level.",
    ),
    "a size that is not sold": (
        fargate(cpu="1024", memory="1024"),
        (
            "No Fargate configuration exists for given values: 1024 CPU, 1024 memory. "
            "See the Amazon ECS documentation for the valid values."
        ),
    ),
    "cpu that is no number": (
        fargate(cpu="lots"),
        (
            "Invalid 'cpu' setting for task. For more information, see the Troubleshooting section of the "
            "Amazon ECS Developer Guide."
        ),
    ),
    "privileged": (
        fargate(container(privileged=True)),
        "Fargate requires that the 'privileged' setting be 'false'",
    ),
    "devices": (
        fargate(container(linuxParameters={"devices": [{"hostPath": "/dev/null"}]})),
        "Fargate compatible task definitions do not support devices",
    ),
    "shared memory": (
        fargate(container(linuxParameters={"sharedMemorySize": 64})),
        "Fargate compatible task definitions do not support sharedMemorySize",
    ),
    "swap": (
        fargate(container(linuxParameters={"maxSwap": 0})),
        "Fargate compatible task definitions do not support maxSwap",
    ),
    "a capability": (
        fargate(container(linuxParameters={"capabilities": {"add": ["NET_ADMIN"]}})),
        "NET_ADMIN is not allowed on Fargate.",
    ),
    "host pid": (
        fargate(pidMode="host"),
        "Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is 'task'.",
    ),
    "ipc mode": (fargate(ipcMode="task"), "Fargate compatible task definitions do not support ipcMode"),
    "placement constraints": (
        fargate(placementConstraints=[{"type": "memberOf", "expression": "x"}]),
        "Fargate compatible task definitions do not support constraints",
    ),
    "host path": (
        fargate(volumes=[volume(host={"sourcePath": "/"})]),
        "Fargate compatible task definitions do not support sourcePath",
    ),
    "docker volume": (
        fargate(volumes=[volume(dockerVolumeConfiguration={"scope": "task"})]),
        "Fargate compatible task definitions do not support dockerVolumeConfiguration",
    ),
    "log driver": (
        fargate(container(logConfiguration={"logDriver": "json-file"})),
        "json-file is not a valid log driver. Must be one of [awslogs, splunk, awsfirelens]",
    ),
    "awslogs without a role": (
        fargate(container(logConfiguration=AWSLOGS)),
        "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
    ),
    "awslogs without a prefix": (
        fargate(
            container(logConfiguration=logs(**{"awslogs-group": "g", "awslogs-region": "us-east-1"})),
            executionRoleArn=ROLE,
        ),
        "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs.",
    ),
    "awslogs without group and region": (
        bridge(container(memory=64, logConfiguration=logs())),
        "Log driver awslogs requires options: awslogs-region, awslogs-group",
    ),
    "an ECR image without a role": (
        fargate(container(image="123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1")),
        "Fargate requires task definition to have execution role ARN to support ECR images.",
    ),
    "20 GiB of storage": (
        fargate(ephemeralStorage={"sizeInGiB": 20}),
        "EphemeralStorage size should be at least 21",
    ),
    "201 GiB of storage": (
        fargate(ephemeralStorage={"sizeInGiB": 201}),
        "EphemeralStorage size should be at most 200",
    ),
    "storage on EC2": (
        bridge(ephemeralStorage={"sizeInGiB": 30}, requiresCompatibilities=["EC2"]),
        "Tasks using the EC2 launch type do not support EphemeralStorage",
    ),
    "a long stop timeout": (
        fargate(container(stopTimeout=121)),
        "Tasks using the Fargate launch type must have a container stop timeout of less than 120 seconds.",
    ),
    "a short start timeout": (
        fargate(container(startTimeout=1)),
        "Granular start timeout on container 'web' must be at least 2 seconds.",
    ),
    "a system control": (
        fargate(container(systemControls=[{"namespace": "vm.swappiness", "value": "1"}])),
        "Fargate does not support the system control 'vm.swappiness'.",
    ),
    "elastic inference": (
        fargate(inferenceAccelerators=[{"deviceName": "x", "deviceType": "eia2.medium"}]),
        "Unsupported field 'inferenceAccelerators'",
    ),
    "ports that differ": (
        fargate(container(portMappings=[port(80, hostPort=8080)])),
        "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
    ),
    "ports that differ in host mode": (
        bridge(container(memory=64, portMappings=[port(80, hostPort=8080)]), networkMode="host"),
        "When networkMode=host, the host ports and container ports in port mappings must match.",
    ),
    "the same port twice": (
        fargate(container(portMappings=[port(80)]), container(name="side", portMappings=[port(80)])),
        "container port is used multiple times in task",
    ),
    "a range over a port": (
        fargate(container(portMappings=[port(85), {"containerPortRange": "80-90"}])),
        "container port is used multiple times in task",
    ),
    "a port and a range": (
        fargate(container(portMappings=[port(80, containerPortRange="80-90")])),
        "cannot specify both single port and port range",
    ),
    "a backward range": (
        fargate(container(portMappings=[{"containerPortRange": "90-80"}])),
        "Invalid 'containerPortRange' setting",
    ),
    "a host port alone": (
        fargate(container(portMappings=[{"hostPort": 80}])),
        "Invalid 'containerPort' setting for container 'web'.",
    ),
    "the same port name twice": (
        fargate(container(portMappings=[port(80, name="http"), port(81, name="http")])),
        "port mapping name is already used",
    ),
    "links": (
        fargate(container(links=["side"]), SIDE),
        "Links are not supported when networkMode=awsvpc.",
    ),
    "host name": (
        fargate(container(hostname="web")),
        "hostname is not supported on container when networkMode=awsvpc.",
    ),
    "extra hosts": (
        fargate(container(extraHosts=[{"hostname": "a", "ipAddress": "10.0.0.1"}])),
        "Extra hosts are not supported on container when networkMode=awsvpc.",
    ),
    "resolvers": (
        fargate(container(dnsServers=["10.0.0.2"])),
        "DNS servers are not supported on container when networkMode=awsvpc.",
    ),
    "no networking": (
        fargate(container(disableNetworking=True)),
        "Disable Networking is not supported on container when networkMode=awsvpc.",
    ),
    "a proxy outside awsvpc": (
        bridge(proxyConfiguration={"containerName": "web"}),
        "APPMESH proxy configuration is only supported in networkMode=awsvpc",
    ),
    "a proxy that is not there": (
        fargate(proxyConfiguration={"containerName": "envoy"}),
        "Proxy container [envoy] does not exist",
    ),
    "a proxy without a port": (fargate(proxyConfiguration={"containerName": "web"}), "Ingress port not found"),
    "an image that is an option": (
        fargate(container(image="--help")),
        "Container.image contains invalid characters.",
    ),
    "a volume that is a path": (
        fargate(volumes=[{"name": "../data"}]),
        "Invalid volume name '../data'",
    ),
    "a variable with an equals sign": (
        fargate(container(environment=[{"name": "A=B", "value": ""}])),
        "Invalid environment variable 'A=B' for container 'web'.",
    ),
    "a secret that is a variable too": (
        fargate(
            container(environment=[{"name": "A"}], secrets=[{"name": "A", "valueFrom": "x"}]), executionRoleArn=ROLE
        ),
        "The secret name must be unique and not shared with any new or existing environment variables",
    ),
    "negative cpu": (fargate(container(cpu=-1)), "Invalid 'cpu' setting for container 'web'."),
    "no containers": (fargate() | {"containerDefinitions": []}, "Container list cannot be empty."),
    "eleven containers": (
        fargate(*[container(name=f"c{number}") for number in range(11)]),
        "Too many containers",
    ),
    "no image": (fargate({"name": "web"}), "Container.image should not be null or empty."),
    "no name": (fargate({"image": "web"}), "Container.name should not be null or empty."),
    "the same name twice": (
        fargate(container(), container()),
        "Container names must be unique within a task definition",
    ),
    "nothing essential": (
        fargate(container(essential=False)),
        "Task definition doesn't have any essential container",
    ),
    "no memory anywhere": (
        bridge(container()),
        "Invalid setting for container 'web'. At least one of 'memory' or 'memoryReservation' must be specified.",
    ),
    "less memory than is reserved": (
        bridge(container(memory=64, memoryReservation=128)),
        "Invalid setting for container 'web'. 'memory' must be greater than or equal to 'memoryReservation'.",
    ),
    "more memory than the task": (
        fargate(container(memory=1024)),
        "The 'memory' setting for container 'web' is greater than for the task",
    ),
    "more cpu than the task": (
        fargate(container(cpu=200), container(name="side", cpu=100)),
        "The sum of all container 'cpu' values cannot be greater than the task-level 'cpu' value",
    ),
    "a dependency that is not there": (
        fargate(container(dependsOn=[{"containerName": "db", "condition": "START"}])),
        "Cannot depend on container + 'db' because it does not exist",
    ),
    "success of an essential container": (
        fargate(container(dependsOn=[{"containerName": "side", "condition": "SUCCESS"}]), SIDE | {"essential": True}),
        "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
    ),
    "health without a check": (
        fargate(container(dependsOn=[{"containerName": "side", "condition": "HEALTHY"}]), SIDE),
        "A dependency container with HEALTHY condition must have health check configured",
    ),
    "a circle": (
        fargate(
            container(dependsOn=[{"containerName": "side", "condition": "START"}]),
            SIDE | {"dependsOn": [{"containerName": "web", "condition": "START"}]},
        ),
        "Container dependencies must not form a cycle",
    ),
    "volumes of nobody": (
        fargate(container(volumesFrom=[{"sourceContainer": "db"}])),
        "Invalid 'volumesFrom' setting. Unknown container: 'db'.",
    ),
    "an unknown volume": (
        fargate(container(mountPoints=[{"sourceVolume": "data", "containerPath": "/data"}])),
        "Unknown volume 'data'.",
    ),
    "an EBS volume nobody mounts": (
        fargate(volumes=[volume(configuredAtLaunch=True)]),
        "Volumes [data] are not referenced by any of the containers",
    ),
    "EFS authorisation in the clear": (
        fargate(
            volumes=[volume(efsVolumeConfiguration={"fileSystemId": "fs-1", "authorizationConfig": {"iam": "ENABLED"}})]
        ),
        "EFS IAM authorization requires TransitEncryption to be enabled",
    ),
    "a soft limit over the hard one": (
        fargate(container(ulimits=[{"name": "nofile", "softLimit": 2, "hardLimit": 1}])),
        "Soft limit exceeds hard limit for ulimit nofile",
    ),
    "an unlimited soft limit": (
        fargate(container(ulimits=[{"name": "nofile", "softLimit": -1, "hardLimit": 1}])),
        "Soft limit exceeds hard limit for ulimit nofile",
    ),
    "restarts too often": (
        fargate(container(restartPolicy={"enabled": True, "restartAttemptPeriod": 59})),
        "the 'restartAttemptPeriod' setting for container 'web' must be between 60 and 1800 seconds",
    ),
    "eleven environment files": (
        fargate(
            container(environmentFiles=[{"type": "s3", "value": f"arn:aws:s3:::b/{n}.env"} for n in range(11)]),
            executionRoleArn=ROLE,
        ),
        "The maximum number of environment files was exceeded. Specify ten or less and try again",
    ),
    "an environment file that is no ARN": (
        fargate(container(environmentFiles=[{"type": "s3", "value": "s3://b/a.env"}]), executionRoleArn=ROLE),
        "Invalid arn syntax",
    ),
    "firelens without a router": (
        fargate(container(logConfiguration={"logDriver": "awsfirelens"})),
        (
            "When awsfirelens log driver is specified in log configuration, one container must be configured "
            "with firelensConfiguration."
        ),
    ),
    "a health check of no kind": (
        fargate(container(healthCheck={"command": ["true"]})),
        "Invalid 'healthCheck' setting for container 'web': the command must begin with CMD or CMD-SHELL.",
    ),
    "a hasty health check": (
        fargate(container(healthCheck={"command": ["CMD", "true"], "interval": 4})),
        "Invalid 'healthCheck' setting for container 'web': 'interval' must be between 5 and 300.",
    ),
    "a role that is none": (
        fargate(taskRoleArn="arn:aws:iam::123456789012:user/me"),
        "Role is not valid: taskRoleArn must be the ARN of an IAM role.",
    ),
    "a large definition": (
        fargate(container(environment=[{"name": "A", "value": "x" * 65_536}])),
        "Max allowed length is '65536' bytes.",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_definition_is_refused_in_the_words_of_aws(case: str) -> None:
    definition, sentence = REFUSALS[case]
    with pytest.raises(Client) as refusal:
        complete(definition)
    assert sentence in refusal.value.message
    assert refusal.value.code == "ClientException"


def test_definition_as_the_guide_writes_it_is_taken() -> None:
    definition = complete(
        fargate(
            container(
                portMappings=[port(80)],
                logConfiguration=AWSLOGS,
                linuxParameters={"capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]}, "initProcessEnabled": True},
                systemControls=[{"namespace": "net.core.somaxconn", "value": "1024"}],
                healthCheck={"command": ["CMD-SHELL", "wget -q -O- localhost"]},
            ),
            container(name="side", essential=False, dependsOn=[{"containerName": "web", "condition": "HEALTHY"}]),
            executionRoleArn=ROLE,
            taskRoleArn=ROLE,
        )
    )
    assert definition["compatibilities"] == ["EC2", "FARGATE", "MANAGED_INSTANCES"]


def test_defaults_are_filled_in_as_aws_shows_them() -> None:
    definition = complete(fargate(container(portMappings=[port(80)]), cpu=".25 vCPU", memory="0.5 GB"))
    assert (definition["cpu"], definition["memory"]) == ("256", "512")
    assert definition["containerDefinitions"] == [
        {
            "name": "web",
            "image": "homeport/web:latest",
            "cpu": 0,
            "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
            "essential": True,
            "environment": [],
            "mountPoints": [],
            "volumesFrom": [],
            "systemControls": [],
        }
    ]
    assert definition["volumes"] == []
    assert definition["placementConstraints"] == []


def test_bridge_leaves_the_host_port_to_the_host() -> None:
    definition = complete(bridge(container(memory=64, portMappings=[port(80)])))
    assert definition["containerDefinitions"][0]["portMappings"] == [
        {"containerPort": 80, "hostPort": 0, "protocol": "tcp"}
    ]
    assert definition["compatibilities"] == ["EC2", "EXTERNAL"]


def test_launch_types_are_those_whose_rules_are_met() -> None:
    assert complete(fargate(ephemeralStorage={"sizeInGiB": 30}))["compatibilities"] == ["FARGATE"]
    assert (
        "FARGATE"
        not in complete(without(fargate(container(privileged=True)), "requiresCompatibilities"))["compatibilities"]
    )


def test_required_attributes_name_what_the_definition_uses() -> None:
    definition = complete(fargate(container(logConfiguration=AWSLOGS), executionRoleArn=ROLE, taskRoleArn=ROLE))
    names = {attribute["name"] for attribute in definition["requiresAttributes"]}
    assert {
        "ecs.capability.task-eni",
        "ecs.capability.execution-role-awslogs",
        "com.amazonaws.ecs.capability.logging-driver.awslogs",
        "com.amazonaws.ecs.capability.task-iam-role",
        "com.amazonaws.ecs.capability.docker-remote-api.1.21",
    } <= names


SIZES = [
    (cpu, memory)
    for cpu, (least, most, step) in {
        512: (1024, 4096, 1024),
        1024: (2048, 8192, 1024),
        2048: (4096, 16384, 1024),
        4096: (8192, 30720, 1024),
        8192: (16384, 61440, 4096),
        16384: (32768, 122880, 8192),
    }.items()
    for memory in range(least, most + 1, step)
] + [(256, 512), (256, 1024), (256, 2048)]


def test_fargate_sells_seventy_four_sizes() -> None:
    taken = []
    for cpu in {cpu for cpu, _ in SIZES} | {128, 300, 32768}:
        for memory in {memory for _, memory in SIZES} | {256, 3000, 131072}:
            try:
                complete(fargate(cpu=str(cpu), memory=str(memory)))
            except Client:
                continue
            taken.append((cpu, memory))
    assert len(taken) == 74
    assert set(taken) == set(SIZES)


@pytest.mark.parametrize(
    ("cpu", "memory"), [("1 vCPU", "2GB"), ("1vcpu", "2 GB"), ("1.0 vCPU", "2048"), ("1024", " 2 gb ")]
)
def test_sizes_may_be_written_with_units(cpu: str, memory: str) -> None:
    definition = complete(fargate(cpu=cpu, memory=memory))
    assert (definition["cpu"], definition["memory"]) == ("1024", "2048")
