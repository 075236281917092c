"""Alarms, their state and their history in the store."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from homeport.db.database import Row, Tx, Value
from homeport.services.cloudwatch.alarms.model import (
    INITIAL_REASON,
    Alarm,
    AlarmRecord,
    HistoryItem,
    HistoryKind,
    State,
)
from homeport.services.cloudwatch.model import Metric

_COLUMNS = "region, document, updated, state, reason, reason_data, state_updated, tags"
_CHUNK = 100


def _record(row: Row) -> AlarmRecord:
    region, document, updated, state, reason, reason_data, state_updated, tags = row
    alarm = msgspec.json.decode(document, type=Alarm)
    return AlarmRecord(
        region, alarm, updated, State(state), reason, reason_data, state_updated, msgspec.json.decode(tags)
    )


async def find(tx: Tx, region: str, name: str) -> AlarmRecord | None:
    row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM cloudwatch_alarms WHERE region = ? AND name = ?", region, name)
    return None if row is None else _record(row)


async def page(
    tx: Tx, region: str, *, prefix: str, after: str, limit: int, wanted: Callable[[AlarmRecord], bool]
) -> list[AlarmRecord]:
    """Return the first *limit* alarms that are *wanted*, by name, behind the one called *after*."""
    found: list[AlarmRecord] = []
    behind = after
    while True:
        rows = await tx.fetch(
            f"SELECT {_COLUMNS}, name FROM cloudwatch_alarms "
            f"WHERE region = ? AND name >= ? AND name < ? AND name > ? ORDER BY name LIMIT {_CHUNK}",
            *(region, prefix, f"{prefix}\U0010ffff", behind),
        )
        found += filter(wanted, (_record(row[:-1]) for row in rows))
        if len(rows) < _CHUNK or len(found) >= limit:
            return found[:limit]
        behind = rows[-1][-1]


async def of_metric(tx: Tx, region: str, metric: Metric) -> list[AlarmRecord]:
    """Return the alarms that look at *metric*, by name."""
    rows = await tx.fetch(
        "SELECT name FROM cloudwatch_alarm_metrics WHERE metric_id = ? AND region = ? ORDER BY name",
        *(metric.id_in(region), region),
    )
    found = [await find(tx, region, name) for (name,) in rows]
    return [record for record in found if record is not None]


async def calling(tx: Tx, action_prefix: str) -> list[tuple[str, str, AlarmRecord]]:
    """Return region, action and alarm wherever an alarm calls for an action of that prefix now, by action."""
    rows = await tx.fetch(
        "SELECT region, action, name FROM cloudwatch_alarm_actions "
        "WHERE calling = 1 AND action >= ? AND action < ? ORDER BY action, region, name",
        *(action_prefix, f"{action_prefix}\U0010ffff"),
    )
    found = [(region, action, await find(tx, region, name)) for region, action, name in rows]
    return [(region, action, record) for region, action, record in found if record is not None]


async def with_action(tx: Tx, region: str, action: str) -> list[AlarmRecord]:
    """Return the alarms that name *action*, whatever their state, by name."""
    rows = await tx.fetch(
        "SELECT DISTINCT name FROM cloudwatch_alarm_actions WHERE action = ? AND region = ? ORDER BY name",
        *(action, region),
    )
    found = [await find(tx, region, name) for (name,) in rows]
    return [record for record in found if record is not None]


async def put(tx: Tx, region: str, alarm: Alarm, now: float, *, tags: Mapping[str, str] | None = None) -> bool:
    """
    Make *alarm*, or put it in the place of the one with its name; True if it is new.

    A new alarm knows nothing yet and has its *tags*; one that is changed keeps its state and its tags.
    """
    document = msgspec.json.encode(alarm).decode()
    changed = await tx.execute(
        "UPDATE cloudwatch_alarms SET document = ?, updated = ?, due = ? WHERE region = ? AND name = ?",
        *(document, now, now, region, alarm.name),
    )
    if changed:
        await _forget_references(tx, region, alarm.name)
    else:
        await tx.execute(
            "INSERT INTO cloudwatch_alarms (region, name, document, tags, updated, state, reason, state_updated, due) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(region, alarm.name, document, msgspec.json.encode(tags or {}).decode(), now),
            *(State.INSUFFICIENT_DATA, INITIAL_REASON, now, now),
        )
    await _refer(tx, region, alarm)
    await _mark_calling(tx, region, alarm.name)
    return not changed


async def _mark_calling(tx: Tx, region: str, name: str) -> None:
    """Say which of the alarm's actions it calls for: those of its state, if its actions are enabled."""
    record = await find(tx, region, name)
    assert record is not None, "it has just been written"
    await tx.execute(
        "UPDATE cloudwatch_alarm_actions SET calling = CASE WHEN state = ? THEN 1 ELSE 0 END "
        "WHERE region = ? AND name = ?",
        *(record.state if record.alarm.actions_enabled else "", region, name),
    )


async def _refer(tx: Tx, region: str, alarm: Alarm) -> None:
    metrics = {query.stat.metric for query in alarm.parsed_queries if query.stat is not None}
    for metric in metrics:
        await tx.execute(
            "INSERT INTO cloudwatch_alarm_metrics (metric_id, region, name) VALUES (?, ?, ?)",
            *(metric.id_in(region), region, alarm.name),
        )
    for state in State:
        for action in set(alarm.actions(state)):
            await tx.execute(
                "INSERT INTO cloudwatch_alarm_actions (action, region, name, state) VALUES (?, ?, ?, ?)",
                *(action, region, alarm.name, state),
            )


async def _forget_references(tx: Tx, region: str, name: str) -> None:
    await tx.execute("DELETE FROM cloudwatch_alarm_metrics WHERE region = ? AND name = ?", region, name)
    await tx.execute("DELETE FROM cloudwatch_alarm_actions WHERE region = ? AND name = ?", region, name)


async def remove(tx: Tx, region: str, name: str) -> bool:
    """Delete an alarm; its history stays.  False if there is none."""
    await _forget_references(tx, region, name)
    return await tx.execute("DELETE FROM cloudwatch_alarms WHERE region = ? AND name = ?", region, name) > 0


async def set_tags(tx: Tx, region: str, name: str, tags: Mapping[str, str]) -> None:
    await tx.execute(
        "UPDATE cloudwatch_alarms SET tags = ? WHERE region = ? AND name = ?",
        *(msgspec.json.encode(tags).decode(), region, name),
    )


# State


async def due(tx: Tx, now: float, limit: int) -> list[AlarmRecord]:
    """Return alarms whose time to be evaluated has come, longest ago first."""
    rows = await tx.fetch(f"SELECT {_COLUMNS} FROM cloudwatch_alarms WHERE due <= ? ORDER BY due LIMIT ?", now, limit)
    return [_record(row) for row in rows]


async def postpone(tx: Tx, record: AlarmRecord, until: float) -> None:
    """Evaluate the alarm at that time next."""
    await tx.execute(
        "UPDATE cloudwatch_alarms SET due = ? WHERE region = ? AND name = ?", until, record.region, record.alarm.name
    )


async def set_state(tx: Tx, record: AlarmRecord, state: State, reason: str, reason_data: str, now: float) -> None:
    """Bring the alarm into *state*, and write that into its history if it is another."""
    await tx.execute(
        "UPDATE cloudwatch_alarms SET state = ?, reason = ?, reason_data = ?, state_updated = ? "
        "WHERE region = ? AND name = ?",
        *(state, reason, reason_data, now, record.region, record.alarm.name),
    )
    if state is record.state:
        return
    await _mark_calling(tx, record.region, record.alarm.name)
    data = {
        "version": "1.0",
        "oldState": _state_document(record.state, record.reason, record.reason_data),
        "newState": _state_document(state, reason, reason_data),
    }
    summary = f"Alarm updated from {record.state} to {state}"
    await note(tx, record.region, record.alarm.name, HistoryKind.STATE, summary, data, now)


def _state_document(state: State, reason: str, reason_data: str) -> dict[str, Any]:
    known = {"stateReasonData": msgspec.Raw(reason_data.encode())} if reason_data else {}
    return {"stateValue": state, "stateReason": reason, **known}


# History


async def note(
    tx: Tx, region: str, name: str, kind: HistoryKind, summary: str, data: Mapping[str, Any], now: float
) -> None:
    """Add a line to the alarm's history."""
    row = await tx.fetch_one(
        "SELECT MAX(number) FROM cloudwatch_alarm_history WHERE region = ? AND name = ? AND timestamp = ?",
        *(region, name, now),
    )
    number = (row[0] or 0) + 1 if row is not None else 1
    await tx.execute(
        "INSERT INTO cloudwatch_alarm_history (region, name, timestamp, number, kind, summary, data) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        *(region, name, now, number, kind, summary[:255], msgspec.json.encode(data).decode()[:4_095]),
    )


async def history(
    tx: Tx,
    region: str,
    *,
    name: str,
    kind: str,
    start: float,
    end: float,
    after: tuple[float, str, int] | None,
    descending: bool,
    limit: int,
) -> list[HistoryItem]:
    """Return up to *limit* lines from *start* to *end* behind *after*; an empty name or kind means any."""
    condition = (" AND name = ?" if name else "") + (" AND kind = ?" if kind else "")
    asked: list[Value] = [text for text in (name, kind) if text]
    comparison, order = ("<", "DESC") if descending else (">", "ASC")
    if after is not None:
        condition += f" AND (timestamp, name, number) {comparison} (?, ?, ?)"
        asked += after
    rows = await tx.fetch(
        "SELECT name, timestamp, number, kind, summary, data FROM cloudwatch_alarm_history "
        f"WHERE region = ? AND timestamp >= ? AND timestamp <= ?{condition} "
        f"ORDER BY timestamp {order}, name {order}, number {order} LIMIT ?",
        *(region, start, end, *asked, limit),
    )
    return [HistoryItem(row[0], row[1], row[2], HistoryKind(row[3]), row[4], row[5]) for row in rows]


async def forget_history(tx: Tx, before: float, limit: int) -> bool:
    """Remove some lines from before that time; False when there are none left."""
    rows: Sequence[Row] = await tx.fetch(
        "SELECT region, name, timestamp, number FROM cloudwatch_alarm_history WHERE timestamp < ? LIMIT ?",
        *(before, limit),
    )
    for key in rows:
        await tx.execute(
            "DELETE FROM cloudwatch_alarm_history WHERE region = ? AND name = ? AND timestamp = ? AND number = ?", *key
        )
    return bool(rows)
