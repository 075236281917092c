"""
Ship containers' output to the server.

conmon has it on disk before anybody asks.  Per source one batch is on its way at any time; the
server's word on how much it holds is the truth, and reading continues there.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec.structs import replace

from homeport.node.inotify import Inotify
from homeport.node.logs.source import Source
from homeport.node.store import LogSource, NodeStore
from homeport.wire.messages import Container, LogBatch

log = logging.getLogger(__name__)

_GATHER_SECONDS = 0.02  # lines that come together travel together
_IN_FLIGHT_BYTES = 8 * 1024 * 1024  # of all sources together; what is over waits on disk
_RESEND_SECONDS = 4.0
_DRAIN_SECONDS = 10.0


class Shipper:
    """All sources of output on this node."""

    def __init__(
        self, directory: Path, store: NodeStore, sources: Iterable[LogSource], send: Callable[[LogBatch], None]
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._store = store
        self._send = send
        self._connected = False
        self._sources = {saved.id: Source(saved) for saved in sources}
        self._by_file = {source.path.name: source for source in self._sources.values()}
        self._in_flight = 0
        self._waiting: set[Source] = set()  # for room among what is in flight
        self._inotify = Inotify()
        self._inotify.watch_writes(directory, self._written, self._look_everywhere)

    def close(self) -> None:
        """Stop watching; what was not shipped is shipped by the next start."""
        self._connected = False
        self._inotify.close()

    # --- What containers do

    def follow(self, source: str, container: Container, path: Path) -> None:
        """Ship what is written to *path*, also what has been written before; may be repeated."""
        if source in self._sources or container.log is None:
            return
        known = Source(LogSource(id=source, path=str(path), target=container.log))
        self._store.save_sources({source: known.saved})
        self._sources[source] = known
        self._by_file[path.name] = known

    def end(self, source: str) -> None:
        """Nothing will be written any more."""
        if (known := self._sources.get(source)) is None or known.saved.ended:
            return
        known.saved = replace(known.saved, ended=True)
        self._store.save_sources({source: known.saved})
        self._look(known)

    async def drained(self, sources: tuple[str, ...]) -> None:
        """Return when the server holds everything of *sources*, or after a while in which it does not answer."""
        waiting = [self._sources[name].done for name in sources if name in self._sources]
        if waiting:
            await asyncio.wait(waiting, timeout=_DRAIN_SECONDS)

    def _written(self, file: str) -> None:
        source = self._by_file.get(file)
        if source is not None and self._connected and not source.due and source.in_flight is None:
            source.due = True
            asyncio.get_running_loop().call_later(_GATHER_SECONDS, self._look, source)

    def _look_everywhere(self) -> None:
        for source in list(self._sources.values()):
            self._look(source)

    # --- What the server says

    def connected(self) -> None:
        """There is a session: send what the server does not hold."""
        self._connected = True
        self._look_everywhere()

    def disconnected(self) -> None:
        """What was on its way may be lost."""
        self._connected = False
        for source in self._sources.values():
            self._take_back(source)

    def resend(self) -> bool:
        """Send again what was not answered for a while; says whether anything is unanswered."""
        oldest = asyncio.get_running_loop().time() - _RESEND_SECONDS
        for source in list(self._sources.values()):
            if source.in_flight is not None and source.sent_at <= oldest:
                self._take_back(source)
                self._look(source)
        return self._in_flight > 0

    def acked(self, name: str, offset: int) -> None:
        """Take the server's word that it holds *offset* bytes of a source."""
        source = self._sources.get(name)
        if source is None or (batch := source.in_flight) is None:
            return
        if offset == source.saved.offset != batch.end:
            return  # the answer to an earlier copy: to this batch, which starts there, it would be another
        final = source.final_sent
        self._take_back(source)
        if offset == batch.end:
            source.advanced(batch)
        else:
            log.info("the server holds %d bytes of %s, not %d", offset, name, source.saved.offset)
            source.moved(offset)
            final = False
        if final:
            self._finish(source)
        else:
            self._store.save_sources({name: source.saved})
            with contextlib.suppress(FileNotFoundError):
                source.give_back()
            self._look(source)
        self._use_room()

    def _take_back(self, source: Source) -> None:
        if source.in_flight is not None:
            self._in_flight -= _weight(source)
            source.in_flight = None
        source.final_sent = False

    def _finish(self, source: Source) -> None:
        del self._sources[source.saved.id]
        self._by_file.pop(source.path.name, None)
        self._waiting.discard(source)
        self._store.save_sources({source.saved.id: None})
        source.path.unlink(missing_ok=True)
        source.done.set_result(None)

    def _use_room(self) -> None:
        waiting, self._waiting = self._waiting, set()
        for source in waiting:
            self._look(source)

    # --- Sending

    def _look(self, source: Source) -> None:
        """Send the next batch of *source*, if there is one and nothing is on its way."""
        source.due = False
        if source.closing is not None:
            source.closing.cancel()
            source.closing = None
        if not self._connected or source.in_flight is not None or source.saved.id not in self._sources:
            return
        if self._in_flight >= _IN_FLIGHT_BYTES:
            self._waiting.add(source)
            return
        loop = asyncio.get_running_loop()
        batch, final = source.next_batch(loop.time())
        # The end is said on its own: the answer to a batch does not tell whether an earlier copy was taken.
        final = final and batch.end == source.saved.offset
        if batch.end == source.saved.offset and not final:
            if (wake_at := source.wake_at()) is not None:
                source.closing = loop.call_at(wake_at, self._look, source)
            return
        source.in_flight, source.final_sent, source.sent_at = batch, final, loop.time()
        self._in_flight += _weight(source)
        target = source.saved.target
        self._send(
            LogBatch(
                source=source.saved.id,
                region=target.region,
                group=target.group,
                stream=target.stream,
                start=source.saved.offset,
                end=batch.end,
                events=tuple(batch.events),
                final=final,
            )
        )


def _weight(source: Source) -> int:
    """Return what the source's batch counts for: never nothing, so that an unanswered one is known."""
    return 1 + (source.in_flight.size if source.in_flight is not None else 0)
