"""What tasks ask of the instances that they run on, and of the network there."""

from collections.abc import Mapping
from typing import Protocol

from homeport.network.desired import Sandbox
from homeport.wire.messages import Vpc


class Host(Protocol):
    """One instance."""

    @property
    def wanted(self) -> bool:
        """Whether it is meant to run; what runs on one that is not dies."""

    @property
    def running(self) -> bool:
        """Whether it has been started: tasks may be made on it."""

    @property
    def address(self) -> str:
        """The primary interface's address."""

    @property
    def vpc(self) -> Vpc:
        """The VPC of the primary interface."""

    @property
    def agent(self) -> Mapping[str, str]:
        """The settings of its ECS agent, as in /etc/ecs/ecs.config."""


class Hosts(Protocol):
    """The instances of this node."""

    def find(self, instance: str) -> Host | None:
        """Return the instance, or None if this node has none of that id."""


class Sandboxes(Protocol):
    """The namespaces of single containers, on instances."""

    def hold_sandbox(self, sandbox: Sandbox) -> None:
        """Keep the namespace, and have it made if it is not there, until `release_sandbox`."""

    async def sandbox_made(self, sandbox: str) -> str:
        """Return, when it has been tried, why the namespace could not be made; nothing if it exists."""

    async def release_sandbox(self, sandbox: str) -> None:
        """Let go of a namespace, if it is held, and return when it is gone.  Raises NetworkError."""
