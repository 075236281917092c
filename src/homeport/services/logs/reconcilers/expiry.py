"""
Remove what nobody can see any more: expired events, the contents of deleted groups and streams, old marks.

Reading hides all of it already; this only gives the room back.  Work is done in slices, one
transaction each, so that requests never wait behind a large deletion.
"""

from homeport.db.database import Database, Tx
from homeport.kit.clock import Clock
from homeport.services.logs import store
from homeport.services.logs.model import DAY, LogGroup, event_size

# Events removed in one transaction: a few milliseconds of work.
_SLICE = 1_000

#: How long a finished source is remembered, in days.  A node that repeats a source's last batch later than this
#: would be told to start again; it has then been out of reach for a week.
REMEMBERED_DAYS = 7


async def expire(database: Database, clock: Clock) -> None:
    """Run one pass to its end."""
    now = int(clock.now() * 1000)
    async with database.snapshot() as tx:
        groups = await store.groups_with_retention(tx)
    for group in groups:
        while await _expire_some(database, group, group.horizon(now)):
            pass
    while await _collect_some(database):
        pass
    while await _forget_some(database, now - REMEMBERED_DAYS * DAY):
        pass


async def _expire_some(database: Database, group: LogGroup, horizon: int) -> bool:
    """Remove a slice of the group's events from before *horizon*; False when there are none left."""
    async with database.snapshot() as tx:
        row = await tx.fetch_one(
            "SELECT id FROM log_streams WHERE group_id = ? AND first_event > 0 AND first_event < ? LIMIT 1",
            *(group.id, horizon),
        )
    if row is None:
        return False
    async with database.transaction() as tx:
        await _remove_events(tx, row[0], horizon)
    return True


async def _remove_events(tx: Tx, stream_id: int, horizon: int) -> int:
    """Remove a slice of the stream's oldest events from before *horizon*, and set its span and the sizes right."""
    rows = await tx.fetch(
        "SELECT timestamp, sequence, message FROM log_events WHERE stream_id = ? AND timestamp < ? "
        "ORDER BY timestamp, sequence LIMIT ?",
        *(stream_id, horizon, _SLICE),
    )
    if rows:
        await tx.execute(
            "DELETE FROM log_events WHERE stream_id = ? AND (timestamp, sequence) <= (?, ?)",
            *(stream_id, *rows[-1][:2]),
        )
    size = sum(event_size(message) for _, _, message in rows)
    oldest = await tx.fetch_one(
        "SELECT timestamp FROM log_events WHERE stream_id = ? ORDER BY timestamp, sequence LIMIT 1", stream_id
    )
    # An emptied stream has no span: its last event is gone as well.
    await tx.execute(
        "UPDATE log_streams SET first_event = ?, last_event = CASE WHEN ? = 0 THEN 0 ELSE last_event END, "
        "stored_bytes = stored_bytes - ? WHERE id = ?",
        *(oldest[0] if oldest else 0, oldest[0] if oldest else 0, size, stream_id),
    )
    await tx.execute(
        "UPDATE log_groups SET stored_bytes = stored_bytes - ? "
        "WHERE id = (SELECT group_id FROM log_streams WHERE id = ?)",
        *(size, stream_id),
    )
    return len(rows)


async def _collect_some(database: Database) -> bool:
    """Remove a slice of what deleted groups and streams left behind; False when nothing is left."""
    async with database.transaction() as tx:
        row = await tx.fetch_one("SELECT kind, id FROM log_garbage LIMIT 1")
        if row is None:
            return False
        kind, key = row
        done = await (_collect_group(tx, key) if kind == "group" else _collect_stream(tx, key))
        if done:
            await tx.execute("DELETE FROM log_garbage WHERE kind = ? AND id = ?", kind, key)
    return True


async def _collect_group(tx: Tx, group_id: int) -> bool:
    """Turn a slice of a deleted group's streams into garbage of their own; True when it has none left."""
    streams = await tx.fetch("SELECT id FROM log_streams WHERE group_id = ? LIMIT ?", group_id, _SLICE)
    for (stream_id,) in streams:
        await tx.execute("DELETE FROM log_streams WHERE id = ?", stream_id)
        await tx.execute("INSERT INTO log_garbage (kind, id) VALUES ('stream', ?)", stream_id)
    return len(streams) < _SLICE


async def _collect_stream(tx: Tx, stream_id: int) -> bool:
    """Remove a slice of a deleted stream's events; True when it has none left."""
    row = await tx.fetch_one(
        "SELECT timestamp, sequence FROM log_events WHERE stream_id = ? ORDER BY timestamp, sequence LIMIT 1 OFFSET ?",
        *(stream_id, _SLICE),
    )
    if row is None:
        await tx.execute("DELETE FROM log_events WHERE stream_id = ?", stream_id)
        return True
    await tx.execute("DELETE FROM log_events WHERE stream_id = ? AND (timestamp, sequence) < (?, ?)", stream_id, *row)
    return False


async def _forget_some(database: Database, before: int) -> bool:
    """Forget a slice of the sources that finished before that time; False when there are none left."""
    async with database.transaction() as tx:
        rows = await tx.fetch(
            "SELECT source FROM log_cursors WHERE finished > 0 AND finished < ? LIMIT ?", before, _SLICE
        )
        for (source,) in rows:
            await tx.execute("DELETE FROM log_cursors WHERE source = ?", source)
    return bool(rows)
