"""Log groups and streams in the store; events have a module of their own."""

import json
from collections.abc import Mapping

from homeport.db.database import Row, Tx
from homeport.services.logs.errors import group_missing, stream_missing
from homeport.services.logs.model import LogGroup, LogStream

_GROUP = "id, region, name, created, retention_days, stored_bytes, tags"
_STREAM = "id, name, created, first_event, last_event, last_ingestion, next_sequence"

#: Sorts after every character a name may hold: a prefix and this bound the names that begin with it.
AFTER_ALL = "\U0010ffff"


def _group(row: Row) -> LogGroup:
    key, region, name, created, retention_days, stored_bytes, tags = row
    return LogGroup(key, region, name, created, retention_days, stored_bytes, json.loads(tags))


def _stream(row: Row) -> LogStream:
    return LogStream(*row)


async def find_group(tx: Tx, region: str, name: str) -> LogGroup | None:
    row = await tx.fetch_one(f"SELECT {_GROUP} FROM log_groups WHERE region = ? AND name = ?", region, name)
    return _group(row) if row else None


async def get_group(tx: Tx, region: str, name: str) -> LogGroup:
    group = await find_group(tx, region, name)
    if group is None:
        raise group_missing()
    return group


async def list_groups(tx: Tx, region: str, *, prefix: str = "", after: str = "", limit: int) -> list[LogGroup]:
    """Return groups by name, beginning after the one called *after*."""
    rows = await tx.fetch(
        f"SELECT {_GROUP} FROM log_groups WHERE region = ? AND name >= ? AND name < ? AND name > ? ORDER BY name LIMIT ?",
        *(region, prefix, prefix + AFTER_ALL, after, limit),
    )
    return [_group(row) for row in rows]


async def groups_with_retention(tx: Tx) -> list[LogGroup]:
    return [_group(row) for row in await tx.fetch(f"SELECT {_GROUP} FROM log_groups WHERE retention_days > 0")]


async def add_group(tx: Tx, group: LogGroup) -> bool:
    """Insert *group*; False if its name is taken."""
    inserted = await tx.execute(
        "INSERT INTO log_groups (id, region, name, created, tags) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (region, name) DO NOTHING",
        *(group.id, group.region, group.name, group.created, json.dumps(dict(group.tags))),
    )
    return inserted > 0


async def remove_group(tx: Tx, group: LogGroup) -> None:
    """
    Take the group out of sight at once, whatever its size.

    Its streams are reached only through it; the clean-up pass removes them and their events.
    """
    await tx.execute("DELETE FROM log_groups WHERE id = ?", group.id)
    await tx.execute("INSERT INTO log_garbage (kind, id) VALUES ('group', ?)", group.id)


async def set_retention(tx: Tx, group: LogGroup, days: int) -> None:
    await tx.execute("UPDATE log_groups SET retention_days = ? WHERE id = ?", days, group.id)


async def set_tags(tx: Tx, group: LogGroup, tags: Mapping[str, str]) -> None:
    await tx.execute("UPDATE log_groups SET tags = ? WHERE id = ?", json.dumps(dict(tags)), group.id)


async def find_stream(tx: Tx, group: LogGroup, name: str) -> LogStream | None:
    row = await tx.fetch_one(f"SELECT {_STREAM} FROM log_streams WHERE group_id = ? AND name = ?", group.id, name)
    return _stream(row) if row else None


async def get_stream(tx: Tx, group: LogGroup, name: str) -> LogStream:
    stream = await find_stream(tx, group, name)
    if stream is None:
        raise stream_missing()
    return stream


async def add_stream(tx: Tx, group: LogGroup, *, stream_id: int, name: str, now: int) -> bool:
    """Insert an empty stream; False if its name is taken."""
    inserted = await tx.execute(
        "INSERT INTO log_streams (id, group_id, name, created) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (group_id, name) DO NOTHING",
        *(stream_id, group.id, name, now),
    )
    return inserted > 0


async def remove_stream(tx: Tx, group: LogGroup, stream: LogStream) -> None:
    """Take the stream out of sight; the clean-up pass removes its events."""
    row = await tx.fetch_one("SELECT stored_bytes FROM log_streams WHERE id = ?", stream.id)
    if row is not None:
        await tx.execute("UPDATE log_groups SET stored_bytes = stored_bytes - ? WHERE id = ?", row[0], group.id)
    await tx.execute("DELETE FROM log_streams WHERE id = ?", stream.id)
    await tx.execute("INSERT INTO log_garbage (kind, id) VALUES ('stream', ?)", stream.id)


async def list_streams(
    tx: Tx, group: LogGroup, *, prefix: str = "", after: str | None, descending: bool, limit: int
) -> list[LogStream]:
    """Return streams by name, beginning beyond the one called *after*."""
    beyond, order = ("<", "DESC") if descending else (">", "ASC")
    start = after if after is not None else (AFTER_ALL if descending else "")
    rows = await tx.fetch(
        f"SELECT {_STREAM} FROM log_streams WHERE group_id = ? AND name >= ? AND name < ? AND name {beyond} ? "
        f"ORDER BY name {order} LIMIT ?",
        *(group.id, prefix, prefix + AFTER_ALL, start, limit),
    )
    return [_stream(row) for row in rows]


async def list_streams_by_last_event(
    tx: Tx, group: LogGroup, *, after: tuple[int, str] | None, descending: bool, limit: int
) -> list[LogStream]:
    """Return streams by the time of their last event, empty ones first (last when *descending*)."""
    beyond, order = ("<", "DESC") if descending else (">", "ASC")
    start = after if after is not None else ((2**62, "") if descending else (-1, ""))
    rows = await tx.fetch(
        f"SELECT {_STREAM} FROM log_streams WHERE group_id = ? AND (last_event, name) {beyond} (?, ?) "
        f"ORDER BY last_event {order}, name {order} LIMIT ?",
        *(group.id, *start, limit),
    )
    return [_stream(row) for row in rows]


async def list_streams_between(tx: Tx, group: LogGroup, start: int, end: int) -> list[LogStream]:
    """Return the streams that may hold events from *start* (inclusive) to *end* (exclusive)."""
    rows = await tx.fetch(
        f"SELECT {_STREAM} FROM log_streams WHERE group_id = ? AND last_event >= ? AND last_event > 0 AND first_event < ?",
        *(group.id, start, end),
    )
    return [_stream(row) for row in rows]
