"""Rows of targets."""

from homeport.db.database import Row, Tx
from homeport.services.elbv2.model.targets import Target

_COLUMNS = (
    "target_group, id, port, zone, address, registration, draining_since, state, reason, description, observed_sequence"
)


def _read(row: Row) -> Target:
    return Target(*row)


async def put(tx: Tx, target: Target) -> None:
    """Write a target as it is given, whether or not there was one."""
    await tx.execute(
        f"""INSERT INTO elbv2_targets ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (target_group, id, port) DO UPDATE SET zone = excluded.zone, address = excluded.address,
                registration = excluded.registration, draining_since = excluded.draining_since,
                state = excluded.state, reason = excluded.reason, description = excluded.description,
                observed_sequence = excluded.observed_sequence""",
        *(target.group, target.id, target.port, target.zone, target.address, target.registration),
        *(target.draining_since, target.seen, target.reason, target.description, target.observed_sequence),
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
