"""Scalable targets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from homeport.aws.call import Call
from homeport.aws.paging import cut_page, decode_token
from homeport.services.applicationautoscaling import tracking_alarms, validation
from homeport.services.applicationautoscaling.changing import Here, keep_bounds
from homeport.services.applicationautoscaling.errors import Validation, invalid_token, no_target
from homeport.services.applicationautoscaling.handlers.tags import check_tags
from homeport.services.applicationautoscaling.model import Suspended, Target
from homeport.services.applicationautoscaling.service import autoscaling
from homeport.services.applicationautoscaling.store import policies, scheduled_actions, targets
from homeport.services.applicationautoscaling.views import target_arn, target_view
from homeport.services.ecs import scaling

_PAGE = 50


# RoleARN: AWS scales services under its service-linked role, whatever is given here.
@autoscaling.operation("RegisterScalableTarget", ignores=("RoleARN",))
async def register_scalable_target(
    call: Call,
    *,
    service_namespace: str,
    resource_id: str,
    scalable_dimension: str,
    min_capacity: int | None = None,
    max_capacity: int | None = None,
    suspended_state: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    validation.check_resource(service_namespace, resource_id, scalable_dimension)
    before = await targets.find(call.tx, call.region, resource_id)
    if before is None and (min_capacity is None or max_capacity is None):
        raise Validation("Both MinCapacity and MaxCapacity are required to register a scalable target")
    if before is not None and tags:
        raise Validation("Tags cannot be given for a scalable target that is registered already; use TagResource")
    low = min_capacity if before is None or min_capacity is not None else before.low
    high = max_capacity if before is None or max_capacity is not None else before.high
    validation.check_bounds(low, high)
    assert low is not None
    assert high is not None
    suspended = before.suspended if before is not None else Suspended()
    if suspended_state is not None:
        suspended = validation.parse_suspended(suspended_state, suspended)
    made = before or Target(
        call.region, resource_id, call.ids.hex(32), low, high, call.now(), tags=check_tags({}, tags or {})
    )
    target = replace(made, low=low, high=high, suspended=suspended)
    scale = await scaling.find_scale(call.tx, call.region, call.account, target.cluster, target.service)
    if scale is None:
        raise Validation(f"ECS service doesn't exist: {resource_id}")
    await targets.put(call.tx, target)
    if await keep_bounds(Here(call.tx, call.account, call.ids, call.now()), target):
        call.wake(scaling.WAKE)
    return {"ScalableTargetARN": target_arn(target, call.account)}


@autoscaling.operation("DeregisterScalableTarget")
async def deregister_scalable_target(
    call: Call, *, service_namespace: str, resource_id: str, scalable_dimension: str
) -> None:
    validation.check_resource(service_namespace, resource_id, scalable_dimension)
    target = await targets.find(call.tx, call.region, resource_id)
    if target is None:
        raise no_target(resource_id, scalable_dimension, "found")
    for policy in await policies.of_target(call.tx, call.region, resource_id):
        await tracking_alarms.remove(call.tx, policy)
        await policies.remove(call.tx, policy)
    await scheduled_actions.remove_all(call.tx, call.region, resource_id)
    await targets.remove(call.tx, target)


@autoscaling.operation("DescribeScalableTargets", reads=True)
async def describe_scalable_targets(
    call: Call,
    *,
    service_namespace: str,
    resource_ids: Sequence[str] = (),
    scalable_dimension: str | None = None,
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    size = validation.page_size(max_results, _PAGE)
    validation.check_dimension(resource_ids[0] if resource_ids else None, scalable_dimension)
    validation.check_namespace(service_namespace)
    (after,) = decode_token(next_token, (str,), invalid_token) or ("",)
    found = await targets.page(call.tx, call.region, resources=resource_ids, after=after, limit=size + 1)
    page = cut_page(found, size, key=lambda target: (target.resource,))
    return page.with_token(
        {"ScalableTargets": [target_view(target, call.account) for target in page.items]}, "NextToken"
    )
