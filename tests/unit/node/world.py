"""A node on fakes: what a task does here, it does without a kernel and without waiting."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.unit.node.virtual import VirtualClock, until

from homeport.network.desired import Network
from homeport.network.protocol import NetworkError, Traffic
from homeport.node.agent import Agent, Drivers
from homeport.node.config import NodeConfig
from homeport.node.tasks.runner import Runner
from homeport.runtime.protocol import (
    ExecResult,
    Existing,
    Exit,
    Image,
    ImagePullFailed,
    Limits,
    Running,
    RuntimeFailed,
    Spec,
    Stats,
)
from homeport.wire.messages import (
    Assignment,
    Change,
    Container,
    Drop,
    Eni,
    Item,
    LogBatch,
    Observed,
    ObservedAck,
    SecurityGroup,
    Task,
    TaskPhase,
    ToServer,
    Vpc,
)

VPC = Vpc(id="vpc-1", cidrs=("10.0.0.0/16",), dns="10.0.0.2", domain="ec2.internal")
GROUP = SecurityGroup(id="sg-1", vpc="vpc-1")


def eni(number: int = 5) -> Eni:
    return Eni(
        id=f"eni-{number}",
        vpc="vpc-1",
        subnet_cidr="10.0.0.0/24",
        mac=f"02:00:00:00:00:{number:02x}",
        address=f"10.0.0.{number}",
        dns_name=f"ip-10-0-0-{number}.ec2.internal",
        groups=("sg-1",),
    )


def container(name: str = "app", **changes: Any) -> Container:
    defaults: dict[str, Any] = {
        "arn": f"arn:aws:ecs:us-east-1:123456789012:container/c/t/{name}",
        "runtime_id": f"t1-{name}",
        "endpoint_id": f"endpoint-{name}",
        "image": "busybox",
    }
    return Container(name=name, **(defaults | changes))


def task(*containers: Container, **changes: Any) -> Task:
    defaults: dict[str, Any] = {
        "id": "t1",
        "arn": "arn:aws:ecs:us-east-1:123456789012:task/c/t1",
        "cluster_arn": "arn:aws:ecs:us-east-1:123456789012:cluster/c",
        "family": "web",
        "revision": 3,
        "eni": "eni-5",
        "region": "us-east-1",
    }
    return Task(containers=containers or (container(),), **(defaults | changes))


@dataclass
class FakeContainer:
    spec: Spec
    state: Running | Exit | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    starts: int = 0


class FakeRuntime:
    """Containers that end when a test says so, or when they are told to."""

    def __init__(self) -> None:
        self.containers: dict[str, FakeContainer] = {}
        self.groups: dict[str, Limits] = {}
        self.calls: list[tuple[str, str]] = []
        self.deaf: set[str] = set()  # containers that ignore SIGTERM
        self.fail: dict[tuple[str, str], str] = {}
        self.gates: dict[tuple[str, str], asyncio.Event] = {}
        self.health: dict[str, int | None] = {}
        self.clock = VirtualClock()

    async def _call(self, verb: str, name: str) -> None:
        self.calls.append((verb, name))
        if (gate := self.gates.get((verb, name))) is not None:
            await gate.wait()
        if (reason := self.fail.get((verb, name))) is not None:
            raise RuntimeFailed(reason)

    async def ensure_group(self, group: str, limits: Limits) -> None:
        await self._call("ensure_group", group)
        self.groups[group] = limits

    async def remove_group(self, group: str) -> None:
        await self._call("remove_group", group)
        self.groups.pop(group, None)

    async def create(self, spec: Spec) -> None:
        await self._call("create", spec.id)
        assert spec.group in self.groups, "the cgroup must exist first"
        self.containers[spec.id] = FakeContainer(spec)

    async def start(self, container: str) -> Running:
        await self._call("start", container)
        own = self.containers[container]
        assert not isinstance(own.state, Running), "started twice"
        own.state = Running(4711, self.clock.now())
        own.ended = asyncio.Event()
        own.starts += 1
        return own.state

    async def wait(self, container: str) -> Exit:
        own = self.containers[container]
        await own.ended.wait()
        assert isinstance(own.state, Exit)
        return own.state

    def exit(self, container: str, code: int | None, *, out_of_memory: bool = False) -> None:
        own = self.containers[container]
        own.state = Exit(code, out_of_memory, self.clock.now())
        own.ended.set()

    async def signal(self, container: str, signal: str) -> None:
        await self._call(signal, container)
        if signal == "SIGKILL":
            self.exit(container, 137)
        elif container not in self.deaf:
            self.exit(container, 143)

    async def remove(self, container: str) -> None:
        await self._call("remove", container)
        self.containers.pop(container, None)

    async def execute(self, container: str, argv: tuple[str, ...], timeout_seconds: float) -> ExecResult:
        await self._call("execute", container)
        code = self.health.get(container, 0)
        if code is None:
            await asyncio.sleep(timeout_seconds)
            raise TimeoutError
        return ExecResult(code, " ".join(argv))

    async def stats(self, container: str) -> Stats:
        return Stats(cpu_nanoseconds=1_000_000, memory_bytes=4096, memory_limit_bytes=8192)

    async def existing(self) -> list[Existing]:
        return [Existing(name, own.spec.group, own.state) for name, own in self.containers.items()]

    async def destroy(self) -> None:
        self.containers.clear()
        self.groups.clear()


class FakeImages:
    def __init__(self) -> None:
        self.local = {"busybox": Image("i1", "sha256:aa", 1, (Path("/layer"),), command=("sh",))}
        self.remote: dict[str, Image] = {}
        self.pulls: list[str] = []
        self.gate: asyncio.Event | None = None

    async def find(self, reference: str) -> Image | None:
        return self.local.get(reference)

    async def pull(self, reference: str, *, username: str = "", password: str = "") -> Image:
        self.pulls.append(reference)
        if self.gate is not None:
            await self.gate.wait()
        if reference not in self.remote:
            raise ImagePullFailed(f"pull access denied for {reference}")
        return self.remote[reference]

    def use_registry(self, names: Iterable[str], location: str) -> None:
        self.registry = (tuple(names), location)


class FakeNetwork:
    def __init__(self) -> None:
        self.now = Network()
        self.applied: list[Network] = []
        self.refuse: dict[str, str] = {}
        self.broken = ""
        self.gate: asyncio.Event | None = None

    async def apply(self, desired: Network) -> Mapping[str, str]:
        self.applied.append(desired)
        if self.gate is not None:
            await self.gate.wait()
        if self.broken:
            raise NetworkError(self.broken)
        self.now = desired
        return {name: reason for name, reason in self.refuse.items() if name in desired.interfaces}

    def namespace(self, interface: str) -> Path:
        assert interface in self.now.interfaces, "the namespace must exist first"
        return Path("/run/netns", interface)

    def listen(self, vpc: str, address: str, port: int, kind: Any) -> Any:
        raise NetworkError("no listeners here")

    async def traffic(self, interface: str) -> Traffic:
        return Traffic()

    async def close(self) -> None:
        pass

    async def destroy(self) -> None:
        self.now = Network()


class World:
    """An agent on fakes, and the server's side of what it says; `crash` and `start` as often as wanted."""

    def __init__(self, folder: Path) -> None:
        self.runtime = FakeRuntime()
        self.images = FakeImages()
        self.network = FakeNetwork()
        self.folder = folder
        self.agent: Agent | None = None
        self.sent: list[ToServer] = []
        self.items: dict[tuple[str, str], Item] = {}
        self.generation = 0
        self.acks = True
        self.held: dict[str, int] = {}

    def config(self) -> NodeConfig:
        return NodeConfig(
            name="n",
            state=self.folder / "state",
            run=self.folder / "run",
            server_socket=self.folder / "wire.sock",
            cgroup_root="test",
            shared_images=self.folder / "images",
            registry="127.0.0.1:4567",
            gateway="127.0.0.1:4566",
            public_pool="198.18.0.0/16",
        )

    async def start(self) -> "World":
        asyncio.get_running_loop().cleanups.append(self.crash)  # type: ignore[attr-defined]
        self.agent = Agent(self.config(), Drivers(self.network, self.runtime, self.images), VirtualClock())
        self.agent.session = _Server(self)  # type: ignore[assignment]
        self.agent.reports._send = self.agent.output._send = self.agent.session.send
        await self.agent.start()
        self.agent.assigned(Assignment(generation=self.generation, items=tuple(self.items.values())))
        return self

    async def crash(self) -> None:
        """Leave as kill -9 does: nothing is written any more, nothing is said any more."""
        agent, self.agent = self.agent, None
        if agent is None:
            return
        for runner in agent.roster:
            runner.close()
        agent.reports._changed.clear()
        agent.reports._store = _DeadStore()  # type: ignore[assignment]
        agent.reports._send = lambda _: None
        await agent._work.close()
        await agent.roster.close()
        agent.output.close()
        agent._store.close()

    def put(self, *items: Item) -> None:
        for item in items:
            self.items[type(item).__name__, item.id] = item
        self._change(puts=items)

    def drop(self, *items: Item) -> None:
        for item in items:
            self.items.pop((type(item).__name__, item.id), None)
        self._change(drops=tuple(Drop(kind=type(item).__name__, id=item.id) for item in items))

    def _change(self, puts: tuple[Item, ...] = (), drops: tuple[Drop, ...] = ()) -> None:
        self.generation += 1
        if self.agent is not None:
            self.agent.changed(Change(previous=self.generation - 1, generation=self.generation, puts=puts, drops=drops))

    def run_task(self, spec: Task) -> None:
        self.put(VPC, GROUP, eni(), spec)

    @property
    def runner(self) -> Runner:
        assert self.agent is not None
        return next(iter(self.agent.roster))

    def last(self, name: str = "t1") -> Observed:
        return next(m for m in reversed(self.sent) if isinstance(m, Observed) and m.task == name)

    async def phase(self, phase: TaskPhase) -> Observed:
        await until(lambda: any(isinstance(m, Observed) for m in self.sent) and self.last().phase is phase)
        return self.last()

    def receive(self, message: ToServer) -> None:
        self.sent.append(message)
        if not self.acks or self.agent is None:
            return
        loop = asyncio.get_running_loop()
        if isinstance(message, Observed):
            ack = ObservedAck(task=message.task, sequence=message.sequence)
            loop.call_soon(lambda: self.agent and self.agent.observed_acked(ack))
        if isinstance(message, LogBatch):
            if self.held.get(message.source, 0) == message.start:
                self.held[message.source] = message.end
            offset = self.held.get(message.source, 0)
            loop.call_soon(lambda: self.agent and self.agent.output.acked(message.source, offset))


class _DeadStore:
    def save_tasks(self, records: object) -> None:
        pass


class _Server:
    """In the session's place."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send(self, message: ToServer) -> None:
        self._world.receive(message)

    async def run(self) -> None:
        await asyncio.Event().wait()
