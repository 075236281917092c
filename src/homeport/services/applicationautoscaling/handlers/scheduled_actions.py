"""Scheduled actions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from homeport.aws.call import Call
from homeport.aws.fields import Fields
from homeport.services.applicationautoscaling import validation
from homeport.services.applicationautoscaling.errors import (
    LimitExceeded,
    Validation,
    no_scheduled_action,
    no_target,
)
from homeport.services.applicationautoscaling.handlers.listing import page_of
from homeport.services.applicationautoscaling.model import Schedule, ScheduledAction
from homeport.services.applicationautoscaling.reconcilers.scaling import NAME
from homeport.services.applicationautoscaling.reconcilers.schedules import next_due
from homeport.services.applicationautoscaling.service import autoscaling
from homeport.services.applicationautoscaling.store import scheduled_actions as store
from homeport.services.applicationautoscaling.store import targets
from homeport.services.applicationautoscaling.views import scheduled_action_view

_PAGE = 50


@autoscaling.operation("PutScheduledAction")
async def put_scheduled_action(
    call: Call,
    *,
    service_namespace: str,
    scheduled_action_name: str,
    resource_id: str,
    scalable_dimension: str,
    schedule: str | None = None,
    timezone: str | None = None,
    start_time: float | None = None,
    end_time: float | None = None,
    scalable_target_action: Mapping[str, Any] | None = None,
) -> None:
    validation.check_resource(service_namespace, resource_id, scalable_dimension)
    before = await store.find(call.tx, call.region, resource_id, scheduled_action_name)
    old = before.schedule if before is not None else Schedule(expression="")
    low, high = old.low, old.high
    if scalable_target_action is not None:
        with Fields(scalable_target_action, "ScalableTargetAction") as f:
            low, high = f.take("MinCapacity", int, None), f.take("MaxCapacity", int, None)
    validation.check_bounds(low, high)
    declared = Schedule(
        expression=old.expression if schedule is None else schedule,
        time_zone=old.time_zone if timezone is None else timezone,
        start=old.start if start_time is None else start_time,
        end=old.end if end_time is None else end_time,
        low=low,
        high=high,
    )
    if not declared.expression:
        raise Validation("Schedule is required to create a scheduled action")
    if low is None and high is None:
        raise Validation("ScalableTargetAction must give MinCapacity or MaxCapacity")
    validation.check_window(declared.start, declared.end)
    validation.parse_scheduled(declared, call.now())
    if await targets.find(call.tx, call.region, resource_id) is None:
        raise no_target(resource_id, scalable_dimension)
    await _check_count(call, resource_id, scheduled_action_name)
    action = ScheduledAction(
        call.region,
        resource_id,
        scheduled_action_name,
        before.id if before is not None else call.ids.uuid(),
        before.created_at if before is not None else call.now(),
        declared,
    )
    due = next_due(action, call.now())
    if due is None:
        raise Validation(f"The schedule {declared.expression} has no time left that is in the future")
    await store.put(call.tx, replace(action, due=due))
    call.wake(NAME)


async def _check_count(call: Call, resource: str, name: str) -> None:
    most = validation.MAX_SCHEDULED
    others = await store.page(
        call.tx, call.region, resource=resource, after=("", ""), limit=most, wanted=lambda each: each.name != name
    )
    if len(others) >= most:
        raise LimitExceeded(f"A scalable target can have at most {most} scheduled actions")


@autoscaling.operation("DeleteScheduledAction")
async def delete_scheduled_action(
    call: Call, *, service_namespace: str, scheduled_action_name: str, resource_id: str, scalable_dimension: str
) -> None:
    validation.check_resource(service_namespace, resource_id, scalable_dimension)
    action = await store.find(call.tx, call.region, resource_id, scheduled_action_name)
    if action is None:
        raise no_scheduled_action(resource_id, scalable_dimension, scheduled_action_name)
    await store.remove(call.tx, action)


@autoscaling.operation("DescribeScheduledActions", reads=True)
async def describe_scheduled_actions(
    call: Call,
    *,
    service_namespace: str,
    scheduled_action_names: Sequence[str] = (),
    resource_id: str | None = None,
    scalable_dimension: str | None = None,
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    validation.check_namespace(service_namespace)
    validation.check_dimension(resource_id, scalable_dimension)

    async def fetch(after: tuple[str, str], limit: int) -> list[ScheduledAction]:
        return await store.page(
            call.tx,
            call.region,
            resource=resource_id or "",
            after=after,
            limit=limit,
            wanted=lambda action: not scheduled_action_names or action.name in scheduled_action_names,
        )

    page = await page_of(fetch, max_results, next_token, _PAGE)
    views = [scheduled_action_view(action, call.account) for action in page.items]
    return page.with_token({"ScheduledActions": views}, "NextToken")
