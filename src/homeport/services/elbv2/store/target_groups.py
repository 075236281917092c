"""Rows of target groups."""

from collections.abc import Iterable, Sequence

import msgspec

from homeport.db.database import Row, Tx, Value
from homeport.services.elbv2.model.target_groups import GroupDocument, TargetGroup
from homeport.services.elbv2.store import tags

_COLUMNS = "arn, region, name, created_at, document, attributes, assigned"
_encode = msgspec.json.Encoder().encode
_decode_document = msgspec.json.Decoder(GroupDocument).decode
_decode_attributes = msgspec.json.Decoder(dict[str, str]).decode


def _read(row: Row) -> TargetGroup:
    arn, region, name, created_at, document, attributes, assigned = row
    return TargetGroup(
        arn, region, name, created_at, _decode_document(document), _decode_attributes(attributes), assigned
    )


async def insert(tx: Tx, group: TargetGroup) -> None:
    await tx.execute(
        f"INSERT INTO elbv2_target_groups ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        *(group.arn, group.region, group.name, group.created_at),
        *(_encode(group.document).decode(), _encode(dict(group.attributes)).decode(), group.assigned),
    )


async def update(tx: Tx, group: TargetGroup) -> None:
    """Write what users may change: the health check and the attributes."""
    await tx.execute(
        "UPDATE elbv2_target_groups SET document = ?, attributes = ?, stale = 1 WHERE arn = ?",
        *(_encode(group.document).decode(), _encode(dict(group.attributes)).decode(), group.arn),
    )


async def delete(tx: Tx, arn: str) -> None:
    """Delete a group with its targets and tags."""
    await tx.execute("DELETE FROM elbv2_targets WHERE target_group = ?", arn)
    await tx.execute("DELETE FROM elbv2_target_groups WHERE arn = ?", arn)
    await tags.forget(tx, arn)


async def find(tx: Tx, arn: str) -> TargetGroup | None:
    row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM elbv2_target_groups WHERE arn = ?", arn)
    return None if row is None else _read(row)


async def find_by_name(tx: Tx, region: str, name: str) -> TargetGroup | None:
    row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM elbv2_target_groups WHERE region = ? AND name = ?", region, name)
    return None if row is None else _read(row)


async def page(tx: Tx, region: str, *, condition: str, values: Sequence[Value], limit: int) -> list[TargetGroup]:
    """Return the region's groups by name; *condition* is where a page starts."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM elbv2_target_groups WHERE region = ?{condition} ORDER BY name LIMIT ?",
        *(region, *values, limit),
    )
    return [_read(row) for row in rows]


async def count(tx: Tx, region: str) -> int:
    row = await tx.fetch_one("SELECT COUNT(*) FROM elbv2_target_groups WHERE region = ?", region)
    assert row is not None, "a count is always one row"
    return int(row[0])


async def mark_stale(tx: Tx, arns: Iterable[str]) -> None:
    """Note that nodes may have to be told of groups, or of other groups' being gone."""
    for arn in arns:
        await tx.execute("UPDATE elbv2_target_groups SET stale = 1 WHERE arn = ?", arn)


async def mark_told(tx: Tx, arn: str, assigned: str) -> None:
    """Note that the node of the load balancer *assigned*, or none, was told of the group as it is."""
    await tx.execute("UPDATE elbv2_target_groups SET assigned = ?, stale = 0 WHERE arn = ?", assigned, arn)


async def stale(tx: Tx, limit: int) -> list[TargetGroup]:
    """Return groups of which a node may have to be told."""
    rows = await tx.fetch(f"SELECT {_COLUMNS} FROM elbv2_target_groups WHERE stale = 1 ORDER BY arn LIMIT ?", limit)
    return [_read(row) for row in rows]


async def assigned_to(tx: Tx, group: str) -> tuple[str, str] | None:
    """Return the node that has a group, and the ARN of the load balancer it has it for."""
    row = await tx.fetch_one(
        """SELECT b.node, b.arn FROM elbv2_target_groups g JOIN elbv2_load_balancers b ON b.arn = g.assigned
           WHERE g.arn = ? AND b.node IS NOT NULL""",
        group,
    )
    return None if row is None else (row[0], row[1])
