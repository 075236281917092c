"""A reconciler looks again after every wake, and survives its own failures."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from homeport.reconcile.driver import Driver, Reconciler


async def run_until(driver: Driver, done: Callable[[], bool]) -> None:
    running = asyncio.create_task(driver.run())
    try:
        async with asyncio.timeout(60):
            while not done():
                await asyncio.sleep(0)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def reconciler(pass_: Callable[[], Awaitable[None]]) -> Reconciler:
    return Reconciler("r", pass_, interval=60, wakes=frozenset({"other"}))


async def test_a_wake_during_a_pass_starts_another() -> None:
    passes = 0

    async def look() -> None:
        nonlocal passes
        passes += 1
        if passes < 3:
            driver.wake("other" if passes == 1 else "r")

    driver = Driver([reconciler(look)])
    await run_until(driver, lambda: passes == 3)


async def test_wakes_that_come_together_are_one() -> None:
    passes = 0
    gate = asyncio.Event()

    async def look() -> None:
        nonlocal passes
        passes += 1
        if passes == 1:
            for _ in range(10):
                driver.wake("r")
        if passes == 2:
            gate.set()

    driver = Driver([reconciler(look)])
    await run_until(driver, gate.is_set)
    assert passes == 2


async def test_a_failed_pass_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    passes = 0

    async def look() -> None:
        nonlocal passes
        passes += 1
        if passes == 1:
            raise LookupError("first")

    await run_until(Driver([reconciler(look)]), lambda: passes == 2)
    assert "r failed, 1 times in a row" in caplog.text


def test_a_wake_nobody_listens_to_is_a_bug() -> None:
    with pytest.raises(KeyError):
        Driver([]).wake("nobody")
