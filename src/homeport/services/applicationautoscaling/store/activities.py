"""Rows of scaling activities."""

import msgspec

from homeport.db.database import Row, Tx
from homeport.services.applicationautoscaling.model import Activity, NotScaled, Outcome

_COLUMNS = "region, resource, id, started_at, description, cause, outcome, message, ended_at, wanted, not_scaled"


def _activity(row: Row) -> Activity:
    region, resource, id_, started_at, description, cause, outcome, message, ended_at, wanted, not_scaled = row
    reason = msgspec.json.decode(not_scaled, type=NotScaled) if not_scaled else None
    return Activity(
        region, resource, id_, started_at, description, cause, Outcome(outcome), message, ended_at, wanted, reason
    )


async def add(tx: Tx, activity: Activity) -> None:
    await tx.execute(
        f"INSERT INTO autoscaling_activities ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *(activity.region, activity.resource, activity.id, activity.started_at, activity.description, activity.cause),
        *(activity.outcome, activity.message, activity.ended_at, activity.wanted),
        msgspec.json.encode(activity.not_scaled).decode() if activity.not_scaled is not None else "",
    )


async def end(tx: Tx, activity: Activity, outcome: Outcome, message: str, now: float) -> None:
    await tx.execute(
        "UPDATE autoscaling_activities SET outcome = ?, message = ?, ended_at = ? WHERE id = ?",
        *(outcome, message, now, activity.id),
    )


async def under_way(tx: Tx, region: str = "", resource: str = "") -> list[Activity]:
    """Return the activities that have not ended, of one target or of all: few, as a target has one at a time."""
    condition, values = (" AND region = ? AND resource = ?", (region, resource)) if resource else ("", ())
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM autoscaling_activities WHERE outcome = 'InProgress'{condition}", *values
    )
    return [_activity(row) for row in rows]


async def page(
    tx: Tx, region: str, *, resource: str, after: tuple[float, str] | None, limit: int, not_scaled: bool
) -> list[Activity]:
    """
    Return up to *limit* activities behind the key *after*, newest first; an empty resource means any.

    With *not_scaled* those that changed nothing are among them.
    """
    condition = (" AND resource = ?" if resource else "") + (" AND (started_at, id) < (?, ?)" if after else "")
    condition += "" if not_scaled else " AND not_scaled = ''"
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM autoscaling_activities WHERE region = ?{condition} "
        "ORDER BY started_at DESC, id DESC LIMIT ?",
        *(region, *((resource,) if resource else ()), *(after or ()), limit),
    )
    return [_activity(row) for row in rows]


async def any_before(tx: Tx, before: float) -> bool:
    """Tell whether there is an activity from before that time."""
    return await tx.fetch_one("SELECT 1 FROM autoscaling_activities WHERE started_at < ? LIMIT 1", before) is not None


async def forget(tx: Tx, before: float, limit: int) -> bool:
    """Remove some activities from before that time; False when there are none left."""
    rows = await tx.fetch("SELECT id FROM autoscaling_activities WHERE started_at < ? LIMIT ?", before, limit)
    for (id_,) in rows:
        await tx.execute("DELETE FROM autoscaling_activities WHERE id = ?", id_)
    return bool(rows)
