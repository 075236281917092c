"""
The states of a task and its containers on the node, and what can happen to them.

Everything here is plain data and survives in the node's store as JSON: after a crash it is read
back, compared with what the runtime still has, and continued.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from homeport.wire.messages import Binding, StopCause

REASON_LIMIT = 1024  # characters; AWS cuts reasons there


class Stage(StrEnum):
    """
    How far a container has come.

    STARTING is written before the runtime is asked, so that a stop which arrives meanwhile waits
    for the answer.  A container that its restart policy starts again goes from RUNNING back to
    CREATED; every other way leads forward only.
    """

    NEW = "new"
    PULLED = "pulled"
    CREATED = "created"
    STARTING = "starting"
    RUNNING = "running"
    STOPPED = "stopped"


class NetworkStage(StrEnum):
    """Whether the task's interface exists, or in other modes than awsvpc its containers' namespaces."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


class HostStage(StrEnum):
    """What is known of the instance that a task runs on; only ever forward.  Fargate tasks have none."""

    PENDING = "pending"
    READY = "ready"  # it has been running since the task came
    LOST = "lost"  # it is not meant to run any more


class Health(StrEnum):
    """A container's health as AWS names it."""

    UNKNOWN = "UNKNOWN"
    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"


class HealthState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the health checks have found since the container's last start."""

    status: Health = Health.UNKNOWN
    since: float | None = None
    failures: int = 0  # in a row, those in the start period not counted
    checked_at: float | None = None
    code: int | None = None
    output: str = ""


class ContainerState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One container; times are seconds since the epoch."""

    stage: Stage = Stage.NEW
    image_id: str = ""
    image_digest: str = ""
    stop_signal: str = "SIGTERM"
    created_at: float | None = None
    started_at: float | None = None  # the latest start
    finished_at: float | None = None  # the latest end
    exit_code: int | None = None
    reason: str = ""
    restarts: int = 0
    health: HealthState = HealthState()
    stop_sent_at: float | None = None
    killed: bool = False
    removed: bool = False
    address: str = ""  # on the instance's bridge, in bridge mode
    bindings: tuple[Binding, ...] = ()  # that the instance publishes, in bridge mode

    @property
    def ever_started(self) -> bool:
        return self.started_at is not None


class Stop(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """That the task shall end, since when and why; never taken back."""

    at: float
    cause: StopCause = StopCause.NONE
    reason: str = ""


class TaskState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A task; `containers` has every container of the task's definition, by name."""

    containers: dict[str, ContainerState]
    network: NetworkStage = NetworkStage.PENDING
    host: HostStage = HostStage.PENDING
    allocated: bool = False  # its containers' addresses and host ports have been chosen
    prepared: bool = False  # its cgroup, files and volumes exist
    stop: Stop | None = None
    dropped: bool = False  # the server wants nothing of it to remain
    drained: bool = False  # its output is with the server, or spooled for it
    cleaned: bool = False  # its cgroup is gone, and whatever it had on its instance
    released: bool = False  # its interface and files are gone
    pull_started_at: float | None = None
    pull_stopped_at: float | None = None
    started_at: float | None = None
    execution_stopped_at: float | None = None


# --- Events: what has happened ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HostReady:
    """The task's instance runs."""


@dataclass(frozen=True, slots=True)
class HostLost:
    """The task's instance is not meant to run any more: whatever runs there dies."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a container has of its instance: an address on the bridge, and the host ports that lead there."""

    address: str
    bindings: tuple[Binding, ...] = ()


@dataclass(frozen=True, slots=True)
class Allocated:
    """The containers' claims have been chosen; what has none has no network, or could not have what it asked for."""

    claims: Mapping[str, Claim]


@dataclass(frozen=True, slots=True)
class NetworkMade:
    """The task's interface exists, with its security groups in force; or its containers' namespaces do."""


@dataclass(frozen=True, slots=True)
class NetworkFailed:
    """They could not be made."""

    reason: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """The task's cgroup, files and volumes exist."""


@dataclass(frozen=True, slots=True)
class PrepareFailed:
    """They could not be made."""

    reason: str


@dataclass(frozen=True, slots=True)
class PullBegan:
    """The first image of the task is being looked for."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """The container's image is on this machine."""

    container: str
    image_id: str
    digest: str
    stop_signal: str


@dataclass(frozen=True, slots=True)
class Created:
    """The container is there up to its first instruction."""

    container: str


@dataclass(frozen=True, slots=True)
class Starting:
    """The runtime is being asked to start the container."""

    container: str


@dataclass(frozen=True, slots=True)
class Started:
    """The container's process runs since *started_at*."""

    container: str
    started_at: float


@dataclass(frozen=True, slots=True)
class ContainerFailed:
    """The container could not be pulled, created or started; the reason begins with AWS's name for that."""

    container: str
    reason: str
    ends_task: bool = False  # even when the container is not essential


@dataclass(frozen=True, slots=True)
class Exited:
    """The container has ended; without a code nobody can know how."""

    container: str
    code: int | None
    finished_at: float
    out_of_memory: bool = False
    reason: str = ""
    restartable: bool = True


@dataclass(frozen=True, slots=True)
class Signalled:
    """The container was sent its stop signal, or SIGKILL."""

    container: str
    killed: bool = False


@dataclass(frozen=True, slots=True)
class HealthChecked:
    """A health check ended with *code*; None if it had to be killed."""

    container: str
    code: int | None
    output: str = ""


@dataclass(frozen=True, slots=True)
class Removed:
    """Nothing is left of the container but its log."""

    container: str


@dataclass(frozen=True, slots=True)
class Drained:
    """The containers' output is with the server, or spooled for it."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The task's cgroup is gone, and whatever it had on its instance."""


@dataclass(frozen=True, slots=True)
class Released:
    """The task's interface, files and volumes are gone."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Time has passed, or the desired state changed: nothing else happened."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The task is no longer in the assignment."""


Event = (
    HostReady
    | HostLost
    | Allocated
    | NetworkMade
    | NetworkFailed
    | Prepared
    | PrepareFailed
    | PullBegan
    | Pulled
    | Created
    | Starting
    | Started
    | ContainerFailed
    | Exited
    | Signalled
    | HealthChecked
    | Removed
    | Drained
    | Cleaned
    | Released
    | Passed
    | Dropped
)


# --- Actions: what to do ----------------------------------------------------------------------------


class Verb(StrEnum):
    """What the planner can ask for; those of a container carry its name."""

    ALLOCATE = "allocate"
    MAKE_NETWORK = "make-network"
    PREPARE = "prepare"
    PULL = "pull"
    CREATE = "create"
    START = "start"
    WATCH = "watch"
    CHECK_HEALTH = "check-health"
    STOP = "stop"
    KILL = "kill"
    REMOVE = "remove"
    DRAIN = "drain"
    CLEAN = "clean"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do; planned again until an event says it is done."""

    verb: Verb
    container: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What shall be under way now, and when to look again if nothing happens before."""

    actions: tuple[Action, ...]
    wake_at: float | None = None


def new_state(containers: tuple[str, ...]) -> TaskState:
    """Return the state of a task that nothing has been done for."""
    return TaskState(containers={name: ContainerState() for name in containers})
