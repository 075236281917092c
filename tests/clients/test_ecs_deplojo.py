"""ecs-deplojo, a deploy tool of others: it registers a revision, updates the service and waits by its own lights."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.cluster.conftest import until

pytestmark = [pytest.mark.clients, pytest.mark.slow]


def template(image: str) -> dict[str, Any]:
    """Return a task definition as the tool's templates have it."""
    return {
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [
            {"name": "web", "image": image, "essential": True, "portMappings": [{"containerPort": 80}]}
        ],
    }


def is_steady(ecs: Any, name: str) -> bool:
    """Whether the last that was said of a service is that it has come to rest."""
    events = ecs.describe_services(services=[name])["services"][0]["events"]
    return bool(events) and "has reached a steady state" in events[0]["message"]


@pytest.fixture
def service(subnet: str) -> Iterator[str]:
    """A running service of one task."""
    ecs: Any = boto3.client("ecs")
    name = f"deplojo-{uuid.uuid4().hex[:8]}"
    ecs.register_task_definition(family=name, **template("homeport/web:latest"))
    ecs.create_service(
        serviceName=name,
        taskDefinition=name,
        desiredCount=1,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}},
    )
    until("a steady state", lambda: is_steady(ecs, name))
    yield name
    ecs.delete_service(service=name, force=True)


def test_it_deploys_a_revision(service: str, tmp_path: Path) -> None:
    (tmp_path / "web.json").write_text(json.dumps({"family": service, **template("${image}")}))
    (tmp_path / "deploy.yml").write_text(
        "cluster_name: default\n"
        "environment:\n  GREETING: hello\n"
        f"task_definitions:\n  {service}:\n    template: web.json\n"
        f"services:\n  {service}:\n    task_definition: {service}\n"
    )
    tool = Path(sys.executable).parent / "ecs-deplojo"
    result = subprocess.run(
        [tool, "--config", tmp_path / "deploy.yml", "--var", "image=homeport/web:latest"],
        env={**os.environ, "AWS_CONFIG_FILE": "/dev/null"},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    output = result.stdout + result.stderr
    assert "Deployment finished" in output, output
    ecs: Any = boto3.client("ecs")
    until("a steady state", lambda: is_steady(ecs, service))
    found = ecs.describe_services(services=[service])["services"][0]
    said = "\n".join(event["message"] for event in found["events"])  # the tool itself shows none of its first seconds
    assert f"(service {service}) has stopped 1 running tasks: (task " in said, said
    assert f"(service {service}) has reached a steady state." in said, said
    assert found["taskDefinition"].endswith(f":task-definition/{service}:2")
    (task,) = ecs.list_tasks(serviceName=service)["taskArns"]
    running = ecs.describe_tasks(tasks=[task])["tasks"][0]
    assert running["taskDefinitionArn"] == found["taskDefinition"]
