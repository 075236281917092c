"""
Read many streams as one, in the order of time.

A group may hold a stream for every task that ever ran, so a stream is opened only when the reading has
come to its span, and read in small slices: a page costs what lies in its own stretch of time.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from homeport.db.database import Tx
from homeport.services.logs.events import Range, Walk
from homeport.services.logs.model import Event, Gap, LogStream

_LAST = 2**62  # greater than any sequence number

# Rows held in memory over all open streams together, about.
_ROWS_AHEAD = 4_000


class Position(NamedTuple):
    """An event's place among all events of a group."""

    timestamp: int
    stream: int
    sequence: int


class Found(NamedTuple):
    """An event and the stream it is in."""

    event: Event
    stream: LogStream

    def position(self) -> Position:
        return Position(self.event.timestamp, self.stream.id, self.event.sequence)


def _gap(stream: LogStream, position: Position, *, forward: bool) -> Gap:
    """Return the place in *stream* from which on its events lie beyond *position*."""
    if stream.id != position.stream:
        return Gap(position.timestamp, _LAST if stream.id < position.stream else -1)
    return Gap(position.timestamp, position.sequence if forward else position.sequence - 1)


class Merge:
    """The events of *streams* in *span* beyond *position*: by time, then stream, then sequence."""

    def __init__(
        self, tx: Tx, streams: Sequence[LogStream], span: Range, position: Position | None, *, forward: bool
    ) -> None:
        self._tx, self._span, self._forward = tx, span, forward
        self._position = position or Position(span.start if forward else span.end, -1, -1)
        self._most = max(8, _ROWS_AHEAD // max(1, len(streams)))
        self._unopened = deque(sorted(streams, key=self._edge))
        self._heap: list[tuple[int, int, int, Found, Walk]] = []

    def _edge(self, stream: LogStream) -> int:
        """Return the time, or its negative when reading backwards, at which the stream comes into view."""
        return stream.first_event if self._forward else -stream.last_event

    def __aiter__(self) -> "Merge":
        return self

    async def __anext__(self) -> Found:
        while self._unopened and (not self._heap or self._edge(self._unopened[0]) <= self._heap[0][0]):
            stream = self._unopened.popleft()
            gap = _gap(stream, self._position, forward=self._forward)
            walk = Walk(self._tx, stream.id, gap, self._span, forward=self._forward, most=self._most)
            await self._advance(stream, walk)
        if not self._heap:
            raise StopAsyncIteration
        *_, found, walk = heapq.heappop(self._heap)
        await self._advance(found.stream, walk)
        return found

    async def _advance(self, stream: LogStream, walk: Walk) -> None:
        event = await anext(walk, None)
        if event is not None:
            sign = 1 if self._forward else -1
            key = (sign * event.timestamp, sign * stream.id, sign * event.sequence)
            heapq.heappush(self._heap, (*key, Found(event, stream), walk))


def remaining(span: Range, position: Position | None, *, forward: bool) -> Range:
    """Return the part of *span* that lies beyond *position*."""
    if position is None:
        return span
    if forward:
        return Range(max(span.start, position.timestamp), span.end)
    return Range(span.start, min(span.end, position.timestamp + 1))
