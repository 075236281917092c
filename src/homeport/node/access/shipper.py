"""Finish files as their periods end, and send them to the server, one after the other, until it has them."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from homeport.kit.clock import Clock
from homeport.node.access.spool import PERIOD_SECONDS, Spool
from homeport.wire.messages import AccessLogFile

log = logging.getLogger(__name__)

_RESEND_SECONDS = 20.0  # what the server has not answered by then is sent again


class AccessLogs:
    """The access logs of all load balancers on this node."""

    def __init__(self, directory: Path, clock: Clock, send: Callable[[AccessLogFile], None]) -> None:
        self._clock = clock
        self._send = send
        self._finished = asyncio.Event()
        self.spool = Spool(directory, clock, self._finished.set)
        self._connected = False
        self._in_flight = ""
        self._sent_at = 0.0

    async def run(self) -> None:
        """Do so for as long as this runs."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._end_periods())
            group.create_task(self._compress())

    async def _end_periods(self) -> None:
        while True:
            # sleep may end a moment early: what is not over yet is looked at again at once
            await asyncio.sleep(max(0.01, PERIOD_SECONDS - self._clock.now() % PERIOD_SECONDS))
            self.end_periods()

    def end_periods(self) -> None:
        """Finish the files of periods that are over."""
        self.spool.close_ended()
        self.spool.tell_dropped()

    async def _compress(self) -> None:
        while True:
            self._finished.clear()
            while self.spool.unfinished:
                await self.compress()
            await self._finished.wait()

    async def compress(self) -> None:
        """Compress one file."""
        try:
            path, size = await asyncio.to_thread(self.spool.compress)
        except (OSError, EOFError) as error:
            self.spool.give_up(str(error))
        else:
            self.spool.compressed(path, size)
            self._look()

    # --- The server

    def connected(self) -> None:
        """There is a session: send what the server does not have."""
        self._connected = True
        self._look()

    def disconnected(self) -> None:
        """What was on its way may be lost."""
        self._connected, self._in_flight = False, ""

    def acked(self, file: str) -> None:
        """The server has a file."""
        self.spool.forget(file)
        if file == self._in_flight:
            self._in_flight = ""
        self._look()

    def resend(self) -> bool:
        """Send again what was not answered for a while; says whether anything is unanswered."""
        if self._in_flight and self._sent_at <= asyncio.get_running_loop().time() - _RESEND_SECONDS:
            self._in_flight = ""
            self._look()
        return bool(self._in_flight)

    def _look(self) -> None:
        """Send the next file, if there is one and none is on its way."""
        while self._connected and not self._in_flight and (name := self.spool.ready) is not None:
            if (file := self.spool.read(name)) is not None:
                self._in_flight, self._sent_at = name, asyncio.get_running_loop().time()
                self._send(file)

    def close(self) -> None:
        """Let go of everything; the next process goes on."""
        self._connected = False
        self.spool.close()
