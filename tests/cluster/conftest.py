"""Scenarios against the lab that the tests run in: real server, real node, real tasks."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import boto3
import pytest

PATIENCE = 60.0  # seconds; everything waited for takes a few at the most
EXECUTION_ROLE = "arn:aws:iam::123456789012:role/execution"
GROUP = "/tests"


def until(what: str, look: Callable[[], Any]) -> Any:
    """Return the first true answer of *look*; a level, so nothing can be missed between two looks."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {PATIENCE} s for {what}"
        time.sleep(0.05)
    return found


@dataclass
class Lab:
    """The running Homeport, with short cuts for what every scenario does."""

    ecs: Any
    ec2: Any
    logs: Any
    tasks: list[str] = field(default_factory=list)

    def subnets(self) -> list[dict[str, Any]]:
        return list(self.ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"])

    def security_group(self, *, port: int | None = None, source: str = "0.0.0.0/0") -> str:
        name = f"tests-{uuid4().hex}"
        group = str(self.ec2.create_security_group(GroupName=name, Description=name)["GroupId"])
        if port is not None:
            self.ec2.authorize_security_group_ingress(
                GroupId=group, IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp=source
            )
        return group

    def define(self, *containers: dict[str, Any], **members: Any) -> str:
        """Register a Fargate task definition; containers get the demo image and a log stream unless they say otherwise."""
        defaults = {"image": "homeport/web:latest", "logConfiguration": awslogs(GROUP)}
        definition = {
            "family": f"tests-{uuid4().hex[:12]}",
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "executionRoleArn": EXECUTION_ROLE,
            "containerDefinitions": [{**defaults, **container} for container in containers],
            **members,
        }
        answer = self.ecs.register_task_definition(**definition)
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def run(self, definition: str, *, groups: list[str] | None = None, public: bool = False, **members: Any) -> str:
        network: dict[str, Any] = {"subnets": [self.subnets()[0]["SubnetId"]]}
        if groups is not None:
            network["securityGroups"] = groups
        if public:
            network["assignPublicIp"] = "ENABLED"
        answer = self.ecs.run_task(
            taskDefinition=definition,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": network},
            **members,
        )
        assert answer["failures"] == []
        self.tasks.append(answer["tasks"][0]["taskArn"])
        return self.tasks[-1]

    def describe(self, task: str) -> dict[str, Any]:
        return dict(self.ecs.describe_tasks(tasks=[task])["tasks"][0])

    def running(self, task: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found = self.describe(task)
            assert found["lastStatus"] != "STOPPED", found
            return found if found["lastStatus"] == "RUNNING" else None

        return dict(until(f"{task} to run", look))

    def stopped(self, task: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found = self.describe(task)
            return found if found["lastStatus"] == "STOPPED" else None

        return dict(until(f"{task} to stop", look))

    def address(self, task: str) -> str:
        details = self.describe(task)["attachments"][0]["details"]
        return str(next(detail["value"] for detail in details if detail["name"] == "privateIPv4Address"))

    def interface(self, task: str) -> dict[str, Any]:
        details = self.describe(task)["attachments"][0]["details"]
        eni = next(detail["value"] for detail in details if detail["name"] == "networkInterfaceId")
        return dict(self.ec2.describe_network_interfaces(NetworkInterfaceIds=[eni])["NetworkInterfaces"][0])

    def lines(self, task: str, container: str) -> list[str]:
        """Return what the container has written so far."""
        stream = f"t/{container}/{task.rsplit('/', 1)[1]}"
        found, token = [], {}
        while True:
            answer = self.logs.get_log_events(logGroupName=GROUP, logStreamName=stream, startFromHead=True, **token)
            found += [event["message"] for event in answer["events"]]
            if answer["nextForwardToken"] == token.get("nextToken"):
                return found
            token = {"nextToken": answer["nextForwardToken"]}


def awslogs(group: str, **options: str) -> dict[str, Any]:
    return {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": group,
            "awslogs-region": "us-east-1",
            "awslogs-stream-prefix": "t",
            **options,
        },
    }


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Give the lab; the test's tasks are stopped, and awaited, when it ends."""
    assert "HOMEPORT_RUN" in os.environ, "run this through `homeport lab -- pytest ...`"
    made = Lab(boto3.client("ecs"), boto3.client("ec2"), boto3.client("logs"))
    with contextlib.suppress(made.logs.exceptions.ResourceAlreadyExistsException):
        made.logs.create_log_group(logGroupName=GROUP)
    yield made
    for task in made.tasks:
        if made.describe(task)["desiredStatus"] != "STOPPED":
            made.ecs.stop_task(task=task)
    for task in made.tasks:
        made.stopped(task)
