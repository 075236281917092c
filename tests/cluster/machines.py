"""Container instances for scenarios: a cluster of the test's own, instances in it, tasks on them."""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.cluster.conftest import GROUP, Lab, awslogs, until

_IMAGE = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
DYNAMIC = (32768, 60999)  # the ports that instances choose from


@dataclass
class Machines:
    """A cluster and the instances that a test has launched into it; *session* makes clients of its region."""

    lab: Lab
    session: Any
    cluster: str = field(default_factory=lambda: f"tests-{uuid4().hex[:12]}")
    launched: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ec2, self.ecs = self.session.client("ec2"), self.session.client("ecs")
        self.image = self.session.client("ssm").get_parameter(Name=_IMAGE)["Parameter"]["Value"]
        self.ecs.create_cluster(clusterName=self.cluster)

    def subnet(self, zone: int = 0) -> str:
        subnets = self.ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
        return str(sorted(subnets, key=lambda subnet: subnet["AvailabilityZone"])[zone]["SubnetId"])

    def group(self, first: int | None = None, last: int | None = None, protocol: str = "tcp") -> str:
        """Make a security group that lets a range of ports in."""
        name = f"tests-{uuid4().hex}"
        group = str(self.ec2.create_security_group(GroupName=name, Description=name)["GroupId"])
        if first is not None:
            self.ec2.authorize_security_group_ingress(
                GroupId=group, IpProtocol=protocol, FromPort=first, ToPort=last or first, CidrIp="0.0.0.0/0"
            )
        return group

    def launch(self, *, config: str = "", ec2: Any = None, **members: Any) -> str:
        """Launch a c5.large into the cluster; *config* are further lines of /etc/ecs/ecs.config."""
        lines = "\n".join([f"ECS_CLUSTER={self.cluster}", *config.split()])
        asked = {"ImageId": self.image, "InstanceType": "c5.large", "MinCount": 1, "MaxCount": 1, **members}
        asked.setdefault("SubnetId", self.subnet())
        asked["UserData"] = f"#!/bin/bash\ncat <<'CONFIG' >> /etc/ecs/ecs.config\n{lines}\nCONFIG\n"
        instance = (ec2 or self.ec2).run_instances(**asked)["Instances"][0]["InstanceId"]
        self.launched.append(instance)
        return str(instance)

    def registered(self, instance: str) -> dict[str, Any]:
        """Return the container instance once it is ACTIVE."""

        def look() -> dict[str, Any] | None:
            for found in self.container_instances():
                if found["ec2InstanceId"] == instance:
                    assert found["status"] != "REGISTRATION_FAILED", found
                    if found["status"] == "ACTIVE" and found["agentConnected"]:
                        return found
            return None

        return dict(until(f"{instance} to be ACTIVE", look))

    def container_instances(self) -> list[dict[str, Any]]:
        arns = self.ecs.list_container_instances(cluster=self.cluster)["containerInstanceArns"]
        if not arns:
            arns = self.ecs.list_container_instances(cluster=self.cluster, status="REGISTERING")[
                "containerInstanceArns"
            ]
        if not arns:
            return []
        return list(
            self.ecs.describe_container_instances(cluster=self.cluster, containerInstances=arns)["containerInstances"]
        )

    def ready(self, **members: Any) -> str:
        """Launch an instance and return its container instance's ARN."""
        return str(self.registered(self.launch(**members))["containerInstanceArn"])

    def private_address(self, instance: str) -> str:
        found = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        return str(found["PrivateIpAddress"])

    def define(self, *containers: dict[str, Any], mode: str | None = None, **members: Any) -> str:
        """Register a definition for EC2: containers of the demo image with 64 MiB, unless they say otherwise."""
        defaults = {"image": "homeport/web:latest", "memory": 64, "logConfiguration": awslogs(GROUP)}
        definition = {
            "family": f"tests-{uuid4().hex[:12]}",
            "containerDefinitions": [{**defaults, **container} for container in containers],
            **({"networkMode": mode} if mode is not None else {}),
            **members,
        }
        return str(self.ecs.register_task_definition(**definition)["taskDefinition"]["taskDefinitionArn"])

    def ask(self, definition: str, *, groups: list[str] | None = None, **members: Any) -> dict[str, Any]:
        """Ask for tasks on EC2; those with an interface of their own get it in the first subnet."""
        if groups is not None:
            awsvpc: dict[str, Any] = {"subnets": [self.subnet()]}
            awsvpc |= {"securityGroups": groups} if groups else {}
            members["networkConfiguration"] = {"awsvpcConfiguration": awsvpc}
        asked = {"cluster": self.cluster, "taskDefinition": definition, "launchType": "EC2", **members}
        answer = dict(self.ecs.run_task(**asked))
        self.tasks += [task["taskArn"] for task in answer["tasks"]]
        return answer

    def run(self, definition: str, **members: Any) -> str:
        answer = self.ask(definition, **members)
        assert answer["failures"] == [], answer["failures"]
        return str(answer["tasks"][0]["taskArn"])

    def describe(self, task: str) -> dict[str, Any]:
        return dict(self.ecs.describe_tasks(cluster=self.cluster, tasks=[task])["tasks"][0])

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

    def output(self, definition: str, name: str = "main", **members: Any) -> list[str]:
        """Run a task and return what its container *name* has written when it has stopped."""
        task = self.run(definition, **members)
        self.stopped(task)
        return self.lab.lines(task, name)

    def close(self) -> list[dict[str, Any]]:
        """Stop the tasks, terminate the instances and return the tasks as they have ended."""
        for task in self.tasks:
            if self.describe(task)["desiredStatus"] != "STOPPED":
                self.ecs.stop_task(cluster=self.cluster, task=task)
        ended = [self.stopped(task) for task in self.tasks]
        if self.launched:
            self.ec2.terminate_instances(InstanceIds=self.launched)

            def gone() -> bool:
                answer = self.ec2.describe_instances(InstanceIds=self.launched)
                states = [each["State"]["Name"] for found in answer["Reservations"] for each in found["Instances"]]
                return set(states) == {"terminated"}

            until("the instances to be terminated", gone)
        return ended


def bound(task: dict[str, Any], container: str = "main") -> list[dict[str, Any]]:
    """Return the network bindings of one container of a described task."""
    return next(list(each["networkBindings"]) for each in task["containers"] if each["name"] == container)


def eni_address(task: dict[str, Any]) -> str:
    details = task["attachments"][0]["details"]
    return str(next(detail["value"] for detail in details if detail["name"] == "privateIPv4Address"))
