"""Rows of service revisions, deployments and service deployments."""

from collections.abc import Mapping, Sequence

import msgspec

from homeport.db.database import Tx
from homeport.services.ecs.model.services import (
    UNDERWAY,
    Deployment,
    DeploymentStatus,
    Moved,
    Progress,
    Revision,
    ServiceDeployment,
)

_encode = msgspec.json.Encoder().encode
_revision = msgspec.json.Decoder(Revision).decode
_deployment = msgspec.json.Decoder(Deployment).decode
_service_deployment = msgspec.json.Decoder(ServiceDeployment).decode
_progress = msgspec.json.Decoder(Progress).decode


def _completed(progress: str) -> str:
    return _progress(progress).completed


async def put_revision(tx: Tx, revision: Revision) -> None:
    """Record a revision, which never changes."""
    await tx.execute(
        "INSERT INTO ecs_service_revisions (arn, service, document) VALUES (?, ?, ?)",
        revision.arn,
        revision.service,
        _encode(revision).decode(),
    )


async def revisions(tx: Tx, arns: Sequence[str]) -> dict[str, Revision]:
    """Return those revisions that exist, by ARN."""
    marks = ", ".join("?" * len(arns))
    rows = await tx.fetch(f"SELECT arn, document FROM ecs_service_revisions WHERE arn IN ({marks})", *arns)
    return {arn: _revision(document) for arn, document in rows}


async def resolve_images(tx: Tx, revision: str, digests: Mapping[str, str]) -> None:
    """Record the digests of a revision's images, by container, where none is known yet."""
    for container, digest in digests.items():
        await tx.execute(
            """INSERT INTO ecs_revision_images (revision, service, container, digest)
               SELECT arn, service, ?, ? FROM ecs_service_revisions WHERE arn = ?
               ON CONFLICT (revision, container) DO NOTHING""",
            container,
            digest,
            revision,
        )


async def digests(tx: Tx, arns: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the digests of revisions' images by revision and container, as far as they are known."""
    marks = ", ".join("?" * len(arns))
    rows = await tx.fetch(
        f"SELECT revision, container, digest FROM ecs_revision_images WHERE revision IN ({marks})", *arns
    )
    found: dict[str, dict[str, str]] = {arn: {} for arn in arns}
    for arn, container, digest in rows:
        found[arn][container] = digest
    return found


async def put(tx: Tx, deployment: Deployment) -> None:
    await tx.execute(
        """INSERT INTO ecs_deployments (id, service, status, created_at, document) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (id) DO UPDATE SET status = excluded.status, document = excluded.document""",
        deployment.id,
        deployment.service,
        deployment.status,
        deployment.created_at,
        _encode(deployment).decode(),
    )


async def retire(tx: Tx, id_: str) -> None:
    """Forget a deployment that was replaced and has no tasks left."""
    await tx.execute("DELETE FROM ecs_deployments WHERE id = ?", id_)


async def of_service(tx: Tx, service: str) -> list[Deployment]:
    """Return the deployments of a service, the PRIMARY one first, then the newest."""
    rows = await tx.fetch(
        "SELECT document FROM ecs_deployments WHERE service = ? ORDER BY created_at DESC, id DESC", service
    )
    found = [_deployment(document) for (document,) in rows]
    return sorted(found, key=lambda each: each.status is not DeploymentStatus.PRIMARY)


async def definitions_in_use(tx: Tx) -> set[str]:
    """Return the task definitions, as FAMILY:REVISION, that services have or would go back to; tasks or none of them."""
    rows = await tx.fetch(
        """SELECT d.document, s.progress FROM ecs_services s JOIN ecs_deployments d ON d.service = s.arn
           WHERE s.inactive_since IS NULL"""
    )
    used = {arn for document, progress in rows for arn in (_deployment(document).revision, _completed(progress))}
    found = await revisions(tx, list(used - {""}))
    return {revision.task_definition.rpartition("/")[2] for revision in found.values()}


async def put_move(tx: Tx, move: ServiceDeployment) -> None:
    await tx.execute(
        """INSERT INTO ecs_service_deployments (arn, service, status, created_at, document) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (arn) DO UPDATE SET status = excluded.status, document = excluded.document""",
        move.arn,
        move.service,
        move.status,
        move.created_at,
        _encode(move).decode(),
    )


async def moves(tx: Tx, arns: Sequence[str]) -> dict[str, ServiceDeployment]:
    """Return those service deployments that exist, by ARN."""
    marks = ", ".join("?" * len(arns))
    rows = await tx.fetch(f"SELECT arn, document FROM ecs_service_deployments WHERE arn IN ({marks})", *arns)
    return {arn: _service_deployment(document) for arn, document in rows}


async def latest_move(tx: Tx, service: str) -> ServiceDeployment | None:
    """
    Return the service deployment that was begun last.

    One that is under way is it, whatever the clock said when it began: another begins only when it has ended.
    """
    marks = ", ".join("?" * len(UNDERWAY))
    row = await tx.fetch_one(
        f"""SELECT document FROM ecs_service_deployments WHERE service = ?
            ORDER BY CASE WHEN status IN ({marks}) THEN 0 ELSE 1 END, created_at DESC, arn DESC LIMIT 1""",
        service,
        *UNDERWAY,
    )
    return None if row is None else _service_deployment(row[0])


async def page_of_moves(
    tx: Tx,
    service: str,
    *,
    statuses: Sequence[Moved],
    since: float,
    until: float,
    after: tuple[float, str] | None,
    limit: int,
) -> list[ServiceDeployment]:
    """Return up to *limit* service deployments created within those times, the newest first, after that key."""
    clause, values = "", list[str | float]()
    if statuses:
        clause += f" AND status IN ({', '.join('?' * len(statuses))})"
        values.extend(statuses)
    if after is not None:
        clause += " AND (created_at, arn) < (?, ?)"
        values.extend(after)
    rows = await tx.fetch(
        f"""SELECT document FROM ecs_service_deployments
            WHERE service = ? AND created_at >= ? AND created_at <= ?{clause}
            ORDER BY created_at DESC, arn DESC LIMIT ?""",
        service,
        since,
        until,
        *values,
        limit,
    )
    return [_service_deployment(document) for (document,) in rows]


async def remove(tx: Tx, service: str) -> None:
    """Forget all revisions and deployments of a service."""
    for table in ("ecs_service_revisions", "ecs_revision_images", "ecs_deployments", "ecs_service_deployments"):
        await tx.execute(f"DELETE FROM {table} WHERE service = ?", service)
