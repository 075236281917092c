"""Services to plan for: some tasks, and what is said of them otherwise."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from homeport.services.ecs.deployments.model import Deployment, Phase, Rollout, Service, Task

NOW = 10_000.0
OLD = Deployment("ecs-svc/1", "revision/1")
NEW = Deployment("ecs-svc/2", "revision/2")


def tasks(
    count: int,
    deployment: Deployment = NEW,
    phase: Phase = Phase.RUNNING,
    *,
    age: float = 100.0,
    prefix: str = "",
    **more: Any,
) -> tuple[Task, ...]:
    """*count* tasks of *deployment*; those that run have done so for *age* seconds."""
    running = NOW - age if phase is Phase.RUNNING else None
    name = prefix or f"{deployment.id.rpartition('/')[2]}{phase.value[0].lower()}"
    facts = {"running_since": running, "proven": running is not None} | more
    return tuple(Task(f"{name}{number}", deployment.id, deployment.revision, phase, **facts) for number in range(count))


def service(desired: int, *groups: Iterable[Task], **more: Any) -> Service:
    """A service whose PRIMARY deployment is NEW; OLD is among its deployments if it has tasks."""
    all_tasks = tuple(task for group in groups for task in group)
    old = (OLD,) if any(task.deployment == OLD.id for task in all_tasks) else ()
    return replace(Service("web", desired, (NEW, *old), all_tasks), **more)


def completed(desired: int, *groups: Iterable[Task], **more: Any) -> Service:
    """A service whose PRIMARY deployment is NEW and done."""
    return service(desired, *groups, deployments=(replace(NEW, rollout=Rollout.COMPLETED),), **more)
