"""Rows of task definitions and of the families they belong to."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from homeport.db.database import Row, Tx
from homeport.services.ecs import tags as tagging
from homeport.services.ecs.model.task_definitions import ACTIVE, INACTIVE, TaskDefinition

_RECORD = "region, family, revision, status, document, tags"


def _definition(row: Row) -> TaskDefinition:
    region, family, revision, status, document, tags = row
    return TaskDefinition(region, family, revision, status, document, tagging.from_json(tags))


async def next_revision(tx: Tx, region: str, family: str) -> int:
    """Take the family's next revision number, which is never given out again."""
    row = await tx.fetch_one(
        """INSERT INTO ecs_families (region, family, last_revision, active, inactive) VALUES (?, ?, 1, 0, 0)
           ON CONFLICT (region, family) DO UPDATE SET last_revision = ecs_families.last_revision + 1
           RETURNING last_revision""",
        region,
        family,
    )
    assert row is not None, "an upsert returns the row it wrote"
    revision: int = row[0]
    return revision


async def insert(tx: Tx, definition: TaskDefinition) -> None:
    """Record a new active revision."""
    await tx.execute(
        """INSERT INTO ecs_task_definitions (region, family, revision, status, document, tags)
           VALUES (?, ?, ?, ?, ?, ?)""",
        definition.region,
        definition.family,
        definition.revision,
        definition.status,
        definition.document,
        tagging.to_json(definition.tags),
    )
    await _count(tx, definition, +1)


async def move(tx: Tx, definition: TaskDefinition, status: str, document: str) -> TaskDefinition:
    """Give the revision another status and the document that shows it."""
    await _count(tx, definition, -1)
    await tx.execute(
        "UPDATE ecs_task_definitions SET status = ?, document = ? WHERE region = ? AND family = ? AND revision = ?",
        status,
        document,
        definition.region,
        definition.family,
        definition.revision,
    )
    moved = replace(definition, status=status, document=document)
    await _count(tx, moved, +1)
    return moved


async def remove(tx: Tx, definition: TaskDefinition) -> None:
    await _count(tx, definition, -1)
    await tx.execute(
        "DELETE FROM ecs_task_definitions WHERE region = ? AND family = ? AND revision = ?",
        definition.region,
        definition.family,
        definition.revision,
    )


async def _count(tx: Tx, definition: TaskDefinition, by: int) -> None:
    """Keep the family's numbers of revisions, so that listing families reads no revision."""
    columns = {ACTIVE: "active", INACTIVE: "inactive"}
    if definition.status in columns:
        column = columns[definition.status]
        await tx.execute(
            f"UPDATE ecs_families SET {column} = {column} + ? WHERE region = ? AND family = ?",
            by,
            definition.region,
            definition.family,
        )


async def put_tags(tx: Tx, definition: TaskDefinition, tags: Mapping[str, str]) -> None:
    await tx.execute(
        "UPDATE ecs_task_definitions SET tags = ? WHERE region = ? AND family = ? AND revision = ?",
        tagging.to_json(tags),
        definition.region,
        definition.family,
        definition.revision,
    )


async def find(tx: Tx, region: str, family: str, revision: int) -> TaskDefinition | None:
    row = await tx.fetch_one(
        f"SELECT {_RECORD} FROM ecs_task_definitions WHERE region = ? AND family = ? AND revision = ?",
        region,
        family,
        revision,
    )
    return None if row is None else _definition(row)


async def find_latest(tx: Tx, region: str, family: str) -> TaskDefinition | None:
    """Return the family's latest active revision."""
    row = await tx.fetch_one(
        f"""SELECT {_RECORD} FROM ecs_task_definitions WHERE region = ? AND status = 'ACTIVE' AND family = ?
            ORDER BY revision DESC LIMIT 1""",
        region,
        family,
    )
    return None if row is None else _definition(row)


async def page(
    tx: Tx,
    region: str,
    status: str,
    *,
    family: str | None,
    after: tuple[Any, ...] | None,
    descending: bool,
    limit: int,
) -> list[tuple[str, int]]:
    """Return (family, revision) of up to *limit* revisions, of one family if given, beyond *after* in that order."""
    order, beyond = ("DESC", "<") if descending else ("ASC", ">")
    clauses = ""
    values: list[str | int] = []
    if family is not None:
        clauses += " AND family = ?"
        values.append(family)
    if after is not None:
        clauses += f" AND (family, revision) {beyond} (?, ?)"
        values.extend(after)
    rows = await tx.fetch(
        f"""SELECT family, revision FROM ecs_task_definitions WHERE region = ? AND status = ?{clauses}
            ORDER BY family {order}, revision {order} LIMIT ?""",
        region,
        status,
        *values,
        limit,
    )
    return [(row[0], row[1]) for row in rows]


async def families(tx: Tx, region: str, status: str, *, prefix: str, after: str, limit: int) -> list[str]:
    """Return up to *limit* families that begin with *prefix*, after the name *after*, having revisions of *status*."""
    condition = {
        ACTIVE: "active > 0",
        INACTIVE: "active = 0 AND inactive > 0",
        "ALL": "active + inactive > 0",
    }[status]
    # The names that start with a prefix lie between it and the prefix followed by the last code point.
    rows = await tx.fetch(
        f"""SELECT family FROM ecs_families WHERE region = ? AND family >= ? AND family <= ? AND family > ?
            AND {condition} ORDER BY family LIMIT ?""",
        region,
        prefix,
        prefix + "\U0010ffff",
        after,
        limit,
    )
    return [row[0] for row in rows]


async def deleting(tx: Tx, after: TaskDefinition | None, limit: int) -> list[TaskDefinition]:
    """Return the revisions that follow *after* whose deletion waits for the tasks that still run them."""
    last = ("", "", 0) if after is None else (after.region, after.family, after.revision)
    rows = await tx.fetch(
        f"""SELECT {_RECORD} FROM ecs_task_definitions
            WHERE status = 'DELETE_IN_PROGRESS' AND (region, family, revision) > (?, ?, ?)
            ORDER BY region, family, revision LIMIT ?""",
        *last,
        limit,
    )
    return [_definition(row) for row in rows]
