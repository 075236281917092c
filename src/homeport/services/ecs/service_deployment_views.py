"""Service deployments and revisions as AWS shows them.  Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.services.ecs.deployments.breaker import threshold
from homeport.services.ecs.deployments.model import Strategy
from homeport.services.ecs.model.services import (
    UNDERWAY,
    Deployment,
    Moved,
    Revision,
    ServiceDeployment,
    ServiceRecord,
    Source,
    TaskCounts,
)
from homeport.services.ecs.model.task_definitions import TaskDefinition
from homeport.services.ecs.observing_services import breaker_of
from homeport.services.ecs.service_views import compute_view, configuration_view, network_view, when


def brief_view(move: ServiceDeployment, cluster: str) -> dict[str, Any]:
    """Return a service deployment as lists show it."""
    view: dict[str, Any] = {
        "serviceDeploymentArn": move.arn,
        "serviceArn": move.service,
        "clusterArn": cluster,
        "createdAt": when(move.created_at),
        "targetServiceRevisionArn": move.target,
        "status": move.status.value,
    }
    return view | _ends(move, "startedAt", "finishedAt")


def service_deployment_view(
    move: ServiceDeployment, service: ServiceRecord, live: Sequence[Deployment], counts: TaskCounts
) -> dict[str, Any]:
    """Return a service deployment, with the tasks that its target has now."""
    target = Source(
        revision=move.target,
        requested=service.desired if move.status in UNDERWAY else counts.meant(move.target),
        running=counts.running(move.target),
        pending=counts.pending(move.target),
    )
    view: dict[str, Any] = {
        "serviceDeploymentArn": move.arn,
        "serviceArn": move.service,
        "clusterArn": service.cluster,
        "createdAt": when(move.created_at),
        "updatedAt": when(move.updated_at),
        "sourceServiceRevisions": [_summary(source) | _weights(move, service, source) for source in move.sources],
        "targetServiceRevision": _summary(target) | _weights(move, service, target),
        "status": move.status.value,
        "deploymentConfiguration": configuration_view(move.configuration),
        "deploymentCircuitBreaker": _breaker(move, service, live),
        "alarms": {"status": "DISABLED"},
    }
    if move.rollback is not None:
        view["rollback"] = {
            "reason": move.rollback.reason,
            "startedAt": when(move.rollback.started_at),
            "serviceRevisionArn": move.rollback.revision,
        }
    if move.configuration.strategy is not Strategy.ROLLING:
        stage = next((each.stage for each in live if each.id == move.deployment), None)
        if stage is not None:
            view["lifecycleStage"] = stage.value
    return view | _ends(move, "startedAt", "finishedAt", "stoppedAt")


def _ends(move: ServiceDeployment, *members: str) -> dict[str, Any]:
    """Return what is known of a service deployment's times and of why it has its status."""
    times = {"startedAt": move.started_at, "finishedAt": move.finished_at, "stoppedAt": move.stopped_at}
    view: dict[str, Any] = {member: when(time) for member in members if (time := times[member]) is not None}
    return view | {"statusReason": move.reason} if move.reason else view


def _summary(source: Source) -> dict[str, Any]:
    return {
        "arn": source.revision,
        "requestedTaskCount": source.requested,
        "runningTaskCount": source.running,
        "pendingTaskCount": source.pending,
    }


def _weights(move: ServiceDeployment, service: ServiceRecord, source: Source) -> dict[str, float]:
    """Return the share of traffic that a revision gets, where a deployment shifts it."""
    if move.configuration.strategy is Strategy.ROLLING:
        return {}
    return {
        "requestedTestTrafficWeight": service.progress.test.get(source.revision, 0.0),
        "requestedProductionTrafficWeight": service.progress.production.get(source.revision, 0.0),
    }


def _breaker(move: ServiceDeployment, service: ServiceRecord, live: Sequence[Deployment]) -> dict[str, Any]:
    breaker = breaker_of(move.configuration.breaker)
    if breaker is None:
        return {"status": "DISABLED", "failureCount": 0, "threshold": 0}
    failures = next((each.failed_tasks for each in live if each.id == move.deployment), 0)
    return {
        "status": _monitoring(move),
        "failureCount": move.failures or failures,
        "threshold": threshold(breaker, service.desired),
    }


def _monitoring(move: ServiceDeployment) -> str:
    if move.failures:
        return "TRIGGERED"
    return "MONITORING" if move.status in {Moved.PENDING, Moved.IN_PROGRESS} else "MONITORING_COMPLETE"


def revision_view(revision: Revision, definition: TaskDefinition | None, digests: Mapping[str, str]) -> dict[str, Any]:
    """Return a service revision; *digests* of its images, by container, are shown as far as they are known."""
    containers = definition.parsed()["containerDefinitions"] if definition is not None else []
    return {
        "serviceRevisionArn": revision.arn,
        "serviceArn": revision.service,
        "clusterArn": revision.service.replace(":service/", ":cluster/").rpartition("/")[0],
        "taskDefinition": revision.task_definition,
        **compute_view(revision),
        "loadBalancers": list(revision.load_balancers),
        "serviceRegistries": list(revision.registries),
        **network_view(revision),
        "containerImages": [_image_view(each, digests.get(each["name"])) for each in containers],
        "guardDutyEnabled": False,
        "createdAt": when(revision.created_at),
        **_resolved(revision),
    }


def _image_view(container: Mapping[str, Any], digest: str | None) -> dict[str, Any]:
    """Return a container's image; where it may differ from task to task its digest is nothing of the revision's."""
    view = {"containerName": container["name"], "image": container["image"]}
    resolved = digest is not None and container.get("versionConsistency") != "disabled"
    return view | {"imageDigest": digest} if resolved else view


def _resolved(revision: Revision) -> dict[str, Any]:
    """Return in which target groups the tasks are, where that follows from a deployment."""
    shown = []
    for document, group in revision.fronts:
        if advanced := document.get("advancedConfiguration"):
            shown.append({"targetGroupArn": group, "productionListenerRule": advanced["productionListenerRule"]})
    return {"resolvedConfiguration": {"loadBalancers": shown}} if shown else {}
