"""What tasks use is measured over whole minutes and said once, whatever becomes of their containers meanwhile."""

import asyncio
from pathlib import Path

import pytest
from tests.unit.node.virtual import VirtualClock, virtual
from tests.unit.node.world import World, container, task

from homeport.node.usage import STEP, Meter
from homeport.runtime.protocol import Stats
from homeport.wire.messages import TaskPhase
from homeport.wire.metrics import Usage

SECOND = 1_000_000_000


def stats(cpu_seconds: float, memory: int = 0, cache: int = 0) -> Stats:
    return Stats(int(cpu_seconds * SECOND), memory, 1, memory_inactive_file_bytes=cache)


def test_cpu_time_is_an_average_over_the_time_between_looks() -> None:
    meter = Meter()
    for at, seconds in ((0.0, 5.0), (20.0, 5.0), (60.0, 35.0)):
        meter.take("t", {"c": stats(seconds)}, at)
    (used,) = meter.report()
    assert used.task == "t"
    assert used.cpus == pytest.approx(0.5)


def test_of_a_first_look_no_cpu_time_can_be_told() -> None:
    meter = Meter()
    meter.take("t", {"c": stats(1_000.0)}, 0.0)
    assert meter.report() == ()
    meter.take("t", {"c": stats(1_010.0)}, 20.0)
    assert meter.report()[0].cpus == pytest.approx(0.5)


def test_a_container_that_was_started_again_counts_from_zero() -> None:
    meter = Meter()
    meter.take("t", {"c": stats(100.0)}, 0.0)
    meter.take("t", {"c": stats(10.0), "new": stats(4.0)}, 20.0)
    assert meter.report()[0].cpus == pytest.approx(14 / 20)


def test_page_cache_that_nobody_misses_is_not_memory_in_use() -> None:
    meter = Meter()
    meter.take("t", {"c": stats(0, memory=100, cache=40), "d": stats(0, memory=10)}, 0.0)
    meter.take("t", {"c": stats(0, memory=140, cache=40), "d": stats(0, memory=10)}, 20.0)
    assert meter.report()[0].memory == 90


def test_a_task_that_has_ended_is_forgotten() -> None:
    meter = Meter()
    meter.take("t", {"c": stats(0.0)}, 0.0)
    meter.report()
    assert meter.report() == ()
    meter.take("t", {"c": stats(50.0)}, 200.0)
    assert meter.report() == ()


@virtual
async def test_the_node_reports_every_minute_what_its_tasks_used(tmp_path: Path) -> None:
    world = await World(tmp_path).start()
    world.run_task(task(container()))
    await world.phase(TaskPhase.RUNNING)
    clock = VirtualClock()
    began = clock.now()
    while clock.now() < began + 200:
        world.runtime.stats_of["t1-app"] = stats(0.25 * (clock.now() - began), memory=4_096)
        await asyncio.sleep(STEP / 4)
    reports = [message for message in world.sent if isinstance(message, Usage)]
    minutes = [report.minute for report in reports]
    assert minutes[1:3] == [int(began // 60 + 1) * 60, int(began // 60 + 2) * 60]
    for report in reports[1:]:
        (used,) = report.tasks
        assert used.cpus == pytest.approx(0.25, abs=0.05)
        assert used.memory == 4_096


@virtual
async def test_a_node_without_tasks_says_so(tmp_path: Path) -> None:
    world = await World(tmp_path).start()
    await asyncio.sleep(300)
    reports = [message for message in world.sent if isinstance(message, Usage)]
    assert len(reports) == 5
    assert not any(report.tasks for report in reports)
