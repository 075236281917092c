"""
Events in the store.

All reads are ranges of the primary key (stream, timestamp, sequence): what the newest page of a stream
costs does not depend on how much the stream holds.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from homeport.db.database import Tx, Value
from homeport.services.logs.model import Event, Gap, LogGroup, event_size, gap_after, gap_before

PAGE_BYTES = 1_048_576
PAGE_EVENTS = 10_000

# Rows in one INSERT: enough to make the statement's own cost vanish, far below the stores' limits on parameters.
_ROWS = 400
_INSERT = "INSERT INTO log_events (stream_id, timestamp, sequence, ingested, message) VALUES "


async def add(tx: Tx, group: LogGroup, stream_id: int, events: Sequence[tuple[int, str]], *, ingested: int) -> bool:
    """Append (timestamp, message) pairs to a stream; False if the stream has been deleted meanwhile."""
    if not events:
        return True
    times = [timestamp for timestamp, _ in events]
    first, last = min(times), max(times)
    size = sum(event_size(message) for _, message in events)
    # One statement both reserves the sequence numbers and locks the row, so that writers cannot share a number.
    updated = await tx.execute(
        "UPDATE log_streams SET next_sequence = next_sequence + ?, last_ingestion = ?, stored_bytes = stored_bytes + ?, "
        "first_event = CASE WHEN first_event = 0 OR first_event > ? THEN ? ELSE first_event END, "
        "last_event = CASE WHEN last_event < ? THEN ? ELSE last_event END WHERE id = ?",
        *(len(events), ingested, size, first, first, last, last, stream_id),
    )
    row = await tx.fetch_one("SELECT next_sequence FROM log_streams WHERE id = ?", stream_id)
    if not updated or row is None:
        return False
    await tx.execute("UPDATE log_groups SET stored_bytes = stored_bytes + ? WHERE id = ?", size, group.id)
    sequence = row[0] - len(events)
    for start in range(0, len(events), _ROWS):
        slice_ = events[start : start + _ROWS]
        values: list[Value] = []
        for number, (timestamp, message) in enumerate(slice_, start=sequence + start):
            values += (stream_id, timestamp, number, ingested, message)
        await tx.execute(_INSERT + ", ".join(["(?, ?, ?, ?, ?)"] * len(slice_)), *values)
    return True


class Range(NamedTuple):
    """Event times from *start* (inclusive) to *end* (exclusive)."""

    start: int
    end: int


async def after(tx: Tx, stream_id: int, gap: Gap, span: Range, limit: int) -> list[Event]:
    """Return up to *limit* events of *span* behind *gap*, oldest first."""
    rows = await tx.fetch(
        "SELECT timestamp, sequence, ingested, message FROM log_events "
        "WHERE stream_id = ? AND (timestamp, sequence) > (?, ?) AND timestamp < ? "
        "ORDER BY timestamp, sequence LIMIT ?",
        *(stream_id, *max(gap, Gap(span.start, -1)), span.end, limit),
    )
    return [Event(*row) for row in rows]


async def before(tx: Tx, stream_id: int, gap: Gap, span: Range, limit: int) -> list[Event]:
    """Return up to *limit* events of *span* before *gap*, newest first."""
    rows = await tx.fetch(
        "SELECT timestamp, sequence, ingested, message FROM log_events "
        "WHERE stream_id = ? AND (timestamp, sequence) <= (?, ?) AND timestamp >= ? "
        "ORDER BY timestamp DESC, sequence DESC LIMIT ?",
        *(stream_id, *min(gap, Gap(span.end, -1)), span.start, limit),
    )
    return [Event(*row) for row in rows]


class Walk:
    """
    The events on one side of *gap*, nearest first.

    They are read in slices of *most* rows, fewer where lines are long: they cannot fill the memory.
    (Not a generator: one that is left half-read would need closing.)
    """

    def __init__(self, tx: Tx, stream_id: int, gap: Gap, span: Range, *, forward: bool, most: int = 2_000) -> None:
        self._tx, self._stream_id, self._gap, self._span = tx, stream_id, gap, span
        self._read = after if forward else before
        self._forward = forward
        self._most = most
        self._size = min(32, most)
        self._ahead: deque[Event] = deque()
        self._ended = False

    def __aiter__(self) -> "Walk":
        return self

    async def __anext__(self) -> Event:
        if not self._ahead and not self._ended:
            await self._read_on()
        if not self._ahead:
            raise StopAsyncIteration
        return self._ahead.popleft()

    async def _read_on(self) -> None:
        found = await self._read(self._tx, self._stream_id, self._gap, self._span, self._size)
        self._ahead.extend(found)
        self._ended = len(found) < self._size
        if not self._ended:
            self._gap = gap_after(found[-1]) if self._forward else gap_before(found[-1])
            mean = sum(event.size() for event in found) // len(found)
            self._size = max(8, min(self._most, PAGE_BYTES // mean))


async def page(tx: Tx, stream_id: int, gap: Gap, span: Range, *, forward: bool, limit: int) -> list[Event]:
    """Return the events nearest to *gap* on one side, at most *limit* and 1 MB of them, oldest first."""
    found: list[Event] = []
    room = PAGE_BYTES
    async for event in Walk(tx, stream_id, gap, span, forward=forward):
        room -= event.size()
        if found and room < 0:
            break
        found.append(event)
        if len(found) == limit:
            break
    return found if forward else found[::-1]
