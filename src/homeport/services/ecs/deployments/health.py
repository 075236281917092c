"""
When a task counts as healthy, and when it is replaced (reference, 4.2).

Between the two there is a time in which it is neither: it runs and its checks have yet to say something, or
what they say is not listened to yet.
"""

from enum import StrEnum

from homeport.services.ecs.deployments.model import Health, Phase, Target, TargetHealth, Task

#: How long a task without any health check is RUNNING before it counts as healthy, in seconds.
SETTLING_SECONDS = 40.0


class Verdict(StrEnum):
    """What a task is worth to its service."""

    STARTING = "STARTING"
    SETTLING = "SETTLING"  # RUNNING, and neither healthy nor unhealthy yet
    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"
    LEAVING = "LEAVING"
    GONE = "GONE"


_BY_PHASE = {
    Phase.PENDING: Verdict.STARTING,
    Phase.STOPPING: Verdict.LEAVING,
    Phase.STOPPED: Verdict.GONE,
}


def judge(task: Task, grace_seconds: float, now: float) -> Verdict:
    """Say what *task* is worth; within *grace_seconds* of RUNNING no failing check counts against it."""
    if task.phase is not Phase.RUNNING or task.running_since is None:
        return _BY_PHASE.get(task.phase, Verdict.STARTING)
    if fails(task):
        return Verdict.SETTLING if now < task.running_since + grace_seconds else Verdict.UNHEALTHY
    if not is_checked(task):
        return Verdict.HEALTHY if now >= task.running_since + SETTLING_SECONDS else Verdict.SETTLING
    passes = task.container_health in {None, Health.HEALTHY} and all(
        target.state is TargetHealth.HEALTHY for target in task.targets
    )
    return Verdict.HEALTHY if passes else Verdict.SETTLING


def changes_at(task: Task, grace_seconds: float, now: float) -> float | None:
    """Return when the verdict on *task* changes by the mere passing of time; None if it does not."""
    if task.phase is not Phase.RUNNING or task.running_since is None:
        return None
    if fails(task):
        due = task.running_since + grace_seconds
    elif not is_checked(task):
        due = task.running_since + SETTLING_SECONDS
    else:
        return None
    return due if due > now else None


def is_checked(task: Task) -> bool:
    """Whether anything ever says if the task is healthy."""
    return task.container_health is not None or bool(task.targets)


def fails(task: Task) -> bool:
    """Whether a check says that the task is unhealthy."""
    return task.container_health is Health.UNHEALTHY or failing_target(task) is not None


def failing_target(task: Task) -> Target | None:
    """Return the first of the task's targets that is unhealthy."""
    return next((target for target in task.targets if target.state is TargetHealth.UNHEALTHY), None)
