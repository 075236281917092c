"""What PutMetricAlarm may ask for.  Sentences are unconfirmed where AWS documents none."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.arn import find_arn
from homeport.services.cloudwatch.alarms.model import Comparison, Missing
from homeport.services.cloudwatch.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
    Validation,
)
from homeport.services.cloudwatch.model import DAY, HOUR, MINUTE
from homeport.services.cloudwatch.queries import MetricStat, parse_queries

_SCALING_POLICY = re.compile(r"scalingPolicy:[0-9a-f-]{36}:resource/[a-z-]+/.+:policyName/.+")
_PERIODS = (10, 20, 30)


def check_actions(actions: Sequence[str], region: str, account: str) -> None:
    """Refuse actions that nobody would carry out: there are only scaling policies here."""
    for action in actions:
        arn = find_arn(action)
        if arn is None:
            raise Validation(f"Invalid arn syntax: {action}")
        ours = (arn.region, arn.account) == (region, account)
        if arn.service != "autoscaling" or not ours or _SCALING_POLICY.fullmatch(arn.resource) is None:
            raise InvalidParameterValue(
                f"The action {action} is not supported: Homeport's alarms act on scaling policies of "
                "Application Auto Scaling in their own region and account only."
            )


def parse_comparison(name: str) -> Comparison:
    if name not in set(Comparison):
        raise InvalidParameterValue(
            f"The comparison operator {name} needs anomaly detection, which is not supported here."
        )
    return Comparison(name)


def parse_missing(name: str | None) -> Missing | None:
    if name is None:
        return None
    if name not in set(Missing):
        raise Validation(f"Option {name} is invalid, must be one of [{', '.join(Missing)}].")
    return Missing(name)


def check_low_samples(value: str | None, stat: MetricStat | None) -> str:
    if value is None:
        return ""
    if stat is None or not stat.statistic.startswith("p"):
        raise Validation("EvaluateLowSampleCountPercentile can be used with percentile statistics only.")
    if value != "evaluate":
        raise InvalidParameterValue(
            f"The value {value} for parameter EvaluateLowSampleCountPercentile is not supported here; use evaluate."
        )
    return value


def check_periods(period: int, periods: int, needed: int | None) -> None:
    """Refuse periods that AWS does not have, and alarms that look too far back."""
    if period not in _PERIODS and (period <= 0 or period % MINUTE):
        raise Validation("Period must be 10, 20, 30 or a multiple of 60")
    longest = 7 * DAY if period >= HOUR else DAY
    if period * periods > longest:
        raise Validation(
            f"Metrics cannot be checked across more than {'seven days' if longest > DAY else 'a day'} "
            f"(EvaluationPeriods * Period must be <= {longest})."
        )
    if needed is not None and needed > periods:
        raise Validation("DatapointsToAlarm must be less than or equal to EvaluationPeriods.")


def require(**members: object) -> None:
    """Refuse a request without one of *members*, named as AWS names them."""
    for name, value in members.items():
        if value is None:
            raise MissingParameter(f"The parameter {name} is required.")


def check_alone(**members: object) -> None:
    """Refuse a request that gives, beside Metrics, one of *members*."""
    for name, value in members.items():
        if value:
            raise InvalidParameterCombination(f"The parameters Metrics and {name} are mutually exclusive.")


def check_queries(metrics: Sequence[Mapping[str, Any]]) -> int:
    """Refuse queries from which no single series follows; return the seconds of its period."""
    queries = parse_queries(metrics, "Metrics")
    if sum(query.returned for query in queries) != 1:
        raise Validation("Exactly one element of the metrics list should return data.")
    periods = [query.stat.period for query in queries if query.stat is not None]
    if not periods:
        raise Validation("The metrics list must contain a metric.")
    if len(queries) > 20:
        raise Validation("The metrics list must not have more than 20 elements.")
    return max(periods)
