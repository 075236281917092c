"""cgroups of the second generation: one tree, in which crun makes the container's leaf below our task's cgroup."""

import contextlib
from pathlib import Path
from typing import Any

from homeport.runtime.cgroups import (
    CPU_PERIOD,
    DEVICES,
    MOUNT,
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

_WANTED = ("cpu", "memory", "pids", "io")


def cpu_weight(shares: int) -> int:
    """Convert CPU shares (2..262144) to a weight (1..10000), as OCI runtimes do."""
    return 1 + ((min(max(shares, 2), 262_144) - 2) * 9999) // 262_142


class CgroupsV2:
    """Task and container cgroups below *root* of the unified tree."""

    def __init__(self, root: str, tree: Path = MOUNT) -> None:
        available = (tree / "cgroup.controllers").read_text().split()
        if missing := [name for name in ("cpu", "memory", "pids") if name not in available]:
            raise RuntimeFailed(f"this machine's kernel lacks the cgroup controllers {', '.join(missing)}")
        self.runtime_arguments = ("--cgroup-manager=cgroupfs",)
        self._tree = tree
        self._base = tree / root
        self._controllers = " ".join(f"+{name}" for name in _WANTED if name in available)

    def _delegate(self, directory: Path) -> None:
        write(directory / "cgroup.subtree_control", self._controllers)

    def ensure_group(self, group: str, limits: Limits) -> None:
        directory = self._base / group
        if outer(group) and not directory.parent.exists():
            raise RuntimeFailed(f"the group {outer(group)} does not exist")
        if not directory.exists():
            above = self._tree
            for part in directory.relative_to(self._tree).parts:
                self._delegate(above)
                above /= part
                above.mkdir(exist_ok=True)
            self._delegate(directory)
        self._apply(limits, directory)

    def remove_group(self, group: str) -> None:
        remove([self._base / group])

    def _apply(self, limits: Limits, directory: Path) -> None:
        quota = cpu_quota(limits)
        write(directory / "cpu.max", f"{'max' if quota < 0 else quota} {CPU_PERIOD}")
        write(directory / "cpu.weight", str(cpu_weight(limits.cpu_shares or 1024)))
        write(directory / "memory.max", "max" if limits.memory_bytes is None else str(limits.memory_bytes))
        write(directory / "memory.low", str(limits.memory_reservation_bytes or 0))
        write(directory / "pids.max", "max" if limits.pids is None else str(limits.pids))
        if limits.memory_bytes is not None:
            with contextlib.suppress(FileNotFoundError):  # swap is not accounted on every kernel
                write(directory / "memory.swap.max", "0")

    def make_leaf(self, leaf: Leaf, limits: Limits) -> None:
        if not (self._base / leaf.group).exists():
            raise RuntimeFailed(f"the group {leaf.group} does not exist")
        directory = self._base / leaf.group / leaf.id
        remove([directory])
        # Made and limited here, so that the limits hold from the runtime's first instruction in it.
        directory.mkdir()
        self._apply(limits, directory)

    def remove_leaf(self, leaf: Leaf) -> None:
        remove([self._base / leaf.group / leaf.id])

    def release_cpu(self, group: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            write(self._base / group / "cpu.max", "max")

    def kill_leaf(self, leaf: Leaf) -> None:
        kill([self._base / leaf.group / leaf.id])

    def entrances(self, leaf: Leaf) -> tuple[str, ...]:
        del leaf  # crun enters it
        return ()

    def section(self, leaf: Leaf, limits: Limits) -> dict[str, Any]:
        del limits  # already on the leaf
        path = (self._base / leaf.group / leaf.id).relative_to(self._tree)
        devices: list[dict[str, Any]] = [{"allow": False, "access": "rwm"}]
        for kind, major, minor, access in DEVICES:
            numbers = {"major": major, "minor": minor}
            given = {name: value for name, value in numbers.items() if value is not None}
            devices.append({"allow": True, "type": kind, "access": access, **given})
        return {"cgroupsPath": f"/{path}", "resources": {"devices": devices}}

    def mounts(self, leaf: Leaf) -> list[dict[str, Any]]:
        del leaf  # the container's cgroup namespace makes it the root
        options = ["nosuid", "noexec", "nodev", "relatime", "ro"]
        return [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": options}]

    def make_exec(self, leaf: Leaf, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        try:
            (self._base / leaf.group / leaf.id / name).mkdir()
        except FileNotFoundError as error:
            raise RuntimeFailed(f"the container {leaf.id} is not running") from error
        return (), (f"--cgroup={name}",)

    def exec_directory(self, leaf: Leaf, name: str) -> Path:
        return self._base / leaf.group / leaf.id / name

    def oom_kills(self, leaf: Leaf) -> int:
        return keyed(self._base / leaf.group / leaf.id / "memory.events", "oom_kill")

    def stats(self, leaf: Leaf) -> Stats:
        directory = self._base / leaf.group / leaf.id
        if not directory.exists():
            raise RuntimeFailed(f"the container {leaf.id} is not running")
        limits = [number(d / "memory.max") for d in upwards(directory, self._base)]
        totals = {"rbytes": 0, "wbytes": 0}
        with contextlib.suppress(OSError):
            for word in (directory / "io.stat").read_text().split():
                name, _, value = word.partition("=")
                if name in totals:
                    totals[name] += int(value)
        return Stats(
            cpu_nanoseconds=keyed(directory / "cpu.stat", "usage_usec") * 1000,
            memory_bytes=number(directory / "memory.current"),
            memory_limit_bytes=min(limit for limit in (*limits, memory_total()) if limit > 0),
            memory_peak_bytes=number(directory / "memory.peak"),
            pids=number(directory / "pids.current"),
            block_read_bytes=totals["rbytes"],
            block_write_bytes=totals["wbytes"],
            memory_inactive_file_bytes=keyed(directory / "memory.stat", "inactive_file"),
        )

    def destroy(self) -> None:
        remove([self._base])
