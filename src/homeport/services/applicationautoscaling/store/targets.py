"""Rows of scalable targets."""

from collections.abc import Mapping, Sequence

import msgspec

from homeport.db.database import Row, Tx, Value
from homeport.services.applicationautoscaling.model import Suspended, Target

_COLUMNS = "region, resource, id, low, high, created_at, suspended, tags"


def _target(row: Row) -> Target:
    region, resource, id_, low, high, created_at, suspended, tags = row
    return Target(
        region, resource, id_, low, high, created_at,
        msgspec.json.decode(suspended, type=Suspended), msgspec.json.decode(tags),
    )  # fmt: skip


async def find(tx: Tx, region: str, resource: str) -> Target | None:
    row = await tx.fetch_one(
        f"SELECT {_COLUMNS} FROM autoscaling_targets WHERE region = ? AND resource = ?", region, resource
    )
    return None if row is None else _target(row)


async def find_by_id(tx: Tx, region: str, id_: str) -> Target | None:
    row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM autoscaling_targets WHERE id = ? AND region = ?", id_, region)
    return None if row is None else _target(row)


async def page(tx: Tx, region: str, *, resources: Sequence[str], after: str, limit: int) -> list[Target]:
    """Return up to *limit* targets behind the resource *after*, by resource; of *resources* if any are given."""
    condition = f" AND resource IN ({', '.join('?' * len(resources))})" if resources else ""
    values: list[Value] = [region, *resources, after, limit]
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM autoscaling_targets WHERE region = ?{condition} AND resource > ? "
        "ORDER BY resource LIMIT ?",
        *values,
    )
    return [_target(row) for row in rows]


async def put(tx: Tx, target: Target) -> None:
    """Write a target, but for the tags of one that exists."""
    await tx.execute(
        f"INSERT INTO autoscaling_targets ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (region, resource) DO UPDATE SET low = excluded.low, high = excluded.high, "
        "suspended = excluded.suspended",
        *(target.region, target.resource, target.id, target.low, target.high, target.created_at),
        *(msgspec.json.encode(target.suspended).decode(), msgspec.json.encode(target.tags).decode()),
    )


async def set_tags(tx: Tx, target: Target, tags: Mapping[str, str]) -> None:
    await tx.execute(
        "UPDATE autoscaling_targets SET tags = ? WHERE id = ?", msgspec.json.encode(tags).decode(), target.id
    )


async def remove(tx: Tx, target: Target) -> None:
    await tx.execute("DELETE FROM autoscaling_targets WHERE id = ?", target.id)
