"""
Rows of services.

The document is the users', progress the reconciler's.  due_at says when the reconciler must look again.
"""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from homeport.db.database import Row, Tx
from homeport.services.ecs import tags as tagging
from homeport.services.ecs.model.services import Declared, Progress, ServiceRecord, ServiceStatus

_RECORD = "arn, region, cluster, name, document, status, launch_type, scheduling_strategy, created_at, tags, progress"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Declared).decode
_decode_progress = msgspec.json.Decoder(Progress).decode


def _service(row: Row) -> ServiceRecord:
    arn, region, cluster, name, document, status, launch_type, scheduling, created_at, tags, progress = row
    return ServiceRecord(
        arn,
        region,
        cluster,
        name,
        _decode(document),
        ServiceStatus(status),
        launch_type,
        scheduling,
        created_at,
        tagging.from_json(tags),
        _decode_progress(progress),
    )


async def put(tx: Tx, service: ServiceRecord, *, inactive_since: float | None = None) -> None:
    """Write a service but for its progress; the reconciler looks at it at once, unless it is inactive."""
    await tx.execute(
        """INSERT INTO ecs_services (arn, region, cluster, name, status, launch_type, scheduling_strategy, created_at,
               document, progress, tags, due_at, inactive_since) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (arn) DO UPDATE SET status = excluded.status, launch_type = excluded.launch_type,
               scheduling_strategy = excluded.scheduling_strategy, created_at = excluded.created_at,
               document = excluded.document, tags = excluded.tags, due_at = excluded.due_at,
               inactive_since = excluded.inactive_since""",
        service.arn,
        service.region,
        service.cluster,
        service.name,
        service.status,
        service.launch_type,
        service.scheduling_strategy,
        service.created_at,
        _encode(service.declared).decode(),
        _encode(service.progress).decode(),
        tagging.to_json(service.tags),
        None if service.status is ServiceStatus.INACTIVE else 0.0,
        inactive_since,
    )


async def put_tags(tx: Tx, arn: str, tags: Mapping[str, str]) -> None:
    await tx.execute("UPDATE ecs_services SET tags = ? WHERE arn = ?", tagging.to_json(tags), arn)


async def find(tx: Tx, arn: str) -> ServiceRecord | None:
    row = await tx.fetch_one(f"SELECT {_RECORD} FROM ecs_services WHERE arn = ?", arn)
    return None if row is None else _service(row)


async def among(tx: Tx, arns: Sequence[str]) -> dict[str, ServiceRecord]:
    """Return those services that exist, whatever their status, by ARN."""
    marks = ", ".join("?" * len(arns))
    rows = await tx.fetch(f"SELECT {_RECORD} FROM ecs_services WHERE arn IN ({marks})", *arns)
    return {row[0]: _service(row) for row in rows}


async def page(tx: Tx, cluster: str, *, after: str, limit: int, filters: Mapping[str, str]) -> list[tuple[str, str]]:
    """
    Return (name, ARN) of up to *limit* services that are not inactive, after the name *after*.

    *filters* gives equal values of launch_type and scheduling_strategy.
    """
    clauses = "".join(f" AND {column} = ?" for column in filters)
    rows = await tx.fetch(
        f"""SELECT name, arn FROM ecs_services WHERE cluster = ? AND inactive_since IS NULL{clauses} AND name > ?
            ORDER BY name LIMIT ?""",
        cluster,
        *filters.values(),
        after,
        limit,
    )
    return [(row[0], row[1]) for row in rows]


async def counts(tx: Tx, cluster: str) -> dict[tuple[str, str], int]:
    """Return how many services of the cluster there are of each launch type and status, inactive ones left out."""
    rows = await tx.fetch(
        """SELECT launch_type, status, COUNT(*) FROM ecs_services WHERE cluster = ? AND status IN ('ACTIVE', 'DRAINING')
           GROUP BY launch_type, status""",
        cluster,
    )
    return {(kind, status): count for kind, status, count in rows}


async def due(tx: Tx, now: float, limit: int) -> list[str]:
    """Return the ARNs of services that must be looked at, longest overdue first."""
    rows = await tx.fetch("SELECT arn FROM ecs_services WHERE due_at <= ? ORDER BY due_at LIMIT ?", now, limit)
    return [row[0] for row in rows]


async def mark_due(tx: Tx, arn: str) -> None:
    """Have the reconciler look at the service at once; one that is inactive or gone stays so."""
    await tx.execute("UPDATE ecs_services SET due_at = 0 WHERE arn = ? AND due_at > 0", arn)


async def watch_targets(tx: Tx, arn: str, groups: Collection[str]) -> None:
    """Have the service looked at when a target of one of those groups has changed."""
    for group in groups:
        await tx.execute(
            """INSERT INTO ecs_service_target_groups (target_group, service) VALUES (?, ?)
               ON CONFLICT (target_group, service) DO NOTHING""",
            group,
            arn,
        )


async def mark_target_group_due(tx: Tx, group: str) -> None:
    """Have the reconciler look at the services whose tasks are targets of a group."""
    await tx.execute(
        """UPDATE ecs_services SET due_at = 0 WHERE due_at > 0
           AND arn IN (SELECT service FROM ecs_service_target_groups WHERE target_group = ?)""",
        group,
    )


async def mark_cluster_due(tx: Tx, cluster: str) -> None:
    """Have the reconciler look at every service of a cluster whose instances have changed."""
    await tx.execute(
        "UPDATE ecs_services SET due_at = 0 WHERE cluster = ? AND inactive_since IS NULL AND due_at > 0", cluster
    )


async def set_due(tx: Tx, arn: str, at: float) -> None:
    """Record when the reconciler must look at a service next."""
    await tx.execute("UPDATE ecs_services SET due_at = ? WHERE arn = ? AND due_at IS NOT NULL", at, arn)


async def put_progress(tx: Tx, arn: str, progress: Progress, due_at: float) -> None:
    """Record what the reconciler remembers of a service, and when it must look at it next."""
    await tx.execute(
        "UPDATE ecs_services SET progress = ?, due_at = ? WHERE arn = ? AND due_at IS NOT NULL",
        _encode(progress).decode(),
        due_at,
        arn,
    )


async def inactive(tx: Tx, before: float, limit: int) -> list[str]:
    """Return the ARNs of services that became inactive before that time."""
    rows = await tx.fetch(
        "SELECT arn FROM ecs_services WHERE inactive_since < ? ORDER BY inactive_since LIMIT ?", before, limit
    )
    return [row[0] for row in rows]


async def remove(tx: Tx, arn: str) -> None:
    await tx.execute("DELETE FROM ecs_service_target_groups WHERE service = ?", arn)
    await tx.execute("DELETE FROM ecs_services WHERE arn = ?", arn)
