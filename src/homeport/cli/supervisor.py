"""
Keep a server and a node running, and perhaps a command beside them.

Single-threaded and free of asyncio on purpose: inside a lab this process is number 1 of its PID
namespace and must reap whatever is left to it.
"""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from homeport.kit.installation import FILE, Installation

_READY = b"SN"  # what the server writes: S when it listens, N when its node has joined
_PATIENCE = 120.0  # seconds for a start that normally takes less than one, on a machine that is overloaded


class StartFailed(Exception):
    """Server or node did not come up; the message quotes their logs."""


@dataclass
class _Program:
    name: str
    argv: Sequence[str]
    pid: int = 0
    started_at: float = 0.0
    failures: int = 0
    restart_at: float | None = None


class Supervisor:
    """
    Runs the programs of one installation, by name; one that dies is started again.

    Between them they write "S" and "N" to the descriptor in HOMEPORT_READY_FD when all is up.
    """

    def __init__(self, installation: Installation, programs: Mapping[str, Sequence[str]]) -> None:
        self._installation = installation
        self._programs = [_Program(name, argv) for name, argv in programs.items()]
        self._ready_read, self._ready_write = os.pipe()
        self._signals: list[int] = []
        self._wakeup_read, self._wakeup_write = os.pipe()
        for end in (self._wakeup_read, self._wakeup_write):
            os.set_blocking(end, False)

    def start(self) -> None:
        """Start both programs and return when the server answers and the node has joined it."""
        signal.set_wakeup_fd(self._wakeup_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda number, _: self._signals.append(number))
        prepare_directories(self._installation)
        for program in self._programs:
            self._spawn(program)
        self._await_ready()

    def _spawn(self, program: _Program) -> None:
        log_file = self._installation.log_file(program.name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        program.pid = os.posix_spawnp(
            program.argv[0],
            list(program.argv),
            {**os.environ, "HOMEPORT_READY_FD": str(self._ready_write), "PYTHONUNBUFFERED": "1"},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log_file), flags, 0o640),
                (os.POSIX_SPAWN_DUP2, 1, 2),
                (os.POSIX_SPAWN_DUP2, self._ready_write, self._ready_write),  # onto itself: inherited by it alone
            ],
            setsid=True,  # Ctrl-C is for the command in the foreground, not for us
            setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD],
        )
        Path(self._installation.run, f"{program.name}.pid").write_text(f"{program.pid}\n")
        program.started_at = time.monotonic()
        program.restart_at = None

    def _await_ready(self) -> None:
        seen = b""
        deadline = time.monotonic() + _PATIENCE
        while set(_READY) - set(seen):
            left = max(0.0, deadline - time.monotonic())
            readable, _, _ = select.select([self._ready_read, self._wakeup_read], [], [], left)
            if self._ready_read in readable:
                seen += os.read(self._ready_read, 16)
            if self._signals:
                raise StartFailed("interrupted")
            ended = dict(self._reap())
            dead = [program for program in self._programs if program.pid in ended]
            for program in dead:
                program.pid = 0  # the number may be another process's by the time of `stop`
            if dead or time.monotonic() >= deadline:
                raise StartFailed(self._explain())

    def _explain(self) -> str:
        parts = ["Homeport did not start; the ends of its logs:"]
        for program in self._programs:
            log_file = self._installation.log_file(program.name)
            with contextlib.suppress(FileNotFoundError):
                tail = log_file.read_text(errors="replace").splitlines()[-15:]
                parts += [f"--- {log_file}", *tail]
        return "\n".join(parts)

    def run_command(self, argv: Sequence[str], environment: Mapping[str, str]) -> int:
        """Run *argv* in the foreground and return its exit code as a shell would, whatever signals come."""
        try:
            pid = os.posix_spawnp(
                argv[0],
                list(argv),
                dict(environment),
                setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD],
            )
        except OSError as error:
            print(f"homeport: {argv[0]}: {error.strerror}", file=sys.stderr)
            return 127 if isinstance(error, FileNotFoundError) else 126
        status = self._watch(lambda ended: ended.get(pid), lambda number: _forward(pid, number))
        return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)

    def run_until_signal(self) -> None:
        """Keep the programs running until SIGINT, SIGTERM or SIGHUP."""
        asked: list[int] = []
        self._watch(lambda _: 0 if asked else None, asked.append)

    def _watch(self, done: Callable[[dict[int, int]], int | None], on_signal: Callable[[int], None]) -> int:
        """Restart what dies until *done* returns a value for the processes that have ended."""
        while True:
            ended = dict(self._reap())
            for program in self._programs:
                if program.pid in ended:
                    self._schedule_restart(program)
            while self._signals:
                on_signal(self._signals.pop(0))
            if (result := done(ended)) is not None:
                return result
            self._restart_due()
            waits = [program.restart_at for program in self._programs if program.restart_at is not None]
            timeout = max(0.0, min(waits) - time.monotonic()) if waits else None
            select.select([self._wakeup_read], [], [], timeout)
            with contextlib.suppress(BlockingIOError):
                os.read(self._wakeup_read, 4096)

    def _schedule_restart(self, program: _Program) -> None:
        """Restart at once what had run for a while, later and later what keeps dying young."""
        program.pid = 0
        lived = time.monotonic() - program.started_at
        program.failures = 0 if lived > 1.0 else program.failures + 1
        program.restart_at = time.monotonic() + min(5.0, 0.1 * program.failures)

    def _restart_due(self) -> None:
        for program in self._programs:
            if program.restart_at is not None and program.restart_at <= time.monotonic():
                self._spawn(program)

    def _reap(self) -> list[tuple[int, int]]:
        ended = []
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                ended.append(found)
        return ended

    def stop(self) -> None:
        """End both programs: politely, then not."""
        for number, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
            for program in self._programs:
                if program.pid:
                    _forward(program.pid, number)
            deadline = time.monotonic() + patience
            while any(program.pid for program in self._programs) and time.monotonic() < deadline:
                ended = dict(self._reap())
                for program in self._programs:
                    if program.pid in ended:
                        program.pid = 0
                select.select([self._wakeup_read], [], [], 0.05)
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wakeup_read, 4096)


def programs_of(installation: Installation) -> dict[str, list[str]]:
    """Return the command lines of an installation's server and node."""
    config = str(Path(installation.run, FILE))
    return {
        "server": [*_unprivileged(), sys.executable, "-m", "homeport.server", config],
        "node": [sys.executable, "-m", "homeport.node", config],
    }


def _forward(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def prepare_directories(installation: Installation) -> None:
    """Make the directories of an installation; the server's belong to the user it runs as."""
    for folder in (installation.state, installation.run, str(installation.log_file("x").parent)):
        Path(folder).mkdir(parents=True, exist_ok=True)
        Path(folder).chmod(0o755)
    for folder in (str(installation.node_state), str(installation.node_run)):
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    user = server_user()
    for path in (installation.server_state, installation.wire_socket.parent):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    _give_keys(installation)
    for path in (installation.server_state, installation.wire_socket.parent):
        if user is not None:
            for entry in (path, *path.iterdir()):
                os.chown(entry, *user)
    installation.write()


def _give_keys(installation: Installation) -> None:
    """Give the server, which may not be able to read the operator's file, a copy of the store's keys."""
    target = installation.store_keys_file
    target.unlink(missing_ok=True)
    if installation.s3_endpoint:
        target.touch(mode=0o600)
        target.write_bytes(Path(installation.s3_credentials).read_bytes())


def server_user() -> tuple[int, int] | None:
    """
    Return the uid and gid the server runs as, or None if it must stay what we are.

    It is the system user `homeport` where it exists and can read this installation of Python.
    """
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        entry = pwd.getpwnam("homeport")
    except KeyError:
        return None
    needed = (Path(sys.executable), Path(sys.executable).resolve(), Path(__file__).resolve())
    if all(_readable_by_others(path) for path in needed):
        return entry.pw_uid, entry.pw_gid
    return None


def _readable_by_others(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.parents) and bool(path.stat().st_mode & 0o004)


def _unprivileged() -> list[str]:
    """Return the command prefix that takes every privilege from the server."""
    if os.geteuid() != 0:
        return []
    user = server_user()
    identity = [f"--reuid={user[0]}", f"--regid={user[1]}", "--clear-groups"] if user is not None else []
    return ["setpriv", *identity, "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--"]
