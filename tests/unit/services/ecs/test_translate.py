"""A task definition in the words of nodes."""

import re
from typing import Any

import pytest
from tests.unit.services.ecs.samples import launched

from homeport.services.ecs.definitions import complete
from homeport.services.ecs.translate import datetime_pattern, pattern_failure, wire_task
from homeport.wire import messages as wire

ROLE = "arn:aws:iam::123456789012:role/ecsTaskExecutionRole"


def task_of(*containers: dict[str, Any], overriding: dict[str, Any] | None = None, **more: Any) -> wire.Task:
    """Register, run and translate a task of these containers."""
    definition = complete(
        {
            "family": "web",
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "256",
            "memory": "512",
            "executionRoleArn": ROLE,
            "containerDefinitions": [{"name": "web", "image": "homeport/web"} | container for container in containers],
        }
        | more
    )
    record = launched(definition, overriding or {})
    return wire_task(record.task, record.launch, definition, {"team": "blue"})


def only(task: wire.Task) -> wire.Container:
    (container,) = task.containers
    return container


def test_environment_is_the_definitions_then_the_overrides() -> None:
    container = only(
        task_of(
            {"environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
            overriding={"containerOverrides": [{"name": "web", "environment": [{"name": "B", "value": "3"}]}]},
        )
    )
    assert container.environment == {"A": "1", "B": "3"}


def test_container_override_replaces_command_and_sizes() -> None:
    container = only(
        task_of(
            {"command": ["serve"], "entryPoint": ["/bin/web"], "cpu": 64, "memory": 128},
            overriding={
                "containerOverrides": [{"name": "web", "command": ["migrate"], "cpu": 128, "memoryReservation": 100}]
            },
        )
    )
    assert (container.command, container.entry_point) == (("migrate",), ("/bin/web",))
    assert (container.cpu, container.memory, container.memory_reservation) == (128, 128, 100)


def test_empty_command_override_changes_nothing() -> None:
    changed = {"containerOverrides": [{"name": "web", "command": []}]}
    assert only(task_of({"command": ["serve"]}, overriding=changed)).command == ("serve",)


def test_task_size_override_reaches_the_node() -> None:
    task = task_of({}, overriding={"cpu": "1 vCPU", "memory": "2GB"})
    assert (task.cpu, task.memory) == (1024, 2048)


def test_labels_of_ecs_win_over_declared_ones() -> None:
    labels = only(task_of({"dockerLabels": {"a": "b", "com.amazonaws.ecs.cluster": "mine"}})).labels
    assert labels["a"] == "b"
    assert labels["com.amazonaws.ecs.cluster"] == "arn:aws:ecs:us-east-1:123456789012:cluster/default"
    assert labels["com.amazonaws.ecs.task-definition-family"] == "web"
    assert labels["com.amazonaws.ecs.task-definition-version"] == "7"
    assert labels["com.amazonaws.ecs.container-name"] == "web"


def test_log_stream_is_prefix_container_task() -> None:
    options = {"awslogs-group": "/ecs/web", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "blue"}
    task = task_of({"logConfiguration": {"logDriver": "awslogs", "options": options}})
    assert only(task).log == wire.LogTarget(
        region="eu-west-1", group="/ecs/web", stream=f"blue/web/{task.id}", options=options
    )


def test_dates_that_begin_events_become_an_expression() -> None:
    pattern = re.compile(datetime_pattern("[%Y-%m-%d %H:%M:%S%L] %b %%"))
    assert pattern.match("[2026-01-31 12:00:59.123] Jan %")
    assert not pattern.match("2026-01-31 12:00:59.123 Jan %")


def test_dates_that_begin_events_win_over_a_pattern() -> None:
    options = {
        "awslogs-group": "g",
        "awslogs-region": "us-east-1",
        "awslogs-stream-prefix": "p",
        "awslogs-multiline-pattern": "^x",
        "awslogs-datetime-format": "%Y",
    }
    log = only(task_of({"logConfiguration": {"logDriver": "awslogs", "options": options}})).log
    assert log is not None
    assert log.multiline_pattern == r"\d{4}"


def test_health_check_keeps_its_form_and_gets_defaults() -> None:
    check = only(task_of({"healthCheck": {"command": ["CMD-SHELL", "true"], "retries": 5}})).health_check
    assert check == wire.HealthCheck(command=("CMD-SHELL", "true"), retries=5)


def test_health_check_none_is_none() -> None:
    assert only(task_of({"healthCheck": {"command": ["NONE"]}})).health_check is None


def test_restart_policy_that_is_off_is_none() -> None:
    assert only(task_of({"restartPolicy": {"enabled": False}})).restart_policy is None
    policy = only(task_of({"restartPolicy": {"enabled": True, "ignoredExitCodes": [0]}})).restart_policy
    assert policy == wire.RestartPolicy(ignored_exit_codes=(0,), period=300)


def test_limits_cross_as_declared_and_unlimited_as_the_largest() -> None:
    declared = {"ulimits": [{"name": "nofile", "softLimit": 10, "hardLimit": -1}]}
    assert only(task_of(declared)).ulimits == (wire.Ulimit(name="nofile", soft=10, hard=2**64 - 1),)


def test_volumes_from_another_container_are_its_mounts() -> None:
    task = task_of(
        {"mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}]},
        {"name": "side", "volumesFrom": [{"sourceContainer": "web", "readOnly": True}], "essential": False},
        volumes=[{"name": "data"}],
    )
    assert task.volumes == ("data",)
    assert task.containers[1].mounts == (wire.Mount(volume="data", path="/data", read_only=True),)


def test_kernel_settings_reach_the_container() -> None:
    container = only(
        task_of(
            {
                "linuxParameters": {
                    "initProcessEnabled": True,
                    "capabilities": {"drop": ["CHOWN"]},
                    "tmpfs": [{"containerPath": "/tmp", "size": 16, "mountOptions": ["noexec"]}],
                },
                "systemControls": [{"namespace": "net.core.somaxconn", "value": "1024"}],
                "readonlyRootFilesystem": True,
                "user": "1000:1000",
                "workingDirectory": "/srv",
                "stopTimeout": 5,
                "portMappings": [{"containerPort": 80}, {"containerPort": 53, "protocol": "udp"}],
            }
        )
    )
    assert container.init_process
    assert container.read_only_root
    assert container.capabilities_drop == ("CHOWN",)
    assert container.tmpfs == (wire.Tmpfs(path="/tmp", size=16, options=("noexec",)),)
    assert container.sysctls == {"net.core.somaxconn": "1024"}
    assert (container.user, container.working_directory, container.stop_timeout) == ("1000:1000", "/srv", 5)
    assert container.port_mappings == (
        wire.PortMapping(container_port=80, host_port=80),
        wire.PortMapping(container_port=53, host_port=53, protocol="udp"),
    )


def test_same_task_is_the_same_item() -> None:
    assert task_of({}) == task_of({})
    assert not task_of({}).stop
    assert re.fullmatch(r"[0-9a-f]{32}-\d{10}", only(task_of({})).runtime_id)


@pytest.mark.parametrize("pattern", ["[", "a**", "(?=x)", r"(a)\1", "x++"])
def test_patterns_that_the_log_driver_would_not_take_are_told(pattern: str) -> None:
    target = wire.LogTarget(region="r", group="g", stream="s", multiline_pattern=pattern)
    assert pattern_failure(target).startswith(f'awslogs could not parse multiline pattern key "{pattern}": ')


@pytest.mark.parametrize("pattern", ["", "^INFO", r"^\d{4}-\d\d", "(?i)error|(?P<x>warn)", r"^\[", "a+b", "é"])
def test_patterns_that_both_read_alike_pass(pattern: str) -> None:
    assert pattern_failure(wire.LogTarget(region="r", group="g", stream="s", multiline_pattern=pattern)) == ""
