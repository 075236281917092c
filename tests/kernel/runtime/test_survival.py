"""kill -9 of anything, at any moment: containers run on, outcomes are told truly, nothing is left behind."""

import asyncio
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.processes import command_lines
from tests.unit.runtime.contract import EXIT_3, FOREVER, Bench

from homeport.runtime import conmon
from homeport.runtime.conmon import Run
from homeport.runtime.oci import OciRuntime
from homeport.runtime.protocol import Exit, Limits, Mount, Running
from homeport.runtime.records import Records

pytestmark = pytest.mark.kernel

# A node that starts a container and is killed before it can wait for it.
NODE = """
import asyncio, os, pickle, signal, sys
from pathlib import Path
from homeport.runtime.oci import OciRuntime
from homeport.runtime.protocol import Limits

async def main():
    spec = pickle.loads(sys.stdin.buffer.read())
    runtime = OciRuntime(Path(sys.argv[1]) / "state", Path(sys.argv[1]) / "run", sys.argv[2])
    await runtime.ensure_group("task", Limits())
    await runtime.create(spec)
    await runtime.start(spec.id)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_container_outlives_a_killed_node(bench: Bench, cgroup_root: str, tmp_path: Path) -> None:
    go = tmp_path / "go"
    os.mkfifo(go)
    script = "echo before; read x < /go; echo after; exit 42"
    spec = bench.spec("a", ("/bin/sh", "-c", script), mounts=(Mount("/go", go),))
    node = subprocess.run(
        [sys.executable, "-c", NODE, str(tmp_path), cgroup_root], input=pickle.dumps(spec), check=False
    )
    assert node.returncode == -signal.SIGKILL
    (seen,) = await bench.runtime.existing()
    assert isinstance(seen.state, Running)
    await asyncio.to_thread(go.write_text, "on\n")
    assert (await bench.runtime.wait("a")).code == 42
    assert [line.split(" ", 3)[3] for line in (tmp_path / "a.log").read_text().splitlines()] == ["before", "after"]


async def test_without_its_monitor_nobody_knows_the_code(bench: Bench, tmp_path: Path) -> None:
    await bench.run("a", FOREVER)
    (run,) = Records(tmp_path / "state", tmp_path / "run").runs("a")
    monitor, process = run.conmon_pid(), run.init_pid()
    assert monitor is not None
    assert process is not None
    waiting = asyncio.create_task(bench.runtime.wait("a"))
    await asyncio.sleep(0)
    os.kill(monitor, signal.SIGKILL)
    ended = await waiting
    assert ended.code is None
    assert not Path(f"/proc/{process}/exe").exists()  # a container that nobody owns is not left to run
    assert await bench.runtime.wait("a") == ended
    assert (await bench.reborn().existing())[0].state == ended
    await bench.runtime.start("a")
    await bench.runtime.signal("a", "SIGKILL")
    assert (await bench.runtime.wait("a")).code == 137


STEPS = ("put", "new_run", "make", "open_gate", "remove")


class Killed(BaseException):
    """The node died here."""


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True])
async def test_killed_while_making(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, step: str, after: bool, tmp_path: Path
) -> None:
    """Whatever was reached, the next node removes it or makes it again."""
    owner: object = conmon if step in ("make", "open_gate") else Records
    whole = getattr(owner, step)

    def dies(*args: object, **kwargs: object) -> object:
        if after:
            whole(*args, **kwargs)
        raise Killed

    async def dies_later(run: Run) -> None:
        if after:
            await whole(run)
        raise Killed

    monkeypatch.setattr(owner, step, dies_later if step == "open_gate" else dies)

    async def life() -> None:
        await bench.run("a", EXIT_3)
        await bench.runtime.remove("a")

    with pytest.raises(Killed):
        await life()
    monkeypatch.undo()
    reborn = bench.reborn()
    begun = step == "remove" or (step == "open_gate" and after)
    for seen in await reborn.existing():
        assert seen.id == "a"
        assert begun or seen.state is None
    if not begun:
        await bench.run("a", EXIT_3)
    if step != "remove":
        assert (await reborn.wait("a")).code == 3
    await reborn.remove("a")
    assert await reborn.existing() == []
    assert command_lines(str(tmp_path)) == []


async def test_what_was_not_made_to_its_end_is_made_again(bench: Bench, tmp_path: Path) -> None:
    """Killed while crun makes a container, the node leaves a first process that waits and is about to fail."""
    await bench.runtime.ensure_group("task", Limits())
    await bench.runtime.create(bench.spec("a", EXIT_3))
    (run,) = Records(tmp_path / "state", tmp_path / "run").runs("a")
    half = run.init_pid()
    run.made_file.unlink()
    reborn = bench.reborn()
    assert [seen.state for seen in await reborn.existing()] == [None]
    await reborn.create(bench.spec("a", EXIT_3))
    assert (await reborn.start("a")).pid != half
    assert not Path(f"/proc/{half}/exe").exists()
    assert (await reborn.wait("a")).code == 3


async def test_restart_that_was_cut_short_counts_for_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.run("a", EXIT_3)
    ended = await bench.runtime.wait("a")

    async def dies(run: object) -> None:
        raise Killed

    monkeypatch.setattr(conmon, "open_gate", dies)
    with pytest.raises(Killed):
        await bench.runtime.start("a")
    monkeypatch.undo()
    reborn = bench.reborn()
    assert (await reborn.existing())[0].state == ended
    assert await asyncio.wait_for(reborn.wait("a"), 60) == ended
    assert isinstance(await reborn.start("a"), Running)
    assert (await reborn.wait("a")).code == 3


async def test_after_a_reboot_the_code_is_unknown(bench: Bench, tmp_path: Path, cgroup_root: str) -> None:
    await bench.run("a", EXIT_3)
    await bench.runtime.wait("a")
    await bench.runtime.create(bench.spec("b", FOREVER))
    await bench.runtime.remove_group("task")
    (tmp_path / "run").rename(tmp_path / "before")  # a reboot empties it
    reborn = OciRuntime(tmp_path / "state", tmp_path / "run", cgroup_root)
    try:
        states = {seen.id: seen.state for seen in await reborn.existing()}
        assert isinstance(states["a"], Exit)
        assert states["a"].code is None
        assert states["b"] is None
        await reborn.remove("a")
        await reborn.remove("b")
        assert await reborn.existing() == []
    finally:
        reborn.close()
