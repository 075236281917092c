"""The only loop: woken or by timer, backing off after failures, and able to say how it fares."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

_LONGEST_REST = 30.0  # seconds between passes that keep failing


@dataclass(frozen=True, slots=True)
class Reconciler:
    """A pass to run whenever one of *wakes* (or the name itself) is called, and every *interval* seconds."""

    name: str
    pass_: Callable[[], Awaitable[None]]
    interval: float = 60.0
    wakes: frozenset[str] = field(default_factory=frozenset)


class Driver:
    """Runs reconcilers, each in a loop of its own."""

    def __init__(self, reconcilers: Sequence[Reconciler]) -> None:
        self._loops = [_Loop(reconciler) for reconciler in reconcilers]
        self._by_wake: dict[str, list[_Loop]] = {}
        for loop in self._loops:
            for wake in {loop.reconciler.name, *loop.reconciler.wakes}:
                self._by_wake.setdefault(wake, []).append(loop)

    def wake(self, name: str) -> None:
        """Make the reconcilers that listen to *name* look again; a name nobody listens to is a bug."""
        for loop in self._by_wake[name]:
            loop.woken.set()

    async def run(self) -> None:
        """Run all loops until cancelled."""
        async with asyncio.TaskGroup() as group:
            for loop in self._loops:
                group.create_task(loop.run(), name=f"reconcile {loop.reconciler.name}")


class _Loop:
    def __init__(self, reconciler: Reconciler) -> None:
        self.reconciler = reconciler
        self.woken = asyncio.Event()
        self._failures = 0

    async def run(self) -> None:
        while True:
            self.woken.clear()  # before reading: a change during the pass must start another
            try:
                await self.reconciler.pass_()
                self._failures = 0
            except Exception:  # the boundary: one bad pass must not end the loop
                self._failures += 1
                log.exception("%s failed, %d times in a row", self.reconciler.name, self._failures)
            await self._rest()

    async def _rest(self) -> None:
        """Wait for a wake or the interval; after failures for a while that doubles, whatever wakes."""
        if self._failures:
            await asyncio.sleep(min(_LONGEST_REST, 0.05 * 2**self._failures))
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.reconciler.interval):
                await self.woken.wait()
