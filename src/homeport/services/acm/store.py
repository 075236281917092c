"""Certificates in the store, and who serves them; other services import `find`, `set_uses` and `take_stale_users`."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from homeport.db.database import Row, Tx, Value
from homeport.services.acm.model import Certificate, Summary

_COLUMNS = "arn, region, created_at, imported_at, body, chain, private_key, summary, tags"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Summary).decode


def _read(row: Row) -> Certificate:
    arn, region, created_at, imported_at, body, chain, private_key, summary, tags = row
    return Certificate(
        arn, region, created_at, imported_at, body, chain, private_key, _decode(summary), json.loads(tags)
    )


async def put(tx: Tx, certificate: Certificate) -> None:
    """Write a certificate as it is given; those who serve it have to be told if there was one."""
    summary = certificate.summary
    await tx.execute(
        f"""INSERT INTO acm_certificates ({_COLUMNS}, key_algorithm, not_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (arn) DO UPDATE SET imported_at = excluded.imported_at, body = excluded.body,
                chain = excluded.chain, private_key = excluded.private_key, summary = excluded.summary,
                key_algorithm = excluded.key_algorithm, not_after = excluded.not_after""",
        *(certificate.arn, certificate.region, certificate.created_at, certificate.imported_at),
        *(certificate.body, certificate.chain, certificate.private_key),
        *(_encode(summary).decode(), json.dumps(dict(certificate.tags)), summary.key_algorithm, summary.not_after),
    )
    await tx.execute("UPDATE acm_uses SET stale = 1 WHERE certificate = ?", certificate.arn)


async def set_tags(tx: Tx, certificate: Certificate) -> None:
    await tx.execute(
        "UPDATE acm_certificates SET tags = ? WHERE arn = ?", json.dumps(dict(certificate.tags)), certificate.arn
    )


async def delete(tx: Tx, arn: str) -> None:
    await tx.execute("DELETE FROM acm_certificates WHERE arn = ?", arn)


async def find(tx: Tx, arn: str) -> Certificate | None:
    """Return a certificate of any region."""
    row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM acm_certificates WHERE arn = ?", arn)
    return None if row is None else _read(row)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which certificates a list shows: by the kinds of their keys, and those still valid, expired, or both."""

    key_types: Sequence[str]
    valid: bool
    expired: bool
    now: float


async def page(
    tx: Tx, region: str, wanted: Wanted, *, condition: str, values: Sequence[Value], limit: int
) -> list[Certificate]:
    """Return the region's certificates in the order they were first imported; *condition* is where a page starts."""
    marks = ", ".join("?" * len(wanted.key_types))
    rows = await tx.fetch(
        f"""SELECT {_COLUMNS} FROM acm_certificates WHERE region = ? AND key_algorithm IN ({marks})
            AND ((? = 1 AND not_after >= ?) OR (? = 1 AND not_after < ?)){condition}
            ORDER BY created_at, arn LIMIT ?""",
        *(region, *wanted.key_types, int(wanted.valid), wanted.now, int(wanted.expired), wanted.now, *values, limit),
    )
    return [_read(row) for row in rows]


async def users_of(tx: Tx, arn: str) -> list[str]:
    """Return the ARNs of those who serve a certificate."""
    rows = await tx.fetch("SELECT user_arn FROM acm_uses WHERE certificate = ? ORDER BY user_arn", arn)
    return [row[0] for row in rows]


async def set_uses(tx: Tx, user: str, certificates: Iterable[str]) -> None:
    """Note which certificates the owner of the ARN *user* serves now, instead of those it served before."""
    await tx.execute("DELETE FROM acm_uses WHERE user_arn = ?", user)
    for arn in set(certificates):
        await tx.execute("INSERT INTO acm_uses (certificate, user_arn) VALUES (?, ?)", arn, user)


async def has_stale_users(tx: Tx) -> bool:
    """Say whether somebody serves a certificate that has been replaced."""
    return await tx.fetch_one("SELECT 1 FROM acm_uses WHERE stale = 1 LIMIT 1") is not None


async def take_stale_users(tx: Tx) -> list[str]:
    """Return those who serve a certificate that has been replaced, and take them for told."""
    rows = await tx.fetch("SELECT DISTINCT user_arn FROM acm_uses WHERE stale = 1")
    if rows:
        await tx.execute("UPDATE acm_uses SET stale = 0 WHERE stale = 1")
    return [row[0] for row in rows]
