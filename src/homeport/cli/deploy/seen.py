"""
A service as its planner sees it, rebuilt from what the public API shows.  Pure.

Two things the API does not show.  Which revision a task is of follows from the deployment that started it, or, if that
is gone, from its task definition; and how many tasks in a row did not start, from those that have stopped.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from homeport.cli.deploy.reading import Answers, Document, groups_of
from homeport.services.ecs.deployments.model import (
    Breaker,
    Deployment,
    Health,
    Phase,
    Rollout,
    Scheduling,
    Service,
    Shifting,
    Stage,
    Strategy,
    Target,
    TargetHealth,
    Task,
    ThresholdType,
)


def service_of(answers: Answers) -> Service:
    """Return the service with its tasks that have not stopped."""
    shown = answers.service
    configuration = shown["deploymentConfiguration"]
    revisions = revisions_of(shown)
    return Service(
        name=shown["serviceName"],
        desired=shown["desiredCount"],
        deployments=_deployments(answers, revisions),
        tasks=tuple(_task(each, answers, revisions) for each in answers.tasks if each["lastStatus"] != "STOPPED"),
        minimum_healthy_percent=configuration["minimumHealthyPercent"],
        maximum_percent=configuration["maximumPercent"],
        grace_seconds=float(shown.get("healthCheckGracePeriodSeconds", 0)),
        scheduling=Scheduling(shown["schedulingStrategy"]),
        breaker=breaker_of(configuration.get("deploymentCircuitBreaker", {})),
        instances=_instances(answers),
        rollback_to=_completed(shown, revisions),
        strategy=_strategy(configuration),
        production=_shares(answers.move, "requestedProductionTrafficWeight"),
        test=_shares(answers.move, "requestedTestTrafficWeight"),
    )


def _completed(shown: Document, revisions: Mapping[str, str]) -> str:
    """Return the revision of the last deployment that completed, if it is still there."""
    done = (each for each in shown["deployments"] if each.get("rolloutState") == Rollout.COMPLETED)
    return next((revisions[each["id"]] for each in done), "")


def _strategy(configuration: Document) -> Shifting:
    linear, canary = (configuration.get(f"{kind}Configuration", {}) for kind in ("linear", "canary"))
    return Shifting(
        kind=Strategy(configuration.get("strategy", "ROLLING")),
        bake_seconds=configuration.get("bakeTimeInMinutes", 0) * 60.0,
        step_percent=linear.get("stepPercent") or canary.get("canaryPercent") or 100.0,
        step_bake_seconds=60.0 * (linear.get("stepBakeTimeInMinutes") or canary.get("canaryBakeTimeInMinutes") or 0),
    )


def _shares(move: Document | None, member: str) -> dict[str, float]:
    if move is None:
        return {}
    summaries = [move["targetServiceRevision"], *move["sourceServiceRevisions"]]
    return {each["arn"]: each[member] for each in summaries if each.get(member)}


def _deployments(answers: Answers, revisions: Mapping[str, str]) -> tuple[Deployment, ...]:
    """Return the deployments; of the PRIMARY one, the stage that its service deployment shows."""
    shown = answers.service["deployments"]
    primary, *others = (_deployment(each, revisions[each["id"]], answers.tasks) for each in shown)
    if answers.move is not None and "lifecycleStage" in answers.move:
        primary = replace(
            primary,
            rollback="rollback" in answers.move,
            stage=Stage(answers.move["lifecycleStage"]),
            stage_since=seconds(answers.move.get("updatedAt")),
        )
    return (primary, *others)


def revisions_of(shown: Document) -> Mapping[str, str]:
    """Return the service revision of each deployment, by its id; both are listed from the newest."""
    current = [each["arn"] for each in shown.get("currentServiceRevisions", ())]
    ids = [each["id"] for each in shown["deployments"]]
    return dict(zip(ids, current, strict=True)) if len(current) == len(ids) else dict(zip(ids, ids, strict=True))


def seconds(moment: Any) -> float:
    """Return a moment in seconds since the epoch; 0 if there is none."""
    return moment.timestamp() if isinstance(moment, datetime) else 0.0


def breaker_of(shown: Document) -> Breaker | None:
    """Return the circuit breaker, if it is enabled."""
    if not shown.get("enable"):
        return None
    threshold = shown.get("thresholdConfiguration", {})
    return Breaker(
        rollback=shown["rollback"],
        reset_on_healthy_task=shown.get("resetOnHealthyTask", True),
        threshold_type=ThresholdType(threshold.get("type", "BOUNDED_PERCENT")),
        threshold_value=threshold.get("value", 50),
    )


def failures_to_start(tasks: Iterable[Document], deployment: str) -> list[Document]:
    """Return the deployment's tasks that failed to start since one of it last did, the latest first."""
    own = [task for task in tasks if task.get("startedBy") == deployment]
    last_start = max((seconds(task.get("startedAt")) for task in own), default=0.0)
    failed = [
        task
        for task in own
        if task.get("stopCode") == "TaskFailedToStart" and seconds(task.get("stoppedAt")) > last_start
    ]
    return sorted(failed, key=lambda task: seconds(task["stoppedAt"]), reverse=True)


def _deployment(shown: Document, revision: str, tasks: Iterable[Document]) -> Deployment:
    failures = failures_to_start(tasks, shown["id"])
    return Deployment(
        id=shown["id"],
        revision=revision,
        rollout=Rollout(shown.get("rolloutState", "IN_PROGRESS")),
        failed_tasks=shown["failedTasks"],
        launch_failures=len(failures),
        last_failure_at=seconds(failures[0]["stoppedAt"]) if failures else 0.0,
    )


def _task(shown: Document, answers: Answers, revisions: Mapping[str, str]) -> Task:
    running = shown.get("startedAt")
    return Task(
        id=shown["taskArn"].rpartition("/")[2],
        deployment=shown.get("startedBy", ""),
        revision=_revision(shown, answers.service, revisions),
        phase=phase_of(shown),
        running_since=seconds(running) if running else None,
        container_health=_health(shown, answers.definitions.get(shown["taskDefinitionArn"], {})),
        targets=tuple(_targets(shown, answers)),
        zone=shown.get("availabilityZone", ""),
        instance=shown.get("containerInstanceArn", ""),
        created_at=seconds(shown["createdAt"]),
        proven=True,  # whether it was healthy before is the server's to note
    )


def phase_of(shown: Document) -> Phase:
    """Say how far a task has come, as far as its service cares."""
    if shown["lastStatus"] == "STOPPED":
        return Phase.STOPPED
    if shown["desiredStatus"] == "STOPPED":
        return Phase.STOPPING
    return Phase.RUNNING if shown["lastStatus"] == "RUNNING" else Phase.PENDING


def _revision(shown: Document, service: Document, revisions: Mapping[str, str]) -> str:
    by = shown.get("startedBy", "")
    if by in revisions:
        return revisions[by]
    same = (each for each in service["deployments"] if each["taskDefinition"] == shown["taskDefinitionArn"])
    return next((revisions[each["id"]] for each in same), by)


def _health(shown: Document, definition: Document) -> Health | None:
    containers = definition.get("containerDefinitions", ())
    if not any(each.get("essential", True) and "healthCheck" in each for each in containers):
        return None
    return Health(shown.get("healthStatus", "UNKNOWN"))


def _targets(shown: Document, answers: Answers) -> Iterable[Target]:
    """Yield the task's target in each group; one that is not registered yet is as good as INITIAL."""
    for balanced in answers.service["loadBalancers"]:
        known = {
            (each["Target"]["Id"], each["Target"].get("Port")): (group, each)
            for group in groups_of(balanced)
            for each in answers.targets.get(group, ())
        }
        place = next((place for place in _places(shown, balanced, answers.instances) if place in known), None)
        if place is None:
            yield Target(balanced.get("targetGroupArn", ""), port=balanced.get("containerPort", 0))
            continue
        group, found = known[place]
        health = found["TargetHealth"]
        reason = health.get("Description") or health.get("Reason", "")
        yield Target(group, TargetHealth(health["State"].partition(".")[0]), found["Target"].get("Port", 0), reason)


def _places(shown: Document, balanced: Document, instances: Mapping[str, str]) -> Iterable[tuple[str, int]]:
    """Yield where a load balancer may reach the task: its own address, or a port of its instance."""
    port = balanced.get("containerPort", 0)
    for container in shown["containers"]:
        if container["name"] != balanced.get("containerName"):
            continue
        for interface in container.get("networkInterfaces", ()):
            if address := interface.get("privateIpv4Address"):
                yield address, port
        for binding in container.get("networkBindings", ()):
            if binding.get("containerPort") == port:
                yield instances.get(shown.get("containerInstanceArn", ""), ""), binding.get("hostPort", 0)


def _instances(answers: Answers) -> tuple[str, ...]:
    """Return where a daemon's tasks are: where else they belong only the server knows."""
    if answers.service["schedulingStrategy"] != Scheduling.DAEMON:
        return ()
    there = (task.get("containerInstanceArn", "") for task in answers.tasks if phase_of(task) is not Phase.STOPPED)
    return tuple(sorted({arn for arn in there if arn}))
