"""Background work ends with its set, and never fails in silence."""

import asyncio

import pytest

from homeport.kit.supervise import Tasks


async def test_closing_ends_everything_and_waits_for_it() -> None:
    ended: list[str] = []

    async def work(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # cleaning up takes a turn of the loop, too
            ended.append(name)

    tasks = Tasks()
    for name in ("a", "b"):
        tasks.spawn(work(name), name=name)
    await asyncio.sleep(0)
    await tasks.close()
    assert sorted(ended) == ["a", "b"]


async def test_work_begun_while_closing_is_ended_too() -> None:
    tasks = Tasks()
    late: list[asyncio.Task[bool]] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            late.append(tasks.spawn(asyncio.Event().wait(), name="late"))

    tasks.spawn(work(), name="first")
    await asyncio.sleep(0)
    await tasks.close()
    assert [task.cancelled() for task in late] == [True]


async def test_a_failure_is_logged_and_ends_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise OSError("no such thing")

    tasks = Tasks()
    other = tasks.spawn(asyncio.Event().wait(), name="other")
    failing = tasks.spawn(fail(), name="failing")
    await asyncio.wait([failing])
    assert not other.done()
    (record,) = caplog.records
    assert record.getMessage() == "background work failed: failing"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], OSError)
    await tasks.close()
    assert other.cancelled()
