"""Processes that are not our children: wait for them, find them, end them."""

import asyncio
import contextlib
import os
import select
import time
from collections.abc import Iterable
from pathlib import Path

from homeport.runtime.cgroups import kill_processes
from homeport.runtime.conmon import reap

_KILL_PATIENCE = 10.0  # seconds for a killed process to be gone


async def ended(pid: int) -> None:
    """Return when the process has ended; at once if there is none."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    gone: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, _settle, gone)
    try:
        await gone
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def find_by_argument(argument: str) -> set[int]:
    """Return the processes that were started with exactly this argument among others."""
    found = set()
    wanted = os.fsencode(argument)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if wanted in (entry / "cmdline").read_bytes().split(b"\0"):
                    found.add(int(entry.name))
    return found


def reap_strangers() -> None:
    """
    Take dead processes of containers off the process table, where that falls to us as process 1.

    One that is left there keeps its container's PID namespace from ending.  Children that we
    started ourselves are in our own namespace and are not touched.
    """
    if os.getpid() != 1:
        return
    for children in Path("/proc/self/task").glob("*/children"):
        for child in children.read_text().split():
            with contextlib.suppress(OSError, IndexError):
                status = Path(f"/proc/{child}/status").read_text()
                inner = status.partition("NSpid:")[2].splitlines()[0].split()
                if "\nState:\tZ" in status and len(inner) > 1:
                    os.waitpid(int(child), os.WNOHANG)


def end(pids: Iterable[int], patience: float) -> None:
    """Wait for processes that are about to end; kill those that take longer than *patience* seconds.  Blocks."""
    deadline = time.monotonic() + patience
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                kill_processes([pid], time.monotonic() + _KILL_PATIENCE)
        finally:
            os.close(descriptor)
        reap(pid)
