"""
What containers print, on its way from the nodes into log streams.

A node sends each source (one container's output file) as batches of bytes *start* to *end*, again and
again until it hears how far the server holds it.  The server takes a batch only where it continues what
is held, and moves that mark in the transaction that stores the events: so every line is stored exactly
once, however often batches are repeated, reordered, or cut off by a crash of either side.
"""

from collections.abc import Iterator, Sequence

from homeport.db.database import Tx
from homeport.kit.ids import Ids
from homeport.services.logs import events, store
from homeport.services.logs.model import EVENT_OVERHEAD, LogGroup
from homeport.services.logs.validation import check_group_name, check_stream_name
from homeport.wire.frames import WireError
from homeport.wire.messages import LogBatch

#: AWS's own log driver cuts lines into events of this size, in bytes of UTF-8.
MAX_EVENT_BYTES = 262_144 - EVENT_OVERHEAD


class LogGroupMissing(Exception):
    """The log group that a task's log configuration names does not exist, and may not be created."""


async def ensure_task_streams(
    tx: Tx, *, region: str, group: str, streams: Sequence[str], create_group: bool, now: float, ids: Ids
) -> None:
    """
    Make the streams that a task's containers will write to; those that exist are left alone.

    Raises LogGroupMissing when there is no such group and *create_group* is false, and
    InvalidParameter for names that CloudWatch would not accept.
    """
    check_group_name(group)
    for stream in streams:
        check_stream_name(stream)
    milliseconds = int(now * 1000)
    found = await store.find_group(tx, region, group)
    if found is None and create_group:
        await store.add_group(tx, LogGroup(new_id(ids), region, group, milliseconds))
        found = await store.find_group(tx, region, group)
    if found is None:
        raise LogGroupMissing(group)
    for stream in streams:
        await store.add_stream(tx, found, stream_id=new_id(ids), name=stream, now=milliseconds)


def new_id(ids: Ids) -> int:
    """Return a fresh key for a group or stream: 60 random bits fit every store's integers."""
    return int(ids.hex(15), 16)


async def append(tx: Tx, batch: LogBatch, now: float) -> int:
    """
    Store *batch* if it continues what is held of its source, and return the offset held thereafter.

    If the group or stream has been deleted the lines go nowhere, as on AWS, but the mark moves:
    the container runs on and the node must not keep its output for ever.
    """
    if batch.end < batch.start or (batch.end == batch.start and batch.events):
        raise WireError(f"log batch of {batch.source} holds {len(batch.events)} events in no bytes")
    row = await tx.fetch_one("SELECT held_to FROM log_cursors WHERE source = ?", batch.source)
    held = row[0] if row else 0
    if batch.start != held:
        return int(held)
    milliseconds = int(now * 1000)
    if not await _move(tx, batch, finished=milliseconds if batch.final else 0):
        row = await tx.fetch_one("SELECT held_to FROM log_cursors WHERE source = ?", batch.source)
        return int(row[0]) if row else 0
    await _store(tx, batch, milliseconds)
    return batch.end


async def _move(tx: Tx, batch: LogBatch, *, finished: int) -> bool:
    """Move the source's mark from the batch's start to its end; False if another session was quicker."""
    moved = await tx.execute(
        "UPDATE log_cursors SET held_to = ?, finished = ? WHERE source = ? AND held_to = ?",
        *(batch.end, finished, batch.source, batch.start),
    )
    if not moved and batch.start == 0:
        moved = await tx.execute(
            "INSERT INTO log_cursors (source, held_to, finished) VALUES (?, ?, ?) ON CONFLICT (source) DO NOTHING",
            *(batch.source, batch.end, finished),
        )
    return moved > 0


async def _store(tx: Tx, batch: LogBatch, now: int) -> None:
    if not batch.events:
        return
    group = await store.find_group(tx, batch.region, batch.group)
    stream = await store.find_stream(tx, group, batch.stream) if group else None
    if group is None or stream is None:
        return
    lines = [(event.timestamp, part) for event in batch.events for part in _parts(event.message)]
    await events.add(tx, group, stream.id, lines, ingested=now)


def _parts(message: str) -> Iterator[str]:
    """Yield *message* in pieces no longer than an event may be; an empty line yields none, as with AWS's driver."""
    if len(message) * 4 <= MAX_EVENT_BYTES:
        if message:
            yield message
        return
    encoded = message.encode()
    while encoded:
        cut = len(encoded)
        if cut > MAX_EVENT_BYTES:
            cut = MAX_EVENT_BYTES
            while encoded[cut] & 0xC0 == 0x80:  # never inside a character
                cut -= 1
        yield encoded[:cut].decode()
        encoded = encoded[cut:]
