"""Services and tasks as the API shows them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from homeport.cli.deploy.reading import Answers

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ARN = "arn:aws:ecs:us-east-1:123456789012"
GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/1"


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def task(name: str, status: str = "RUNNING", **members: Any) -> dict[str, Any]:
    running = {"startedAt": ago(100)} if status == "RUNNING" else {}
    return {
        "taskArn": f"{ARN}:task/default/{name}",
        "taskDefinitionArn": f"{ARN}:task-definition/web:2",
        "lastStatus": status,
        "desiredStatus": "RUNNING",
        "createdAt": ago(120),
        "startedBy": "ecs-svc/2",
        "containers": [
            {"name": "web", "networkInterfaces": [{"privateIpv4Address": f"10.0.0.{len(name)}"}]},
        ],
        **running,
        **members,
    }


def deployment(number: int, **members: Any) -> dict[str, Any]:
    return {
        "id": f"ecs-svc/{number}",
        "taskDefinition": f"{ARN}:task-definition/web:{number}",
        "rolloutState": "IN_PROGRESS",
        "failedTasks": 0,
        "runningCount": 0,
        "pendingCount": 0,
        **members,
    }


def answers(*tasks: dict[str, Any], **members: Any) -> Answers:
    more = {name: members.pop(name) for name in ("targets", "definitions", "instances") if name in members}
    shown = {
        "serviceName": "web",
        "clusterArn": f"{ARN}:cluster/default",
        "status": "ACTIVE",
        "desiredCount": 2,
        "runningCount": 2,
        "pendingCount": 0,
        "schedulingStrategy": "REPLICA",
        "deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 200},
        "deployments": [deployment(2), deployment(1, rolloutState="COMPLETED")],
        "currentServiceRevisions": [{"arn": "revision/2"}, {"arn": "revision/1"}],
        "loadBalancers": [],
        "events": [],
        **members,
    }
    return Answers(service=shown, tasks=tasks, **more)
