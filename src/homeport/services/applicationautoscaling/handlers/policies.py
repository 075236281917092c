"""Scaling policies."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from homeport.aws.call import Call
from homeport.services.applicationautoscaling import tracking_alarms, validation
from homeport.services.applicationautoscaling.errors import (
    LimitExceeded,
    Validation,
    no_policy,
    no_target,
)
from homeport.services.applicationautoscaling.handlers.listing import page_of
from homeport.services.applicationautoscaling.model import Policy, PolicyType, StepScaling, Tracking
from homeport.services.applicationautoscaling.service import autoscaling
from homeport.services.applicationautoscaling.store import policies as store
from homeport.services.applicationautoscaling.store import targets
from homeport.services.applicationautoscaling.views import policy_view
from homeport.services.cloudwatch.alarms.views import alarm_arn
from homeport.services.cloudwatch.reconcilers.alarms import NAME as ALARMS
from homeport.services.cloudwatch.store import alarms

_PAGE = 10


@autoscaling.operation("PutScalingPolicy")
async def put_scaling_policy(
    call: Call,
    *,
    policy_name: str,
    service_namespace: str,
    resource_id: str,
    scalable_dimension: str,
    policy_type: str | None = None,
    step_scaling_policy_configuration: Mapping[str, Any] | None = None,
    target_tracking_scaling_policy_configuration: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    validation.check_resource(service_namespace, resource_id, scalable_dimension)
    before = await store.find(call.tx, call.region, resource_id, policy_name)
    kind = policy_type or (before.type.value if before is not None else PolicyType.STEP.value)
    configuration = _configuration(
        kind, step_scaling_policy_configuration, target_tracking_scaling_policy_configuration
    )
    if await targets.find(call.tx, call.region, resource_id) is None:
        raise no_target(resource_id, scalable_dimension)
    if before is not None and before.type != kind:
        raise Validation("The type of a scaling policy cannot be changed")
    others = [each for each in await store.of_target(call.tx, call.region, resource_id) if each.name != policy_name]
    if len(others) >= validation.MAX_POLICIES:
        raise LimitExceeded(f"A scalable target can have at most {validation.MAX_POLICIES} scaling policies")
    _check_only(configuration, others)
    policy = Policy(
        call.region,
        resource_id,
        policy_name,
        before.id if before is not None else call.ids.uuid(),
        before.created_at if before is not None else call.now(),
        configuration,
    )
    await store.put(call.tx, policy)
    if isinstance(configuration, Tracking):
        await tracking_alarms.keep(call.tx, policy, call.account, call.now())
        call.wake(ALARMS)
    return {"PolicyARN": policy.arn(call.account), "Alarms": await _alarms(call, policy)}


def _configuration(
    kind: str, steps: Mapping[str, Any] | None, tracking: Mapping[str, Any] | None
) -> StepScaling | Tracking:
    given = {PolicyType.STEP: steps, PolicyType.TRACKING: tracking}
    if kind not in set(PolicyType):
        raise Validation(f"The policy type {kind} is not supported here")
    own = given.pop(PolicyType(kind))
    if own is None or any(other is not None for other in given.values()):
        raise Validation(f"A policy of type {kind} needs the configuration of that type, and no other")
    return validation.parse_steps(own) if kind == PolicyType.STEP else validation.parse_tracking(own)


def _check_only(configuration: StepScaling | Tracking, others: Sequence[Policy]) -> None:
    """Refuse a second policy that tracks the same metric: the two would work against one another."""
    if not isinstance(configuration, Tracking):
        return
    metric = _metric(configuration)
    tracking = [each.configuration for each in others if isinstance(each.configuration, Tracking)]
    if any(_metric(other) == metric for other in tracking):
        raise Validation("Only one TargetTrackingScaling policy for a given metric specification is allowed.")


def _metric(configuration: Tracking) -> tuple[Any, ...]:
    return configuration.predefined, configuration.label, msgspec.json.encode(configuration.customized, order="sorted")


async def _alarms(call: Call, policy: Policy) -> list[dict[str, str]]:
    found = await alarms.with_action(call.tx, policy.region, policy.arn(call.account))
    return [
        {"AlarmName": each.alarm.name, "AlarmARN": alarm_arn(policy.region, call.account, each.alarm.name)}
        for each in found
    ]


@autoscaling.operation("DeleteScalingPolicy")
async def delete_scaling_policy(
    call: Call, *, policy_name: str, service_namespace: str, resource_id: str, scalable_dimension: str
) -> None:
    validation.check_resource(service_namespace, resource_id, scalable_dimension)
    policy = await store.find(call.tx, call.region, resource_id, policy_name)
    if policy is None:
        raise no_policy(resource_id, scalable_dimension, policy_name)
    await tracking_alarms.remove(call.tx, policy)
    await store.remove(call.tx, policy)


@autoscaling.operation("DescribeScalingPolicies", reads=True)
async def describe_scaling_policies(
    call: Call,
    *,
    service_namespace: str,
    policy_names: Sequence[str] = (),
    resource_id: str | None = None,
    scalable_dimension: str | None = None,
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    validation.check_namespace(service_namespace)
    validation.check_dimension(resource_id, scalable_dimension)

    async def fetch(after: tuple[str, str], limit: int) -> list[Policy]:
        return await store.page(
            call.tx,
            call.region,
            resource=resource_id or "",
            after=after,
            limit=limit,
            wanted=lambda policy: (
                not policy_names or policy.name in policy_names or policy.arn(call.account) in policy_names
            ),
        )

    page = await page_of(fetch, max_results, next_token, _PAGE)
    views = [policy_view(policy, call.account, await _alarms(call, policy)) for policy in page.items]
    return page.with_token({"ScalingPolicies": views}, "NextToken")
