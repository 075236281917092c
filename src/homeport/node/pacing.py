"""When one task or instance is planned again though nothing has happened to it: time has passed, or something failed."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_RETRY_SECONDS = (0.05, 0.2, 1.0, 5.0, 15.0)

Action = TypeVar("Action", bound=Hashable)


class Pacing(Generic[Action]):
    """Calls *look* when there may be something to do: at the time that a plan names, and after a failure's pause."""

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look
        self._failures: dict[Action, int] = {}
        self._held_back: set[Action] = set()
        self._timer: asyncio.TimerHandle | None = None

    def holds(self, action: Action) -> bool:
        """Whether *action* has failed and is not to be done again yet."""
        return action in self._held_back

    def failed(self, action: Action) -> None:
        """Hold *action* back for a pause, which grows as it fails again and again."""
        failures = self._failures[action] = self._failures.get(action, 0) + 1
        pause = _RETRY_SECONDS[min(failures, len(_RETRY_SECONDS)) - 1]
        self._held_back.add(action)
        asyncio.get_running_loop().call_later(pause, self._again, action)

    def _again(self, action: Action) -> None:
        self._held_back.discard(action)
        self._look()

    def succeeded(self, action: Action) -> None:
        self._failures.pop(action, None)

    def release(self) -> None:
        """Hold nothing back any more: what failed may have lacked just what has changed."""
        self._held_back.clear()

    def look_in(self, seconds: float | None) -> None:
        """Look after so many seconds, and not when the plan before this one asked for it; None: not for the time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, seconds), self._look)
