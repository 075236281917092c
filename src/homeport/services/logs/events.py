"""
Events in the store.

All reads are ranges of the primary key (stream, timestamp, sequence): what the newest page of a stream
costs does not depend on how much the stream holds.
"""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from homeport.db.database import Tx, Value
from homeport.services.logs.model import Event, Gap, LogGroup, event_size

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


async def walk(tx: Tx, stream_id: int, gap: Gap, span: Range, *, forward: bool) -> AsyncIterator[Event]:
    """Yield the events on one side of *gap*, in slices small enough that long lines cannot fill the memory."""
    size = 32
    while True:
        found = await (after if forward else before)(tx, stream_id, gap, span, size)
        for event in found:
            yield event
        if len(found) < size:
            return
        gap = Gap(*found[-1][:2]) if forward else Gap(found[-1].timestamp, found[-1].sequence - 1)
        mean = sum(event.size() for event in found) // len(found)
        size = max(8, min(2_000, PAGE_BYTES // mean))


async def page(tx: Tx, stream_id: int, gap: Gap, span: Range, *, forward: bool, limit: int) -> list[Event]:
    """Return the events nearest to *gap* on one side, at most *limit* and 1 MB of them, oldest first."""
    found: list[Event] = []
    room = PAGE_BYTES
    async for event in walk(tx, stream_id, gap, span, forward=forward):
        room -= event.size()
        if found and room < 0:
            break
        found.append(event)
        if len(found) == limit:
            break
    return found if forward else found[::-1]
