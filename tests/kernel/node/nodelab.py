"""The server's end, and what the kernel has: everything a test of the real agent looks at."""

import asyncio
import hashlib
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from tests.cgroups import fresh_cgroup_root
from tests.folders import everything_in

from homeport.wire import frames
from homeport.wire.messages import (
    VERSION,
    AccessLogAck,
    AccessLogFile,
    Assignment,
    BalancerAck,
    BalancerObserved,
    Change,
    Container,
    Drop,
    Eni,
    Hello,
    Instance,
    InstanceAck,
    InstanceMetadata,
    InstanceObserved,
    InstancePhase,
    Item,
    LogAck,
    LogBatch,
    LogTarget,
    NetworkMode,
    Observed,
    ObservedAck,
    Rule,
    SecurityGroup,
    TargetAck,
    TargetObserved,
    Task,
    TaskPhase,
    Vpc,
    Welcome,
)

VPC = Vpc(id="vpc-1", cidrs=("10.0.0.0/16",), dns="10.0.0.2", domain="ec2.internal")
GROUP = SecurityGroup(id="sg-1", vpc="vpc-1", ingress=(Rule(cidr="0.0.0.0/0"),), egress=(Rule(cidr="0.0.0.0/0"),))
PATIENCE = 120.0  # seconds for what takes a few at the most: only what hangs takes longer
PROGRAM = Path(__file__).with_name("agent_process.py")


def eni(number: int) -> Eni:
    return Eni(
        id=f"eni-{number:017x}",
        vpc=VPC.id,
        subnet_cidr="10.0.0.0/20",
        mac=f"02:00:00:00:{number // 256:02x}:{number % 256:02x}",
        address=f"10.0.{number // 256}.{number % 256}",
        dns_name=f"ip-10-0-{number // 256}-{number % 256}.ec2.internal",
        groups=(GROUP.id,),
    )


def instance(number: int, **changes: Any) -> tuple[Instance, Eni]:
    """Return an instance, and its primary interface as that of number *number*."""
    instance_id = f"i-{number:017x}"
    metadata = InstanceMetadata(
        account="123456789012",
        region="us-east-1",
        availability_zone="us-east-1a",
        availability_zone_id="use1-az1",
        image="ami-1",
        instance_type="t3.small",
        reservation="r-1",
    )
    primary = replace(eni(number), instance=instance_id)
    fields: dict[str, Any] = {"id": instance_id, "interface": primary.id, "cpus": 2, "memory": 2048}
    return Instance(metadata=metadata, **(fields | changes)), primary


def container(script: str, name: str = "app", **changes: Any) -> Container:
    fields: dict[str, Any] = {
        "name": name,
        "arn": f"arn:aws:ecs:us-east-1:123456789012:container/c/t/{name}",
        "runtime_id": "",
        "endpoint_id": uuid.uuid4().hex,
        "image": "busybox",
        "command": ("sh", "-c", script),
        "log": LogTarget(region="us-east-1", group="/g", stream=name),
        "stop_timeout": 5,
    }
    return Container(**(fields | changes))


def task(number: int, *containers: Container, **changes: Any) -> Task:
    task_id = f"{number:032x}"
    fields: dict[str, Any] = {
        "id": task_id,
        "arn": f"arn:aws:ecs:us-east-1:123456789012:task/c/{task_id}",
        "cluster_arn": "arn:aws:ecs:us-east-1:123456789012:cluster/c",
        "family": "f",
        "revision": 1,
        "eni": eni(number).id,
        "region": "us-east-1",
        "containers": tuple(
            Container(**{f: getattr(c, f) for f in c.__struct_fields__} | {"runtime_id": f"{task_id}-{place:010d}"})
            for place, c in enumerate(containers)
        ),
    }
    return Task(**(fields | changes))


class Server:
    """What the real server does with a node, in memory; and the agent's process, to be killed and started."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self.root = folder, root
        self.cgroup_root = fresh_cgroup_root()
        self.items: dict[tuple[str, str], Item] = {}
        self.generation = 0
        self.seen: dict[str, list[Observed]] = {}
        self.instances: dict[str, InstanceObserved] = {}
        self.balancers: dict[str, BalancerObserved] = {}
        self.targets: dict[str, list[TargetObserved]] = {}
        self.access_logs: dict[str, AccessLogFile] = {}
        self.takes_access_logs = True
        self.held: dict[str, int] = {}
        self.lines: dict[str, list[str]] = {}
        self.finished: set[str] = set()
        self.writer: asyncio.StreamWriter | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.changed = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            hello = await frames.read(reader, frames.to_server)
            assert isinstance(hello, Hello)
            self._say(writer, Welcome(version=VERSION))
            self._say(writer, Assignment(generation=self.generation, items=tuple(self.items.values())))
            self.writer = writer
            async with self.changed:
                self.changed.notify_all()
            while (message := await frames.read(reader, frames.to_server)) is not None:
                await self._take(writer, message)
        except (frames.WireError, ConnectionError):
            pass
        finally:
            if self.writer is writer:
                self.writer = None
            writer.close()

    def _say(self, writer: asyncio.StreamWriter, message: Any) -> None:
        writer.write(frames.encode(message))

    async def _take(self, writer: asyncio.StreamWriter, message: Any) -> None:
        async with self.changed:
            if isinstance(message, Observed):
                known = self.seen.setdefault(message.task, [])
                if not known or message.sequence > known[-1].sequence:
                    known.append(message)
                self._say(writer, ObservedAck(task=message.task, sequence=message.sequence))
            elif isinstance(message, InstanceObserved):
                self.instances[message.instance] = message
                self._say(writer, InstanceAck(instance=message.instance, sequence=message.sequence))
            elif isinstance(message, BalancerObserved):
                self.balancers[message.balancer] = message
                self._say(writer, BalancerAck(balancer=message.balancer, sequence=message.sequence))
            elif isinstance(message, TargetObserved):
                known_targets = self.targets.setdefault(message.target, [])
                if not known_targets or message != known_targets[-1]:
                    known_targets.append(message)
                self._say(writer, TargetAck(target=message.target, sequence=message.sequence))
            elif isinstance(message, AccessLogFile):
                if self.takes_access_logs:
                    self.access_logs[message.id] = message
                    self._say(writer, AccessLogAck(file=message.id))
            elif isinstance(message, LogBatch):
                if self.held.get(message.source, 0) == message.start:
                    self.held[message.source] = message.end
                    self.lines.setdefault(message.source, []).extend(e.message for e in message.events)
                    if message.final:
                        self.finished.add(message.source)
                self._say(writer, LogAck(source=message.source, offset=self.held.get(message.source, 0)))
            self.changed.notify_all()

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
        if self.writer is not None:
            change = Change(previous=self.generation - 1, generation=self.generation, puts=puts, drops=drops)
            self._say(self.writer, change)

    def run(self, number: int, *containers: Container, **changes: Any) -> Task:
        spec = task(number, *containers, **changes)
        self.put(VPC, GROUP, eni(number), spec)
        return spec

    async def launch(self, number: int, **changes: Any) -> Instance:
        """Have an instance run."""
        found, primary = instance(number, **changes)
        self.put(VPC, GROUP, primary, found)
        await self.instance_phase(found, InstancePhase.RUNNING)
        return found

    async def instance_phase(self, spec: Instance, phase: InstancePhase) -> None:
        await self.until(lambda: (seen := self.instances.get(spec.id)) is not None and seen.phase is phase)

    def run_on(self, host: Instance, number: int, mode: NetworkMode, *containers: Container, **changes: Any) -> Task:
        """Run a task without an interface of its own on an instance."""
        spec = task(number, *containers, network_mode=mode, instance=host.id, launch_type="EC2", eni="", **changes)
        own = tuple(replace(c, runtime_id=hashlib.sha256(c.runtime_id.encode()).hexdigest()) for c in spec.containers)
        spec = replace(spec, containers=own)
        self.put(spec)
        return spec

    def last(self, spec: Task) -> Observed | None:
        return self.seen[spec.id][-1] if self.seen.get(spec.id) else None

    async def until(self, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
        try:
            async with asyncio.timeout(seconds), self.changed:
                await self.changed.wait_for(condition)
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s\n{self.explain()}") from None

    async def phase(self, spec: Task, phase: TaskPhase, seconds: float = PATIENCE) -> Observed:
        order = list(TaskPhase)

        def reached() -> bool:
            last = self.last(spec)
            return last is not None and order.index(last.phase) >= order.index(phase)

        await self.until(reached, seconds)
        found = self.last(spec)
        assert found is not None
        return found

    def output(self, spec: Task, name: str = "app") -> list[str]:
        return self.lines.get(f"{spec.id}/{name}", [])

    def explain(self) -> str:
        """Return what is known of the tasks that have not ended, for the message of a failure."""
        ended = (TaskPhase.STOPPED, TaskPhase.GONE)
        parts = [f"output without an end: {source} {self.held[source]}" for source in self.lines.keys() - self.finished]
        parts += [f"left: {path}" for path in self.folder.glob("state/logs/*")]
        for name, reports in self.seen.items():
            if reports[-1].phase not in ended:
                output = [lines for source, lines in self.lines.items() if source.startswith(name)]
                files = sorted(str(path) for path in self.folder.rglob(f"*{name}*/**/*"))
                parts += [str(reports[-1]), str(output), *files]
        processes = subprocess.run(
            ["ps", "axf", "-o", "pid,ppid,stat,wchan:20,args"], capture_output=True, text=True, check=False
        )
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and "crun" in str(
                link := (entry / "exe").readlink() if (entry / "exe").exists() else ""
            ):
                parts.append(f"{entry.name} {link} {(entry / 'stat').read_text()}")
        return "\n".join([*parts, processes.stdout, (self.folder / "agent.log").read_text()[-6000:]])

    # --- The agent's process

    def start_agent(self) -> None:
        with (self.folder / "agent.log").open("ab") as output:
            self.process = subprocess.Popen(self._argv("run"), stdout=output, stderr=output)

    def _argv(self, what: str) -> list[str]:
        return [sys.executable, str(PROGRAM), str(self.folder), str(self.root), self.cgroup_root, what]

    def kill_agent(self, number: int = signal.SIGKILL) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def destroy(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill_agent()
        subprocess.run(self._argv("destroy"), check=True, timeout=PATIENCE)

    # --- What the kernel has

    def remains(self) -> list[str]:
        """Return everything that is left of containers and networks."""
        found = [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(self.folder) in line]
        found += [str(path) for path in everything_in(self.folder / "run") if "netns" in path.parts and path.is_file()]
        for root in Path("/sys/fs/cgroup").glob(f"*/{self.cgroup_root}"):
            found += [str(path) for path in everything_in(root) if path.is_dir()]
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    line = (entry / "cmdline").read_bytes().decode(errors="replace")
                except OSError:
                    continue
                if ("conmon" in line.split("\0")[0] or "haproxy" in line.split("\0")[0]) and str(self.folder) in line:
                    found.append(line.replace("\0", " "))
        return found


@asynccontextmanager
async def lab(folder: Path, root: Path, *, start: bool = True) -> AsyncIterator[Server]:
    server = Server(folder, root)
    listening = await asyncio.start_unix_server(server.serve, str(folder / "wire.sock"), limit=1 << 20)
    if start:
        server.start_agent()
        begun = time.monotonic()
        while server.writer is None:
            assert time.monotonic() - begun < PATIENCE, server.explain()
            await asyncio.sleep(0.005)
    try:
        yield server
    finally:
        if server.writer is not None:
            server.writer.close()
        listening.close()
        server.destroy()
        assert not server.remains(), server.remains()
