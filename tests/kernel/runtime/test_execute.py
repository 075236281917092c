"""Commands inside containers: as the container's own process, and never longer than allowed."""

import asyncio
import time
from pathlib import Path

import pytest
from tests.unit.runtime.contract import FOREVER, Bench

from homeport.runtime.cgroups import members

pytestmark = pytest.mark.kernel


async def test_command_runs_as_the_containers_process(bench: Bench) -> None:
    await bench.run("a", FOREVER, user="web", environment={"COLOUR": "blue"}, working_directory="/srv")
    script = "id -u; pwd; echo $COLOUR; echo oops >&2; grep -E 'Seccomp:|CapBnd' /proc/self/status; exit 9"
    result = await bench.runtime.execute("a", ("/bin/sh", "-c", script), 60)
    assert result.code == 9
    assert result.output.split("\n")[:4] == ["1000", "/srv", "blue", "oops"]
    assert "Seccomp:\t2" in result.output
    assert "CapBnd:\t00000000a80425fb" in result.output


async def test_output_is_cut(bench: Bench) -> None:
    await bench.run("a", FOREVER)
    result = await bench.runtime.execute("a", ("/bin/sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x; exit 2"), 60)
    assert (result.code, result.output) == (2, "x" * 4096)


async def test_command_over_its_time_is_killed_with_its_children(bench: Bench, cgroup_root: str) -> None:
    await bench.run("a", FOREVER)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await bench.runtime.execute("a", ("/bin/sh", "-c", "sleep 777 & sleep 778"), 0.1)
    assert time.monotonic() - began < 60  # not as long as the command
    leaf = next(Path("/sys/fs/cgroup").glob(f"pids/{cgroup_root}/task/a"))
    assert len(members(leaf)) == 1
    assert [path for path in leaf.iterdir() if path.is_dir()] == []
    await bench.runtime.signal("a", "SIGKILL")
    assert (await bench.runtime.wait("a")).code == 137


async def test_what_a_command_leaves_in_the_background_ends_with_it(bench: Bench) -> None:
    await bench.run("a", FOREVER)
    result = await bench.runtime.execute("a", ("/bin/sh", "-c", "sleep 777 & echo done"), 60)
    assert (result.code, result.output) == (0, "done\n")
    assert "sleep 777" not in (await bench.runtime.execute("a", ("/bin/ps",), 60)).output


async def test_missing_command_fails(bench: Bench) -> None:
    await bench.run("a", FOREVER)
    result = await bench.runtime.execute("a", ("/no/such",), 60)
    assert result.code != 0
    assert "/no/such" in result.output


async def test_container_that_ends_takes_its_commands_with_it(bench: Bench, cgroup_root: str) -> None:
    await bench.run("a", FOREVER)
    command = asyncio.create_task(bench.runtime.execute("a", FOREVER, 600))
    leaf_files = Path("/sys/fs/cgroup/pids")

    async def inside() -> None:
        while not any(leaf_files.glob(f"{cgroup_root}/task/a/exec-*/cgroup.procs")):
            await asyncio.sleep(0)

    await asyncio.wait_for(inside(), 60)
    await bench.runtime.signal("a", "SIGKILL")
    assert (await bench.runtime.wait("a")).code == 137
    assert (await command).code != 0


async def test_many_commands_at_once(bench: Bench) -> None:
    await bench.run("a", FOREVER)
    results = await asyncio.gather(
        *(bench.runtime.execute("a", ("/bin/sh", "-c", f"exit {code}"), 60) for code in range(20))
    )
    assert [result.code for result in results] == list(range(20))
