"""Documents as AWS shows them.  Those that are kept as JSON are passed on as they stand."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from homeport.aws.tags import tags_view
from homeport.services.ecs import tags as tagging
from homeport.services.ecs.model.clusters import Cluster, Counts

_WAITING = ("PROVISIONING", "PENDING", "ACTIVATING")


def task_view(document: str, tags: Mapping[str, str] | str = "[]") -> msgspec.Raw:
    """Return a task's document with its tags, given as a mapping or as the JSON they are kept in."""
    listed = tags if isinstance(tags, str) else tagging.to_json(tags)
    return msgspec.Raw(f'{document[:-1]},"tags":{listed}}}')


def definition_view(document: str) -> msgspec.Raw:
    return msgspec.Raw(document)


def failure_view(arn: str, reason: str, detail: str = "") -> dict[str, str]:
    failure = {"arn": arn, "reason": reason}
    return failure | {"detail": detail} if detail else failure


def cluster_view(cluster: Cluster, counts: Counts, include: Collection[str] = ()) -> dict[str, Any]:
    """Return a cluster; what is not in *include* is there but empty, as AWS has it."""
    declared = cluster.document
    view: dict[str, Any] = {
        "clusterArn": cluster.arn,
        "clusterName": cluster.name,
        "status": cluster.status,
        "registeredContainerInstancesCount": counts.container_instances,
        "runningTasksCount": counts.of("RUNNING"),
        "pendingTasksCount": counts.of(*_WAITING),
        "activeServicesCount": counts.services_of("ACTIVE"),
        "statistics": _statistics(counts) if "STATISTICS" in include else [],
        "tags": tags_view(cluster.tags) if "TAGS" in include else [],
        "settings": _settings(cluster) if "SETTINGS" in include else [],
        "capacityProviders": list(declared.capacity_providers),
        "defaultCapacityProviderStrategy": [
            msgspec.to_builtins(item) for item in declared.default_capacity_provider_strategy
        ],
    }
    if "ATTACHMENTS" in include:
        view["attachments"] = []
    if "CONFIGURATIONS" in include and declared.execute_command is not None:
        view["configuration"] = {"executeCommandConfiguration": declared.execute_command}
    return view


def _settings(cluster: Cluster) -> list[dict[str, str]]:
    return [{"name": "containerInsights", "value": cluster.document.container_insights}]


def _statistics(counted: Counts) -> list[dict[str, str]]:
    """There is no external instance: the other counts are zero."""
    counts = {
        f"{state}{kind}TasksCount": counted.of(*statuses, launch_type=launch_type)
        for kind, launch_type in (("Fargate", "FARGATE"), ("EC2", "EC2"))
        for state, statuses in (("running", ("RUNNING",)), ("pending", _WAITING))
    } | {
        f"{status.lower()}{kind}ServiceCount": counted.services_of(status, launch_type)
        for kind, launch_type in (("Fargate", "FARGATE"), ("EC2", "EC2"))
        for status in ("ACTIVE", "DRAINING")
    }
    names = [
        f"{state}{kind}Count"
        for kind in ("EC2Tasks", "FargateTasks", "ExternalTasks")
        for state in ("running", "pending")
    ]
    names += [
        f"{state}{kind}ServiceCount" for kind in ("EC2", "Fargate", "External") for state in ("active", "draining")
    ]
    return [{"name": name, "value": str(counts.get(name, 0))} for name in names]
