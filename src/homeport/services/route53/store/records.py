"""Record sets, in AWS's order: by their names' labels from the last to the first, type, and set identifier."""

from collections.abc import Iterable, Mapping

import msgspec

from homeport.db.database import Tx
from homeport.services.route53.model import Key, RecordSet
from homeport.services.route53.names import sort_key

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(RecordSet).decode


async def find(tx: Tx, zone: str, key: Key) -> RecordSet | None:
    row = await tx.fetch_one(
        "SELECT body FROM route53_record_sets WHERE zone = ? AND sort_name = ? AND kind = ? AND set_identifier = ?",
        zone,
        sort_key(key.name),
        key.kind,
        key.set_identifier,
    )
    return None if row is None else _decode(row[0])


async def at_names(tx: Tx, zone: str, names: Iterable[str]) -> dict[Key, RecordSet]:
    """Return all record sets at *names*."""
    found: dict[Key, RecordSet] = {}
    for name in set(names):
        rows = await tx.fetch(
            "SELECT body FROM route53_record_sets WHERE zone = ? AND sort_name = ?", zone, sort_key(name)
        )
        found |= {record_set.key: record_set for record_set in (_decode(body) for (body,) in rows)}
    return found


async def page(tx: Tx, zone: str, start: Key, limit: int) -> list[RecordSet]:
    """Return record sets in order, from *start* on; its name may be empty for the first."""
    rows = await tx.fetch(
        """SELECT body FROM route53_record_sets
           WHERE zone = ? AND (sort_name, kind, set_identifier) >= (?, ?, ?)
           ORDER BY sort_name, kind, set_identifier LIMIT ?""",
        zone,
        sort_key(start.name) if start.name else "",
        start.kind,
        start.set_identifier,
        limit,
    )
    return [_decode(body) for (body,) in rows]


async def every(tx: Tx, zone: str) -> list[RecordSet]:
    """Return all of a zone: for a node that has none of it yet, and for a zone that goes."""
    rows = await tx.fetch("SELECT body FROM route53_record_sets WHERE zone = ?", zone)
    return [_decode(body) for (body,) in rows]


async def write(tx: Tx, zone: str, changed: Mapping[Key, RecordSet | None]) -> None:
    """Store record sets as they are now; None deletes."""
    for key, record_set in changed.items():
        place = (zone, sort_key(key.name), key.kind, key.set_identifier)
        if record_set is None:
            await tx.execute(
                """DELETE FROM route53_record_sets
                   WHERE zone = ? AND sort_name = ? AND kind = ? AND set_identifier = ?""",
                *place,
            )
            continue
        await tx.execute(
            """INSERT INTO route53_record_sets (zone, sort_name, kind, set_identifier, health_check, body)
               VALUES (?, ?, ?, ?, ?, ?)
               ON CONFLICT (zone, sort_name, kind, set_identifier)
               DO UPDATE SET health_check = excluded.health_check, body = excluded.body""",
            *place,
            record_set.health_check,
            _encode(record_set).decode(),
        )
