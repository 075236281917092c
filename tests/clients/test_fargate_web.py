"""The example's task definition, unchanged, by each of AWS's tools."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "fargate-web"
DEFINITION = EXAMPLE / "task-definition.json"
JAVASCRIPT = Path(__file__).with_name("js")

pytestmark = [pytest.mark.clients, pytest.mark.slow]


def test_the_aws_cli_runs_it() -> None:
    """The example's own script: page, interface, log lines, stop."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        [str(EXAMPLE / "run.sh")],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "all of it" in result.stdout


def test_boto3_runs_it(subnet: str) -> None:
    ecs: Any = boto3.client("ecs")
    definition = ecs.register_task_definition(**json.loads(DEFINITION.read_text()))["taskDefinition"]
    assert "FARGATE" in definition["compatibilities"]
    answer = ecs.run_task(
        taskDefinition=definition["taskDefinitionArn"],
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}},
    )
    assert answer["failures"] == []
    task = answer["tasks"][0]
    assert task["lastStatus"] == "PROVISIONING"
    patience = {"Delay": 1, "MaxAttempts": 180}
    ecs.get_waiter("tasks_running").wait(tasks=[task["taskArn"]], WaiterConfig=patience)
    ecs.stop_task(task=task["taskArn"])
    ecs.get_waiter("tasks_stopped").wait(tasks=[task["taskArn"]], WaiterConfig=patience)
    stopped = ecs.describe_tasks(tasks=[task["taskArn"]])["tasks"][0]
    assert stopped["stopCode"] == "UserInitiated"
    assert stopped["stoppedReason"] == "Task stopped by user"
    check(stopped)


def test_the_javascript_sdk_runs_it(subnet: str) -> None:
    assert shutil.which("node"), "scripts/install-system test installs it"
    assert (JAVASCRIPT / "node_modules").exists(), "scripts/setup test installs the SDK"
    result = subprocess.run(
        ["node", "run-task.mjs", str(DEFINITION), subnet],
        cwd=JAVASCRIPT,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    seen = json.loads(result.stdout.splitlines()[-1])
    assert seen["running"]["lastStatus"] == "RUNNING"
    assert seen["stopped"]["stoppedReason"] == "seen enough"
    check(seen["stopped"])


def check(stopped: dict[str, Any]) -> None:
    """What every client must see of the finished task."""
    assert stopped["lastStatus"] == "STOPPED"
    assert [attachment["status"] for attachment in stopped["attachments"]] == ["DELETED"]
    details = {detail["name"]: detail["value"] for detail in stopped["attachments"][0]["details"]}
    assert list(details) == ["subnetId", "networkInterfaceId", "macAddress", "privateDnsName", "privateIPv4Address"]
    assert {container["name"] for container in stopped["containers"]} == {"web", "sidecar"}
    assert all(container["lastStatus"] == "STOPPED" for container in stopped["containers"])
