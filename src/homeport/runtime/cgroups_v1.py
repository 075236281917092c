"""
cgroups of the first generation, each controller a tree of its own; "hybrid" machines too.

crun is told to leave cgroups alone.  The leaf is ours, and the runtime process writes itself into it
before it becomes crun.  Moving *another* process costs an RCU grace period, 5 to 15 ms on an idle
machine; moving oneself through `tasks` costs nothing.
"""

import contextlib
import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

from homeport.runtime.cgroups import (
    CPU_PERIOD,
    DEVICES,
    Leaf,
    cpu_quota,
    keyed,
    kill,
    memory_total,
    number,
    outer,
    remove,
    upwards,
    write,
)
from homeport.runtime.protocol import Limits, RuntimeFailed, Stats

CONTROLLERS = ("cpu", "cpuacct", "memory", "pids", "devices", "freezer", "blkio")
_VISIBLE = ("cpu", "cpuacct", "memory", "pids", "blkio")  # what language runtimes look at
_DEFAULT_SHARES = 1024


class CgroupsV1:
    """Task and container cgroups below *root* in every controller's tree; *trees* by controller."""

    def __init__(self, root: str, trees: dict[str, Path]) -> None:
        if missing := [name for name in ("cpu", "memory", "pids", "devices") if name not in trees]:
            raise RuntimeFailed(f"this machine's kernel lacks the cgroup controllers {', '.join(missing)}")
        self.runtime_arguments = ("--cgroup-manager=disabled",)
        self._root = root
        self._trees = {name: tree for name, tree in trees.items() if name in CONTROLLERS}
        self._bases = tuple(dict.fromkeys(tree / root for tree in self._trees.values()))

    def _directory(self, controller: str, *names: str) -> Path:
        return self._trees[controller].joinpath(self._root, *names)

    def _all(self, *names: str) -> list[Path]:
        return [base.joinpath(*names) for base in self._bases]

    def _ensure_root(self) -> None:
        devices = self._directory("devices")
        if devices.exists():
            return
        for directory in self._all():
            directory.mkdir(parents=True, exist_ok=True)
        # Every cgroup made below inherits this list.
        write(devices / "devices.deny", "a")
        for kind, major, minor, access in DEVICES:
            numbers = ":".join("*" if n is None else str(n) for n in (major, minor))
            write(devices / "devices.allow", f"{kind} {numbers} {access}")

    def ensure_group(self, group: str, limits: Limits) -> None:
        self._ensure_root()
        try:
            for directory in self._all(group):
                directory.mkdir(exist_ok=True)
        except FileNotFoundError as error:
            raise RuntimeFailed(f"the group {outer(group)} does not exist") from error
        self._apply(self._within(limits, outer(group)), group)

    def _within(self, limits: Limits, group: str) -> Limits:
        """Return *limits* with no more CPU time than the outer *group* has: the kernel takes no more here."""
        quota = number(self._directory("cpu", group) / "cpu.cfs_quota_us") if group else -1
        if limits.cpu_quota is None or quota <= 0:
            return limits
        return replace(limits, cpu_quota=min(limits.cpu_quota, quota / CPU_PERIOD))

    def remove_group(self, group: str) -> None:
        remove(self._all(group))

    def make_leaf(self, leaf: Leaf, limits: Limits) -> None:
        directories = self._all(leaf.group, leaf.id)
        try:
            for directory in directories:
                directory.mkdir()
        except FileExistsError:
            remove(directories)
            for directory in directories:
                directory.mkdir()
        except FileNotFoundError as error:
            raise RuntimeFailed(f"the group {leaf.group} does not exist") from error
        self._apply(limits, leaf.group, leaf.id)

    def _apply(self, limits: Limits, *names: str) -> None:
        cpu, memory, pids = (self._directory(name, *names) for name in ("cpu", "memory", "pids"))
        fresh = len(names) > 1  # a new cgroup is unlimited: say only what differs
        if limits.cpu_quota is not None or not fresh:
            write(cpu / "cpu.cfs_period_us", str(CPU_PERIOD))
            write(cpu / "cpu.cfs_quota_us", str(cpu_quota(limits)))
        if limits.cpu_shares is not None or not fresh:
            write(cpu / "cpu.shares", str(_DEFAULT_SHARES if limits.cpu_shares is None else max(2, limits.cpu_shares)))
        if limits.memory_bytes is not None or not fresh:
            _limit_memory(memory, -1 if limits.memory_bytes is None else limits.memory_bytes)
        if limits.memory_reservation_bytes is not None:
            write(memory / "memory.soft_limit_in_bytes", str(limits.memory_reservation_bytes))
        if limits.pids is not None or not fresh:
            write(pids / "pids.max", "max" if limits.pids is None else str(limits.pids))

    def remove_leaf(self, leaf: Leaf) -> None:
        remove(self._all(leaf.group, leaf.id))

    def release_cpu(self, group: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            write(self._directory("cpu", group) / "cpu.cfs_quota_us", "-1")

    def kill_leaf(self, leaf: Leaf) -> None:
        kill([self._directory("pids", leaf.group, leaf.id)])

    def entrances(self, leaf: Leaf) -> tuple[str, ...]:
        return tuple(str(directory / "tasks") for directory in self._all(leaf.group, leaf.id))

    def section(self, leaf: Leaf, limits: Limits) -> dict[str, Any]:
        del leaf, limits  # all is done before crun starts
        return {}

    def mounts(self, leaf: Leaf) -> list[dict[str, Any]]:
        tmpfs = {
            "destination": "/sys/fs/cgroup",
            "type": "tmpfs",
            "source": "tmpfs",
            "options": ["nosuid", "noexec", "nodev", "mode=755", "size=64k"],
        }
        visible = dict.fromkeys(self._trees[name] for name in _VISIBLE if name in self._trees)
        binds = [
            {
                "destination": f"/sys/fs/cgroup/{tree.name}",
                "type": "bind",
                "source": str(tree.joinpath(self._root, leaf.group, leaf.id)),
                "options": ["bind", "ro", "nosuid", "noexec", "nodev"],
            }
            for tree in visible
        ]
        return [tmpfs, *binds]

    def make_exec(self, leaf: Leaf, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        inner = self._directory("pids", leaf.group, leaf.id, name)
        try:
            inner.mkdir()
        except FileNotFoundError as error:
            raise RuntimeFailed(f"the container {leaf.id} is not running") from error
        outer = str(inner.parent / "tasks")
        return tuple(str(inner / "tasks") if path == outer else path for path in self.entrances(leaf)), ()

    def exec_directory(self, leaf: Leaf, name: str) -> Path:
        return self._directory("pids", leaf.group, leaf.id, name)

    def oom_kills(self, leaf: Leaf) -> int:
        return keyed(self._directory("memory", leaf.group, leaf.id) / "memory.oom_control", "oom_kill")

    def stats(self, leaf: Leaf) -> Stats:
        memory = self._directory("memory", leaf.group, leaf.id)
        if not memory.exists():
            raise RuntimeFailed(f"the container {leaf.id} is not running")
        limits = [number(d / "memory.limit_in_bytes") for d in upwards(memory, self._directory("memory"))]
        accounting = self._trees.get("cpuacct", self._trees["cpu"]).joinpath(self._root, leaf.group, leaf.id)
        read, written = self._block_io(leaf)
        return Stats(
            cpu_nanoseconds=number(accounting / "cpuacct.usage"),
            memory_bytes=number(memory / "memory.usage_in_bytes"),
            memory_limit_bytes=min(limit for limit in (*limits, memory_total()) if limit > 0),
            memory_peak_bytes=number(memory / "memory.max_usage_in_bytes"),
            pids=number(self._directory("pids", leaf.group, leaf.id) / "pids.current"),
            block_read_bytes=read,
            block_write_bytes=written,
            memory_inactive_file_bytes=keyed(memory / "memory.stat", "total_inactive_file"),
        )

    def _block_io(self, leaf: Leaf) -> tuple[int, int]:
        totals = {"Read": 0, "Write": 0}
        with contextlib.suppress(OSError, KeyError):
            path = self._directory("blkio", leaf.group, leaf.id) / "blkio.throttle.io_service_bytes"
            for line in path.read_text().splitlines():
                fields = line.split()
                if len(fields) == 3 and fields[1] in totals:
                    totals[fields[1]] += int(fields[2])
        return totals["Read"], totals["Write"]

    def destroy(self) -> None:
        remove(self._all())


def _limit_memory(directory: Path, limit: int) -> None:
    """Limit memory, swap included: a task has none, as on Fargate."""
    plain, with_swap = directory / "memory.limit_in_bytes", directory / "memory.memsw.limit_in_bytes"
    try:
        write(plain, str(limit))
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # The limit with swap may never be the lower one; when raising both it goes first.
        write(with_swap, str(limit))
        write(plain, str(limit))
    else:
        with contextlib.suppress(FileNotFoundError):  # swap is not accounted on every kernel
            write(with_swap, str(limit))
