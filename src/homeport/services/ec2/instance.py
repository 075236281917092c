"""
An instance as a plain value: what was asked for, which states there are and how one follows another.  Pure.

AWS's state is what its users see; whether the node is meant to run the instance follows from it (`meant_to_run`).
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from homeport.services.ec2.model import NetworkInterface

#: How long a terminated instance can still be described, in seconds.
REMEMBERED_SECONDS = 3600.0

_PENDING = "pending"
_USER = "Client.UserInitiatedShutdown: User initiated shutdown"
_INSTANCE = "Client.InstanceInitiatedShutdown: Instance initiated shutdown"
_SERVER = "Server.InternalError: Internal error on launch"


class State(StrEnum):
    """AWS's states of an instance."""

    PENDING = "pending"
    RUNNING = "running"
    SHUTTING_DOWN = "shutting-down"
    TERMINATED = "terminated"
    STOPPING = "stopping"
    STOPPED = "stopped"

    @property
    def code(self) -> int:
        """The number that AWS shows beside the name."""
        return _CODES[self]

    @property
    def ending(self) -> bool:
        """Whether the instance is on its way to being gone, or is."""
        return self in {State.SHUTTING_DOWN, State.TERMINATED}


_CODES = {
    State.PENDING: 0,
    State.RUNNING: 16,
    State.SHUTTING_DOWN: 32,
    State.TERMINATED: 48,
    State.STOPPING: 64,
    State.STOPPED: 80,
}


class MetadataOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How an instance's metadata service answers."""

    tokens_required: bool = True
    hop_limit: int = 2
    endpoint: bool = True
    tags: bool = False


class Options(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was asked for at the launch or since; *user_data* is base64."""

    metadata: MetadataOptions = MetadataOptions()
    key_name: str = ""
    user_data: str = ""
    profile_arn: str = ""
    shutdown_behavior: str = "stop"
    termination_protected: bool = False
    stop_protected: bool = False
    public: bool = False  # whether every start brings a public address
    client_token: str = ""


@dataclass(frozen=True, slots=True)
class Instance:
    """
    An instance.

    *interface* is its primary interface, *launched_at* its latest start, *launched_by* the ARN that launched it.
    *agent* is /etc/ecs/ecs.config as it was when the instance was last seen running, None before it ever was.
    """

    id: str
    region: str
    reservation: str
    launch_index: int
    type: str
    image: str
    vpc: str
    subnet: str
    zone: str
    interface: str
    node: str
    options: Options
    launched_at: float
    launched_by: str
    state: State = State.PENDING
    state_reason: str = _PENDING
    transition_reason: str = ""
    terminated_at: float | None = None
    rebooting: bool = False
    agent: Mapping[str, str] | None = None
    observed_sequence: int = 0
    assigned: bool = False

    @property
    def profile_arn(self) -> str:
        """The instance profile, or nothing."""
        return self.options.profile_arn

    @property
    def role_arn(self) -> str:
        """The role of the same name as the profile, or nothing."""
        return role_of(self.profile_arn)

    @property
    def profile_id(self) -> str:
        """An id in IAM's form, always the same for the same profile."""
        digest = hashlib.sha256(self.profile_arn.encode()).digest()
        return f"AIPA{base64.b32encode(digest).decode()[:17]}" if self.profile_arn else ""

    @property
    def meant_to_run(self) -> bool:
        """Whether its node shall run it now."""
        return self.state in {State.PENDING, State.RUNNING} and not self.rebooting

    @property
    def reason_code(self) -> str:
        return self.state_reason.partition(":")[0]


def role_of(profile_arn: str) -> str:
    """Return the role that a profile's ARN stands for; nothing for no profile."""
    account, _, path = profile_arn.removeprefix("arn:aws:iam::").partition(":instance-profile/")
    return f"arn:aws:iam::{account}:role/{path.rpartition('/')[2]}" if path else ""


@dataclass(frozen=True, slots=True)
class Attached:
    """An instance with the interfaces attached to it, by device number; those of tasks are among them."""

    instance: Instance
    interfaces: tuple[NetworkInterface, ...]

    @property
    def id(self) -> str:
        return self.instance.id

    @property
    def region(self) -> str:
        return self.instance.region

    @property
    def primary(self) -> NetworkInterface | None:
        """The primary interface, which a terminated instance no longer has."""
        return next((each for each in self.interfaces if each.id == self.instance.interface), None)


@dataclass(frozen=True, slots=True)
class Status:
    """How an instance fares; *connected* says whether its node's session is open."""

    instance: Instance
    connected: bool

    @property
    def id(self) -> str:
        return self.instance.id

    @property
    def region(self) -> str:
        return self.instance.region

    @property
    def of_instance(self) -> str:
        """What AWS's check of the instance would say; a node that is not connected says nothing of it."""
        if self.instance.state not in {State.PENDING, State.RUNNING}:
            return "not-applicable"
        if not self.connected:
            return "insufficient-data"
        return "initializing" if self.instance.state is State.PENDING or self.instance.rebooting else "ok"

    @property
    def of_system(self) -> str:
        """What AWS's check of the machine below the instance would say."""
        if self.instance.state not in {State.PENDING, State.RUNNING}:
            return "not-applicable"
        return "ok" if self.connected else "impaired"

    @staticmethod
    def reachability(status: str) -> str:
        """Return the detail that stands for a status; none where it does not apply."""
        return {"ok": "passed", "impaired": "failed", "not-applicable": ""}.get(status, status)


def starting(instance: Instance, now: float) -> Instance:
    """Return a stopped instance as its start leaves it."""
    return replace(
        instance, state=State.PENDING, state_reason=_PENDING, transition_reason="", launched_at=now, rebooting=False
    )


def stopping(instance: Instance, now: float) -> Instance:
    return replace(instance, state=State.STOPPING, state_reason=_USER, transition_reason=_by_user(now), rebooting=False)


def terminating(instance: Instance, now: float) -> Instance:
    return replace(instance, state=State.SHUTTING_DOWN, state_reason=_USER, transition_reason=_by_user(now))


def running(instance: Instance, agent: Mapping[str, str]) -> Instance:
    """Return the instance as its node has seen it run."""
    if instance.state is State.PENDING:
        instance = replace(instance, state=State.RUNNING, state_reason="", transition_reason="")
    return replace(instance, agent=dict(agent))


def delayed(instance: Instance, reason: str) -> Instance:
    """Return a pending instance with its node's *reason* for not running it yet, which may be none."""
    if instance.state is not State.PENDING:
        return instance
    return replace(instance, state_reason=f"{_PENDING}: {reason}" if reason else _PENDING)


def stopped(instance: Instance) -> Instance:
    """
    Return the instance after its node has said that nothing of it runs.

    Where nobody had asked for that, the instance has shut itself down: then its own wish decides what follows.
    """
    if instance.rebooting:
        return replace(instance, rebooting=False)
    if instance.state is State.STOPPING:
        return replace(instance, state=State.STOPPED)
    if instance.state is State.RUNNING:
        terminate = instance.options.shutdown_behavior == "terminate"
        after = State.SHUTTING_DOWN if terminate else State.STOPPED
        return replace(instance, state=after, state_reason=_INSTANCE)
    return instance


def terminated(instance: Instance, now: float) -> Instance:
    """Return the instance after nothing is left of it; without anybody's wish it had failed."""
    if instance.state is not State.SHUTTING_DOWN:
        instance = replace(instance, state_reason=_SERVER, transition_reason="Server.InternalError")
    return replace(instance, state=State.TERMINATED, terminated_at=now, interface="", rebooting=False)


def _by_user(now: float) -> str:
    return f"User initiated ({datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M:%S} GMT)"
