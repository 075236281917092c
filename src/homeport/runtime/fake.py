"""
A runtime and an image store in memory, for the tests of what uses them.

They pass the same suite as the real ones.  A container does what the program registered for its
argument list does; without one it runs until it is signalled.
"""

import asyncio
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from homeport.kit.clock import Clock, SystemClock
from homeport.runtime.conmon import signal_number
from homeport.runtime.images import candidates
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

_SIGKILL = 9


@dataclass(frozen=True, slots=True)
class Program:
    """What a fake container does."""

    exit_codes: tuple[int | None, ...] = ()  # of its runs, one after the other; past the last it runs on
    out_of_memory: bool = False
    output: tuple[str, ...] = ()  # lines on stdout, written to the log at each start
    create_failure: str = ""
    start_failure: str = ""
    ignores: tuple[str, ...] = ()  # signals without effect, such as SIGTERM


@dataclass(slots=True)
class _Container:
    spec: Spec
    pid: int
    runs: int = 0
    state: Running | Exit | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class World:
    """The machine under the fake: it outlives a runtime object, as containers do."""

    groups: dict[str, Limits] = field(default_factory=dict)
    containers: dict[str, _Container] = field(default_factory=dict)
    pids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1000))


class FakeRuntime:
    """Containers that are entries in a dictionary.  Give the same *world* to another one to play a restart."""

    def __init__(self, clock: Clock | None = None, world: World | None = None) -> None:
        self.clock = clock or SystemClock()
        self.world = world or World()
        self.programs: dict[tuple[str, ...], Program] = {}
        self.commands: dict[tuple[str, ...], ExecResult | Exception] = {}  # what `execute` gives; else code 0
        self.calls: list[tuple[str, str]] = []  # verb and id, in order
        self.stats_of: dict[str, Stats] = {}

    def end(self, container: str, code: int | None, *, out_of_memory: bool = False) -> None:
        """End a running container now."""
        entry = self._get(container)
        assert isinstance(entry.state, Running), f"{container} is not running"
        entry.state = Exit(code, out_of_memory, self.clock.now())
        entry.ended.set()

    def _get(self, container: str) -> _Container:
        try:
            return self.world.containers[container]
        except KeyError:
            raise RuntimeFailed(f"no such container: {container}") from None

    def _program(self, spec: Spec) -> Program:
        return self.programs.get(spec.argv, Program())

    async def ensure_group(self, group: str, limits: Limits) -> None:
        self.calls.append(("ensure_group", group))
        if (outer := group.rpartition("/")[0]) and outer not in self.world.groups:
            raise RuntimeFailed(f"the group {outer} does not exist")
        self.world.groups[group] = limits

    async def remove_group(self, group: str) -> None:
        self.calls.append(("remove_group", group))
        gone = [name for name in self.world.groups if f"{name}/".startswith(f"{group}/")]
        for name in gone:
            del self.world.groups[name]
        for container, entry in self.world.containers.items():
            if f"{entry.spec.group}/".startswith(f"{group}/") and isinstance(entry.state, Running):
                self.end(container, 128 + _SIGKILL)

    async def create(self, spec: Spec) -> None:
        self.calls.append(("create", spec.id))
        if spec.group not in self.world.groups:
            raise RuntimeFailed(f"the group {spec.group} does not exist")
        if (known := self.world.containers.get(spec.id)) is not None:
            if known.spec != spec:
                raise RuntimeFailed(f"a container {spec.id} with another definition exists already")
            return
        if failure := self._program(spec).create_failure:
            raise RuntimeFailed(failure)
        self.world.containers[spec.id] = _Container(spec, next(self.world.pids))

    async def start(self, container: str) -> Running:
        self.calls.append(("start", container))
        entry = self._get(container)
        if isinstance(entry.state, Running):
            return entry.state
        program = self._program(entry.spec)
        if program.start_failure:
            raise RuntimeFailed(program.start_failure)
        entry.state = running = Running(entry.pid, self.clock.now())
        entry.ended = asyncio.Event()
        self._write_log(entry.spec.log_path, program.output)
        if entry.runs < len(program.exit_codes) and (code := program.exit_codes[entry.runs]) is not None:
            self.end(container, code, out_of_memory=program.out_of_memory)
        entry.runs += 1
        return running

    def _write_log(self, path: Path, lines: Sequence[str]) -> None:
        stamp = datetime.fromtimestamp(self.clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000+00:00")
        with path.open("a") as file:
            file.writelines(f"{stamp} stdout F {line}\n" for line in lines)

    async def wait(self, container: str) -> Exit:
        entry = self._get(container)
        if entry.state is None:
            raise RuntimeFailed(f"the container {container} was never started")
        while not isinstance(entry.state, Exit):
            await entry.ended.wait()
        return entry.state

    async def signal(self, container: str, signal: str) -> None:
        number = signal_number(signal)
        self.calls.append((signal, container))
        entry = self.world.containers.get(container)
        if entry is None or not isinstance(entry.state, Running):
            return
        if number == _SIGKILL or signal not in self._program(entry.spec).ignores:
            self.end(container, 128 + number)

    async def remove(self, container: str) -> None:
        self.calls.append(("remove", container))
        entry = self.world.containers.get(container)
        if entry is None:
            return
        if isinstance(entry.state, Running):
            self.end(container, 128 + _SIGKILL)
        del self.world.containers[container]

    async def execute(self, container: str, argv: tuple[str, ...], timeout_seconds: float) -> ExecResult:
        del timeout_seconds  # a script says TimeoutError where one is wanted
        if not isinstance(self._get(container).state, Running):
            raise RuntimeFailed(f"the container {container} is not running")
        result = self.commands.get(argv, ExecResult(0, ""))
        if isinstance(result, Exception):
            raise result
        return result

    async def stats(self, container: str) -> Stats:
        self._get(container)
        return self.stats_of.get(container, Stats(1, 1, 1))

    async def existing(self) -> list[Existing]:
        return [Existing(name, entry.spec.group, entry.state) for name, entry in sorted(self.world.containers.items())]

    async def destroy(self) -> None:
        for container in list(self.world.containers):
            await self.remove(container)
        self.world.groups.clear()


@dataclass
class FakeImages:
    """
    Images by reference.

    *local* ones are found, *remote* ones can be pulled, *failures* are what a pull says.  While *held* is
    cleared no pull ends.
    """

    local: dict[str, Image] = field(default_factory=dict)
    remote: dict[str, Image] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    pulls: list[tuple[str, str, str]] = field(default_factory=list)
    registries: dict[str, str] = field(default_factory=dict)
    held: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.held.set()

    def use_registry(self, names: Iterable[str], location: str) -> None:
        self.registries.update(dict.fromkeys(names, location))

    async def find(self, reference: str) -> Image | None:
        return self.local.get(reference)

    async def pull(self, reference: str, *, username: str = "", password: str = "") -> Image:
        self.pulls.append((reference, username, password))
        await self.held.wait()
        if failure := self.failures.get(reference):
            raise ImagePullFailed(failure)
        image = self.local.get(reference)
        if image is None or (len(candidates(reference)) == 1 and "@" not in reference):
            image = self.remote.get(reference)
        if image is None:
            raise ImagePullFailed(
                "pull image manifest has been retried 1 time(s):"
                f" failed to resolve ref {reference}: {reference}: not found"
            )
        self.local[reference] = image
        return image


def fake_image(name: str = "web", **changes: object) -> Image:
    """Return an image that no kernel could mount."""
    image = Image(id=name, digest=f"sha256:{name.encode().hex():0>64}", size=1, layers=(), command=("serve",))
    return replace(image, **changes)  # type: ignore[arg-type]  # the caller names fields of Image
