"""Tags of any resource."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from homeport.db.database import Row, Tx, Value


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag on one resource."""

    resource: str
    key: str
    value: str


async def put(tx: Tx, region: str, resource: str, tags: Mapping[str, str]) -> None:
    """Add tags to a resource, replacing those with the same key."""
    for key, value in tags.items():
        await tx.execute(
            """INSERT INTO ec2_tags (resource, key, value, region) VALUES (?, ?, ?, ?)
               ON CONFLICT (resource, key) DO UPDATE SET value = excluded.value""",
            resource,
            key,
            value,
            region,
        )


async def delete(tx: Tx, resource: str, key: str, value: str | None) -> None:
    """Remove one tag; with a *value*, only if it has that."""
    if value is None:
        await tx.execute("DELETE FROM ec2_tags WHERE resource = ? AND key = ?", resource, key)
    else:
        await tx.execute("DELETE FROM ec2_tags WHERE resource = ? AND key = ? AND value = ?", resource, key, value)


async def forget(tx: Tx, resource: str) -> None:
    """Remove what is kept beside a resource that is being deleted: its tags and its client token."""
    await tx.execute("DELETE FROM ec2_tags WHERE resource = ?", resource)
    await tx.execute("DELETE FROM ec2_client_tokens WHERE resource = ?", resource)


async def tags_of(tx: Tx, resources: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the tags of *resources* by id; one without tags is absent."""
    if not resources:
        return {}
    found: dict[str, dict[str, str]] = {}
    marks = ", ".join("?" for _ in resources)
    for resource, key, value in await tx.fetch(
        f"SELECT resource, key, value FROM ec2_tags WHERE resource IN ({marks}) ORDER BY resource, key", *resources
    ):
        found.setdefault(resource, {})[key] = value
    return found


async def page(tx: Tx, region: str, after: tuple[str, str], limit: int, resource: str = "") -> list[Tag]:
    """Return up to *limit* tags of the region, or of one resource, that follow *after* by (resource, key)."""
    values: list[Value] = [region, *after[:1], *after]
    narrow = ""
    if resource:
        narrow = " AND resource = ?"
        values.append(resource)
    rows: list[Row] = await tx.fetch(
        f"""SELECT resource, key, value FROM ec2_tags
            WHERE region = ? AND (resource > ? OR (resource = ? AND key > ?)){narrow}
            ORDER BY resource, key LIMIT {limit}""",
        *values,
    )
    return [Tag(*row) for row in rows]
