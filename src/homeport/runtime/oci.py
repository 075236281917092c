"""
Containers from overlay, conmon and crun, with nothing of ours in between.

A container's life is in its directories (`records.py`, `conmon.py`) and in the kernel; this object holds only
locks and threads.  A new one over the same directories, after a crash or an upgrade, goes on where
the old one was, and no container notices.
"""

import asyncio
import contextlib
import os
import re
import signal as signals
import time
import weakref
from functools import partial
from pathlib import Path

import msgspec

from homeport.runtime import commands, conmon, machine, processes
from homeport.runtime.cgroups import Leaf
from homeport.runtime.conmon import Run
from homeport.runtime.launch import Launchers
from homeport.runtime.overlay import mounted
from homeport.runtime.protocol import (
    ExecResult,
    Existing,
    Exit,
    Limits,
    Running,
    RuntimeFailed,
    Spec,
    Stats,
)
from homeport.runtime.records import Records, run_state
from homeport.runtime.seccomp import Filters
from homeport.runtime.spec import Surroundings, oci_config, plan_capabilities
from homeport.runtime.users import find_user, read_in_root

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_CLOCK_OF_FILES = 5  # CLOCK_REALTIME_COARSE: ends and marks are times of files, so starts are told by the same clock
_LAST_WORDS = 5.0  # seconds that conmon has to write what a killed container had said


class OciRuntime:
    """
    The Runtime of this machine; see protocol.Runtime for what its verbs promise.

    *state* keeps what outlives a reboot, *run* what does not; both are this object's own, as is the
    cgroup *cgroup_root*.  Needs root.
    """

    def __init__(self, state: Path, run: Path, cgroup_root: str = "homeport") -> None:
        self._conmon = machine.get_program("conmon", "conmon")
        self._records = Records(state.absolute(), run.absolute())
        self._cgroups = machine.open_cgroups(cgroup_root)
        self._filters = Filters(state.absolute() / "seccomp")
        self._launchers = Launchers(machine.get_program("crun", "crun"))
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    def close(self) -> None:
        """Give threads and descriptors back.  Containers run on."""
        self._launchers.close()

    def _lock(self, container: str) -> asyncio.Lock:
        lock = self._locks.get(container)
        if lock is None:
            lock = self._locks[container] = asyncio.Lock()
        return lock

    # --- groups -----------------------------------------------------------------------------------

    async def ensure_group(self, group: str, limits: Limits) -> None:
        _check_group(group)
        self._cgroups.ensure_group(group, limits)

    async def remove_group(self, group: str) -> None:
        _check_group(group)
        await self._launchers.run(partial(self._cgroups.remove_group, group))

    # --- making and starting ----------------------------------------------------------------------

    async def create(self, spec: Spec) -> None:
        _check_name(spec.id)
        _check_group(spec.group)
        async with self._lock(spec.id):
            if (known := self._records.find(spec.id)) is not None:
                if known != spec:
                    raise RuntimeFailed(f"a container {spec.id} with another definition exists already")
                if self._records.find_state(spec.id) is not None or self._made(spec.id):
                    return
            if spec.id in self._records.ids():
                await self._launchers.run(partial(self._remove, spec.id))
            try:
                await self._make(spec)
            except RuntimeFailed:
                await self._launchers.run(partial(self._remove, spec.id))
                raise

    def _made(self, container: str) -> Run | None:
        """Return the latest run if it waits to be started."""
        runs = self._records.runs(container)
        return runs[-1] if runs and runs[-1].waits() else None

    async def _make(self, spec: Spec) -> Run:
        try:
            namespace = os.open(spec.network_namespace, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise RuntimeFailed(f"no network namespace at {spec.network_namespace}: {error.strerror}") from error
        try:
            return await self._launchers.run(partial(self._make_blocking, spec, f"/proc/{os.getpid()}/fd/{namespace}"))
        finally:
            os.close(namespace)

    def _make_blocking(self, spec: Spec, namespace: str) -> Run:
        leaf = Leaf(spec.group, spec.id)
        if self._records.find(spec.id) is None:
            self._records.put(spec)
        capabilities = plan_capabilities(spec.capabilities_add, spec.capabilities_drop, machine.allowed_capabilities())
        around = Surroundings(
            root=self._records.run / spec.id / "rootfs",
            network_namespace=namespace,
            pid_namespace=self._pid_namespace(spec.pid_namespace_of),
            init=machine.get_init() if spec.init else None,
            linux=self._cgroups.section(leaf, spec.limits),
            cgroup_mounts=self._cgroups.mounts(leaf),
            cgroup_namespace=not self._cgroups.entrances(leaf),
            seccomp_filter=self._filters.annotation(capabilities),
        )
        rlimits = machine.plan_rlimits(spec.rlimits)
        run = self._records.new_run(spec.id)
        self._cgroups.make_leaf(leaf, spec.limits)
        record = self._records.state / spec.id
        try:
            with mounted(spec.image.layers, record / "upper", record / "work", around.root):
                user = find_user(
                    spec.user, read_in_root(around.root, "/etc/passwd"), read_in_root(around.root, "/etc/group")
                )
                config = oci_config(spec, user, capabilities, rlimits, around)
                run.config.write_bytes(msgspec.json.encode(config))
                conmon.make(
                    self._conmon,
                    run,
                    conmon.runtime_command(self._launchers.crun, self._cgroups.entrances(leaf)),
                    self._cgroups.runtime_arguments,
                    spec.log_path,
                    tty=spec.tty,
                    stdin=spec.open_stdin,
                )
        except OSError as error:
            raise RuntimeFailed(f"cannot make the container {spec.id}: {error}") from error
        return run

    def _pid_namespace(self, container: str) -> str:
        if not container:
            return ""
        for run in reversed(self._records.runs(container)):
            if (pid := run.init_pid()) is not None:
                return f"/proc/{pid}/ns/pid"
        raise RuntimeFailed(f"the container {container}, whose PID namespace is to be shared, is not running")

    async def start(self, container: str) -> Running:
        async with self._lock(container):
            spec = self._records.get(container)
            if (run := self._made(container)) is None:
                state = self._records.find_state(container)
                if isinstance(state, Running):
                    return state
                run = await self._make(spec)
            pid, started_at = run.init_pid(), time.clock_gettime(_CLOCK_OF_FILES)
            if pid is None:
                raise RuntimeFailed(f"the container {container} ended before it was started")
            # First the record, then the deed: a run that waits at its gate has not begun, whatever is recorded.
            run.record_start(started_at)
            await conmon.open_gate(run)
            return Running(pid, started_at)

    # --- the end ----------------------------------------------------------------------------------

    async def wait(self, container: str) -> Exit:
        spec = self._records.get(container)
        while True:
            async with self._lock(container):  # a restart that is under way must not be taken for leftovers
                state = await self._launchers.run(partial(self._settle, spec))
            if isinstance(state, Exit):
                return state
            if state is None:
                raise RuntimeFailed(f"the container {container} was never started")
            for run in self._records.runs(container):
                if (pid := run.conmon_pid()) is not None:
                    await processes.ended(pid)
                    conmon.reap(pid)

    def _settle(self, spec: Spec) -> Running | Exit | None:
        """Return the container's state; of one that has ended no process is left behind."""
        state = self._records.find_state(spec.id)
        if not isinstance(state, Exit):
            return state
        leaf = Leaf(spec.group, spec.id)
        if self._made(spec.id) is None:
            self._cgroups.kill_leaf(leaf)
        return Exit(state.code, out_of_memory=self._cgroups.oom_kills(leaf) > 0, finished_at=state.finished_at)

    async def signal(self, container: str, signal: str) -> None:
        number = conmon.signal_number(signal)
        for run in self._records.runs(container):
            if (pid := run.init_pid()) is None:
                continue
            with contextlib.suppress(ProcessLookupError):
                descriptor = os.pidfd_open(pid)
                try:
                    if run.init_pid() == pid:  # the number was not given to somebody else in between
                        signals.pidfd_send_signal(descriptor, number)
                finally:
                    os.close(descriptor)

    async def remove(self, container: str) -> None:
        _check_name(container)
        async with self._lock(container):
            await self._launchers.run(partial(self._remove, container))

    def _remove(self, container: str) -> None:
        spec = self._records.find(container)
        if spec is not None:
            self._cgroups.kill_leaf(Leaf(spec.group, container))
        for run in self._records.runs(container):
            pid = run.conmon_pid()
            monitors = {pid} if pid is not None else processes.find_by_argument(str(run.directory))
            processes.end(monitors, patience=_LAST_WORDS)
        if spec is not None:
            self._cgroups.remove_leaf(Leaf(spec.group, container))
        self._records.remove(container)

    # --- inside -----------------------------------------------------------------------------------

    async def execute(self, container: str, argv: tuple[str, ...], timeout_seconds: float) -> ExecResult:
        spec = self._records.get(container)
        for run in reversed(self._records.runs(container)):
            if isinstance(run_state(run), Running):
                leaf = Leaf(spec.group, container)
                return await commands.execute(self._launchers, self._cgroups, run, leaf, argv, timeout_seconds)
        raise RuntimeFailed(f"the container {container} is not running")

    async def stats(self, container: str) -> Stats:
        spec = self._records.get(container)
        return self._cgroups.stats(Leaf(spec.group, container))

    # --- what is there ----------------------------------------------------------------------------

    async def existing(self) -> list[Existing]:
        return [await self._existing(container) for container in self._records.ids()]

    async def _existing(self, container: str) -> Existing:
        async with self._lock(container):
            if (spec := self._records.find(container)) is None:
                return Existing(container, "", None)  # killed while being made or removed
            return Existing(container, spec.group, await self._launchers.run(partial(self._settle, spec)))

    async def destroy(self) -> None:
        for group in {spec.group for container in self._records.ids() if (spec := self._records.find(container))}:
            self._cgroups.release_cpu(group)
        await asyncio.gather(*(self.remove(container) for container in self._records.ids()))
        await self._launchers.run(self._cgroups.destroy)


def _check_name(name: str) -> None:
    """Refuse what could not safely be a file name."""
    if not _NAME.fullmatch(name):
        raise RuntimeFailed(f"invalid container or group name {name!r}")


def _check_group(group: str) -> None:
    """Refuse what could not safely be a directory's name, or with one slash a directory's in another."""
    outer, slash, inner = group.partition("/")
    _check_name(outer)
    if slash:
        _check_name(inner)
