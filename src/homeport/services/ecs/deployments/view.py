"""A service's tasks sorted by what they are worth: computed once, and what all parts of a plan look at."""

from collections.abc import Sequence
from dataclasses import dataclass

from homeport.services.ecs.deployments.health import Verdict, judge
from homeport.services.ecs.deployments.model import Deployment, Scheduling, Service, Task


@dataclass(frozen=True, slots=True)
class Judged:
    """A task and what it is worth."""

    task: Task
    verdict: Verdict
    current: bool  # of the PRIMARY deployment's revision, and may stay where it is

    @property
    def healthy(self) -> bool:
        return self.verdict is Verdict.HEALTHY

    @property
    def started(self) -> bool:
        return self.verdict is not Verdict.STARTING


@dataclass(frozen=True, slots=True)
class View:
    """A service at the moment *now*."""

    service: Service
    now: float
    desired: int
    current: tuple[Judged, ...]  # tasks of the PRIMARY deployment that are meant to run
    old: tuple[Judged, ...]  # those of the deployments that it replaces, and those on draining instances
    leaving: int  # tasks on their way out
    over: tuple[Task, ...]

    @property
    def primary(self) -> Deployment:
        return self.service.primary

    @property
    def floor(self) -> int:
        """How many tasks must stay healthy: a percentage, rounded up."""
        return -(-self.desired * self.service.minimum_healthy_percent // 100)

    @property
    def ceiling(self) -> int:
        """How many tasks there may be, those on their way out among them: a percentage, rounded down."""
        return self.desired * self.service.maximum_percent // 100

    @property
    def present(self) -> tuple[Judged, ...]:
        return (*self.old, *self.current)

    @property
    def healthy(self) -> int:
        return sum(judged.healthy for judged in self.present)

    @property
    def room(self) -> int:
        """How many tasks may be started now."""
        return max(0, self.ceiling - len(self.present) - self.leaving)

    @property
    def settled(self) -> bool:
        """Whether all is as desired: nothing starts, nothing leaves, all tasks are the PRIMARY's and healthy."""
        return (
            not self.old
            and not self.leaving
            and len(self.current) == self.desired
            and all(judged.healthy for judged in self.current)
        )

    def counts_for(self, task: Task) -> str:
        """Return the deployment that the task's failure counts for."""
        return self.primary.id if task.revision == self.primary.revision else task.deployment


def look(service: Service, now: float) -> View:
    """Judge all tasks of *service*."""
    revision = service.primary.revision
    judged = [
        Judged(task, judge(task, service.grace_seconds, now), task.revision == revision and not task.draining)
        for task in service.tasks
    ]
    present = [one for one in judged if one.verdict not in {Verdict.LEAVING, Verdict.GONE}]
    daemon = service.scheduling is Scheduling.DAEMON
    return View(
        service=service,
        now=now,
        desired=len(service.instances) if daemon else service.desired,
        current=tuple(one for one in present if one.current),
        old=tuple(one for one in present if not one.current),
        leaving=sum(one.verdict is Verdict.LEAVING for one in judged),
        over=tuple(one.task for one in judged if one.verdict is Verdict.GONE),
    )


def count(judged: Sequence[Judged], *verdicts: Verdict) -> int:
    return sum(one.verdict in verdicts for one in judged)
