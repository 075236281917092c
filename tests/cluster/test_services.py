"""Services over real containers: deployments that succeed, and one that fails and goes back."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.cluster.conftest import Lab, shell, until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

#: Healthy within seconds, where a task without a health check would take forty.
WEB = {
    "name": "web",
    "healthCheck": {"command": ["CMD-SHELL", "wget -q -O /dev/null http://127.0.0.1/healthz"], "interval": 5},
    "stopTimeout": 2,
}


def create(lab: Lab, definition: str, **declared: Any) -> str:
    """Create a service on Fargate and return its name."""
    name = f"tests-{uuid4().hex[:8]}"
    subnets = [subnet["SubnetId"] for subnet in lab.subnets()]
    lab.ecs.create_service(
        serviceName=name,
        taskDefinition=definition,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": subnets}},
        **declared,
    )
    return name


def shown(lab: Lab, name: str) -> dict[str, Any]:
    return dict(lab.ecs.describe_services(services=[name])["services"][0])


def events(lab: Lab, name: str) -> list[str]:
    return [event["message"] for event in reversed(shown(lab, name)["events"])]


def steady(lab: Lab, name: str) -> Callable[[], bool]:
    def look() -> bool:
        deployments = shown(lab, name)["deployments"]
        return [each["rolloutState"] for each in deployments] == ["COMPLETED"]

    return look


def image_of_revision(lab: Lab, name: str) -> dict[str, Any]:
    """Return the image of the revision that the service's only deployment led to."""
    (move,) = lab.ecs.list_service_deployments(service=name)["serviceDeployments"]
    found = lab.ecs.describe_service_revisions(serviceRevisionArns=[move["targetServiceRevisionArn"]])
    return dict(found["serviceRevisions"][0]["containerImages"][0])


def remove(lab: Lab, name: str) -> None:
    lab.ecs.delete_service(service=name, force=True)
    until(f"{name} to be gone", lambda: shown(lab, name)["status"] == "INACTIVE")


def aws(*arguments: str) -> str:
    """Run the AWS CLI and return what it prints."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["aws", "ecs", *arguments]
    return subprocess.run(
        command, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=300, check=True
    ).stdout


def test_a_rolling_deployment_never_has_fewer_healthy_tasks_than_asked_for(lab: Lab) -> None:
    name = create(lab, lab.define(WEB), desiredCount=2)
    until(f"{name} to be steady", steady(lab, name))
    aws("wait", "services-stable", "--services", name)
    old = set(lab.ecs.list_tasks(serviceName=name)["taskArns"])
    assert len(old) == 2
    digests = {each["containers"][0]["imageDigest"] for each in lab.ecs.describe_tasks(tasks=list(old))["tasks"]}
    assert digests == {image_of_revision(lab, name)["imageDigest"]}
    lab.ecs.update_service(
        service=name, taskDefinition=lab.define({**WEB, "environment": [{"name": "A", "value": "b"}]})
    )
    least = 2

    def look() -> bool:
        nonlocal least
        found = shown(lab, name)
        least = min(least, found["runningCount"])
        return [each["rolloutState"] for each in found["deployments"]] == ["COMPLETED"]

    until(f"{name} to be steady again", look)
    assert least == 2
    assert not old & set(lab.ecs.list_tasks(serviceName=name)["taskArns"])
    said = events(lab, name)
    assert said[-1] == f"(service {name}) has reached a steady state."
    assert len({task["availabilityZone"] for task in lab.ecs.describe_tasks(tasks=list(old))["tasks"]}) == 2
    remove(lab, name)
    described = json.loads(aws("describe-services", "--services", name))["services"][0]
    assert (described["status"], described["deployments"]) == ("INACTIVE", [])


def test_a_deployment_whose_tasks_do_not_start_is_rolled_back(lab: Lab) -> None:
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    good = lab.define(WEB)
    name = create(lab, good, desiredCount=1, deploymentConfiguration=breaker)
    until(f"{name} to be steady", steady(lab, name))
    kept = lab.ecs.list_tasks(serviceName=name)["taskArns"]
    bad = lab.ecs.update_service(
        service=name, taskDefinition=lab.define(shell("true", image="127.0.0.1:1/absent:latest"))
    )["service"]["deployments"][0]["id"]
    said = f"(service {name}) (deployment {bad}) deployment failed: tasks failed to start."
    until("the circuit breaker to trip", lambda: said in events(lab, name))
    until(f"{name} to be steady again", steady(lab, name))
    assert shown(lab, name)["taskDefinition"] == good
    assert lab.ecs.list_tasks(serviceName=name)["taskArns"] == kept
    assert any(event.startswith(f"(service {name}) rolling back to deployment ecs-svc/") for event in events(lab, name))
    remove(lab, name)


def test_a_task_that_protects_itself_survives_scaling_in(lab: Lab) -> None:
    body = '{"ProtectionEnabled":true,"ExpiresInMinutes":60}'
    ask = (
        r"path=${ECS_AGENT_URI#http://169.254.170.2}/task-protection/v1/state; "
        rf"printf 'PUT %s HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n%s' $path '{body}' | "
        r"nc -w 20 169.254.170.2 80 | tail -n 1; echo; wget -q -O - $ECS_AGENT_URI/task-protection/v1/state; echo; "
        r"wget -q -O - $ECS_CONTAINER_METADATA_URI_V4/task; echo; "
    )
    role = "arn:aws:iam::123456789012:role/tests"
    name = create(lab, lab.define(shell(f"{ask} sleep 1000"), taskRoleArn=role), desiredCount=1)
    (task,) = until("a task", lambda: lab.ecs.list_tasks(serviceName=name)["taskArns"])
    lab.running(task)

    def told() -> list[str]:
        return [line for line in lab.lines(task, "main") if line]

    until("all answers", lambda: len(told()) == 3)
    *answers, metadata = (json.loads(line) for line in told())
    assert metadata["ServiceName"] == name
    put, get = (answer["protection"] for answer in answers)
    assert put == get
    assert (put["TaskArn"], put["ProtectionEnabled"]) == (task, True)
    (known,) = lab.ecs.get_task_protection(cluster="default", tasks=[task])["protectedTasks"]
    assert abs(known["expirationDate"] - datetime.fromisoformat(put["ExpirationDate"])) < timedelta(milliseconds=2)

    lab.ecs.update_service(service=name, desiredCount=0)
    until("the protection to tell", lambda: any("1 tasks under protection" in event for event in events(lab, name)))
    found = lab.describe(task)
    assert (found["lastStatus"], found["desiredStatus"]) == ("RUNNING", "RUNNING")
    lab.ecs.update_task_protection(cluster="default", tasks=[task], protectionEnabled=False)
    lab.stopped(task)
    remove(lab, name)
