"""Rows of tags, by the ARN of what has them."""

from collections.abc import Iterable, Mapping

from homeport.db.database import Tx


async def of(tx: Tx, resource: str) -> dict[str, str]:
    rows = await tx.fetch("SELECT key, value FROM elbv2_tags WHERE resource = ? ORDER BY key", resource)
    return {row[0]: row[1] for row in rows}


async def put(tx: Tx, resource: str, tags: Mapping[str, str]) -> None:
    """Add *tags* to those of the resource, or change them."""
    for key, value in tags.items():
        await tx.execute(
            """INSERT INTO elbv2_tags (resource, key, value) VALUES (?, ?, ?)
               ON CONFLICT (resource, key) DO UPDATE SET value = excluded.value""",
            *(resource, key, value),
        )


async def remove(tx: Tx, resource: str, keys: Iterable[str]) -> None:
    for key in keys:
        await tx.execute("DELETE FROM elbv2_tags WHERE resource = ? AND key = ?", resource, key)


async def forget(tx: Tx, resource: str) -> None:
    """Remove all tags of a resource that is gone."""
    await tx.execute("DELETE FROM elbv2_tags WHERE resource = ?", resource)
