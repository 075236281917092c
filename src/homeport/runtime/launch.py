"""
Threads that start containers, apart from the machine's mounts.

Each has left the process's mount namespace.  So an overlay that is mounted to make a container
never shows on the machine, is gone with our process if that is killed, and crun, which refuses a
"hybrid" cgroup layout, does not see one.  What a thread starts inherits all this, without a helper.

Two things follow.  Mounts made on the machine after a thread began are seen by it only where
the machine shares mounts (systemd does; a bare `unshare --mount` does not), so a bind mount's
source should be on a file system that was there before.  And whatever must be looked
up in the machine's own mounts, like a network namespace, is handed in as an open descriptor.
"""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from homeport.kit import linux
from homeport.runtime.cgroups import MOUNT

T = TypeVar("T")

_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
_THREADS = 8  # a start waits for processes most of its time


def _leave() -> None:
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount(
        "none", "/", None, linux.MS_REC | linux.MS_SLAVE
    )  # what comes from outside still arrives; nothing goes back
    unwanted = [str(MOUNT / "unified")]
    for line in Path("/proc/thread-self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("nsfs "):
            unwanted.append(before.split()[4])  # our copy of the mount would keep a deleted namespace alive
    for path in unwanted:
        with contextlib.suppress(OSError):
            linux.unmount(path)


def _sealed(program: str) -> int:
    """
    Return a descriptor of *program* in memory that nobody can write to.

    crun makes such a copy of itself at each start, against a container that would overwrite
    it (CVE-2019-5736), and is content when it finds itself in one: that saves an exec.
    """
    writable = os.memfd_create(Path(program).name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with Path(program).open("rb") as source:
            while os.sendfile(writable, source.fileno(), None, 1 << 24):
                pass
        fcntl.fcntl(writable, fcntl.F_ADD_SEALS, _SEALS)
        # Through a second, read-only descriptor: a file open for writing cannot be run.
        return os.open(f"/proc/self/fd/{writable}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(writable)


class Launchers:
    """A pool of such threads, and the sealed copy of the OCI runtime that they run."""

    def __init__(self, crun: str) -> None:
        self._descriptor = _sealed(crun)
        self.crun = f"/proc/{os.getpid()}/fd/{self._descriptor}"
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="launch", initializer=_leave)

    async def run(self, work: Callable[[], T]) -> T:
        """Do blocking *work* in one of the threads.  A caller that is cancelled still waits for its end."""
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            while not future.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([future])
            raise

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        os.close(self._descriptor)
