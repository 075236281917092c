"""Service deployments and revisions: how a service came to be as it is."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from homeport.aws.call import Call
from homeport.aws.paging import cut_page
from homeport.services.ecs.deploying import Beginning, roll_back
from homeport.services.ecs.deployments import texts
from homeport.services.ecs.deployments.model import Rollout
from homeport.services.ecs.errors import (
    Conflict,
    InvalidParameter,
    ServiceDeploymentNotFound,
    ServiceNotFound,
    UnsupportedFeature,
)
from homeport.services.ecs.lookup import DEFAULT_CLUSTER, get_cluster, place_of
from homeport.services.ecs.model.services import Moved, Revision, ServiceDeployment
from homeport.services.ecs.model.task_definitions import TaskDefinition
from homeport.services.ecs.paging import after, page_size
from homeport.services.ecs.service import ecs
from homeport.services.ecs.service_deployment_views import brief_view, revision_view, service_deployment_view
from homeport.services.ecs.store import deployments as store
from homeport.services.ecs.store import service_events, services, task_definitions, tasks
from homeport.services.ecs.views import failure_view

_LISTED = 20
_MOST_DESCRIBED = 20
_EVER = 1e12  # seconds: later than any time
_STOPPED_BY_USER = "Service deployment was stopped by the user."  # unconfirmed


@ecs.operation("ListServiceDeployments", reads=True)
async def list_service_deployments(
    call: Call,
    *,
    service: str,
    cluster: str = DEFAULT_CLUSTER,
    status: Sequence[str] = (),
    created_at: Mapping[str, Any] | None = None,
    next_token: str | None = None,
    max_results: int | None = None,
) -> dict[str, Any]:
    place = await get_cluster(call, cluster)
    found = await services.find(call.tx, place_of(call).service_arn(service, place.name))
    if found is None or found.cluster != place.arn:
        raise ServiceNotFound
    within = created_at or {}
    size = page_size(max_results) if max_results is not None else _LISTED
    key = after(next_token, float, str)
    rows = await store.page_of_moves(
        call.tx,
        found.arn,
        statuses=[Moved(each) for each in status],
        since=within.get("after", 0.0),
        until=within.get("before", _EVER),
        after=(key[0], key[1]) if key is not None else None,
        limit=size + 1,
    )
    page = cut_page(rows, size, key=lambda move: (move.created_at, move.arn))
    return page.with_token({"serviceDeployments": [brief_view(move, found.cluster) for move in page.items]})


@ecs.operation("DescribeServiceDeployments", reads=True)
async def describe_service_deployments(call: Call, *, service_deployment_arns: Sequence[str]) -> dict[str, Any]:
    arns = _checked(service_deployment_arns, "service deployments")
    found = await store.moves(call.tx, arns)
    return {
        "serviceDeployments": [await _shown(call, found[arn]) for arn in arns if arn in found],
        "failures": [failure_view(arn, "MISSING") for arn in arns if arn not in found],
    }


async def _shown(call: Call, move: ServiceDeployment) -> dict[str, Any]:
    service = await services.find(call.tx, move.service)
    assert service is not None, "a service outlives its deployments"
    live = await store.of_service(call.tx, move.service)
    counts = await tasks.counts_of_service(call.tx, move.service)
    return service_deployment_view(move, service, live, counts)


@ecs.operation("DescribeServiceRevisions", reads=True)
async def describe_service_revisions(call: Call, *, service_revision_arns: Sequence[str]) -> dict[str, Any]:
    arns = _checked(service_revision_arns, "service revisions")
    found = await store.revisions(call.tx, arns)
    digests = await store.digests(call.tx, arns)
    return {
        "serviceRevisions": [
            revision_view(found[arn], await _definition(call, found[arn]), digests[arn]) for arn in arns if arn in found
        ],
        "failures": [failure_view(arn, "MISSING") for arn in arns if arn not in found],
    }


async def _definition(call: Call, revision: Revision) -> TaskDefinition | None:
    family, number = place_of(call).definition(revision.task_definition)
    return await task_definitions.find(call.tx, call.region, family, number or 0)


def _checked(arns: Sequence[str], what: str) -> list[str]:
    if not 1 <= len(arns) <= _MOST_DESCRIBED:
        raise InvalidParameter(f"Between 1 and {_MOST_DESCRIBED} {what} can be described at once.")
    return list(dict.fromkeys(arns))


@ecs.operation("StopServiceDeployment")
async def stop_service_deployment(
    call: Call, *, service_deployment_arn: str, stop_type: str = "ROLLBACK"
) -> dict[str, Any]:
    """Take the service back to the revision of its last deployment that was completed."""
    if stop_type != "ROLLBACK":
        raise UnsupportedFeature(f"The stop type {stop_type} is not supported; use ROLLBACK.")
    move = (await store.moves(call.tx, [service_deployment_arn])).get(service_deployment_arn)
    if move is None:
        raise ServiceDeploymentNotFound("The specified service deployment was not found.")
    service = await services.find(call.tx, move.service)
    assert service is not None, "a service outlives its deployments"
    live = await store.of_service(call.tx, move.service)
    if move.status is not Moved.IN_PROGRESS or not live or live[0].id != move.deployment:
        raise Conflict(f"The service deployment cannot be stopped: it is {move.status}.")
    back = service.progress.completed
    if not back or back == live[0].revision:
        raise Conflict("The service deployment cannot be rolled back: no deployment of the service was completed.")
    failed = msgspec.structs.replace(live[0], rollout=Rollout.FAILED, reason=_STOPPED_BY_USER, updated_at=call.now())
    at = Beginning(call.tx, call.ids, call.now())
    made = await roll_back(at, service, back, [failed, *live[1:]], _STOPPED_BY_USER)
    await service_events.say(call.tx, service.arn, call.ids, call.now(), texts.rolling_back(service.name, made.id))
    await services.mark_due(call.tx, service.arn)
    call.wake("ecs.services")
    return {"serviceDeploymentArn": service_deployment_arn}
