"""
Measure what tasks use, and tell the server once a minute.

Three looks a minute are enough for averages and cost little: a handful of small files per container.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from homeport.kit.clock import Clock
from homeport.node.tasks.model import Stage
from homeport.node.tasks.runner import Runner
from homeport.runtime.protocol import Runtime, RuntimeFailed, Stats
from homeport.wire.metrics import TaskUsage, Usage

#: Seconds between looks; a minute ends with one.
STEP = 20
_MINUTE = 60


@dataclass(slots=True)
class _Sums:
    """What was seen of one task since the last report."""

    cpu_nanoseconds: int = 0
    seconds: float = 0.0
    memory: int = 0
    looks: int = 0


@dataclass(slots=True)
class _Seen:
    """The last look at one task: when, and the CPU time of each of its containers."""

    at: float
    counters: Mapping[str, int] = field(default_factory=dict)


class Meter:
    """Adds up looks at tasks.  Counters that begin anew, as a restarted container's do, count from zero."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._sums: dict[str, _Sums] = {}

    def take(self, task: str, stats: Mapping[str, Stats], at: float) -> None:
        """Add a look at the running containers of *task*, by id; of the first the CPU time cannot be told."""
        before = self._seen.get(task)
        self._seen[task] = _Seen(at, {name: one.cpu_nanoseconds for name, one in stats.items()})
        sums = self._sums.setdefault(task, _Sums())
        sums.memory += sum(max(0, one.memory_bytes - one.memory_inactive_file_bytes) for one in stats.values())
        sums.looks += 1
        if before is not None and at > before.at:
            sums.seconds += at - before.at
            sums.cpu_nanoseconds += sum(
                one.cpu_nanoseconds - (base if (base := before.counters.get(name, 0)) <= one.cpu_nanoseconds else 0)
                for name, one in stats.items()
            )

    def report(self) -> tuple[TaskUsage, ...]:
        """Return the averages since the last report; tasks that were not looked at since are forgotten."""
        used = tuple(
            TaskUsage(task=task, cpus=sums.cpu_nanoseconds / 1e9 / sums.seconds, memory=sums.memory // sums.looks)
            for task, sums in self._sums.items()
            if sums.seconds
        )
        self._seen = {task: seen for task, seen in self._seen.items() if task in self._sums}
        self._sums = {}
        return used


class UsageReporter:
    """Looks at all running tasks, and sends what they used."""

    def __init__(self, tasks: Iterable[Runner], runtime: Runtime, clock: Clock, send: Callable[[Usage], None]) -> None:
        self._tasks = tasks
        self._runtime = runtime
        self._clock = clock
        self._send = send
        self._meter = Meter()

    async def run(self) -> None:
        """Look and report for as long as this runs."""
        minute = int(self._clock.now() // _MINUTE)
        while True:
            await asyncio.sleep(STEP - self._clock.now() % STEP)
            await self._look()
            # The look that ends a minute belongs to it.  A clock that was set makes no difference but to the name.
            now = int((self._clock.now() + STEP / 2) // _MINUTE)
            if now != minute:
                # Said also when nothing runs: instances without tasks are idle, not unknown.
                self._send(Usage(minute=minute * _MINUTE, tasks=self._meter.report()))
                minute = now

    async def _look(self) -> None:
        for runner in list(self._tasks):
            stats = {}
            for container in runner.spec.containers:
                if runner.state.containers[container.name].stage is Stage.RUNNING:
                    try:
                        stats[container.runtime_id] = await self._runtime.stats(container.runtime_id)
                    except RuntimeFailed:
                        continue  # it has ended meanwhile
            if stats:
                self._meter.take(runner.spec.id, stats, self._clock.now())
            await asyncio.sleep(0)  # reading files blocks: others get their turn between tasks
