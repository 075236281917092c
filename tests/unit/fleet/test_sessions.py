"""A session tells a node everything it shall have, and records everything it reports, exactly once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from homeport.db.database import Tx
from homeport.db.sqlite import SqliteDatabase
from homeport.fleet import assignments
from homeport.fleet.sessions import Intake, Sessions
from homeport.kit.clock import FixedClock
from homeport.wire import frames
from homeport.wire.messages import (
    VERSION,
    AccessLogAck,
    AccessLogFile,
    Assignment,
    BalancerAck,
    BalancerObserved,
    BalancerState,
    BalancerTraffic,
    Change,
    CheckAck,
    CheckObserved,
    Drop,
    Facts,
    Hello,
    InstanceAck,
    InstanceObserved,
    InstancePhase,
    LogAck,
    LogBatch,
    NamesTaken,
    Observed,
    ObservedAck,
    ProtectionAnswer,
    ProtectionRequest,
    TargetAck,
    TargetObserved,
    TargetState,
    TaskPhase,
    ToServer,
    Usage,
    Vpc,
    Welcome,
)

SECONDS = 60  # for what takes none: only what hangs takes longer
FACTS = Facts(cpus=2, memory=1024, kernel="6.1")


def vpc(name: str) -> Vpc:
    return Vpc(id=name, cidrs=("10.0.0.0/16",), dns="10.0.0.2", domain="ec2.internal")


@dataclass
class Node:
    """The node's end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, message: ToServer) -> None:
        self.writer.write(frames.encode(message))
        await self.writer.drain()

    async def receive(self) -> object:
        async with asyncio.timeout(SECONDS):
            return await frames.read(self.reader, frames.to_node)

    async def join(self, name: str = "n") -> Assignment:
        await self.send(Hello(version=VERSION, node=name, facts=FACTS))
        assert isinstance(await self.receive(), Welcome)
        whole = await self.receive()
        assert isinstance(whole, Assignment)
        return whole


@dataclass
class World:
    """A server with its socket; `refuse` names tasks whose observations cannot be recorded."""

    database: SqliteDatabase
    sessions: Sessions
    socket: Path
    observed: list[str] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)

    async def connect(self) -> Node:
        return Node(*await asyncio.open_unix_connection(self.socket))


@asynccontextmanager
async def world(tmp_path: Path) -> AsyncIterator[World]:
    database = SqliteDatabase(tmp_path / "db")

    async def record(tx: Tx, node: str, message: Observed, now: float) -> None:
        if message.task in made.refuse:
            raise LookupError(message.task)
        made.observed.append(message.task)

    async def record_instance(tx: Tx, node: str, message: InstanceObserved, now: float) -> None:
        made.observed.append(message.instance)

    async def record_balancer(tx: Tx, node: str, message: BalancerObserved) -> None:
        made.observed.append(message.balancer)

    async def record_target(tx: Tx, node: str, message: TargetObserved) -> None:
        made.observed.append(message.target)

    async def append(tx: Tx, batch: LogBatch, now: float) -> int:
        return batch.end

    async def record_usage(tx: Tx, node: str, usage: Usage) -> None:
        made.observed.append(f"{node} {usage.minute}")

    async def record_check(tx: Tx, node: str, message: CheckObserved) -> None:
        made.observed.append(message.check)

    async def record_traffic(tx: Tx, node: str, traffic: BalancerTraffic) -> None:
        made.observed.append(f"{node} {traffic.balancer}")

    async def record_names(tx: Tx, node: str, message: NamesTaken) -> None:
        made.observed.append(f"names {message.generation}")

    async def record_access_log(tx: Tx, file: AccessLogFile, now: float) -> None:
        made.observed.append(file.id)

    async def answer_task(tx: Tx, node: str, request: ProtectionRequest, now: float) -> ProtectionAnswer:
        return ProtectionAnswer(request=request.id, until=now + 60.0 * (request.minutes or 1))

    intake = Intake(
        observed=record,
        instance=record_instance,
        log_batch=append,
        usage=record_usage,
        traffic=record_traffic,
        check=record_check,
        names=record_names,
        balancer=record_balancer,
        target=record_target,
        protection=answer_task,
        access_log=record_access_log,
        wakes=("ecs.placement",),
        instance_wakes=("ec2.instances",),
        balancer_wakes=("elbv2.targets",),
        access_log_wakes=("elbv2.access-logs",),
        protection_wakes=("ecs.services",),
    )
    welcome = Welcome(version=VERSION)
    sessions = Sessions(database, FixedClock(), welcome, intake, lambda name: made.woken.append(name))
    made = World(database, sessions, tmp_path / "s")
    server = await asyncio.start_unix_server(sessions.serve, made.socket)
    try:
        yield made
    finally:
        server.close()
        await database.close()


async def test_a_file_of_an_access_log_is_acknowledged(tmp_path: Path):
    async with world(tmp_path) as made:
        node = await made.connect()
        await node.join()
        file = AccessLogFile(id="a1", balancer="b", destination="d", address="10.0.0.1", ended=300, body=b"x")
        await node.send(file)
        assert await node.receive() == AccessLogAck(file="a1")
        assert made.observed == ["a1"]
        assert "elbv2.access-logs" in made.woken
        await leave(node, made)


async def test_what_a_check_has_found_is_acknowledged(tmp_path: Path):
    async with world(tmp_path) as made:
        node = await made.connect()
        await node.join()
        found = CheckObserved(check="h1", sequence=7, healthy=False, status="Failure: x", checked_at=1.0)
        await node.send(found)
        assert await node.receive() == CheckAck(check="h1", sequence=7)
        assert made.observed == ["h1"]
        await leave(node, made)


async def leave(node: Node, made: World) -> None:
    node.writer.close()
    async with asyncio.timeout(SECONDS):
        while made.sessions.connected:
            await asyncio.sleep(0)


async def test_a_node_gets_its_whole_assignment_then_changes(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        node = await made.connect()
        assert (await node.join()).items == ()
        async with made.database.transaction() as tx:
            await assignments.put(tx, "n", vpc("a"))
            await assignments.put(tx, "n", vpc("b"))
            await assignments.drop(tx, "n", "Vpc", "a")
        made.sessions.notice()
        change = await node.receive()
        assert change == Change(previous=0, generation=3, puts=(vpc("b"),), drops=(Drop(kind="Vpc", id="a"),))
        await leave(node, made)

        again = await made.connect()
        assert await again.join() == Assignment(generation=3, items=(vpc("b"),))
        await leave(again, made)


async def test_an_equal_item_is_not_assigned_twice(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        node = await made.connect()
        await node.join()
        async with made.database.transaction() as tx:
            assert await assignments.put_missing(tx, "n", vpc("a"))
            assert not await assignments.put_missing(tx, "n", vpc("a"))
            assert not await assignments.drop(tx, "n", "Vpc", "unknown")
            assert await assignments.items(tx, "n", "Vpc") == [vpc("a")]
        await leave(node, made)


async def test_reports_are_acknowledged_after_they_are_recorded(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        node = await made.connect()
        await node.join()
        await node.send(Observed(task="t", sequence=4, phase=TaskPhase.RUNNING, containers=()))
        assert await node.receive() == ObservedAck(task="t", sequence=4)
        assert made.observed == ["t"]
        assert made.woken == ["fleet.joined", "ecs.placement"]
        batch = LogBatch(source="t/c", region="r", group="g", stream="s", start=0, end=9, events=())
        await node.send(batch)
        assert await node.receive() == LogAck(source="t/c", offset=9)
        await leave(node, made)


async def test_a_report_that_cannot_be_recorded_is_not_acknowledged_and_delays_nobody(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        made.refuse.add("bad")
        node = await made.connect()
        await node.join()
        for task in ("bad", "good"):
            node.writer.write(frames.encode(Observed(task=task, sequence=1, phase=TaskPhase.GONE, containers=())))
        assert await node.receive() == ObservedAck(task="good", sequence=1)
        await leave(node, made)


async def test_an_instances_report_is_acknowledged_and_wakes_its_own(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        node = await made.connect()
        await node.join()
        await node.send(InstanceObserved(instance="i-1", sequence=3, phase=InstancePhase.RUNNING))
        assert await node.receive() == InstanceAck(instance="i-1", sequence=3)
        assert made.observed == ["i-1"]
        assert made.woken[-2:] == ["ecs.placement", "ec2.instances"]
        await leave(node, made)


async def test_a_node_is_connected_for_as_long_as_its_session(tmp_path: Path) -> None:
    async def connected() -> list[bool]:
        async with made.database.snapshot() as tx:
            return [each.connected for each in await assignments.nodes(tx)]

    async with world(tmp_path) as made:
        first = await made.connect()
        await first.join()
        second = await made.connect()
        await second.join()
        assert await first.receive() is None
        first.writer.close()
        assert await connected() == [True]
        await leave(second, made)
        assert await connected() == [False]


async def test_a_second_connection_of_a_node_replaces_the_first(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        first = await made.connect()
        await first.join()
        second = await made.connect()
        await second.join()
        assert await first.receive() is None
        first.writer.close()
        assert made.sessions.connected == {"n"}
        await leave(second, made)


async def test_garbage_ends_the_session_and_not_the_server(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        for garbage in (
            b"\xff\xff\xff\xff",
            b"\x00\x00\x00\x02{]",
            b"\x00\x00",
            b"\x00\x00\x00\x11" + b'{"type":"Other1"}',
        ):
            node = await made.connect()
            node.writer.write(garbage)
            node.writer.write_eof()
            async with asyncio.timeout(SECONDS):
                assert await node.reader.read() == b""
            node.writer.close()
        node = await made.connect()
        await node.join()
        await leave(node, made)


async def test_what_tasks_used_is_recorded_and_not_acknowledged(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        node = await made.connect()
        await node.join()
        await node.send(Usage(minute=60, tasks=()))
        await node.send(BalancerTraffic(minute=60, balancer="app/web/1"))
        await node.send(Observed(task="t", sequence=1, phase=TaskPhase.RUNNING, containers=()))
        assert await node.receive() == ObservedAck(task="t", sequence=1)
        assert made.observed == ["n 60", "n app/web/1", "t"]
        await leave(node, made)


async def test_reports_of_load_balancers_and_targets_are_recorded_and_wake_those_who_wait(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        node = await made.connect()
        await node.join()
        await node.send(BalancerObserved(balancer="app/web/1", sequence=2, state=BalancerState.ACTIVE))
        assert await node.receive() == BalancerAck(balancer="app/web/1", sequence=2)
        state = TargetState.HEALTHY
        await node.send(TargetObserved(target="t", registration=1, balancer="app/web/1", sequence=5, state=state))
        assert await node.receive() == TargetAck(target="t", sequence=5)
        assert made.observed == ["app/web/1", "t"]
        assert made.woken.count("elbv2.targets") == 2
        assert "ecs.placement" not in made.woken
        await leave(node, made)


async def test_a_question_about_protection_is_answered_and_only_a_change_wakes_anybody(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        now = FixedClock().now()
        node = await made.connect()
        await node.join()
        await node.send(ProtectionRequest(id="1", task="t"))
        assert await node.receive() == ProtectionAnswer(request="1", until=now + 60)
        assert "ecs.services" not in made.woken
        await node.send(ProtectionRequest(id="2", task="t", enabled=True, minutes=5))
        assert await node.receive() == ProtectionAnswer(request="2", until=now + 300)
        assert made.woken[-1] == "ecs.services"
        await leave(node, made)
