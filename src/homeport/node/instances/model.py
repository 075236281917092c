"""
The state of an instance on the node, and what can happen to it.

Everything here is plain data and survives in the node's store as JSON: after a crash it is read back, compared
with what the machine still has, and continued.
"""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

REASON_LIMIT = 1024  # characters; AWS cuts reasons there


class System(StrEnum):
    """How far the system container has come; one that has ended is started again with its disk as it was."""

    NEW = "new"
    CREATED = "created"
    RUNNING = "running"
    ENDED = "ended"


class InstanceState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    An instance; times are seconds since the epoch.

    Once `ending` has begun, all that runs goes, whatever is wanted meanwhile; only then it starts again.  `prepared`
    and the system container stay when an instance is stopped: they are its disk.
    """

    begun: bool = False  # something of it may be in the kernel, and has to be taken away before it counts as stopped
    prepared: bool = False  # its directories and files exist
    networked: bool = False  # its namespace exists, with its interfaces
    grouped: bool = False  # its control group exists
    system: System = System.NEW
    started_at: float | None = None  # the system container's latest start
    ended_at: float | None = None  # the system container's latest end
    booted: bool = False  # user data has been run, or had been run at an earlier boot
    agent: dict[str, str] = msgspec.field(default_factory=dict)
    boot_reason: str = ""  # what of its user data failed
    failure: str = ""  # why it could not be made yet
    ending: bool = False
    stop_sent_at: float | None = None
    killed: bool = False
    ungrouped: bool = False  # at its end: its control group is gone
    dropped: bool = False  # the server wants nothing of it to remain
    removed: bool = False  # nothing of it remains


# --- Events: what has happened ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Begun:
    """The kernel is about to be asked for something of it."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Its directories and files exist."""


@dataclass(frozen=True, slots=True)
class NetworkMade:
    """Its namespace exists, with its interfaces and their security groups in force."""


@dataclass(frozen=True, slots=True)
class Grouped:
    """Its control group exists with its limits."""


@dataclass(frozen=True, slots=True)
class Created:
    """The system container is there up to its first instruction."""


@dataclass(frozen=True, slots=True)
class Started:
    """The system container runs since *at*."""

    at: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The system container has ended."""

    at: float


@dataclass(frozen=True, slots=True)
class Booted:
    """The boot is finished: what user data has left for the agent, and what of it failed."""

    agent: dict[str, str]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Signalled:
    """The system container was asked to end, or killed."""

    killed: bool = False


@dataclass(frozen=True, slots=True)
class Ungrouped:
    """Its control group is gone with all that was in it."""


@dataclass(frozen=True, slots=True)
class NetworkGone:
    """Its namespace is gone."""


@dataclass(frozen=True, slots=True)
class Removed:
    """Its disk is gone."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Something could not be done; it will be tried again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Passed:
    """Time has passed, or the desired state changed: nothing else happened."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The instance is no longer in the assignment."""


Event = (
    Begun
    | Prepared
    | NetworkMade
    | Grouped
    | Created
    | Started
    | Ended
    | Booted
    | Signalled
    | Ungrouped
    | NetworkGone
    | Removed
    | Failed
    | Passed
    | Dropped
)


# --- Actions: what to do ----------------------------------------------------------------------------


class Verb(StrEnum):
    """What the planner can ask for."""

    PREPARE = "prepare"
    MAKE_NETWORK = "make-network"
    MAKE_GROUP = "make-group"
    CREATE = "create"
    START = "start"
    WATCH = "watch"
    AWAIT_BOOT = "await-boot"
    STOP = "stop"
    KILL = "kill"
    REMOVE_GROUP = "remove-group"
    REMOVE_NETWORK = "remove-network"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Plan:
    """What shall be under way now, and when to look again if nothing happens before."""

    actions: tuple[Verb, ...]
    wake_at: float | None = None
