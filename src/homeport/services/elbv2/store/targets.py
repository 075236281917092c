"""Rows of targets."""

from homeport.db.database import Row, Tx
from homeport.services.elbv2.model.targets import Target

_COLUMNS = (
    "target_group, id, port, zone, address, registration, draining_since, state, reason, description, "
    "observed_sequence, item"
)


def _read(row: Row) -> Target:
    return Target(*row)


async def put(tx: Tx, target: Target) -> None:
    """Write a target as it is given, whether or not there was one; its node may have to be told."""
    await tx.execute(
        f"""INSERT INTO elbv2_targets ({_COLUMNS}, stale) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
            ON CONFLICT (target_group, id, port) DO UPDATE SET zone = excluded.zone, address = excluded.address,
                registration = excluded.registration, draining_since = excluded.draining_since,
                state = excluded.state, reason = excluded.reason, description = excluded.description,
                observed_sequence = excluded.observed_sequence, item = excluded.item, stale = 1""",
        *(target.group, target.id, target.port, target.zone, target.address, target.registration),
        *(target.draining_since, target.seen, target.reason, target.description, target.observed_sequence),
        target.item,
    )


async def delete(tx: Tx, target: Target) -> None:
    await tx.execute(
        "DELETE FROM elbv2_targets WHERE target_group = ? AND id = ? AND port = ?",
        *(target.group, target.id, target.port),
    )


async def find(tx: Tx, group: str, id_: str, port: int) -> Target | None:
    row = await tx.fetch_one(
        f"SELECT {_COLUMNS} FROM elbv2_targets WHERE target_group = ? AND id = ? AND port = ?", group, id_, port
    )
    return None if row is None else _read(row)


async def of_group(tx: Tx, group: str) -> list[Target]:
    """Return a group's targets by id and port."""
    rows = await tx.fetch(f"SELECT {_COLUMNS} FROM elbv2_targets WHERE target_group = ? ORDER BY id, port", group)
    return [_read(row) for row in rows]


async def count(tx: Tx, group: str) -> int:
    row = await tx.fetch_one("SELECT COUNT(*) FROM elbv2_targets WHERE target_group = ?", group)
    assert row is not None, "a count is always one row"
    return int(row[0])


async def observe(tx: Tx, target: Target) -> None:
    """Write what the node has reported of a target's registration."""
    await tx.execute(
        """UPDATE elbv2_targets SET state = ?, reason = ?, description = ?, observed_sequence = ?
           WHERE target_group = ? AND id = ? AND port = ?""",
        *(target.seen, target.reason, target.description, target.observed_sequence),
        *(target.group, target.id, target.port),
    )


async def find_by_item(tx: Tx, item: str) -> Target | None:
    """Return the target that a node calls *item*."""
    row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM elbv2_targets WHERE item = ? AND item <> ''", item)
    return None if row is None else _read(row)


async def stale(tx: Tx, limit: int) -> list[Target]:
    """Return targets of which a node may have to be told."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM elbv2_targets WHERE stale = 1 ORDER BY target_group, id, port LIMIT ?", limit
    )
    return [_read(row) for row in rows]


async def mark_stale(tx: Tx, group: str) -> None:
    """Note that a node may have to be told of all targets of a group."""
    await tx.execute("UPDATE elbv2_targets SET stale = 1 WHERE target_group = ?", group)


async def mark_told(tx: Tx, target: Target, item: str) -> None:
    """Note that a node has the target as *item*, or that none need be told of it."""
    await tx.execute(
        "UPDATE elbv2_targets SET item = ?, stale = 0 WHERE target_group = ? AND id = ? AND port = ?",
        *(item, target.group, target.id, target.port),
    )


async def mark_gone(tx: Tx, target: Target) -> None:
    """Note that no node has the target any more: the next that gets it sees another registration."""
    await tx.execute(
        """UPDATE elbv2_targets SET item = '', stale = 0, state = '', reason = '', description = '',
           observed_sequence = 0, registration = registration + 1
           WHERE target_group = ? AND id = ? AND port = ?""",
        *(target.group, target.id, target.port),
    )


async def terminated(tx: Tx, limit: int) -> list[Target]:
    """Return registered targets that are instances which have been terminated."""
    rows = await tx.fetch(
        f"""SELECT {", ".join(f"t.{name.strip()}" for name in _COLUMNS.split(","))}
            FROM ec2_instances i CROSS JOIN elbv2_targets t
            WHERE i.state IN ('shutting-down', 'terminated') AND t.id = i.id AND t.draining_since IS NULL LIMIT ?""",
        limit,
    )
    return [_read(row) for row in rows]
