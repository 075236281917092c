"""Ask the public API for everything that is said of a service."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]

_PAGE = 100  # of tasks in one request


class NotThere(Exception):
    """What was asked about does not exist."""


@dataclass(frozen=True, slots=True)
class Answers:
    """A service, its tasks of the last hour and what says if they are healthy: AWS's documents."""

    service: Document
    tasks: Sequence[Document] = ()
    definitions: Mapping[str, Document] = field(default_factory=dict)  # by ARN
    targets: Mapping[str, Sequence[Document]] = field(default_factory=dict)  # by their group's ARN
    instances: Mapping[str, str] = field(default_factory=dict)  # EC2 instance ids by container instance ARN
    move: Document | None = None  # the service deployment under way, of one that shifts traffic


class Asker:
    """Asks about one service, again and again; what never changes is asked once."""

    def __init__(self, ecs: Any, elbv2: Any, cluster: str, service: str) -> None:
        if service.startswith("arn:") and service.count("/") == 2:
            _, cluster, service = service.split("/")
        self.cluster = cluster
        self.name = service
        self._ecs = ecs
        self._elbv2 = elbv2
        self._definitions: dict[str, Document] = {}

    def ask(self) -> Answers:
        """Return what is so now; raises NotThere."""
        found = self._ecs.describe_services(cluster=self.cluster, services=[self.name])["services"]
        if not found:
            raise NotThere(f"the cluster {self.cluster} has no service {self.name}")
        service = found[0]
        tasks = self._tasks() if service["status"] != "INACTIVE" else []
        groups = list(dict.fromkeys(group for each in service["loadBalancers"] for group in groups_of(each)))
        return Answers(
            service=service,
            tasks=tasks,
            definitions=self._of_tasks(tasks),
            targets={group: self._targets(group) for group in groups},
            instances=self._instances(tasks) if groups else {},
            move=self._move(service),
        )

    def _move(self, service: Document) -> Document | None:
        arn = service.get("currentServiceDeployment")
        if arn is None or service["deploymentConfiguration"].get("strategy", "ROLLING") == "ROLLING":
            return None
        found = self._ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
        return found[0] if found else None

    def _tasks(self) -> list[Document]:
        arns: list[str] = []
        for status in ("RUNNING", "STOPPED"):
            pages = self._ecs.get_paginator("list_tasks").paginate(
                cluster=self.cluster, serviceName=self.name, desiredStatus=status
            )
            arns += [arn for page in pages for arn in page["taskArns"]]
        # One that is told to stop between the two requests is in both.
        arns = list(dict.fromkeys(arns))
        pages = (self._ecs.describe_tasks(cluster=self.cluster, tasks=page)["tasks"] for page in _pages(arns))
        return [task for page in pages for task in page]

    def _of_tasks(self, tasks: Iterable[Document]) -> Mapping[str, Document]:
        for arn in {task["taskDefinitionArn"] for task in tasks} - self._definitions.keys():
            answer = self._ecs.describe_task_definition(taskDefinition=arn)
            self._definitions[arn] = answer["taskDefinition"]
        return self._definitions

    def _targets(self, group: str) -> list[Document]:
        return list(self._elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"])

    def _instances(self, tasks: Iterable[Document]) -> dict[str, str]:
        arns = sorted({task["containerInstanceArn"] for task in tasks if "containerInstanceArn" in task})
        return {
            each["containerInstanceArn"]: each.get("ec2InstanceId", "")
            for page in _pages(arns)
            for each in self._ecs.describe_container_instances(cluster=self.cluster, containerInstances=page)[
                "containerInstances"
            ]
        }


def groups_of(balanced: Document) -> list[str]:
    """Return the ARNs of a load balancer's target group and, where traffic is shifted, of the other one."""
    advanced = balanced.get("advancedConfiguration", {})
    return [group for group in (balanced.get("targetGroupArn"), advanced.get("alternateTargetGroupArn")) if group]


def _pages(arns: Sequence[str]) -> list[Sequence[str]]:
    return [arns[start : start + _PAGE] for start in range(0, len(arns), _PAGE)]
