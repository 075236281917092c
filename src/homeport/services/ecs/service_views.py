"""Services and what belongs to them as AWS shows them.  Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from homeport.aws.tags import tags_view
from homeport.services.ecs.deployments.model import Strategy
from homeport.services.ecs.model.services import (
    Breaker,
    Deployment,
    DeploymentConfiguration,
    DeploymentStatus,
    Revision,
    ServiceEvent,
    ServiceRecord,
    ServiceStatus,
    TaskCounts,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """All that is shown of a service: its *deployments* have the PRIMARY first, *revisions* are those they have."""

    service: ServiceRecord
    deployments: Sequence[Deployment]
    revisions: Mapping[str, Revision]
    counts: TaskCounts
    events: Sequence[ServiceEvent]
    move: str = ""  # the ARN of its latest service deployment


def when(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def service_view(shown: Shown, include: Collection[str] = ()) -> dict[str, Any]:
    """Return a service; its tags are there, but empty unless they are in *include*."""
    service, declared, counts = shown.service, shown.service.declared, shown.counts
    revision = shown.revisions[shown.deployments[0].revision]
    view: dict[str, Any] = {
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": service.cluster,
        "loadBalancers": list(revision.load_balancers),
        "serviceRegistries": list(revision.registries),
        "status": service.status.value,
        "desiredCount": service.desired,
        "runningCount": counts.running(),
        "pendingCount": counts.pending(),
        **compute_view(revision),
        "taskDefinition": revision.task_definition,
        "deploymentConfiguration": configuration_view(declared.configuration),
        "deployments": _deployments(shown),
        "roleArn": f"arn:aws:iam::{_account(service.arn)}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        "events": [
            {"id": event.id, "createdAt": when(event.created_at), "message": event.message} for event in shown.events
        ],
        "createdAt": when(service.created_at),
        "placementConstraints": list(declared.placement_constraints),
        "placementStrategy": list(declared.placement_strategy),
        **network_view(revision),
        "schedulingStrategy": service.scheduling_strategy,
        "deploymentController": {"type": "ECS"},
        "tags": tags_view(service.tags) if "TAGS" in include else [],
        "createdBy": declared.created_by,
        "enableECSManagedTags": declared.managed_tags,
        "propagateTags": declared.propagate_tags,
        "enableExecuteCommand": False,
        "availabilityZoneRebalancing": "ENABLED" if declared.rebalancing else "DISABLED",
        "healthCheckGracePeriodSeconds": declared.grace_seconds or 0,
    }
    if service.status is ServiceStatus.ACTIVE:
        view["currentServiceRevisions"] = [_current(shown, deployment) for deployment in shown.deployments]
        if shown.move:
            view["currentServiceDeployment"] = shown.move
    return view


def _deployments(shown: Shown) -> list[dict[str, Any]]:
    """A service that is being deleted shows what there is to drain, one that is gone shows nothing."""
    if shown.service.status is ServiceStatus.INACTIVE:
        return []
    return [_deployment(shown, each) for each in shown.deployments]


def _deployment(shown: Shown, deployment: Deployment) -> dict[str, Any]:
    revision = shown.revisions[deployment.revision]
    return {
        "id": deployment.id,
        "status": deployment.status.value,
        "taskDefinition": revision.task_definition,
        "desiredCount": _desired(shown, deployment),
        "pendingCount": shown.counts.pending(deployment.revision),
        "runningCount": shown.counts.running(deployment.revision),
        "failedTasks": deployment.failed_tasks,
        "createdAt": when(deployment.created_at),
        "updatedAt": when(deployment.updated_at),
        **compute_view(revision),
        **network_view(revision),
        "rolloutState": deployment.rollout.value,
        "rolloutStateReason": deployment.reason,
    }


def _desired(shown: Shown, deployment: Deployment) -> int:
    """Return how many tasks a deployment shall have: one that is being replaced, those it has left."""
    if deployment.status is DeploymentStatus.PRIMARY:
        return shown.service.desired
    return shown.counts.meant(deployment.revision)


def _current(shown: Shown, deployment: Deployment) -> dict[str, Any]:
    return {
        "arn": deployment.revision,
        "requestedTaskCount": _desired(shown, deployment),
        "runningTaskCount": shown.counts.running(deployment.revision),
        "pendingTaskCount": shown.counts.pending(deployment.revision),
    }


def compute_view(revision: Revision) -> dict[str, Any]:
    """Return the members that say where a revision's tasks run."""
    view: dict[str, Any] = (
        {"capacityProviderStrategy": [msgspec.to_builtins(item) for item in revision.strategy]}
        if revision.strategy
        else {"launchType": revision.launch_type}
    )
    if revision.on_fargate:
        view |= {"platformVersion": revision.platform_version, "platformFamily": "Linux"}
    return view


def network_view(revision: Revision) -> dict[str, Any]:
    return {"networkConfiguration": revision.network} if revision.network else {}


def configuration_view(configuration: DeploymentConfiguration) -> dict[str, Any]:
    return {
        "deploymentCircuitBreaker": _breaker(configuration.breaker),
        "maximumPercent": configuration.maximum_percent,
        "minimumHealthyPercent": configuration.minimum_healthy_percent,
        "strategy": configuration.strategy.value,
        "bakeTimeInMinutes": configuration.bake_minutes,
        **_steps(configuration),
    }


def _steps(configuration: DeploymentConfiguration) -> dict[str, Any]:
    percent, minutes = configuration.step_percent, configuration.step_bake_minutes
    if configuration.strategy is Strategy.LINEAR:
        return {"linearConfiguration": {"stepPercent": percent, "stepBakeTimeInMinutes": minutes}}
    if configuration.strategy is Strategy.CANARY:
        return {"canaryConfiguration": {"canaryPercent": percent, "canaryBakeTimeInMinutes": minutes}}
    return {}


def _breaker(breaker: Breaker) -> dict[str, Any]:
    view: dict[str, Any] = {"enable": breaker.enable, "rollback": breaker.rollback}
    if breaker.enable:
        view["resetOnHealthyTask"] = breaker.reset_on_healthy_task
        view["thresholdConfiguration"] = msgspec.to_builtins(breaker.threshold_configuration)
    return view


def _account(arn: str) -> str:
    return arn.split(":")[4]
