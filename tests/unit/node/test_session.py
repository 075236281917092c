"""The node finds its server again, and they agree again without anything being done twice."""

import asyncio
from pathlib import Path

from tests.unit.node.virtual import at_end, pass_time, until, virtual

from homeport.node.session import Session
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
    Observed,
    ObservedAck,
    ProtectionAnswer,
    TargetAck,
    TaskPhase,
    ToNode,
    Welcome,
)

FACTS = Facts(cpus=2, memory=1024, kernel="6.1")
REPORT = Observed(task="t1", sequence=1, phase=TaskPhase.RUNNING, containers=())


class Listener:
    def __init__(self) -> None:
        self.heard: list[object] = []
        self.unacked = False

    def welcomed(self, welcome: Welcome) -> None:
        self.heard.append(welcome)

    def assigned(self, assignment: Assignment) -> None:
        self.heard.append(assignment)

    def changed(self, change: Change) -> None:
        self.heard.append(change)

    def observed_acked(self, ack: ObservedAck) -> None:
        self.heard.append(ack)

    def instance_acked(self, ack: InstanceAck) -> None:
        self.heard.append(ack)

    def balancer_acked(self, ack: BalancerAck) -> None:
        self.heard.append(ack)

    def target_acked(self, ack: TargetAck) -> None:
        self.heard.append(ack)

    def check_acked(self, ack: CheckAck) -> None:
        self.heard.append(ack)

    def log_acked(self, ack: LogAck) -> None:
        self.heard.append(ack)

    def access_log_acked(self, ack: AccessLogAck) -> None:
        self.heard.append(ack)

    def protection_answered(self, answer: ProtectionAnswer) -> None:
        self.heard.append(answer)

    def resend(self) -> bool:
        self.heard.append("resend")
        return self.unacked

    def disconnected(self) -> None:
        self.heard.append("disconnected")


class Server:
    """Accepts sessions and says what a test wants said."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sessions: list[asyncio.StreamWriter] = []
        self.heard: list[object] = []
        self.listening: asyncio.Server | None = None

    async def start(self) -> None:
        self.listening = await asyncio.start_unix_server(self._serve, str(self.path))

    async def stop(self) -> None:
        assert self.listening is not None
        self.listening.close()
        for writer in self.sessions:
            writer.close()
        self.path.unlink(missing_ok=True)
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions.append(writer)
        self.say(Welcome(version=VERSION), Assignment(generation=7, items=()))
        while (message := await frames.read(reader, frames.to_server)) is not None:
            self.heard.append(message)
        writer.close()

    def say(self, *messages: ToNode) -> None:
        for message in messages:
            self.sessions[-1].write(frames.encode(message))


async def pair(tmp_path: Path) -> tuple[Server, Session, Listener]:
    server, listener = Server(tmp_path / "wire.sock"), Listener()
    session = Session(server.path, "n", FACTS, listener)
    running = asyncio.get_running_loop().create_task(session.run())

    async def end() -> None:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await server.stop()

    at_end(end)
    return server, session, listener


@virtual
async def test_server_that_comes_late_is_found_at_once(tmp_path: Path):
    server, session, listener = await pair(tmp_path)
    await pass_time(60)
    begun = asyncio.get_running_loop().time()
    await server.start()
    await until(lambda: session.ready)
    assert asyncio.get_running_loop().time() - begun < 0.1
    assert isinstance(server.heard[0], Hello)
    assert [type(m).__name__ for m in listener.heard] == ["Welcome", "Assignment"]


@virtual
async def test_reports_are_sent_only_within_a_session(tmp_path: Path):
    server, session, listener = await pair(tmp_path)
    session.send(REPORT)  # nobody is there; the next session says it
    await server.start()
    await until(lambda: session.ready)
    session.send(REPORT)
    server.say(ObservedAck(task="t1", sequence=1))
    await until(lambda: ObservedAck(task="t1", sequence=1) in listener.heard)
    assert server.heard[1:] == [REPORT]


@virtual
async def test_every_answer_of_the_server_is_heard_in_its_order(tmp_path: Path):
    server, session, listener = await pair(tmp_path)
    await server.start()
    await until(lambda: session.ready)
    answers: list[ToNode] = [
        ObservedAck(task="t1", sequence=1),
        InstanceAck(instance="i-1", sequence=2),
        CheckAck(check="c", sequence=3),
        BalancerAck(balancer="app/web/1", sequence=4),
        TargetAck(target="t", sequence=5),
        LogAck(source="s", offset=6),
        AccessLogAck(file="f"),
        ProtectionAnswer(request="r"),
    ]
    server.say(*answers)
    await until(lambda: listener.heard[-1] == answers[-1])
    assert listener.heard[2:] == answers


@virtual
async def test_a_gap_in_the_changes_asks_for_everything_again(tmp_path: Path):
    server, session, listener = await pair(tmp_path)
    await server.start()
    await until(lambda: session.ready)
    server.say(Change(previous=7, generation=8), Change(previous=9, generation=10))
    await until(lambda: len(server.sessions) == 2 and session.ready)
    assert Change(previous=7, generation=8) in listener.heard
    assert Change(previous=9, generation=10) not in listener.heard
    assert sum(isinstance(m, Assignment) for m in listener.heard) == 2


@virtual
async def test_server_that_restarts_is_found_again(tmp_path: Path):
    server, session, listener = await pair(tmp_path)
    await server.start()
    await until(lambda: session.ready)
    await server.stop()
    await until(lambda: not session.ready)
    assert listener.heard[-1] == "disconnected"
    await pass_time(30)
    begun = asyncio.get_running_loop().time()
    await server.start()
    await until(lambda: session.ready)
    assert asyncio.get_running_loop().time() - begun < 0.1


@virtual
async def test_what_is_not_acknowledged_is_said_again_until_it_is(tmp_path: Path):
    server, session, listener = await pair(tmp_path)
    await server.start()
    await until(lambda: session.ready)
    listener.unacked = True
    session.send(REPORT)
    await pass_time(11)
    assert listener.heard.count("resend") == 2
    listener.unacked = False
    await pass_time(60)
    assert listener.heard.count("resend") == 3


@virtual
async def test_nonsense_from_the_server_ends_the_session_and_not_the_node(tmp_path: Path):
    server, session, _ = await pair(tmp_path)
    await server.start()
    await until(lambda: session.ready)
    server.sessions[-1].write(b"\x00\x00\x00\x02{]")
    await until(lambda: len(server.sessions) == 2 and session.ready)
