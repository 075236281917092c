"""Scenarios against the lab that the tests run in: real server, real node, real tasks."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest
from tests.folders import everything_in

from homeport.kit import installation

if TYPE_CHECKING:
    from tests.cluster.machines import Machines

PATIENCE = 180.0  # seconds; everything waited for takes a few at the most, on a machine that is not busy
EXECUTION_ROLE = "arn:aws:iam::123456789012:role/execution"
GROUP = "/tests"


def until(what: str, look: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Return the first true answer of *look*; a level, so nothing can be missed between two looks."""
    deadline = time.monotonic() + patience
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {patience} s for {what}"
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

    def run_in(self, subnet: str, group: str, definition: str) -> str:
        """Run the definition in a subnet and security group of the test's own."""
        network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}}
        answer = self.ecs.run_task(taskDefinition=definition, launchType="FARGATE", networkConfiguration=network)
        assert answer["failures"] == []
        self.tasks.append(answer["tasks"][0]["taskArn"])
        return self.tasks[-1]

    def outcome(self, *containers: dict[str, Any], **members: Any) -> dict[str, Any]:
        """Run the containers as a task and return it when it has stopped."""
        return self.stopped(self.run(self.define(*containers, **members)))

    def output(self, *containers: dict[str, Any], **members: Any) -> list[str]:
        """Run the containers as a task and return what the first has written when it has stopped."""
        return self.lines(self.outcome(*containers, **members)["taskArn"], containers[0]["name"])

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
        found: list[str] = []
        token: dict[str, str] = {}
        while True:
            answer = self.logs.get_log_events(logGroupName=GROUP, logStreamName=stream, startFromHead=True, **token)
            found += [event["message"] for event in answer["events"]]
            if answer["nextForwardToken"] == token.get("nextToken"):
                return found
            token = {"nextToken": answer["nextForwardToken"]}


def shell(script: str, name: str = "main", **members: Any) -> dict[str, Any]:
    """Return a container that runs *script*."""
    return {"name": name, "entryPoint": ["sh", "-c"], "command": [script], "stopTimeout": 2, **members}


def side(script: str, name: str = "side", **members: Any) -> dict[str, Any]:
    """Return a container whose end does not end the task."""
    return shell(script, name, essential=False, **members)


def hears(url: str) -> str:
    """Return a command that says what *url* answers; it is asked until it does."""
    return f"until timeout 30 wget -q -O - http://{url} 2>/dev/null; do sleep 0.1; done"


def hears_nothing(url: str) -> str:
    """Return a command that says none if *url* does not answer; where it would, something else is wrong."""
    return f"( timeout 2 wget -q -O - http://{url} || echo none ) 2>/dev/null"


def part(task: dict[str, Any], name: str) -> dict[str, Any]:
    """Return one container of a described task."""
    return next(dict(container) for container in task["containers"] if container["name"] == name)


class Traces:
    """What the processes log, and what tasks leave on the machine."""

    def __init__(self) -> None:
        found = installation.read()
        assert found is not None, "a lab has an installation"
        self._installation = found
        self._logs = {name: found.log_file(name) for name in ("server", "node")}
        self._read = {name: log.stat().st_size for name, log in self._logs.items()}

    def logged(self) -> str:
        """Return what has been logged since."""
        parts = []
        for name, log in self._logs.items():
            with log.open(errors="replace") as file:
                file.seek(self._read[name])
                parts.append(file.read())
        return "".join(parts)

    def left(self, tasks: list[dict[str, Any]]) -> list[str]:
        """Return what is still there of tasks that have stopped."""
        found: list[Path] = []
        for task in tasks:
            name = task["taskArn"].rsplit("/", 1)[1]
            details = [detail for attachment in task["attachments"] for detail in attachment["details"]]
            enis = [detail["value"] for detail in details if detail["name"] == "networkInterfaceId"]
            found += [self._installation.node_run / "netns" / eni for eni in enis]
            found += [self._installation.node_state / "tasks" / name]
            found += (self._installation.node_state / "runtime" / "containers").glob(f"{name}-*")
            root = Path("/sys/fs/cgroup")
            for group in (root, *root.iterdir()):
                found.append(group / self._installation.cgroup_root / name)
        mounts = Path("/proc/self/mounts").read_text()
        names = [task["taskArn"].rsplit("/", 1)[1] for task in tasks]
        return [str(path) for path in found if path.exists()] + [name for name in names if name in mounts]

    def left_of_instances(self, instances: list[str]) -> list[str]:
        """Return what is still there of instances that were terminated: by name, wherever that may stand."""
        roots = [self._installation.node_run, self._installation.node_state]
        roots += [root / self._installation.cgroup_root for root in Path("/sys/fs/cgroup").iterdir()]
        found = [path for root in roots for path in everything_in(root) if any(name in path.name for name in instances)]
        mounts = Path("/proc/self/mounts").read_text()
        return [str(path) for path in found] + [name for name in instances if name in mounts]


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
    """Give the lab; the test's tasks are stopped when it ends, leave nothing, and crashed nothing."""
    assert "HOMEPORT_RUN" in os.environ, "run this through `homeport lab -- pytest ...`"
    made = Lab(boto3.client("ecs"), boto3.client("ec2"), boto3.client("logs"))
    with contextlib.suppress(made.logs.exceptions.ResourceAlreadyExistsException):
        made.logs.create_log_group(logGroupName=GROUP)
    traces = Traces()
    yield made
    for task in made.tasks:
        if made.describe(task)["desiredStatus"] != "STOPPED":
            made.ecs.stop_task(task=task)
    ended = [made.stopped(task) for task in made.tasks]
    assert traces.left(ended) == []
    logged = traces.logged()
    assert "Traceback" not in logged, logged[logged.index("Traceback") - 500 :][:4000]


@pytest.fixture
def machines(lab: Lab) -> Iterator["Machines"]:
    """Give a cluster of the test's own; its tasks and instances end with the test and leave nothing."""
    from tests.cluster.machines import Machines

    made = Machines(lab, boto3.Session())
    traces = Traces()
    yield made
    ended = made.close()
    assert traces.left(ended) == []
    assert traces.left_of_instances(made.launched) == []
