"""
Services: what users declare of them, and the revisions, deployments and events that follow.

A *revision* is what tasks are made from and never changes.  A *deployment* ("ecs-svc/NUMBER") is a set of tasks of one
revision.  A *service deployment* is the move of a service to a revision, and back again where that fails.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from homeport.services.ecs.deployments import model as planned
from homeport.services.ecs.deployments.model import Rollout
from homeport.services.ecs.model.clusters import Strategy


class ServiceStatus(StrEnum):
    """AWS's states of a service: one that is being deleted drains until its last task has stopped."""

    ACTIVE = "ACTIVE"
    DRAINING = "DRAINING"
    INACTIVE = "INACTIVE"


class DeploymentStatus(StrEnum):
    """What a deployment is to its service: the newest, or one that is being replaced."""

    PRIMARY = "PRIMARY"
    ACTIVE = "ACTIVE"


class Moved(StrEnum):
    """How far a service deployment is."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCESSFUL = "SUCCESSFUL"
    STOPPED = "STOPPED"
    STOP_REQUESTED = "STOP_REQUESTED"
    ROLLBACK_REQUESTED = "ROLLBACK_REQUESTED"
    ROLLBACK_IN_PROGRESS = "ROLLBACK_IN_PROGRESS"
    ROLLBACK_SUCCESSFUL = "ROLLBACK_SUCCESSFUL"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"


#: The service deployments that have not ended.
UNDERWAY = (
    Moved.PENDING,
    Moved.IN_PROGRESS,
    Moved.STOP_REQUESTED,
    Moved.ROLLBACK_REQUESTED,
    Moved.ROLLBACK_IN_PROGRESS,
)


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """How many failed tasks a deployment may have: a count, or a percentage of the desired tasks."""

    type: str = "BOUNDED_PERCENT"
    value: int = 50


class Breaker(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The deployment circuit breaker as declared."""

    enable: bool = False
    rollback: bool = False
    reset_on_healthy_task: bool = True
    threshold_configuration: Threshold = Threshold()


class DeploymentConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """
    How a service's deployments go.

    How far they may go below and above the desired tasks, in percent, and when they have failed.  *step_percent* is the
    share of traffic that LINEAR and CANARY move at a time; the bake times are in minutes.
    """

    minimum_healthy_percent: int = 100
    maximum_percent: int = 200
    breaker: Breaker = Breaker()
    strategy: planned.Strategy = planned.Strategy.ROLLING
    bake_minutes: int = 0
    step_percent: float = 100.0
    step_bake_minutes: int = 0


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a service's tasks are made from.  Either a launch type or a capacity provider strategy is set.

    *groups* are the target groups of its tasks where those are not the ones that its load balancers name first.
    """

    arn: str
    service: str
    created_at: float
    task_definition: str
    launch_type: str = ""
    strategy: tuple[Strategy, ...] = ()
    platform_version: str = ""  # on Fargate only
    network: dict[str, Any] | None = None
    load_balancers: tuple[dict[str, Any], ...] = ()
    groups: tuple[str, ...] = ()
    registries: tuple[dict[str, Any], ...] = ()

    @property
    def fronts(self) -> tuple[tuple[dict[str, Any], str], ...]:
        """Its load balancers, each with the ARN of the target group that its tasks are in."""
        groups = self.groups or tuple(str(each["targetGroupArn"]) for each in self.load_balancers)
        return tuple(zip(self.load_balancers, groups, strict=True))

    @property
    def on_fargate(self) -> bool:
        return bool(self.strategy) or self.launch_type == "FARGATE"


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """What the user declared of a service that its revisions do not hold."""

    desired_count: int
    configuration: DeploymentConfiguration
    placement_constraints: tuple[dict[str, Any], ...] = ()
    placement_strategy: tuple[dict[str, Any], ...] = ()
    grace_seconds: int | None = None
    propagate_tags: str = "NONE"
    managed_tags: bool = False
    rebalancing: bool = False
    created_by: str = ""
    request: str = ""  # the digest of what CreateService was called with


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What the reconciler remembers of a service from one look to the next.

    *completed* is the revision of the last deployment that was completed.  *impediment* is why tasks could last not be
    started and *impeded_since* when that was last said; *attempts* counts how often in a row it was tried in vain.
    *daemons* counts the container instances on which a task of a daemon service belongs.  *production* and *test* are
    the percentages of traffic that revisions get, by their ARNs.
    """

    standing: dict[str, float] = msgspec.field(default_factory=dict)
    completed: str = ""
    impediment: str = ""
    impeded_since: float = 0.0
    attempts: int = 0
    daemons: int = 0
    production: dict[str, float] = msgspec.field(default_factory=dict)
    test: dict[str, float] = msgspec.field(default_factory=dict)


class Deployment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A set of tasks of one revision, from the change that asked for it until its last task is gone."""

    id: str  # ecs-svc/NUMBER
    service: str
    revision: str  # its ARN
    status: DeploymentStatus = DeploymentStatus.PRIMARY
    created_at: float
    updated_at: float
    rollout: Rollout = Rollout.IN_PROGRESS
    reason: str = ""
    rollback: bool = False
    failed_tasks: int = 0
    launch_failures: int = 0
    last_failure_at: float = 0.0
    stage: planned.Stage = planned.Stage.RECONCILE_SERVICE
    stage_since: float = 0.0


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A revision that a service deployment began from, and the tasks it had then."""

    revision: str
    requested: int = 0
    running: int = 0
    pending: int = 0


class Rollback(msgspec.Struct, frozen=True, kw_only=True):
    """Why and where a service deployment went back."""

    reason: str
    started_at: float
    revision: str


class ServiceDeployment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The move of a service to *target*; *deployment* is the set of tasks that it now brings about."""

    arn: str
    service: str
    deployment: str
    target: str
    status: Moved = Moved.IN_PROGRESS
    reason: str = ""
    sources: tuple[Source, ...] = ()
    configuration: DeploymentConfiguration
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    stopped_at: float | None = None
    updated_at: float
    rollback: Rollback | None = None
    failures: int = 0  # the failed tasks with which the circuit breaker tripped


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """A service with all that is kept of it in its own row."""

    arn: str
    region: str
    cluster: str  # its ARN
    name: str
    declared: Declared
    status: ServiceStatus = ServiceStatus.ACTIVE
    launch_type: str = ""  # that of its latest revision, by which services are listed
    scheduling_strategy: str = "REPLICA"
    created_at: float = 0.0
    tags: Mapping[str, str] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)

    @property
    def desired(self) -> int:
        """How many tasks it shall have."""
        daemon = self.scheduling_strategy == "DAEMON" and self.status is ServiceStatus.ACTIVE
        return self.progress.daemons if daemon else self.declared.desired_count

    @property
    def group(self) -> str:
        """What its tasks are told apart by."""
        return f"service:{self.name}"


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """One line of what a service has done or could not do."""

    id: str
    created_at: float
    message: str


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """
    A service's tasks that are meant to run, by the ARN of their revision and their status.

    A rollback keeps the tasks that were never replaced, so revisions tell them apart and deployments do not.
    """

    by_status: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def meant(self, revision: str = "") -> int:
        """Count those of a revision, or of all of them."""
        return sum(count for (of, _), count in self.by_status.items() if revision in {"", of})

    def running(self, revision: str = "") -> int:
        """Count those that are RUNNING."""
        return sum(
            count for (of, status), count in self.by_status.items() if status == "RUNNING" and revision in {"", of}
        )

    def pending(self, revision: str = "") -> int:
        """Count those that have yet to run."""
        return self.meant(revision) - self.running(revision)
