"""Rows of scheduled actions."""

from collections.abc import Callable

import msgspec

from homeport.db.database import Row, Tx
from homeport.services.applicationautoscaling.model import Schedule, ScheduledAction
from homeport.services.applicationautoscaling.store import listing

_COLUMNS = "region, resource, name, id, created_at, document, due"


def _action(row: Row) -> ScheduledAction:
    region, resource, name, id_, created_at, document, due = row
    return ScheduledAction(region, resource, name, id_, created_at, msgspec.json.decode(document, type=Schedule), due)


async def find(tx: Tx, region: str, resource: str, name: str) -> ScheduledAction | None:
    row = await tx.fetch_one(
        f"SELECT {_COLUMNS} FROM autoscaling_scheduled_actions WHERE region = ? AND resource = ? AND name = ?",
        *(region, resource, name),
    )
    return None if row is None else _action(row)


async def page(
    tx: Tx, region: str, *, resource: str, after: tuple[str, str], limit: int, wanted: Callable[[ScheduledAction], bool]
) -> list[ScheduledAction]:
    """Return up to *limit* actions that are *wanted* behind the key *after*; an empty resource means any."""
    return await listing.page(
        tx,
        f"SELECT {_COLUMNS} FROM autoscaling_scheduled_actions",
        region,
        resource=resource,
        after=after,
        limit=limit,
        read=_action,
        wanted=wanted,
    )


async def put(tx: Tx, action: ScheduledAction) -> None:
    await tx.execute(
        f"INSERT INTO autoscaling_scheduled_actions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (region, resource, name) DO UPDATE SET document = excluded.document, due = excluded.due",
        *(action.region, action.resource, action.name, action.id, action.created_at),
        *(msgspec.json.encode(action.schedule).decode(), action.due),
    )


async def due(tx: Tx, now: float, limit: int) -> list[ScheduledAction]:
    """Return actions whose time has come, longest ago first."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM autoscaling_scheduled_actions WHERE due IS NOT NULL AND due <= ? ORDER BY due LIMIT ?",
        *(now, limit),
    )
    return [_action(row) for row in rows]


async def set_due(tx: Tx, action: ScheduledAction, due_at: float | None) -> None:
    await tx.execute("UPDATE autoscaling_scheduled_actions SET due = ? WHERE id = ?", due_at, action.id)


async def remove(tx: Tx, action: ScheduledAction) -> None:
    await tx.execute("DELETE FROM autoscaling_scheduled_actions WHERE id = ?", action.id)


async def remove_all(tx: Tx, region: str, resource: str) -> None:
    """Remove every action of a target."""
    await tx.execute("DELETE FROM autoscaling_scheduled_actions WHERE region = ? AND resource = ?", region, resource)
