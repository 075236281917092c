"""
Begin and end deployments: what CreateService, UpdateService, DeleteService and a rollback have in common.

A new deployment takes the place of the PRIMARY one, whose tasks the reconciler then replaces.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from homeport.aws.tags import tags_view
from homeport.db.database import Tx
from homeport.kit.ids import Ids
from homeport.services.ecs.balancing import prepare
from homeport.services.ecs.deployments import texts
from homeport.services.ecs.model.services import (
    UNDERWAY,
    Deployment,
    DeploymentStatus,
    Moved,
    Revision,
    Rollback,
    ServiceDeployment,
    ServiceRecord,
    Source,
)
from homeport.services.ecs.ordering import Asked
from homeport.services.ecs.store import deployments as store
from homeport.services.ecs.store import services, tasks

_SUPERSEDED = "Service deployment was superseded by a new one."  # unconfirmed
_DELETED = "Service deployment was stopped because the service was deleted."  # unconfirmed


@dataclass(frozen=True, slots=True)
class Beginning:
    """When and with which ids a deployment begins."""

    tx: Tx
    ids: Ids
    now: float


def number(ids: Ids) -> str:
    """Return a number of nineteen digits, as AWS gives deployments and revisions."""
    return f"{int(ids.hex(16), 16) % 9 + 1}{int(ids.hex(16), 16) % 10**18:018}"


def of_service(kind: str, service: str, name: str) -> str:
    """Return the ARN of something of a service's own, such as a service-revision."""
    return f"{service.replace(':service/', f':{kind}/')}/{name}"


def asked_by(service: ServiceRecord, revision: Revision, started_by: str = "") -> Asked:
    """Return what a service says of its tasks of that revision."""
    return Asked(
        launch_type="FARGATE" if revision.on_fargate else revision.launch_type,
        group=service.group,
        started_by=started_by,
        network_configuration=revision.network,
        tags=tags_view(service.tags),
        propagate_tags=service.declared.propagate_tags,
        managed_tags=service.declared.managed_tags,
        service=service.arn,
        revision_of_service=revision.arn,
    )


async def begin(at: Beginning, service: ServiceRecord, revision: Revision, live: Sequence[Deployment]) -> Deployment:
    """Move *service* to a new revision, away from its *live* deployments."""
    await store.put_revision(at.tx, revision)
    await services.watch_targets(at.tx, service.arn, {group for _, group in revision.fronts})
    await prepare(at.tx, service.region, revision)
    deployment = await _replace_primary(at, service, revision.arn, live, rollback=False)
    await _stop_move(at, service, _SUPERSEDED)
    name = at.ids.hex(20)
    move = ServiceDeployment(
        arn=of_service("service-deployment", service.arn, name),
        service=service.arn,
        deployment=deployment.id,
        target=revision.arn,
        sources=await _sources(at.tx, service.arn, live),
        configuration=service.declared.configuration,
        created_at=at.now,
        started_at=at.now,
        updated_at=at.now,
    )
    await store.put_move(at.tx, move)
    return deployment


async def abandon(at: Beginning, service: ServiceRecord) -> None:
    """End the service deployment that is under way of a service that is being deleted."""
    await _stop_move(at, service, _DELETED)


async def _stop_move(at: Beginning, service: ServiceRecord, reason: str) -> None:
    latest = await store.latest_move(at.tx, service.arn)
    if latest is not None and latest.status in UNDERWAY:
        await store.put_move(at.tx, ended(latest, Moved.STOPPED, reason, at.now))


async def roll_back(
    at: Beginning, service: ServiceRecord, to: str, live: Sequence[Deployment], reason: str, failures: int = 0
) -> Deployment:
    """
    Take *service* back to the revision *to*, as a deployment of its own within the same service deployment.

    *failures* is the number of failed tasks with which the circuit breaker tripped.
    """
    deployment = await _replace_primary(at, service, to, live, rollback=True)
    latest = await store.latest_move(at.tx, service.arn)
    if latest is not None:
        changed = msgspec.structs.replace(
            latest,
            deployment=deployment.id,
            status=Moved.ROLLBACK_IN_PROGRESS,
            reason=reason,
            failures=failures,
            rollback=Rollback(reason=reason, started_at=at.now, revision=to),
            updated_at=at.now,
        )
        await store.put_move(at.tx, changed)
    return deployment


def ended(move: ServiceDeployment, status: Moved, reason: str, now: float) -> ServiceDeployment:
    """Return the service deployment as it ends."""
    return msgspec.structs.replace(
        move,
        status=status,
        reason=reason,
        updated_at=now,
        finished_at=now,
        stopped_at=now if status is Moved.STOPPED else move.stopped_at,
    )


async def _replace_primary(
    at: Beginning, service: ServiceRecord, revision: str, live: Sequence[Deployment], *, rollback: bool
) -> Deployment:
    for each in live:
        if each.status is DeploymentStatus.PRIMARY:
            demoted = msgspec.structs.replace(each, status=DeploymentStatus.ACTIVE, updated_at=at.now)
            await store.put(at.tx, demoted)
    id_ = f"ecs-svc/{number(at.ids) if rollback else revision.rpartition('/')[2]}"
    made = Deployment(
        id=id_,
        service=service.arn,
        revision=revision,
        created_at=at.now,
        updated_at=at.now,
        reason=texts.IN_PROGRESS.format(id_),
        rollback=rollback,
        stage_since=at.now,
    )
    await store.put(at.tx, made)
    return made


async def _sources(tx: Tx, service: str, live: Sequence[Deployment]) -> tuple[Source, ...]:
    counts = await tasks.counts_of_service(tx, service)
    return tuple(
        Source(
            revision=each.revision,
            requested=counts.meant(each.revision),
            running=counts.running(each.revision),
            pending=counts.pending(each.revision),
        )
        for each in live
    )
