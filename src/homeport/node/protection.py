"""
Questions about tasks' protection on their way to the server and back.

The node knows nothing of protection itself: it is the server's.  A question waits a little for a server that is away,
as the ECS agent's call of the API would.
"""

import asyncio
from collections.abc import Callable
from uuid import uuid4

from homeport.wire.messages import ProtectionAnswer, ProtectionRequest

PATIENCE = 4.0  # seconds, those that the agent gives its call


class ProtectionCalls:
    """The questions that have no answer yet."""

    def __init__(self, send: Callable[[ProtectionRequest], None]) -> None:
        self._send = send
        self._open: dict[str, tuple[ProtectionRequest, asyncio.Future[ProtectionAnswer]]] = {}

    async def ask(self, task: str, enabled: bool | None = None, minutes: int | None = None) -> ProtectionAnswer | None:
        """Return the server's answer, or None if it has none in time."""
        request = ProtectionRequest(id=str(uuid4()), task=task, enabled=enabled, minutes=minutes)
        answer: asyncio.Future[ProtectionAnswer] = asyncio.get_running_loop().create_future()
        self._open[request.id] = (request, answer)
        try:
            self._send(request)
            async with asyncio.timeout(PATIENCE):
                return await answer
        except TimeoutError:
            return None
        finally:
            del self._open[request.id]

    def answered(self, answer: ProtectionAnswer) -> None:
        """Take the server's answer; one that nobody waits for any more is dropped."""
        waiting = self._open.get(answer.request)
        if waiting is not None and not waiting[1].done():
            waiting[1].set_result(answer)

    def connected(self) -> None:
        """Ask a server that has come what the one before left open."""
        for request, _ in self._open.values():
            self._send(request)
