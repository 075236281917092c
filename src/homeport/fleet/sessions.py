"""
The server's end of the wire: one session per connected node.

A session sends what is newer than what it has sent, whenever it is woken, and records what the node
reports.  It keeps nothing that matters: a new session starts from the database alone.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from homeport.db.database import Database, Tx
from homeport.fleet import assignments
from homeport.kit.clock import Clock
from homeport.wire import frames
from homeport.wire.messages import (
    VERSION,
    AccessLogAck,
    AccessLogFile,
    BalancerAck,
    BalancerObserved,
    BalancerTraffic,
    CheckAck,
    CheckObserved,
    Hello,
    InstanceAck,
    InstanceObserved,
    LogAck,
    LogBatch,
    NamesTaken,
    Observed,
    ObservedAck,
    ProtectionAnswer,
    ProtectionRequest,
    TargetAck,
    TargetObserved,
    ToNode,
    Usage,
    Welcome,
)

log = logging.getLogger(__name__)

_BATCH = 256  # reports recorded in one transaction at the most

Report = (
    Observed
    | InstanceObserved
    | LogBatch
    | Usage
    | BalancerTraffic
    | CheckObserved
    | NamesTaken
    | BalancerObserved
    | TargetObserved
    | AccessLogFile
    | ProtectionRequest
)


@dataclass(frozen=True, slots=True)
class Intake:
    """Who records what nodes report; each is called inside a transaction."""

    observed: Callable[[Tx, str, Observed, float], Awaitable[None]]
    instance: Callable[[Tx, str, InstanceObserved, float], Awaitable[None]]
    log_batch: Callable[[Tx, LogBatch, float], Awaitable[int]]
    usage: Callable[[Tx, str, Usage], Awaitable[None]]
    traffic: Callable[[Tx, str, BalancerTraffic], Awaitable[None]]
    check: Callable[[Tx, str, CheckObserved], Awaitable[None]]
    names: Callable[[Tx, str, NamesTaken], Awaitable[None]]
    balancer: Callable[[Tx, str, BalancerObserved], Awaitable[None]]
    target: Callable[[Tx, str, TargetObserved], Awaitable[None]]
    protection: Callable[[Tx, str, ProtectionRequest, float], Awaitable[ProtectionAnswer]]
    access_log: Callable[[Tx, AccessLogFile, float], Awaitable[None]]
    wakes: tuple[str, ...]  # whom to wake after a task's observation is committed
    instance_wakes: tuple[str, ...] = ()  # whom besides, after an instance's
    balancer_wakes: tuple[str, ...] = ()  # whom after a load balancer's or a target's
    access_log_wakes: tuple[str, ...] = ()  # whom after a file of an access log
    protection_wakes: tuple[str, ...] = ()  # whom after a task's protection may have changed


class Sessions:
    """All connected nodes."""

    def __init__(
        self, database: Database, clock: Clock, welcome: Welcome, intake: Intake, wake: Callable[[str], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._welcome = welcome
        self._intake = intake
        self._wake = wake
        self._open: dict[str, _Session] = {}

    @property
    def connected(self) -> frozenset[str]:
        """The names of the nodes that are connected now."""
        return frozenset(self._open)

    def notice(self) -> None:
        """Let every session look for changes to send."""
        for session in self._open.values():
            session.changed.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold one connection until it ends; the callback of asyncio's servers."""
        try:
            hello = await frames.read(reader, frames.to_server)
            if not isinstance(hello, Hello) or hello.version != VERSION:
                raise frames.WireError(f"expected a Hello of version {VERSION}")
            await self._run(hello, reader, writer)
        except (frames.WireError, ConnectionError) as error:
            log.warning("a node's session ended: %s", error)
        finally:
            writer.close()

    async def _run(self, hello: Hello, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session(hello.node, self._database, self._clock, self._intake, self._wake, writer)
        async with self._database.transaction() as tx:
            await assignments.register(tx, hello.node, hello.facts, self._clock.now())
            await assignments.forget_drops(tx, hello.node)
        if (previous := self._open.get(hello.node)) is not None:
            previous.writer.close()  # a node has one voice; the older connection is a dead one
        self._open[hello.node] = session
        log.info("node %s joined", hello.node)
        try:
            await self._converse(session, reader)
            await self._left(session)  # not when cancelled: the next server begins by taking nobody for connected
        finally:
            if self._open.get(hello.node) is session:
                del self._open[hello.node]
            log.info("node %s left", hello.node)

    async def _converse(self, session: "_Session", reader: asyncio.StreamReader) -> None:
        try:
            await session.send(self._welcome)
            self._wake("fleet.joined")
            async with asyncio.TaskGroup() as group:
                telling = group.create_task(session.tell())
                recording = group.create_task(session.record())
                await session.hear(reader)
                telling.cancel()
                recording.cancel()
        except* (ConnectionError, frames.WireError) as errors:
            log.warning("the session of node %s broke: %s", session.node, errors.exceptions[0])

    async def _left(self, session: "_Session") -> None:
        """Record that the session has ended, unless the node has come back in another."""
        async with self._database.transaction() as tx:
            if self._open.get(session.node) is session:
                await assignments.set_disconnected(tx, session.node)


class _Session:
    """One node's connection."""

    def __init__(
        self,
        node: str,
        database: Database,
        clock: Clock,
        intake: Intake,
        wake: Callable[[str], None],
        writer: asyncio.StreamWriter,
    ) -> None:
        self.node = node
        self.writer = writer
        self.changed = asyncio.Event()
        self._database = database
        self._clock = clock
        self._intake = intake
        self._wake = wake
        self._reports: asyncio.Queue[Report] = asyncio.Queue(maxsize=4 * _BATCH)

    async def send(self, message: ToNode) -> None:
        self.writer.write(frames.encode(message))
        await self.writer.drain()

    async def tell(self) -> None:
        """Send the whole assignment, then every change of it."""
        async with self._database.snapshot() as tx:
            whole = await assignments.assignment(tx, self.node)
        await self.send(whole)
        sent = whole.generation
        while True:
            self.changed.clear()  # before reading: what is written meanwhile must be read next
            async with self._database.snapshot() as tx:
                change = await assignments.change_since(tx, self.node, sent)
            if change is None:
                await self.changed.wait()
                continue
            await self.send(change)
            sent = change.generation

    async def hear(self, reader: asyncio.StreamReader) -> None:
        """Queue the node's reports until it closes the connection; a full queue makes the node wait."""
        while (message := await frames.read(reader, frames.to_server)) is not None:
            if isinstance(message, Hello):
                raise frames.WireError("a second Hello")
            await self._reports.put(message)

    async def record(self) -> None:
        """Record reports in the order they came, many to a transaction, and acknowledge what is on disk."""
        while True:
            batch = [await self._reports.get()]
            while len(batch) < _BATCH and not self._reports.empty():
                batch.append(self._reports.get_nowait())
            try:
                acks = await self._commit(batch)
            except Exception:  # the boundary: one report that cannot be recorded must not hold up the others
                log.exception("a batch of %d reports of node %s could not be recorded", len(batch), self.node)
                acks = [ack for report in batch for ack in await self._commit_alone(report)]
            for ack in acks:
                self.writer.write(frames.encode(ack))
            await self.writer.drain()

    async def _commit(self, batch: list[Report]) -> list[ToNode]:
        now = self._clock.now()
        acks: list[ToNode] = []
        async with self._database.transaction() as tx:
            for report in batch:
                match report:
                    case LogBatch():
                        acks.append(LogAck(source=report.source, offset=await self._intake.log_batch(tx, report, now)))
                    case Observed():
                        await self._intake.observed(tx, self.node, report, now)
                        acks.append(ObservedAck(task=report.task, sequence=report.sequence))
                    case Usage():
                        await self._intake.usage(tx, self.node, report)
                    case BalancerTraffic():
                        await self._intake.traffic(tx, self.node, report)
                    case NamesTaken():
                        await self._intake.names(tx, self.node, report)
                    case CheckObserved():
                        await self._intake.check(tx, self.node, report)
                        acks.append(CheckAck(check=report.check, sequence=report.sequence))
                    case InstanceObserved():
                        await self._intake.instance(tx, self.node, report, now)
                        acks.append(InstanceAck(instance=report.instance, sequence=report.sequence))
                    case BalancerObserved():
                        await self._intake.balancer(tx, self.node, report)
                        acks.append(BalancerAck(balancer=report.balancer, sequence=report.sequence))
                    case TargetObserved():
                        await self._intake.target(tx, self.node, report)
                        acks.append(TargetAck(target=report.target, sequence=report.sequence))
                    case AccessLogFile():
                        await self._intake.access_log(tx, report, now)
                        acks.append(AccessLogAck(file=report.id))
                    case ProtectionRequest():
                        acks.append(await self._intake.protection(tx, self.node, report, now))
        for name in self._wakes(batch):
            self._wake(name)
        return acks

    def _wakes(self, batch: list[Report]) -> list[str]:
        kinds = {type(report) for report in batch}
        names: list[str] = []
        if kinds & {Observed, InstanceObserved}:
            names += self._intake.wakes
        if InstanceObserved in kinds:
            names += self._intake.instance_wakes
        if kinds & {BalancerObserved, TargetObserved}:
            names += self._intake.balancer_wakes
        if AccessLogFile in kinds:
            names += self._intake.access_log_wakes
        if any(isinstance(report, ProtectionRequest) and report.enabled is not None for report in batch):
            names += self._intake.protection_wakes
        return names

    async def _commit_alone(self, report: Report) -> list[ToNode]:
        try:
            return await self._commit([report])
        except Exception:  # the boundary, for one report: it stays unacknowledged, so the node says it again
            log.exception("a report of node %s could not be recorded: %s", self.node, type(report).__name__)
            return []
