"""
The node's end of the wire: connect, learn the assignment, say what was observed.

The session owns nothing.  When it ends, for whatever reason, everything on the node goes on; the
next one starts with the whole assignment and with every report the server has not acknowledged.
"""

import asyncio
import logging
import random
from pathlib import Path
from typing import Protocol

from homeport.node.inotify import Inotify
from homeport.wire import frames
from homeport.wire.messages import (
    VERSION,
    AccessLogAck,
    Assignment,
    BalancerAck,
    Change,
    CheckAck,
    Facts,
    Hello,
    InstanceAck,
    LogAck,
    ObservedAck,
    ProtectionAnswer,
    TargetAck,
    ToNode,
    ToServer,
    Welcome,
)

log = logging.getLogger(__name__)

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
_RESEND_SECONDS = 5.0  # a report that the server could not record is said again after this long


class Listener(Protocol):
    """Whoever acts on what the server says; every call is synchronous and must be quick."""

    def welcomed(self, welcome: Welcome) -> None:
        """Take what the server says of the installation."""

    def assigned(self, assignment: Assignment) -> None:
        """Take the whole assignment; from now on reports can be sent."""

    def changed(self, change: Change) -> None:
        """Take a change of the assignment."""

    def observed_acked(self, ack: ObservedAck) -> None:
        """Take the server's word that it has recorded an observation."""

    def instance_acked(self, ack: InstanceAck) -> None:
        """Take the server's word that it has recorded an instance's observation."""

    def balancer_acked(self, ack: BalancerAck) -> None:
        """Take the server's word that it has recorded a load balancer's observation."""

    def target_acked(self, ack: TargetAck) -> None:
        """Take the server's word that it has recorded a target's observation."""

    def log_acked(self, ack: LogAck) -> None:
        """Take the server's word on how much of a source it holds."""

    def check_acked(self, ack: CheckAck) -> None:
        """Take the server's word that it has recorded what a health check has found."""

    def access_log_acked(self, ack: AccessLogAck) -> None:
        """Take the server's word that it has a file of an access log."""

    def protection_answered(self, answer: ProtectionAnswer) -> None:
        """Take the server's answer to a question about a task's protection."""

    def resend(self) -> bool:
        """Say again what the server has not acknowledged; says whether there is anything of the kind."""

    def disconnected(self) -> None:
        """Take note that nothing can be sent."""


class Session:
    """The connection to the server, made again whenever it breaks."""

    def __init__(self, socket: Path, node: str, facts: Facts, listener: Listener) -> None:
        self._socket = socket
        self._hello = Hello(version=VERSION, node=node, facts=facts)
        self._listener = listener
        self._writer: asyncio.StreamWriter | None = None
        self._generation: int | None = None
        self._resend: asyncio.TimerHandle | None = None

    @property
    def ready(self) -> bool:
        """Whether reports can be sent: there is a connection and its assignment has come."""
        return self._generation is not None

    def send(self, message: ToServer) -> None:
        """Send a report if there is a session; if not, the next session sends it."""
        self.report(message)
        if self.ready:
            self._expect_ack()

    def report(self, message: ToServer) -> None:
        """Send what is said once and not acknowledged, if there is a session; if not, it is lost."""
        if self._writer is not None and self._generation is not None and not self._writer.is_closing():
            self._writer.write(frames.encode(message))

    def _expect_ack(self) -> None:
        if self._resend is None:
            self._resend = asyncio.get_running_loop().call_later(_RESEND_SECONDS, self._say_again)

    def _say_again(self) -> None:
        self._resend = None
        if self.ready and self._listener.resend():
            self._expect_ack()

    async def run(self) -> None:
        """Keep a session open for as long as this runs."""
        failures = 0
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self._socket))
            except OSError as error:
                failures += 1
                if failures == 1:
                    log.info("the server cannot be reached yet: %s", error)
                failures = await self._pause(failures)
                continue
            try:
                failures = failures + 1 if not await self._converse(reader, writer) else 0
            except (OSError, frames.WireError) as error:
                failures += 1
                log.warning("the session with the server broke: %s", error)
            finally:
                self._close(writer)
            failures = await self._pause(failures)

    def _close(self, writer: asyncio.StreamWriter) -> None:
        writer.close()
        self._writer = None
        self._generation = None
        if self._resend is not None:
            self._resend.cancel()
            self._resend = None
        self._listener.disconnected()

    async def _pause(self, failures: int) -> int:
        """
        Wait a little longer after every failure, but no longer than until the server's socket appears.

        Returns the failures to count from: a server that has just come deserves quick attempts.
        """
        if failures == 0:
            return 0
        limit = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(failures, 10))
        pause = limit * random.uniform(0.5, 1.0)  # noqa: S311 - spreads the nodes of a fleet, no secret
        appeared = asyncio.Event()
        with Inotify() as inotify:
            if self._socket.parent.is_dir():
                own = self._socket.name
                inotify.watch_names(self._socket.parent, lambda name: appeared.set() if name == own else None)
            try:
                async with asyncio.timeout(pause):
                    await appeared.wait()
            except TimeoutError:
                return failures
        return 0 if failures > 1 else failures

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Hold one session; says whether it came as far as an assignment."""
        self._writer = writer
        writer.write(frames.encode(self._hello))
        while (message := await frames.read(reader, frames.to_node)) is not None:
            self._take(message)
        return self._generation is not None

    def _take(self, message: ToNode) -> None:
        match message:
            case Welcome():
                if message.version != VERSION:
                    raise frames.WireError(f"the server speaks version {message.version}, this node {VERSION}")
                self._listener.welcomed(message)
            case Assignment():
                self._generation = message.generation
                self._listener.assigned(message)
            case Change():
                if message.previous != self._generation:
                    raise frames.WireError(f"a change of {message.previous} came after {self._generation}")
                self._generation = message.generation
                self._listener.changed(message)
            case ObservedAck():
                self._listener.observed_acked(message)
            case InstanceAck():
                self._listener.instance_acked(message)
            case CheckAck():
                self._listener.check_acked(message)
            case BalancerAck():
                self._listener.balancer_acked(message)
            case TargetAck():
                self._listener.target_acked(message)
            case LogAck():
                self._listener.log_acked(message)
            case AccessLogAck():
                self._listener.access_log_acked(message)
            case ProtectionAnswer():
                self._listener.protection_answered(message)
