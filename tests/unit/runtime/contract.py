"""What every Runtime must do: the fake passes it in tests/unit, the real one in tests/kernel."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from homeport.runtime.protocol import Exit, Image, Limits, Running, Runtime, RuntimeFailed, Spec

EXIT_3 = ("/bin/sh", "-c", "echo three; exit 3")
FOREVER = ("/bin/sleep", "1000")  # as process 1 it ignores SIGTERM
FAILS = ("/bin/sh", "-c", "exit 7")  # as a command inside
WORKS = ("/bin/echo", "fine")


@dataclass
class Bench:
    """A runtime under test, and how to get another one over the same machine."""

    runtime: Runtime
    reborn: Callable[[], Runtime]
    image: Image
    logs: Path

    def spec(self, name: str, argv: tuple[str, ...], **changes: Any) -> Spec:
        spec = Spec(
            id=name,
            group="task",
            image=self.image,
            argv=argv,
            environment={},
            network_namespace=Path("/proc/self/ns/net"),
            log_path=self.logs / f"{name}.log",
        )
        return replace(spec, **changes)

    async def run(self, name: str, argv: tuple[str, ...], **changes: Any) -> Running:
        await self.runtime.ensure_group("task", Limits())
        await self.runtime.create(self.spec(name, argv, **changes))
        return await self.runtime.start(name)


class RuntimeContract:
    """Inherit it beside a fixture `bench`."""

    async def test_exit_code_is_that_of_the_process(self, bench: Bench) -> None:
        running = await bench.run("a", EXIT_3)
        ended = await bench.runtime.wait("a")
        assert (ended.code, ended.out_of_memory) == (3, False)
        assert ended.finished_at >= running.started_at - 1e-6  # by one clock; fractions are rounded
        assert await bench.runtime.wait("a") == ended

    async def test_output_is_in_the_log(self, bench: Bench) -> None:
        await bench.run("a", EXIT_3)
        await bench.runtime.wait("a")
        stamp, stream, flag, text = (bench.logs / "a.log").read_text().rstrip("\n").split(" ", 3)
        assert (stream, flag, text) == ("stdout", "F", "three")
        assert stamp.startswith("20")

    async def test_created_is_not_started(self, bench: Bench) -> None:
        await bench.runtime.ensure_group("task", Limits())
        await bench.runtime.create(bench.spec("a", FOREVER))
        assert [(e.id, e.group, e.state) for e in await bench.runtime.existing()] == [("a", "task", None)]

    async def test_verbs_may_be_repeated(self, bench: Bench) -> None:
        spec = bench.spec("a", FOREVER)
        first = await bench.run("a", FOREVER)
        await bench.runtime.create(spec)
        again = await bench.runtime.start("a")
        assert again == first
        await bench.runtime.remove("a")
        await bench.runtime.remove("a")
        await bench.runtime.remove_group("task")
        await bench.runtime.remove_group("task")

    async def test_another_definition_under_the_same_id_is_refused(self, bench: Bench) -> None:
        await bench.run("a", FOREVER)
        with pytest.raises(RuntimeFailed, match="another definition"):
            await bench.runtime.create(bench.spec("a", EXIT_3))

    async def test_container_needs_its_group(self, bench: Bench) -> None:
        with pytest.raises(RuntimeFailed, match="group task"):
            await bench.runtime.create(bench.spec("a", FOREVER))
        assert await bench.runtime.existing() == []

    async def test_group_in_a_group_ends_with_it(self, bench: Bench) -> None:
        with pytest.raises(RuntimeFailed, match="group host does not exist"):
            await bench.runtime.ensure_group("host/task", Limits())
        await bench.runtime.ensure_group("host", Limits(cpu_quota=1.0, memory_bytes=64 << 20))
        await bench.runtime.ensure_group("host/task", Limits(cpu_quota=2.0, memory_bytes=128 << 20))
        await bench.runtime.ensure_group("host2", Limits())
        for name, group in (("a", "host"), ("b", "host/task"), ("c", "host2")):
            await bench.runtime.create(bench.spec(name, FOREVER, group=group))
            await bench.runtime.start(name)
        await bench.runtime.remove_group("host")
        assert [(await bench.runtime.wait(name)).code for name in ("a", "b")] == [137, 137]
        assert isinstance((await bench.runtime.existing())[2].state, Running)
        await bench.runtime.remove_group("host/task")
        await bench.runtime.remove("b")

    async def test_kill_ends_what_ignores_sigterm(self, bench: Bench) -> None:
        await bench.run("a", FOREVER)
        await bench.runtime.signal("a", "SIGTERM")
        assert isinstance((await bench.runtime.existing())[0].state, Running)
        await bench.runtime.signal("a", "SIGKILL")
        assert (await bench.runtime.wait("a")).code == 137
        await bench.runtime.signal("a", "SIGTERM")  # nothing: it has ended

    async def test_unknown_signal_is_refused(self, bench: Bench) -> None:
        await bench.run("a", FOREVER)
        with pytest.raises(RuntimeFailed, match="unknown signal"):
            await bench.runtime.signal("a", "SIGNONSENSE")

    async def test_wait_returns_when_the_end_comes(self, bench: Bench) -> None:
        await bench.run("a", FOREVER)
        waits = [asyncio.create_task(bench.runtime.wait("a")) for _ in range(2)]
        await asyncio.sleep(0)
        await bench.runtime.signal("a", "SIGKILL")
        assert {ended.code for ended in await asyncio.gather(*waits)} == {137}

    async def test_wait_for_what_was_never_started_is_an_error(self, bench: Bench) -> None:
        await bench.runtime.ensure_group("task", Limits())
        await bench.runtime.create(bench.spec("a", FOREVER))
        with pytest.raises(RuntimeFailed, match="never started"):
            await bench.runtime.wait("a")

    async def test_restart_in_place_keeps_id_and_log(self, bench: Bench) -> None:
        await bench.run("a", EXIT_3)
        await bench.runtime.wait("a")
        await bench.runtime.start("a")
        assert (await bench.runtime.wait("a")).code == 3
        assert (bench.logs / "a.log").read_text().count("stdout F three\n") == 2

    async def test_command_inside(self, bench: Bench) -> None:
        await bench.run("a", FOREVER)
        assert (await bench.runtime.execute("a", WORKS, 60)).code == 0
        assert (await bench.runtime.execute("a", FAILS, 60)).code == 7

    async def test_command_in_an_ended_container_is_an_error(self, bench: Bench) -> None:
        await bench.run("a", EXIT_3)
        await bench.runtime.wait("a")
        with pytest.raises(RuntimeFailed, match="not running"):
            await bench.runtime.execute("a", WORKS, 60)

    async def test_unknown_container_is_an_error(self, bench: Bench) -> None:
        for verb in (bench.runtime.start, bench.runtime.wait, bench.runtime.stats):
            with pytest.raises(RuntimeFailed, match="no such container"):
                await verb("nobody")

    async def test_stats_of_a_running_container(self, bench: Bench) -> None:
        await bench.run("a", FOREVER)
        stats = await bench.runtime.stats("a")
        assert stats.cpu_nanoseconds > 0
        assert stats.memory_limit_bytes > 0

    async def test_another_runtime_sees_what_is_there(self, bench: Bench) -> None:
        running = await bench.run("a", FOREVER)
        await bench.run("b", EXIT_3)
        ended = await bench.runtime.wait("b")
        await bench.runtime.create(bench.spec("c", FOREVER))
        reborn = bench.reborn()
        assert {e.id: e.state for e in await reborn.existing()} == {"a": running, "b": ended, "c": None}
        assert isinstance(await reborn.start("c"), Running)
        await reborn.signal("a", "SIGKILL")
        assert (await reborn.wait("a")).code == 137
        await reborn.remove("b")
        assert [e.id for e in await bench.runtime.existing()] == ["a", "c"]

    async def test_remove_group_ends_its_containers(self, bench: Bench) -> None:
        await bench.run("a", FOREVER)
        await bench.runtime.remove_group("task")
        assert isinstance(await bench.runtime.wait("a"), Exit)

    async def test_destroy_leaves_nothing(self, bench: Bench) -> None:
        await bench.run("a", FOREVER)
        await bench.run("b", EXIT_3)
        await bench.runtime.destroy()
        assert await bench.runtime.existing() == []
