"""A node on fakes: what a task does here, it does without a kernel and without waiting."""

import asyncio
import socket
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as with_changes
from pathlib import Path
from typing import Any, Self

from msgspec.structs import replace as with_fields
from tests.unit.node.virtual import VirtualClock, at_end, until

from homeport.network import desired
from homeport.network.fake import FakeNetwork
from homeport.network.protocol import NetworkError
from homeport.node.agent import Agent, Drivers
from homeport.node.config import NodeConfig
from homeport.node.session import Session
from homeport.node.tasks.runner import Runner
from homeport.runtime.fake import FakeImages, FakeRuntime
from homeport.runtime.fake import World as Machine
from homeport.runtime.protocol import Image, Limits, Running
from homeport.wire.messages import (
    Assignment,
    Change,
    Container,
    Drop,
    Eni,
    Facts,
    InstanceAck,
    InstanceObserved,
    Item,
    LogBatch,
    NetworkMode,
    Observed,
    ObservedAck,
    ProtectionAnswer,
    ProtectionRequest,
    SecurityGroup,
    Task,
    TaskPhase,
    ToServer,
    Vpc,
)

VPC = Vpc(id="vpc-1", cidrs=("10.0.0.0/16",), dns="10.0.0.2", domain="ec2.internal")
GROUP = SecurityGroup(id="sg-1", vpc="vpc-1")
BUSYBOX = Image("i1", "sha256:aa", 1, (Path("/layer"),), command=("sh",))


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


def instance_task(number: int, mode: NetworkMode, *containers: Container, **changes: Any) -> Task:
    """Return task number *number* on instance i-1; its containers' runtime ids are made its own."""
    own = tuple(
        with_fields(c, runtime_id=f"{number:012x}{c.name}", endpoint_id=f"{number}-{c.name}")
        for c in containers or (container(),)
    )
    fields: dict[str, Any] = {"id": f"t{number}", "eni": "", "instance": "i-1", "launch_type": "EC2"}
    return task(*own, **(fields | {"network_mode": mode} | changes))


class Runtime(FakeRuntime):
    """The fake, whose starts a test can hold up.  The node never starts what runs."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(VirtualClock(), machine)
        self.starting: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}  # by container: it starts when the event is set
        self.hosts: Collection[str] = ()  # instances whose groups exist without being made

    async def ensure_group(self, group: str, limits: Limits) -> None:
        if (outer := group.rpartition("/")[0]) in self.hosts:
            self.world.groups.setdefault(outer, Limits())
        await super().ensure_group(group, limits)

    async def start(self, container: str) -> Running:
        self.starting.append(container)
        if (gate := self.gates.get(container)) is not None:
            await gate.wait()
        assert not isinstance(self.world.containers[container].state, Running), "started twice"
        return await super().start(container)


class Network(FakeNetwork):
    """The fake, whose work a test can hold up and count.  It opens no sockets: the loop's time is not theirs."""

    def __init__(self, run: Path) -> None:
        super().__init__(run)
        self.applied: list[desired.Network] = []
        self.gate: asyncio.Event | None = None

    async def apply(self, desired: desired.Network) -> Mapping[str, str]:
        self.applied.append(desired)
        if self.gate is not None:
            await self.gate.wait()
        return await super().apply(desired)

    def listen(self, vpc: str, address: str, port: int, kind: socket.SocketKind) -> socket.socket:
        if address == "0.0.0.0":
            return socket.socket(socket.AF_INET, kind)  # tried, to see whether an instance's port is free
        raise NetworkError("no listeners here")


@dataclass
class Host:
    """An instance, as tasks see it."""

    wanted: bool = True
    running: bool = True
    address: str = "10.0.0.9"
    vpc: Vpc = VPC
    agent: dict[str, str] = field(default_factory=dict)


class Instances:
    """The instances of a node and the sandboxes on them, as the machine has them: they outlive an agent."""

    def __init__(self) -> None:
        self.hosts: dict[str, Host] = {}
        self.sandboxes: dict[str, desired.Sandbox] = {}
        self.refuse: dict[str, str] = {}  # sandbox -> why it cannot be made
        self.gate: asyncio.Event | None = None  # until it is set, no sandbox comes to be
        self.listening: set[tuple[str, str, int]] = set()  # instance, protocol, port: what its processes have

    def find(self, instance: str) -> Host | None:
        return self.hosts.get(instance)

    def hold_sandbox(self, sandbox: desired.Sandbox) -> None:
        assert self.sandboxes.setdefault(sandbox.id, sandbox) == sandbox, "a sandbox never changes"
        others = [other for other in self.sandboxes.values() if other.host == sandbox.host and other != sandbox]
        assert not sandbox.address or sandbox.address not in {other.address for other in others}
        taken = {(b.protocol, b.host_port) for other in others for b in other.bindings}
        assert not taken & {(b.protocol, b.host_port) for b in sandbox.bindings}

    async def sandbox_made(self, sandbox: str) -> str:
        if self.gate is not None:
            await self.gate.wait()
        return self.refuse.get(sandbox, "")

    async def release_sandbox(self, sandbox: str) -> None:
        self.sandboxes.pop(sandbox, None)

    def port_free(self, host: str, protocol: str, port: int) -> bool:
        return (host, protocol, port) not in self.listening


class World:
    """An agent on fakes, and the server's side of what it says; `crash` and `start` as often as wanted."""

    def __init__(self, folder: Path) -> None:
        self.machine = Machine()
        self.runtime = Runtime(self.machine)
        self.images = FakeImages(local={"busybox": BUSYBOX})
        self.network = Network(folder / "run")
        self.instances = Instances()
        self.runtime.hosts = self.instances.hosts
        self.folder = folder
        self.own_instances = False  # whether instances are the agent's own, not `self.instances`
        self._agent: Agent | None = None
        self.sent: list[ToServer] = []
        self.items: dict[tuple[str, str], Item] = {}
        self.generation = 0
        self.acks = True
        self.held: dict[str, int] = {}
        self.protect: Callable[[ProtectionRequest], ProtectionAnswer] | None = (
            None  # how the server answers, if it does
        )

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
            resolver="",
            region="us-east-1",
        )

    @property
    def agent(self) -> Agent:
        """The agent that runs now."""
        assert self._agent is not None, "it has crashed, or was never started"
        return self._agent

    async def start(self) -> Self:
        at_end(self.crash)
        self._agent = Agent(self.config(), self._drivers(), VirtualClock())
        if not self.own_instances:
            self._bring_instances()
        self.agent.session = _Server(self)
        self.agent.output._send = self.agent.session.send
        await self.agent.start()
        self.agent.assigned(Assignment(generation=self.generation, items=tuple(self.items.values())))
        return self

    def _drivers(self) -> Drivers:
        return Drivers(self.network, self.runtime, self.images, system_root=lambda folder: folder / "root")

    def _bring_instances(self) -> None:
        machine = self.agent.roster._machine
        networks = with_changes(
            machine.networks,
            hosts=self.instances,
            sandboxes=self.instances,
            port_free=self.instances.port_free,
        )
        self.agent.roster._machine = with_changes(machine, networks=networks)

    async def crash(self) -> None:
        """Leave as kill -9 does: nothing is written any more, nothing is said any more."""
        agent, self._agent = self._agent, None
        if agent is None:
            return
        for runner in agent.roster:
            runner.close()
        for instance in agent.instances:
            instance.close()
        agent.reports._changed.clear()
        agent.instance_reports._changed.clear()
        agent.reports._save = _say_nothing
        agent.reports._send = _say_nothing
        agent.instance_reports._save = _say_nothing
        agent.instance_reports._send = _say_nothing
        agent.checks.close()
        await agent._work.close()
        await agent.roster.close()
        await agent.instances.close()
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
        if self._agent is not None:
            self._agent.changed(
                Change(previous=self.generation - 1, generation=self.generation, puts=puts, drops=drops)
            )

    def run_on_instance(self, *specs: Task) -> None:
        """Have tasks run that have no interface."""
        self.put(VPC, *specs)

    def runner_of(self, task: str) -> Runner:
        return next(runner for runner in self.agent.roster if runner.spec.id == task)

    def has_come_to(self, task: str, phases: Collection[TaskPhase]) -> bool:
        return self.runner_of(task).observed.phase in phases

    def run_task(self, spec: Task) -> None:
        self.put(VPC, GROUP, eni(), spec)

    @property
    def runner(self) -> Runner:
        return next(iter(self.agent.roster))

    def last(self, name: str = "t1") -> Observed:
        return next(m for m in reversed(self.sent) if isinstance(m, Observed) and m.task == name)

    async def phase(self, phase: TaskPhase, name: str = "t1") -> Observed:
        def reached() -> bool:
            told = any(isinstance(m, Observed) and m.task == name for m in self.sent)
            return told and self.last(name).phase is phase

        await until(reached)
        return self.last(name)

    def receive(self, message: ToServer) -> None:
        self.sent.append(message)
        if not self.acks or self._agent is None:
            return
        loop = asyncio.get_running_loop()
        if isinstance(message, ProtectionRequest) and self.protect is not None:
            answer = self.protect(message)
            loop.call_soon(self._to_agent, lambda agent: agent.protection_answered(answer))
        if isinstance(message, Observed):
            ack = ObservedAck(task=message.task, sequence=message.sequence)
            loop.call_soon(self._to_agent, lambda agent: agent.observed_acked(ack))
        if isinstance(message, InstanceObserved):
            seen = InstanceAck(instance=message.instance, sequence=message.sequence)
            loop.call_soon(self._to_agent, lambda agent: agent.instance_acked(seen))
        if isinstance(message, LogBatch):
            if self.held.get(message.source, 0) == message.start:
                self.held[message.source] = message.end
            offset = self.held.get(message.source, 0)
            loop.call_soon(self._to_agent, lambda agent: agent.output.acked(message.source, offset))

    def _to_agent(self, tell: Callable[[Agent], None]) -> None:
        if self._agent is not None:
            tell(self._agent)


def _say_nothing(_: object) -> None: ...


class _Server(Session):
    """A session whose server is the world."""

    def __init__(self, world: World) -> None:
        super().__init__(world.config().server_socket, "n", Facts(cpus=2, memory=4096, kernel="6.1"), world.agent)
        self._world = world

    def send(self, message: ToServer) -> None:
        self._world.receive(message)

    def report(self, message: ToServer) -> None:
        self._world.receive(message)

    async def run(self) -> None:
        await asyncio.Event().wait()
