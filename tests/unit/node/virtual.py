"""
An event loop whose clock jumps when there is nothing to do, so that tests about time take none.

It stands still while a thread works: what takes a thread a moment must not take the loop seconds.
"""

import asyncio
import functools
import selectors
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_REAL_SECONDS = 60  # how long a thread or another process may take, on a machine that is busy


class _Selector(selectors.DefaultSelector):
    seconds = 0.0
    working = 0  # threads that have not ended

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            ready = super().select(_REAL_SECONDS)  # a thread or another process may still have something to say
            assert ready, "every task waits, and nothing will ever happen"
            return ready
        if self.working and (ready := super().select(_REAL_SECONDS)):
            return ready
        self.seconds += max(timeout, 1e-9)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.own = _Selector()
        super().__init__(self.own)
        self.cleanups: list[Callable[[], Awaitable[None]]] = []

    def time(self) -> float:
        return self.own.seconds

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> "asyncio.Future[T]":
        future = super().run_in_executor(executor, func, *args)
        self.own.working += 1
        future.add_done_callback(self._ended)
        return future

    def _ended(self, _: "asyncio.Future[Any]") -> None:
        self.own.working -= 1


class VirtualClock:
    """The wall clock of a virtual loop."""

    start = 1_700_000_000.0

    def now(self) -> float:
        return self.start + asyncio.get_running_loop().time()


def _running() -> VirtualLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


def at_end(cleanup: Callable[[], Awaitable[None]]) -> None:
    """Have *cleanup* done when the test on this virtual loop is over."""
    _running().cleanups.append(cleanup)


def virtual(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a coroutine test on a virtual loop."""

    @functools.wraps(test)
    def run(*args: Any, **arguments: Any) -> None:
        async def whole() -> None:
            try:
                await asyncio.wait_for(test(*args, **arguments), 3_000_000)
            finally:
                for cleanup in _running().cleanups:
                    await cleanup()

        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(whole())

    return run


async def until(condition: Callable[[], object], seconds: float = 3600.0) -> None:
    """Let the loop run until *condition* holds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not condition():
        assert loop.time() < deadline, "it never came to that"
        await asyncio.sleep(0.001)


async def pass_time(seconds: float) -> None:
    await asyncio.sleep(seconds)
