"""Commands inside running containers: health checks, mostly."""

import asyncio
import contextlib
import json
import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from homeport.runtime import processes
from homeport.runtime.cgroups import Cgroups, Leaf, kill_processes, members, remove
from homeport.runtime.conmon import Run, runtime_command
from homeport.runtime.launch import Launchers
from homeport.runtime.protocol import ExecResult, RuntimeFailed

OUTPUT_LIMIT = 4096
_PATIENCE = 5.0  # seconds for crun to take note that its command is gone


async def execute(
    launchers: Launchers, cgroups: Cgroups, run: Run, leaf: Leaf, argv: tuple[str, ...], timeout_seconds: float
) -> ExecResult:
    """
    Run a command as the container's own process would run it.

    It gets a cgroup of its own inside the container's, by which all its children are found when
    its time is over: TimeoutError.  What it left in the background of its own accord also ends with it.
    """
    name = f"exec-{uuid.uuid4().hex[:12]}"
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    output = _Output(reader)
    try:
        try:
            process = await launchers.run(partial(_spawn, launchers, cgroups, run, leaf, argv, name, writer))
        finally:
            os.close(writer)
        try:
            async with asyncio.timeout(timeout_seconds):
                with output.collected():
                    await processes.ended(process.pid)
        finally:
            # The command first and crun after it, so that crun takes the command off the process table.
            code = await launchers.run(partial(_end, process, cgroups.exec_directory(leaf, name)))
        output.take()
        return ExecResult(code if code >= 0 else 128 - code, bytes(output.data).decode(errors="replace"))
    finally:
        os.close(reader)
        await launchers.run(partial(remove, [cgroups.exec_directory(leaf, name)]))
        (run.directory / f"{name}.json").unlink(missing_ok=True)


def _spawn(
    launchers: Launchers, cgroups: Cgroups, run: Run, leaf: Leaf, argv: tuple[str, ...], name: str, writer: int
) -> subprocess.Popen[bytes]:
    try:
        process = json.loads(run.config.read_bytes())["process"]
    except FileNotFoundError as error:
        raise RuntimeFailed(f"the container {run.id} is not running") from error
    definition = run.directory / f"{name}.json"
    definition.write_text(json.dumps({**process, "args": list(argv), "terminal": False}))
    entrances, arguments = cgroups.make_exec(leaf, name)
    command = [
        *runtime_command(launchers.crun, entrances),
        *("--root", str(run.state_root)),
        *cgroups.runtime_arguments,
        *("exec", *arguments, "--process", str(definition), run.id),
    ]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=writer, stderr=writer)


def _end(process: subprocess.Popen[bytes], directory: Path) -> int:
    """
    Return the command's exit code, having killed what is left of it.

    The command goes first and crun, its parent, after it: crun takes it off the process table,
    where a dead process left in it would keep the container's PID namespace from ending.
    """
    deadline = time.monotonic() + _PATIENCE
    while (left := members(directory) - {process.pid}) and time.monotonic() < deadline:
        kill_processes(left, deadline)
    try:
        return process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
    finally:
        processes.reap_strangers()


class _Output:
    """The first 4 KiB of what comes through a pipe; the rest is read and forgotten, so that nobody blocks."""

    def __init__(self, reader: int) -> None:
        self.data = bytearray()
        self._reader = reader

    def take(self) -> None:
        """Read what is there now."""
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self._reader, 65536):
                self.data += part[: OUTPUT_LIMIT - len(self.data)]

    @contextlib.contextmanager
    def collected(self) -> Iterator[None]:
        """Read as it comes, for as long as the context lasts."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._reader, self._ready)
        try:
            yield
        finally:
            loop.remove_reader(self._reader)

    def _ready(self) -> None:
        try:
            part = os.read(self._reader, 65536)
        except BlockingIOError:
            return
        if not part:
            asyncio.get_running_loop().remove_reader(self._reader)
        self.data += part[: OUTPUT_LIMIT - len(self.data)]
