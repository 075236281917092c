"""
A service at one moment, as its planner sees it, and the actions that a plan is made of.

Each action is whole in itself: a plan may be cut short after any of them, and the next plan goes on from there.
Times are seconds since the epoch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Phase(StrEnum):
    """How far a task has come, as far as a service cares."""

    PENDING = "PENDING"  # meant to run, not yet RUNNING
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"  # on its way out, its targets draining perhaps: it still takes up its place
    STOPPED = "STOPPED"  # over, and not yet accounted for by its service


class Health(StrEnum):
    """What the health checks of a task's essential containers say together."""

    UNKNOWN = "UNKNOWN"
    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"


class TargetHealth(StrEnum):
    """A target's state in its target group, in ELB's words."""

    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNUSED = "unused"
    DRAINING = "draining"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Target:
    """One of a task's places behind a load balancer; INITIAL, too, while it has yet to be registered."""

    group: str  # the target group's ARN
    state: TargetHealth = TargetHealth.INITIAL
    port: int = 0
    reason: str = (
        ""  # why it is unhealthy, as a service's event says it: "Health checks failed with these codes: [503]"
    )


@dataclass(frozen=True, slots=True)
class Task:
    """
    One task of the service.

    A task counts as the PRIMARY deployment's when its *revision* is: after a rollback, those that never went
    away are kept.  *told* tells a task that ended because it was stopped from one that ended by itself.
    """

    id: str
    deployment: str  # the one that started it
    revision: str  # the service revision it was made from
    phase: Phase
    running_since: float | None = None  # None: it has not been RUNNING
    container_health: Health | None = None  # None: no essential container has a health check
    targets: tuple[Target, ...] = ()  # one for each target group of the service; all of them must be healthy
    protected: bool = False
    zone: str = ""
    instance: str = ""  # the container instance's ARN; "" on Fargate
    created_at: float = 0.0
    told: bool = False
    proven: bool = False  # it has counted as healthy before
    rebalances: bool = False  # a Start with zones made it
    draining: bool = False  # its container instance is to be emptied: another takes its place


class Rollout(StrEnum):
    """How a deployment stands, in AWS's words."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class Stage(StrEnum):
    """The lifecycle stages of a deployment that shifts traffic, in their order, in AWS's words."""

    RECONCILE_SERVICE = "RECONCILE_SERVICE"
    PRE_SCALE_UP = "PRE_SCALE_UP"
    SCALE_UP = "SCALE_UP"
    POST_SCALE_UP = "POST_SCALE_UP"
    TEST_TRAFFIC_SHIFT = "TEST_TRAFFIC_SHIFT"
    POST_TEST_TRAFFIC_SHIFT = "POST_TEST_TRAFFIC_SHIFT"
    PRODUCTION_TRAFFIC_SHIFT = "PRODUCTION_TRAFFIC_SHIFT"
    POST_PRODUCTION_TRAFFIC_SHIFT = "POST_PRODUCTION_TRAFFIC_SHIFT"
    BAKE_TIME = "BAKE_TIME"
    CLEAN_UP = "CLEAN_UP"


class Strategy(StrEnum):
    """How a service's deployments go."""

    ROLLING = "ROLLING"
    BLUE_GREEN = "BLUE_GREEN"
    LINEAR = "LINEAR"
    CANARY = "CANARY"


@dataclass(frozen=True, slots=True)
class Shifting:
    """
    A strategy with its numbers.

    Of production traffic *step_percent* moves at each step of LINEAR and at the first of CANARY, and
    *step_bake_seconds* pass before the next; after all of it has moved, *bake_seconds* before the old tasks go.
    """

    kind: Strategy = Strategy.ROLLING
    bake_seconds: float = 0.0
    step_percent: float = 100.0
    step_bake_seconds: float = 0.0


class Listener(StrEnum):
    """Which traffic is meant."""

    TEST = "TEST"
    PRODUCTION = "PRODUCTION"


@dataclass(frozen=True, slots=True)
class Deployment:
    """
    One deployment of the service.

    *failed_tasks* is AWS's count of consecutive failures, *launch_failures* that of tasks in a row that
    ended before they were healthy.  Each new deployment has a revision of its own, except a rollback, which has that
    of the deployment it goes back to.
    """

    id: str  # ecs-svc/NUMBER
    revision: str
    rollout: Rollout = Rollout.IN_PROGRESS
    rollback: bool = False
    failed_tasks: int = 0
    launch_failures: int = 0
    last_failure_at: float = 0.0
    stage: Stage = Stage.RECONCILE_SERVICE  # not looked at for ROLLING; it and the next
    stage_since: float = 0.0  # when it was entered, or traffic last shifted in it


class ThresholdType(StrEnum):
    """How a circuit breaker's value is read."""

    COUNT = "COUNT"
    BOUNDED_PERCENT = "BOUNDED_PERCENT"
    UNBOUNDED_PERCENT = "UNBOUNDED_PERCENT"


@dataclass(frozen=True, slots=True)
class Breaker:
    """An enabled deployment circuit breaker."""

    rollback: bool = False
    reset_on_healthy_task: bool = True
    threshold_type: ThresholdType = ThresholdType.BOUNDED_PERCENT
    threshold_value: int = 50


class Scheduling(StrEnum):
    """How many tasks a service has: as many as desired, or one on each instance."""

    REPLICA = "REPLICA"
    DAEMON = "DAEMON"


@dataclass(frozen=True, slots=True)
class Service:
    """
    A service with all that its next steps depend on.

    *deployments* has the PRIMARY first.  *standing* is what the plan before returned as such: when a sentence
    that goes on being true was last said.  *rollback_to* is the revision of the last deployment that completed,
    "" if none has.
    """

    name: str
    desired: int  # not looked at for DAEMON
    deployments: tuple[Deployment, ...]
    tasks: tuple[Task, ...] = ()
    minimum_healthy_percent: int = 100
    maximum_percent: int = 200
    grace_seconds: float = 0.0
    scheduling: Scheduling = Scheduling.REPLICA
    zones: tuple[str, ...] = ()  # REPLICA: where a task can be
    rebalancing: bool = False  # its tasks are kept spread over its zones
    instances: tuple[str, ...] = ()  # DAEMON: where a task belongs, in the order in which they are to get one
    breaker: Breaker | None = None
    rollback_to: str = ""
    strategy: Shifting = Shifting()
    production: Mapping[str, float] = field(default_factory=dict)  # percent of traffic, by revision
    test: Mapping[str, float] = field(default_factory=dict)
    standing: Mapping[str, float] = field(default_factory=dict)

    @property
    def primary(self) -> Deployment:
        return self.deployments[0]


class Cause(StrEnum):
    """Why a task is stopped."""

    DEPLOYMENT = "DEPLOYMENT"  # of a revision that is being replaced
    SCALE_IN = "SCALE_IN"  # one too many
    UNHEALTHY = "UNHEALTHY"
    MISPLACED = "MISPLACED"  # a daemon where none belongs any more
    REBALANCING = "REBALANCING"  # its zone has too many, and one that has too few has another instead


@dataclass(frozen=True, slots=True)
class Start:
    """
    Make *count* new tasks of the deployment; say `texts.started` once their ids are known.

    *replaced* of them take the place of unhealthy tasks.  For DAEMON there is one on each of *instances*.  With
    *zones*, one for each, a task goes there or is not made; what is said of it is `texts.started_in_zone`.
    """

    deployment: str
    count: int
    replaced: int = 0
    instances: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stop:
    """
    Stop a task, once its targets are deregistered; with *failed*, add one to its deployment's failed tasks.

    *deployment* is the one that a failure counts for and *reason* the stoppedReason; stopCode is
    ServiceSchedulerInitiated.
    """

    task: str
    deployment: str
    cause: Cause
    reason: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """
    Take note that a task is over, so that no later plan is shown it.

    With *failed*, add one to the deployment's failed tasks and one to its launch failures; its last failure was at *at*.
    """

    task: str
    deployment: str
    failed: bool
    at: float


@dataclass(frozen=True, slots=True)
class Prove:
    """Take note that a task counts as healthy for the first time; with *reset*, no failed tasks are counted any more."""

    task: str
    deployment: str
    reset: bool


@dataclass(frozen=True, slots=True)
class ClearLaunchFailures:
    """Set the deployment's launch failures to none: a task that began after the last is healthy."""

    deployment: str


@dataclass(frozen=True, slots=True)
class Complete:
    """The PRIMARY deployment is done: its rollout is COMPLETED, its revision the one to roll back to from now on."""

    deployment: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fail:
    """
    The PRIMARY deployment has failed; with *roll_back_to*, a new one with that revision takes its place.

    Its reason is then `texts.BREAKER_ROLLS_BACK` with the new one's id, of which `texts.rolling_back` is said.
    """

    deployment: str
    reason: str
    roll_back_to: str = ""


@dataclass(frozen=True, slots=True)
class Retire:
    """A deployment that was replaced has no tasks left: it is no longer shown."""

    deployment: str


@dataclass(frozen=True, slots=True)
class Advance:
    """The deployment enters its next lifecycle stage."""

    deployment: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class Shift:
    """From now on a listener's traffic goes to revisions by *weights*, in percent; the stage begins anew with that."""

    deployment: str
    listener: Listener
    weights: tuple[tuple[str, float], ...]


Action = Start | Stop | Account | Prove | ClearLaunchFailures | Complete | Fail | Retire | Advance | Shift


class Why(StrEnum):
    """What a service waits for."""

    STARTING = "STARTING"  # tasks that are not yet RUNNING
    HEALTH = "HEALTH"  # tasks that are RUNNING and not yet healthy
    DRAINING = "DRAINING"  # tasks that are on their way out
    CEILING = "CEILING"  # maximumPercent
    FLOOR = "FLOOR"  # minimumHealthyPercent
    THROTTLE = "THROTTLE"  # time, after tasks that would not start
    PROTECTION = "PROTECTION"  # tasks protected from scale-in
    STUCK = "STUCK"  # another deployment configuration
    FAILED = "FAILED"  # another deployment
    BAKE = "BAKE"  # time, after traffic has shifted
    BALANCE = "BALANCE"  # tasks in the zones that have too few


@dataclass(frozen=True, slots=True)
class Wait:
    """One thing the service waits for, to be read after "It waits: "; *until*, if only time has to pass."""

    why: Why
    sentence: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What to do now.

    All of it belongs in one transaction.  *events* are for the service's events, oldest first, after those of
    its starts; *standing* is given to the next plan, which is due at *again_at* if nothing changes before.
    """

    actions: tuple[Action, ...] = ()
    events: tuple[str, ...] = ()
    waits: tuple[Wait, ...] = ()
    standing: Mapping[str, float] = field(default_factory=dict)
    again_at: float | None = None
