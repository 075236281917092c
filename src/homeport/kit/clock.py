"""Time as an argument, so that rules about time can be tested without waiting."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the wall-clock time; a test's fake stands still until told otherwise."""

    def now(self) -> float:
        """Return seconds since the epoch, UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()


class FixedClock:
    """A clock that a test moves by hand."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self.seconds = start

    def now(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds
