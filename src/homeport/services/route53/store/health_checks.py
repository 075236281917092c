"""Health checks and what nodes have found by them."""

from dataclasses import dataclass

import msgspec

from homeport.db.database import Row, Tx
from homeport.services.route53.health import ALARM, CheckConfig, HealthCheck
from homeport.wire.messages import CheckObserved

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(CheckConfig).decode

_COLUMNS = "id, caller_reference, version, body, passes"


def _read(row: Row) -> HealthCheck:
    id_, reference, version, body, passes = row
    return HealthCheck(id_, reference, version, _decode(body), bool(passes))


async def find(tx: Tx, id_: str) -> HealthCheck | None:
    row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM route53_health_checks WHERE id = ?", id_)
    return None if row is None else _read(row)


async def find_by_reference(tx: Tx, reference: str) -> HealthCheck | None:
    row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM route53_health_checks WHERE caller_reference = ?", reference)
    return None if row is None else _read(row)


async def page(tx: Tx, marker: str, limit: int) -> list[HealthCheck]:
    """Return checks by id, from *marker* on."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM route53_health_checks WHERE id >= ? ORDER BY id LIMIT ?", marker, limit
    )
    return [_read(row) for row in rows]


async def count(tx: Tx) -> int:
    row = await tx.fetch_one("SELECT COUNT(*) FROM route53_health_checks")
    assert row is not None, "a count is a row"
    return int(row[0])


async def every_id(tx: Tx) -> list[str]:
    return [id_ for (id_,) in await tx.fetch("SELECT id FROM route53_health_checks ORDER BY id")]


async def insert(tx: Tx, check: HealthCheck) -> None:
    await tx.execute(
        """INSERT INTO route53_health_checks (id, caller_reference, version, body, alarm, passes)
           VALUES (?, ?, ?, ?, ?, ?)""",
        check.id,
        check.caller_reference,
        check.version,
        _encode(check.config).decode(),
        int(check.config.kind == ALARM),
        int(check.passes),
    )


async def update(tx: Tx, check: HealthCheck) -> None:
    await tx.execute(
        "UPDATE route53_health_checks SET version = ?, body = ? WHERE id = ?",
        check.version,
        _encode(check.config).decode(),
        check.id,
    )


async def of_alarms(tx: Tx) -> list[HealthCheck]:
    """Return the checks that go by an alarm."""
    rows = await tx.fetch(f"SELECT {_COLUMNS} FROM route53_health_checks WHERE alarm = 1 ORDER BY id")
    return [_read(row) for row in rows]


async def set_passes(tx: Tx, id_: str, *, passes: bool) -> None:
    """Note what the alarm of a check says."""
    await tx.execute("UPDATE route53_health_checks SET passes = ? WHERE id = ?", int(passes), id_)


async def delete(tx: Tx, id_: str) -> None:
    """Delete a check with its tags and what was found by it."""
    await tx.execute("DELETE FROM route53_health_checks WHERE id = ?", id_)
    await tx.execute("DELETE FROM route53_observations WHERE health_check = ?", id_)
    await tx.execute("DELETE FROM route53_tags WHERE resource_type = 'healthcheck' AND resource = ?", id_)


# --- What nodes find


@dataclass(frozen=True, slots=True)
class Observation:
    """What one node found last, and its last failure; times are seconds since the epoch."""

    node: str
    healthy: bool
    status: str
    checked_at: float
    failure: str
    failed_at: float


async def observe(tx: Tx, node: str, observed: CheckObserved) -> None:
    """Keep a result, unless a later one is there."""
    failed = not observed.status.startswith("Success")
    failure, failed_at = (observed.status, observed.checked_at) if failed else ("", 0.0)
    await tx.execute(
        """INSERT INTO route53_observations
           (health_check, node, sequence, healthy, status, checked_at, failure, failed_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (health_check, node) DO UPDATE SET sequence = excluded.sequence, healthy = excluded.healthy,
               status = excluded.status, checked_at = excluded.checked_at,
               failure = CASE WHEN excluded.failure = '' THEN route53_observations.failure ELSE excluded.failure END,
               failed_at = CASE WHEN excluded.failure = '' THEN route53_observations.failed_at
                                ELSE excluded.failed_at END
           WHERE excluded.sequence > route53_observations.sequence""",
        observed.check,
        node,
        observed.sequence,
        int(observed.healthy),
        observed.status,
        observed.checked_at,
        failure,
        failed_at,
    )


async def observations(tx: Tx, health_check: str) -> list[Observation]:
    rows = await tx.fetch(
        """SELECT node, healthy, status, checked_at, failure, failed_at FROM route53_observations
           WHERE health_check = ? ORDER BY node""",
        health_check,
    )
    return [Observation(node, bool(healthy), *others) for node, healthy, *others in rows]
