"""What Application Auto Scaling does not state in its model; sentences are unconfirmed where nothing else is said."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from homeport.aws.errors import AwsError
from homeport.aws.fields import Fields
from homeport.services.applicationautoscaling.errors import Validation
from homeport.services.applicationautoscaling.model import (
    DIMENSION,
    NAMESPACE,
    AdjustmentType,
    Schedule,
    Step,
    StepScaling,
    Suspended,
    Tracking,
)
from homeport.services.applicationautoscaling.schedules import BadSchedule, Expression, parse_schedule
from homeport.services.applicationautoscaling.tracking_alarms import PREDEFINED, REQUESTS, split_label
from homeport.services.cloudwatch.alarms.validation import check_queries
from homeport.services.cloudwatch.validation import UNITS

MAX_STEPS = 20
MAX_POLICIES = 50
MAX_SCHEDULED = 200


def check_namespace(namespace: str) -> None:
    if namespace != NAMESPACE:
        raise Validation(f"Homeport scales ECS services only: the service namespace {namespace} is not supported.")


def check_resource(namespace: str, resource: str, dimension: str) -> None:
    """Refuse everything but the desired count of an ECS service."""
    check_namespace(namespace)
    parts = resource.split("/")
    if dimension != DIMENSION or len(parts) != 3 or parts[0] != "service" or not all(parts):
        raise Validation("Unsupported service namespace, resource type or scalable dimension")


def check_dimension(resource: str | None, dimension: str | None) -> None:
    """Hold the filters of the Describe operations against one another."""
    if dimension is not None and dimension != DIMENSION:
        raise Validation("Unsupported service namespace, resource type or scalable dimension")
    if dimension is not None and resource is None:
        raise Validation("If you specify a scalable dimension, you must also specify a resource ID")


def page_size(given: int | None, most: int) -> int:
    if given is not None and not 1 <= given <= most:
        raise Validation(f"MaxResults must be between 1 and {most}")
    return given or most


def check_bounds(low: int | None, high: int | None) -> None:
    if (low is not None and low < 0) or (high is not None and high < 0):
        raise Validation("Minimum and maximum capacity must not be negative")
    if low is not None and high is not None and low > high:
        raise Validation("Maximum capacity cannot be less than minimum capacity")


def parse_suspended(given: Mapping[str, Any], before: Suspended) -> Suspended:
    """Return what is suspended; what is not named stays as it was."""
    with Fields(given, "SuspendedState") as f:
        return Suspended(
            scaling_in=f.take("DynamicScalingInSuspended", bool, before.scaling_in),
            scaling_out=f.take("DynamicScalingOutSuspended", bool, before.scaling_out),
            schedules=f.take("ScheduledScalingSuspended", bool, before.schedules),
        )


# Step scaling


def parse_steps(given: Mapping[str, Any]) -> StepScaling:
    with Fields(given, "StepScalingPolicyConfiguration") as f:
        kind = f.take("AdjustmentType", str, None)
        steps = tuple(_step(each) for each in f.take_each("StepAdjustments"))
        least = f.take("MinAdjustmentMagnitude", int, None)
        cooldown = f.take("Cooldown", int, None)
        aggregation = f.take("MetricAggregationType", str, "Average")
    if kind is None:
        raise Validation("AdjustmentType is required for StepScaling policies")
    if aggregation != "Average":
        raise Validation(f"The metric aggregation type {aggregation} is not supported here; use Average")
    if least is not None and kind != AdjustmentType.PERCENT:
        raise Validation("MinAdjustmentMagnitude can be used with PercentChangeInCapacity only")
    if cooldown is not None and cooldown < 0:
        raise Validation("Cooldown must not be negative")
    _check_steps(steps)
    return StepScaling(
        adjustment_type=AdjustmentType(kind), steps=steps, least=least, cooldown=cooldown, aggregation=aggregation
    )


def _step(f: Fields) -> Step:
    return Step(
        lower=f.take("MetricIntervalLowerBound", float, None),
        upper=f.take("MetricIntervalUpperBound", float, None),
        adjustment=f.take("ScalingAdjustment", int),
    )


def _check_steps(steps: Sequence[Step]) -> None:
    """Refuse steps that overlap, leave gaps, or cross the threshold."""
    if not 1 <= len(steps) <= MAX_STEPS:
        raise Validation(f"There must be between 1 and {MAX_STEPS} step adjustments")
    spans = sorted((-math.inf if s.lower is None else s.lower, math.inf if s.upper is None else s.upper) for s in steps)
    for lower, upper in spans:
        if lower >= upper:
            raise Validation("The lower bound of a step adjustment must be less than its upper bound")
        if lower < 0 < upper and (len(steps) > 1 or math.isfinite(lower)):
            raise Validation("The bounds of a step adjustment must lie on one side of the threshold")
    for (_, end), (begin, _) in pairwise(spans):
        if end > begin:
            raise Validation("StepAdjustment intervals can't overlap")
        if end < begin:
            raise Validation("There can't be a gap between step adjustment intervals")


# Target tracking


def parse_tracking(given: Mapping[str, Any]) -> Tracking:
    with Fields(given, "TargetTrackingScalingPolicyConfiguration") as f:
        target = f.take("TargetValue", float)
        predefined = f.take_fields("PredefinedMetricSpecification")
        customized = f.take("CustomizedMetricSpecification", dict, None)
        out, in_ = f.take("ScaleOutCooldown", int, None), f.take("ScaleInCooldown", int, None)
        disabled = f.take("DisableScaleIn", bool, None)
        if (predefined is None) == (customized is None):
            raise Validation(
                "Either PredefinedMetricSpecification or CustomizedMetricSpecification must be given, and not both"
            )
        kind, label = ("", "") if predefined is None else _predefined(predefined)
    if not 0 < target <= 2.0**360:
        raise Validation("TargetValue must be positive")
    if min(out or 0, in_ or 0) < 0:
        raise Validation("Cooldowns must not be negative")
    if customized is not None:
        _check_customized(customized)
    return Tracking(
        target=target,
        predefined=kind,
        label=label,
        customized=customized,
        scale_out_cooldown=out,
        scale_in_cooldown=in_,
        scale_in_disabled=disabled,
    )


def _predefined(f: Fields) -> tuple[str, str]:
    with f:
        kind, label = f.take("PredefinedMetricType", str), f.take("ResourceLabel", str, "")
    if kind not in PREDEFINED:
        raise Validation(f"The predefined metric type {kind} is not one of ECS services: {', '.join(PREDEFINED)}")
    if kind == REQUESTS and split_label(label) is None:
        raise Validation(
            "ALBRequestCountPerTarget needs a ResourceLabel of the form "
            "app/<load-balancer-name>/<load-balancer-id>/targetgroup/<target-group-name>/<target-group-id>"
        )
    if kind != REQUESTS and label:
        raise Validation(f"ResourceLabel cannot be used with {kind}")
    return kind, label


def _check_customized(given: Mapping[str, Any]) -> None:
    with Fields(given, "CustomizedMetricSpecification") as f:
        name, namespace = f.take("MetricName", str, ""), f.take("Namespace", str, "")
        statistic, unit = f.take("Statistic", str, ""), f.take("Unit", str, None)
        dimensions = f.take("Dimensions", list, [])
        metrics = f.take("Metrics", list, [])
    if metrics:
        if name or namespace or statistic or unit or dimensions:
            raise Validation("Metrics cannot be used together with a single metric")
        _check_metrics(metrics)
        return
    if not (name and namespace and statistic):
        raise Validation("A customized metric needs MetricName, Namespace and Statistic")
    if unit is not None and unit not in UNITS:
        raise Validation(f"There is no unit {unit}")


def _check_metrics(metrics: Sequence[Mapping[str, Any]]) -> None:
    timed = [
        {**query, "MetricStat": {**query["MetricStat"], "Period": 60}} if "MetricStat" in query else query
        for query in metrics
    ]
    try:
        check_queries(timed)
    except AwsError as problem:
        raise Validation(problem.message) from None


# Scheduled actions


def parse_scheduled(schedule: Schedule, now: float) -> Expression:
    """Return when the action runs, or refuse its schedule."""
    try:
        return parse_schedule(schedule.expression, schedule.time_zone, schedule.start or now)
    except BadSchedule as problem:
        raise Validation(f"The schedule {schedule.expression} is not valid: {problem}") from None


def check_window(start: float, end: float) -> None:
    if start and end and start >= end:
        raise Validation("The start time must be before the end time")
