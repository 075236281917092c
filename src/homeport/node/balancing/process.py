"""
One load balancer's HAProxy: found by its command line, which names a configuration of ours, and never by a remembered id.

So after a crash of ours at any moment it is adopted, and after one of its own it is started anew.  A configuration that
cannot be changed in a running process is given to a new one: that takes the listening sockets over from the old, which
then finishes what its clients have begun and ends.  Every process has files of its own, numbered in their order.
"""

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Collection, Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from homeport.node.balancing.admin import Admin, AdminError
from homeport.node.balancing.config import Place, Rendered
from homeport.runtime.conmon import reap
from homeport.runtime.processes import ended

READY_SECONDS = 20.0
_PAUSE = 0.01
_MOST_CLIENTS, _FEWEST_CLIENTS = 20_000, 100
_OTHER_DESCRIPTORS = 4000  # for listeners and health checks
_KEPT_LOG = 500  # characters of a failure's message
_LISTED = (".cfg", ".sock", ".state", ".log")


class ProxyFailed(Exception):
    """The proxy could not be started; the message says why."""


@dataclass(frozen=True, slots=True)
class Process:
    """A proxy that runs: *number* counts the processes of its load balancer, *fingerprint* says what it was made for."""

    pid: int
    fingerprint: str
    number: int

    @property
    def run(self) -> str:
        return run_name(self.fingerprint, self.number)


def run_name(fingerprint: str, number: int) -> str:
    """Return what a process's own files are called."""
    return f"{fingerprint}-{number}"


class Proxy:
    """The processes of one load balancer, whose files lie in *directory* and whose network is *namespace*, once there is one."""

    def __init__(self, directory: Path, namespace: Callable[[], Path], program: str = "haproxy") -> None:
        self._directory = directory.absolute()
        self._namespace = namespace
        self._program = program

    def processes(self) -> list[Process]:
        """Return what runs, in the order it was started; the last one listens, and the others finish."""
        found = (self._process(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit())
        return sorted((process for process in found if process is not None), key=lambda each: each.number)

    def _process(self, pid: int) -> Process | None:
        try:
            argv = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it has ended
            return None
        directory = str(self._directory)
        if directory not in argv or "-f" not in argv or Path(argv[0]).name not in (Path(self._program).name, "nsenter"):
            return None
        fingerprint, _, number = argv[argv.index("-f") + 1].removesuffix(".cfg").rpartition("-")
        return Process(pid, fingerprint, int(number)) if number.isdigit() else None

    def admin(self, process: Process) -> Admin:
        """Return the socket by which a process is administered; only the last one still answers."""
        return Admin(self._directory, f"{process.run}.sock")

    async def serves(self, process: Process) -> bool:
        """Tell whether a process answers, and lives in the namespace that is there now."""
        if not self._at_home(process.pid):
            return False
        with contextlib.suppress(AdminError):
            return f"\nPid: {process.pid}\n" in await self.admin(process).ask("show info")
        return False

    def _at_home(self, pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/ns/net").stat().st_ino == self._namespace().stat().st_ino
        except OSError:
            return False

    async def start(
        self, fingerprint: str, render: Callable[[Place], Rendered], before: Collection[Process], taken: Process | None
    ) -> Process:
        """
        Start a process, which takes the sockets over from *taken*, and have those *before* finish and end.

        Raises ProxyFailed; then everything is as it was.
        """
        program, nsenter = _found(self._program), _found("nsenter")
        number = max((self._highest(), *(each.number for each in before))) + 1
        run = run_name(fingerprint, number)
        files = await asyncio.to_thread(self._write, run, render)
        argv = [nsenter, f"--net={self._namespace()}", program, "-db", "-C", str(self._directory), "-f", f"{run}.cfg"]
        if taken is not None:
            argv += ["-x", f"{taken.run}.sock"]
        if before:
            argv += ["-sf", *(str(each.pid) for each in before)]
        process = Process(self._spawn(argv, run), fingerprint, number)
        try:
            await self._ready(process)
        except BaseException:
            await self.end(process)
            self._sweep(lambda path: path.stem != run)
            raise
        runs = {run, *(each.run for each in before)}
        self._sweep(lambda path: path.stem in runs if path.suffix in _LISTED else path.name in files)
        return process

    def _highest(self) -> int:
        """Return the highest number of a process that has left files."""
        names = (path.stem.rpartition("-")[2] for path in self._directory.glob("*.cfg"))
        return max((int(name) for name in names if name.isdigit()), default=0)

    def _write(self, run: str, render: Callable[[Place], Rendered]) -> Container[str]:
        """Put a process's files in place, and return the names of those that say nothing of the process itself."""
        root = self._directory / "empty"
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        root.mkdir(exist_ok=True, mode=0o555)
        rendered = render(Place(run, root, _clients()))
        for name, text in rendered.files.items():
            _put(self._directory / name, text)
        _put(self._directory / f"{run}.state", rendered.state)
        _put(self._directory / f"{run}.cfg", rendered.config)
        return rendered.files

    def _spawn(self, argv: list[str], run: str) -> int:
        log, flags = str(self._directory / f"{run}.log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        environment = {"PATH": os.environ.get("PATH", os.defpath)}
        try:
            # a session of its own: a signal meant for the node's group is not meant for it
            return os.posix_spawn(argv[0], argv, environment, file_actions=actions, setsid=True)
        except OSError as error:
            raise ProxyFailed(f"cannot run {argv[0]}: {error}") from error

    async def _ready(self, process: Process) -> None:
        try:
            async with asyncio.timeout(READY_SECONDS):
                while not await self.serves(process):
                    if _gone(process.pid):
                        raise ProxyFailed(f"the proxy ended at once: {self._last_words(process.run)}")
                    await asyncio.sleep(_PAUSE)
        except TimeoutError:
            raise ProxyFailed(f"the proxy does not answer: {self._last_words(process.run)}") from None

    def _last_words(self, run: str) -> str:
        """Return what the process has said last, without the notices of its version."""
        try:
            lines = (self._directory / f"{run}.log").read_text(errors="replace").splitlines()
        except OSError:
            return "it left no log"
        alerts = [line for line in lines if "[ALERT]" in line] or lines[-1:]
        return " ".join(alerts)[:_KEPT_LOG] if alerts else "it said nothing"

    def _sweep(self, keep: Callable[[Path], bool]) -> None:
        """Remove all files but those to keep; a process has read its own when it answers."""
        for path in self._directory.iterdir():
            if not path.is_dir() and not keep(path):
                path.unlink(missing_ok=True)

    def runs(self, process: Process) -> bool:
        """Tell whether a process has not ended."""
        return self._process(process.pid) == process

    async def end(self, process: Process) -> None:
        """End a process at once; it is gone when this returns."""
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(process.pid)
            try:
                if self._process(process.pid) == process:  # the number may have gone to another process
                    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            finally:
                os.close(descriptor)
        await self.ended(process)

    async def ended(self, process: Process) -> None:
        """Return when a process has ended."""
        await ended(process.pid)
        with contextlib.suppress(ChildProcessError):
            reap(process.pid)

    async def destroy(self) -> None:
        """End everything and remove every file."""
        for process in self.processes():
            await self.end(process)
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)

    # --- Processes that finish

    def reaches(self, process: Process, address: str, port: int) -> bool:
        """Tell whether a process, which need not answer any more, has a connection to an address and port."""
        remote = f"{int.from_bytes(socket.inet_aton(address), sys.byteorder):08X}:{port:04X}"
        try:
            lines = Path(f"/proc/{process.pid}/net/tcp").read_text().splitlines()[1:]
            inodes = {f"socket:[{row[9]}]" for row in map(str.split, lines) if row[2] == remote and row[9] != "0"}
            return bool(inodes) and any(link in inodes for link in _links(Path(f"/proc/{process.pid}/fd")))
        except OSError:  # it has ended
            return False


async def end_all(directory: Path, program: str = "haproxy") -> None:
    """End the proxies of all load balancers whose files lie below *directory*, and remove every file."""
    for each in await asyncio.to_thread(lambda: list(directory.glob("*"))):
        await Proxy(each, lambda: Path("/"), program).destroy()
    await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)


def _links(directory: Path) -> Iterator[str]:
    for entry in directory.iterdir():
        with contextlib.suppress(OSError):
            yield str(entry.readlink())


def _clients() -> int:
    """Return how many clients a process may have: each needs a descriptor, and one for its target."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_FEWEST_CLIENTS, min(_MOST_CLIENTS, (most - _OTHER_DESCRIPTORS) // 2))


def _found(program: str) -> str:
    """Return a program's path."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if path is None:
        raise ProxyFailed(f"{program} is not installed")
    return path


def _gone(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return True
    return not Path(f"/proc/{pid}").exists()


def _put(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all, for the owner alone; line ends stay as they are."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.touch(mode=0o600)
    temporary.write_bytes(text.encode())
    temporary.replace(path)
