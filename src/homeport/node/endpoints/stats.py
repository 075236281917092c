"""
Containers' consumption in the form of Docker's stats.

Nothing is measured unless somebody asks: a first question is answered with two measurements a
moment apart, a later one with the difference to the question before.
"""

import asyncio
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from homeport.kit.clock import Clock
from homeport.network.protocol import NetworkDriver, NetworkError, Traffic
from homeport.node.interfaces import task_device
from homeport.node.tasks.model import Stage
from homeport.node.tasks.runner import Runner
from homeport.runtime.protocol import Runtime, RuntimeFailed, Stats
from homeport.wire.messages import Container, NetworkMode

_FIRST_INTERVAL = 0.1  # seconds between the two measurements of a first answer
_FRESH = 0.5  # a measurement this young is not made again
_PROC_STAT = Path("/proc/stat")
_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Sample:
    """One container's consumption at one moment."""

    at: float
    stats: Stats
    traffic: Traffic
    machine_nanoseconds: int  # CPU time of the whole machine
    cpus: int


def stats_document(container: Container, now: Sample, before: Sample, device: str) -> dict[str, Any]:
    """
    Return Docker's document, with the rates that version 4 adds.

    Without a *device* the container has no network of its own, and nothing is said of any.
    """
    seconds = max(now.at - before.at, 1e-9)
    document = {
        "read": _moment(now.at),
        "preread": _moment(before.at),
        "pids_stats": {"current": now.stats.pids},
        "blkio_stats": _block_io(now.stats),
        "num_procs": 0,
        "storage_stats": {},
        "cpu_stats": _cpu(now),
        "precpu_stats": _cpu(before),
        "memory_stats": {
            "usage": now.stats.memory_bytes,
            "max_usage": now.stats.memory_peak_bytes,
            "limit": now.stats.memory_limit_bytes,
            "stats": {},
        },
        "name": container.name,
        "id": container.runtime_id,
    }
    if device:
        document["networks"] = {device: _network(now.traffic)}
        document["network_rate_stats"] = {
            "rx_bytes_per_sec": (now.traffic.rx_bytes - before.traffic.rx_bytes) / seconds,
            "tx_bytes_per_sec": (now.traffic.tx_bytes - before.traffic.tx_bytes) / seconds,
        }
    return document


def network_of(runner: Runner, container: Container) -> tuple[str, str]:
    """Return what the network knows the container's own namespace by, and its device there; both empty if it has none."""
    task = runner.spec
    if task.network_mode is NetworkMode.AWSVPC:
        return (task.eni, task_device(task)) if runner.eni is not None else ("", "")
    if task.network_mode is NetworkMode.BRIDGE and not container.network_disabled:
        return container.runtime_id, "eth0"
    return "", ""


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _cpu(sample: Sample) -> dict[str, Any]:
    return {
        "cpu_usage": {
            "total_usage": sample.stats.cpu_nanoseconds,
            "percpu_usage": None,
            "usage_in_kernelmode": 0,
            "usage_in_usermode": 0,
        },
        "system_cpu_usage": sample.machine_nanoseconds,
        "online_cpus": sample.cpus,
        "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0},
    }


def _block_io(stats: Stats) -> dict[str, Any]:
    read, written = stats.block_read_bytes, stats.block_write_bytes
    return {
        "io_service_bytes_recursive": [
            {"major": 0, "minor": 0, "op": "Read", "value": read},
            {"major": 0, "minor": 0, "op": "Write", "value": written},
            {"major": 0, "minor": 0, "op": "Total", "value": read + written},
        ],
    }


def _network(traffic: Traffic) -> dict[str, int]:
    return {
        "rx_bytes": traffic.rx_bytes,
        "rx_packets": traffic.rx_packets,
        "rx_errors": traffic.rx_errors,
        "rx_dropped": traffic.rx_dropped,
        "tx_bytes": traffic.tx_bytes,
        "tx_packets": traffic.tx_packets,
        "tx_errors": traffic.tx_errors,
        "tx_dropped": traffic.tx_dropped,
    }


class StatsReader:
    """Measures containers, and remembers the last measurement of each."""

    def __init__(self, runtime: Runtime, network: NetworkDriver, clock: Clock) -> None:
        self._runtime = runtime
        self._network = network
        self._clock = clock
        self._last: dict[str, tuple[Sample, Sample]] = {}

    async def container(self, runner: Runner, container: Container) -> dict[str, Any] | None:
        """Return the container's document, or None if it does not run."""
        if runner.state.containers[container.name].stage is not Stage.RUNNING:
            self._last.pop(container.runtime_id, None)
            return None
        try:
            now, before = await self._pair(runner, container)
        except (RuntimeFailed, NetworkError):
            return None  # it has ended meanwhile
        self._last[container.runtime_id] = (now, before)
        return stats_document(container, now, before, network_of(runner, container)[1])

    async def task(self, runner: Runner) -> dict[str, Any]:
        """Return the documents of all containers by runtime id."""
        containers = runner.spec.containers
        found = await asyncio.gather(*(self.container(runner, c) for c in containers))
        return {c.runtime_id: document for c, document in zip(containers, found, strict=True)}

    async def _pair(self, runner: Runner, container: Container) -> tuple[Sample, Sample]:
        known = self._last.get(container.runtime_id)
        if known is not None and self._clock.now() - known[0].at < _FRESH:
            return known
        if known is not None:
            return await self._measure(runner, container), known[0]
        first = await self._measure(runner, container)
        await asyncio.sleep(_FIRST_INTERVAL)
        return await self._measure(runner, container), first

    async def _measure(self, runner: Runner, container: Container) -> Sample:
        stats = await self._runtime.stats(container.runtime_id)
        namespace, _ = network_of(runner, container)
        traffic = await self._network.traffic(namespace) if namespace else Traffic()
        busy, cpus = _machine()
        return Sample(self._clock.now(), stats, traffic, busy, cpus)

    def forget(self, running: set[str]) -> None:
        """Forget containers that are not among *running*."""
        self._last = {name: pair for name, pair in self._last.items() if name in running}


def _machine() -> tuple[int, int]:
    """Return the machine's CPU time so far, idle time included as Docker counts it, and its processors."""
    lines = _PROC_STAT.read_text().splitlines()
    ticks = sum(int(field) for field in lines[0].split()[1:9])
    return ticks * _TICK, sum(1 for line in lines[1:] if line.startswith("cpu"))
