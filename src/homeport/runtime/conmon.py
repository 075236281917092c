"""
One run of a container: its directory, the conmon that owns it, and what they tell.

Everything is read from the directory and from /proc, so a process that comes after us knows as
much as we do.
"""

import asyncio
import contextlib
import errno
import json
import os
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from homeport.runtime.protocol import ProcessFailed, RuntimeFailed

_PATIENCE = 60.0  # seconds for conmon to say that the container is made
_GATE_PAUSE = 0.0002
WAITING_PROGRAM = "/memfd:crun"  # what a container's first process is before it becomes the container's own


@dataclass(frozen=True, slots=True)
class Run:
    """The files of one run of container *id*; a restart in place is another run beside it."""

    id: str
    number: int
    directory: Path
    record: Path  # the container's directory that outlives a reboot

    @property
    def config(self) -> Path:
        return self.directory / "config.json"

    @property
    def state_root(self) -> Path:
        """crun's own state: of this run only."""
        return self.directory / "crun"

    @property
    def gate(self) -> Path:
        """The pipe at which a made container waits for its start."""
        return self.state_root / self.id / "exec.fifo"

    @property
    def made_file(self) -> Path:
        """What crun writes when the container is made: the pipe, and a first process, are there before."""
        return self.state_root / self.id / "status"

    @property
    def exit_file(self) -> Path:
        return self.directory / "exit"

    @property
    def started_file(self) -> Path:
        """Holds the time of the start; written just before it."""
        return self.record / f"started.{self.number}"

    def record_start(self, time: float) -> None:
        """Record the start, whole or not at all."""
        fresh = self.record / "starting"
        fresh.write_text(repr(time))
        fresh.rename(self.started_file)

    def lost_at(self) -> float:
        """Return when it was found out that conmon died before its container; the same answer each time."""
        path = self.directory / "lost"
        if not path.exists():
            path.touch()
        return path.stat().st_mtime

    def conmon_pid(self) -> int | None:
        """Return conmon's process, if it lives.  Process ids are used again, so its arguments must name this run."""
        pid = _read_number(self.directory / "conmon.pid")
        if pid is None:
            return None
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return None
        return pid if os.fsencode(self.directory) in arguments else None

    def init_pid(self) -> int | None:
        """Return the container's first process, if it lives: a child of its conmon."""
        pid, conmon = _read_number(self.directory / "pidfile"), self.conmon_pid()
        if pid is None or conmon is None:
            return None
        try:
            status = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        state, parent = status.rpartition(")")[2].split()[:2]
        return pid if int(parent) == conmon and state not in "ZX" else None

    def waits(self) -> bool:
        """
        Tell whether the container is made and waits at its gate: its first process is still the runtime.

        The gate alone cannot tell, for we may have been killed between opening and removing it.  Nor can the first
        process: killed while it was made, we took with us what its making needs, and it is about to fail.
        """
        pid = self.init_pid()
        if pid is None or not self.gate.exists() or not self.made_file.exists():
            return False
        try:
            return str(Path(f"/proc/{pid}/exe").readlink()).startswith(WAITING_PROGRAM)
        except OSError:
            return False


def _read_number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def runtime_command(crun: str, entrances: Sequence[str]) -> list[str]:
    """
    Return the command of a crun that puts itself into cgroups before anything else.

    A shell does it, because a process moves itself for nothing while moving another is slow.
    """
    if not entrances:
        return [crun]
    files = " ".join(map(shlex.quote, entrances))
    return [
        "/bin/sh",
        "-c",
        f'for file in {files}; do echo 0 >"$file" || exit 125; done; exec {shlex.quote(crun)} "$@"',
        "crun",
    ]


def make(
    conmon: str, run: Run, command: Sequence[str], arguments: Sequence[str], log: Path, *, tty: bool, stdin: bool
) -> int:
    """
    Have conmon make the container described by the run's config.json, and return its first process.

    *command* is the OCI runtime, *arguments* its global ones.  Raises ProcessFailed with the runtime's words.
    """
    program, *first = command
    argv = [conmon, "--api-version", "1", "-c", run.id, "-u", run.id, "-n", run.id, "-r", program]
    for argument in (*first, "--root", str(run.state_root), *arguments):
        argv += ["--runtime-arg", argument]
    argv += ["-b", str(run.directory), "-p", str(run.directory / "pidfile")]
    argv += ["--conmon-pidfile", str(run.directory / "conmon.pid"), "--persist-dir", str(run.directory)]
    argv += ["--full-attach", "-l", f"k8s-file:{log}", "--log-level", "error"]
    if tty:
        argv.append("-t")
    if stdin:
        argv += ["-i", "--leave-stdin-open"]
    reader, writer = os.pipe2(os.O_CLOEXEC)
    with open(reader, "rb", buffering=0) as replies:  # noqa: PTH123 - a descriptor, not a path
        try:
            process = subprocess.Popen(
                argv,
                cwd=run.directory,  # conmon leaves a file in its working directory
                env={"PATH": os.environ.get("PATH", ""), "_OCI_SYNCPIPE": str(writer)},
                pass_fds=(writer,),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        finally:
            os.close(writer)
        try:
            return _read_pid(replies.fileno())
        finally:
            _end_first(process)


def _end_first(process: subprocess.Popen[bytes]) -> None:
    """Take leave of conmon's first process, which only forks the one that stays."""
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _read_pid(pipe: int) -> int:
    deadline = time.monotonic() + _PATIENCE
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise RuntimeFailed(f"the container monitor did not answer within {_PATIENCE:.0f} seconds")
        part = os.read(pipe, 65536)
        if not part:
            raise RuntimeFailed("the container monitor ended without an answer")
        line += part
    answer: Mapping[str, object] = json.loads(line)
    pid = answer.get("data")
    if not isinstance(pid, int) or pid <= 0:
        raise ProcessFailed(str(answer.get("message") or "the container runtime failed without a message").strip())
    return pid


async def open_gate(run: Run) -> None:
    """
    Let a made container run: a byte through the pipe at which it waits, then the pipe is removed.

    That is all `crun start` does for a container without hooks.  Raises RuntimeFailed.
    """
    deadline = time.monotonic() + _PATIENCE
    while run.waits() and time.monotonic() < deadline:
        try:
            gate = os.open(run.gate, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise RuntimeFailed(f"cannot start the container {run.id}: {error.strerror}") from error
            await asyncio.sleep(_GATE_PAUSE)  # it is a moment from reading, or from running
            continue
        try:
            with contextlib.suppress(BrokenPipeError):  # it was killed meanwhile; its monitor says what became of it
                os.write(gate, b"1")
        finally:
            os.close(gate)
        break
    run.gate.unlink(missing_ok=True)
    monitored = run.conmon_pid() is not None  # first: it writes the exit file before it ends
    if not monitored and not run.exit_file.exists():
        raise RuntimeFailed(f"the container {run.id} ended before it was started")


def signal_number(name: str) -> int:
    """Return the number of SIGTERM, TERM, 15 or SIGRTMIN+3.  Raises RuntimeFailed."""
    text = name.upper()
    if text.isdigit() and 0 < int(text) <= signal.SIGRTMAX:
        return int(text)
    base, plus, offset = text.partition("+")
    number = getattr(signal, base if base.startswith("SIG") else f"SIG{base}", None)
    if not isinstance(number, signal.Signals) or (plus and not offset.isdigit()):
        raise RuntimeFailed(f"unknown signal {name}")
    return int(number) + int(offset or 0)


def reap(pid: int) -> None:
    """Take a dead conmon off the process table where that falls to us, as in a namespace whose init we are."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
