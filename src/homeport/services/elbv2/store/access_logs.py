"""Rows of files of access logs that wait for their buckets."""

from dataclasses import dataclass

from homeport.db.database import Tx

KEPT_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file that waits, and how often it was refused."""

    id: str
    bucket: str
    key: str
    body: bytes
    attempts: int


async def insert(tx: Tx, id_: str, bucket: str, key: str, body: bytes, now: float) -> None:
    """Keep a file; one that is kept already stays as it is."""
    await tx.execute(
        """INSERT INTO elbv2_access_log_files (id, bucket, key, body, size, received_at, next_try)
           VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING""",
        *(id_, bucket, key, body, len(body), now, now),
    )


async def make_room(tx: Tx, most: int = KEPT_BYTES) -> int:
    """Delete the oldest files until what is kept is not over *most* bytes; return how many."""
    lost = 0
    while await _kept(tx) > most:
        lost += await tx.execute(
            """DELETE FROM elbv2_access_log_files
               WHERE id = (SELECT id FROM elbv2_access_log_files ORDER BY received_at, id LIMIT 1)"""
        )
    return lost


async def _kept(tx: Tx) -> int:
    row = await tx.fetch_one("SELECT COALESCE(SUM(size), 0) FROM elbv2_access_log_files")
    assert row is not None, "a sum is always one row"
    return int(row[0])


async def next_due(tx: Tx, now: float) -> Waiting | None:
    """Return the file that has waited longest of those that may be tried."""
    row = await tx.fetch_one(
        """SELECT id, bucket, key, body, attempts FROM elbv2_access_log_files
           WHERE next_try <= ? ORDER BY next_try, id LIMIT 1""",
        now,
    )
    return Waiting(*row) if row is not None else None


async def postpone(tx: Tx, id_: str, next_try: float) -> None:
    await tx.execute(
        "UPDATE elbv2_access_log_files SET attempts = attempts + 1, next_try = ? WHERE id = ?", next_try, id_
    )


async def delete(tx: Tx, id_: str) -> None:
    await tx.execute("DELETE FROM elbv2_access_log_files WHERE id = ?", id_)


async def delete_before(tx: Tx, moment: float) -> int:
    """Delete files that came before then; return how many."""
    return await tx.execute("DELETE FROM elbv2_access_log_files WHERE received_at < ?", moment)
