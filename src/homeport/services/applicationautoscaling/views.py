"""AWS's shapes."""

from collections.abc import Sequence
from typing import Any

from homeport.services.applicationautoscaling.model import (
    DIMENSION,
    NAMESPACE,
    Activity,
    NotScaled,
    Policy,
    ScheduledAction,
    StepScaling,
    Target,
    Tracking,
)


def _of(resource: str) -> dict[str, Any]:
    return {"ServiceNamespace": NAMESPACE, "ResourceId": resource, "ScalableDimension": DIMENSION}


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def role_arn(account: str) -> str:
    """Return the role that AWS scales services under."""
    return (
        f"arn:aws:iam::{account}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/"
        "AWSServiceRoleForApplicationAutoScaling_ECSService"
    )


def target_arn(target: Target, account: str) -> str:
    return f"arn:aws:application-autoscaling:{target.region}:{account}:scalable-target/{target.id}"


def target_view(target: Target, account: str) -> dict[str, Any]:
    return {
        **_of(target.resource),
        "MinCapacity": target.low,
        "MaxCapacity": target.high,
        "RoleARN": role_arn(account),
        "CreationTime": target.created_at,
        "SuspendedState": {
            "DynamicScalingInSuspended": target.suspended.scaling_in,
            "DynamicScalingOutSuspended": target.suspended.scaling_out,
            "ScheduledScalingSuspended": target.suspended.schedules,
        },
        "ScalableTargetARN": target_arn(target, account),
    }


def policy_view(policy: Policy, account: str, alarms: Sequence[dict[str, str]]) -> dict[str, Any]:
    configuration = policy.configuration
    return {
        "PolicyARN": policy.arn(account),
        "PolicyName": policy.name,
        **_of(policy.resource),
        "PolicyType": policy.type.value,
        **(_tracking(configuration) if isinstance(configuration, Tracking) else _steps(configuration)),
        "Alarms": list(alarms),
        "CreationTime": policy.created_at,
    }


def _steps(configuration: StepScaling) -> dict[str, Any]:
    return {
        "StepScalingPolicyConfiguration": {
            "AdjustmentType": configuration.adjustment_type.value,
            "StepAdjustments": [
                _given(
                    MetricIntervalLowerBound=step.lower,
                    MetricIntervalUpperBound=step.upper,
                    ScalingAdjustment=step.adjustment,
                )
                for step in configuration.steps
            ],
            **_given(MinAdjustmentMagnitude=configuration.least, Cooldown=configuration.cooldown),
            "MetricAggregationType": configuration.aggregation,
        }
    }


def _tracking(configuration: Tracking) -> dict[str, Any]:
    metric = (
        {"CustomizedMetricSpecification": configuration.customized}
        if configuration.customized is not None
        else {
            "PredefinedMetricSpecification": _given(
                PredefinedMetricType=configuration.predefined, ResourceLabel=configuration.label or None
            )
        }
    )
    return {
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": configuration.target,
            **metric,
            **_given(
                ScaleOutCooldown=configuration.scale_out_cooldown,
                ScaleInCooldown=configuration.scale_in_cooldown,
                DisableScaleIn=configuration.scale_in_disabled,
            ),
        }
    }


def scheduled_action_arn(action: ScheduledAction, account: str) -> str:
    return (
        f"arn:aws:autoscaling:{action.region}:{account}:scheduledAction:{action.id}"
        f":resource/{NAMESPACE}/{action.resource}:scheduledActionName/{action.name}"
    )


def scheduled_action_view(action: ScheduledAction, account: str) -> dict[str, Any]:
    schedule = action.schedule
    bounds = _given(MinCapacity=schedule.low, MaxCapacity=schedule.high)
    return {
        "ScheduledActionName": action.name,
        "ScheduledActionARN": scheduled_action_arn(action, account),
        **_of(action.resource),
        "Schedule": schedule.expression,
        **_given(Timezone=schedule.time_zone or None, StartTime=schedule.start or None, EndTime=schedule.end or None),
        "ScalableTargetAction": bounds,
        "CreationTime": action.created_at,
    }


def activity_view(activity: Activity) -> dict[str, Any]:
    return {
        "ActivityId": activity.id,
        **_of(activity.resource),
        "Description": activity.description,
        "Cause": activity.cause,
        "StartTime": activity.started_at,
        **_given(EndTime=activity.ended_at),
        "StatusCode": activity.outcome.value,
        **_given(StatusMessage=activity.message or None),
        **({} if activity.not_scaled is None else {"NotScaledReasons": [_reason(activity.not_scaled)]}),
    }


def _reason(why: NotScaled) -> dict[str, Any]:
    return {
        "Code": why.reason,
        **_given(MaxCapacity=why.high, MinCapacity=why.low, CurrentCapacity=why.current),
    }
