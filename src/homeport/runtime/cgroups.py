"""
One cgroup per task, one below it per container: limits, accounting, and who is to be killed.

A group may lie in another, as an instance's tasks do in the instance: it is called OUTER/INNER then, and the outer
one's limits bound all that is in it.

What both generations of cgroups share is here; `cgroups_v1.py` and `cgroups_v2.py` differ in files
and in who makes the leaf.
"""

import contextlib
import errno
import os
import select
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from homeport.runtime.protocol import Limits, RuntimeFailed, Stats

MOUNT = Path("/sys/fs/cgroup")
CPU_PERIOD = 100_000  # microseconds
_SMALLEST_QUOTA = 1_000  # the kernel takes no less
_PATIENCE = 10.0  # seconds for killed processes to be gone
_WATCHED = 64  # killed processes that are waited for at a time

# What a container may do with devices: make any node, use only these (Docker's list).
DEVICES = (
    ("c", None, None, "m"),
    ("b", None, None, "m"),
    ("c", 1, 3, "rwm"),  # null
    ("c", 1, 5, "rwm"),  # zero
    ("c", 1, 7, "rwm"),  # full
    ("c", 1, 8, "rwm"),  # random
    ("c", 1, 9, "rwm"),  # urandom
    ("c", 5, 0, "rwm"),  # tty
    ("c", 5, 1, "rwm"),  # console
    ("c", 5, 2, "rwm"),  # ptmx
    ("c", 136, None, "rwm"),  # pts
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A container's cgroup, named by its task's group and its own id."""

    group: str
    id: str


class Cgroups(Protocol):
    """The cgroups of one runtime, all below one root of its own."""

    @property
    def runtime_arguments(self) -> tuple[str, ...]:
        """Global arguments for crun."""

    def ensure_group(self, group: str, limits: Limits) -> None:
        """Make the group, or give the one that exists these limits.  Raises RuntimeFailed if its outer one is missing."""

    def remove_group(self, group: str) -> None:
        """Kill whatever is in the group, in groups inside it too, and remove it."""

    def make_leaf(self, leaf: Leaf, limits: Limits) -> None:
        """Make a container's cgroup afresh, its counters at zero; what an earlier run left in it is killed."""

    def remove_leaf(self, leaf: Leaf) -> None:
        """Kill whatever is in the container's cgroup and remove it."""

    def release_cpu(self, group: str) -> None:
        """Take the cap off a group that shall die: a killed process waits for its share of CPU time first."""

    def kill_leaf(self, leaf: Leaf) -> None:
        """Kill whatever is in the container's cgroup, but keep its counters."""

    def entrances(self, leaf: Leaf) -> tuple[str, ...]:
        """Return the files to which a process writes 0 to enter; none if crun does the entering."""

    def section(self, leaf: Leaf, limits: Limits) -> dict[str, Any]:
        """Return what belongs under `linux` in the container's configuration."""

    def mounts(self, leaf: Leaf) -> list[dict[str, Any]]:
        """Return the mounts through which a container sees its own limits, read-only."""

    def make_exec(self, leaf: Leaf, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Make a cgroup inside the container's for one command: entrances, and arguments for `crun exec`."""

    def exec_directory(self, leaf: Leaf, name: str) -> Path:
        """Return the cgroup that `make_exec` made."""

    def oom_kills(self, leaf: Leaf) -> int:
        """Return how many processes of this very container the kernel killed for memory."""

    def stats(self, leaf: Leaf) -> Stats:
        """Return the container's consumption now.  Raises RuntimeFailed if its cgroup is gone."""

    def destroy(self) -> None:
        """Remove the root with all that is below it."""


def cpu_quota(limits: Limits) -> int:
    """Return the quota in microseconds per period, -1 for none."""
    return -1 if limits.cpu_quota is None else max(_SMALLEST_QUOTA, int(limits.cpu_quota * CPU_PERIOD))


def outer(group: str) -> str:
    """Return the group that *group* lies in; empty if it lies in none."""
    return group.rpartition("/")[0]


def upwards(directory: Path, base: Path) -> list[Path]:
    """Return *directory* and those above it, as far as *base*, which is left out."""
    return [directory, *(above for above in directory.parents if above.is_relative_to(base) and above != base)]


def write(path: Path, text: str) -> None:
    """Write to a control file in one write, as the kernel wants it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def number(path: Path, default: int = 0) -> int:
    """Read a control file that holds one number; "max" and a missing file give the default."""
    try:
        text = path.read_text().strip()
    except OSError:
        return default
    return int(text) if text.lstrip("-").isdigit() else default


def keyed(path: Path, key: str) -> int:
    """Read one number from a control file of "KEY NUMBER" lines; 0 where there is none."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return next((int(value) for name, _, value in (line.partition(" ") for line in lines) if name == key), 0)


def members(directory: Path) -> set[int]:
    """Return the processes in a cgroup and in all cgroups below it."""
    found: set[int] = set()
    for parent, _, _ in os.walk(directory):
        with contextlib.suppress(OSError):
            found.update(int(line) for line in Path(parent, "cgroup.procs").read_text().split())
    found.discard(0)  # a process of another PID namespace, which nobody here could signal
    return found


def kill(directories: Iterable[Path]) -> None:
    """Kill every process in the cgroups and wait until they have ended.  Raises RuntimeFailed if some do not."""
    directories = list(directories)
    deadline = time.monotonic() + _PATIENCE
    while pids := set().union(*(members(directory) for directory in directories)):
        if time.monotonic() > deadline:
            raise RuntimeFailed(f"processes {sorted(pids)} do not end though they were killed")
        kill_processes(pids, deadline)


def kill_processes(pids: Iterable[int], deadline: float) -> None:
    """
    Send SIGKILL to processes and wait for the first of them, at most until *deadline* on the monotonic clock.

    Not for all: there may be more of them than we may open files.
    """
    watched: list[int] = []
    try:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                descriptor = os.pidfd_open(pid)
                watched.append(descriptor)
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                if len(watched) > _WATCHED:
                    os.close(watched.pop())
        for descriptor in watched:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
    finally:
        for descriptor in watched:
            os.close(descriptor)


def remove(directories: Sequence[Path]) -> None:
    """Kill what is in the cgroups and remove them with all below.  Raises RuntimeFailed."""
    kill(directories)
    deadline = time.monotonic() + _PATIENCE
    for directory in directories:
        for parent, _, _ in os.walk(directory, topdown=False):
            _remove_one(Path(parent), deadline)


def _remove_one(path: Path, deadline: float) -> None:
    while True:
        try:
            path.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            # The last process is a moment from leaving, or something was forked behind our back.
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise RuntimeFailed(f"cannot remove the cgroup {path}: {error.strerror}") from error
            kill([path])
            time.sleep(0.001)
        else:
            return


def memory_total() -> int:
    """Return the machine's memory in bytes: the limit of what has no other."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
