"""GetMetricStatistics: the statistics of one metric, period by period."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.services.cloudwatch import validation
from homeport.services.cloudwatch.distribution import Distribution, find_statistic
from homeport.services.cloudwatch.errors import InvalidParameterCombination, MissingParameter
from homeport.services.cloudwatch.periods import first_start, into_periods
from homeport.services.cloudwatch.service import cloudwatch
from homeport.services.cloudwatch.store import datapoints

_MAX_DATAPOINTS = 1_440


@cloudwatch.operation("GetMetricStatistics", reads=True)
async def get_metric_statistics(
    call: Call,
    *,
    namespace: str,
    metric_name: str,
    start_time: float,
    end_time: float,
    period: int,
    dimensions: Sequence[Mapping[str, str]] = (),
    statistics: Sequence[str] = (),
    extended_statistics: Sequence[str] = (),
    unit: str | None = None,
) -> dict[str, Any]:
    if not statistics and not extended_statistics:
        raise MissingParameter("At least one of the parameters Statistics and ExtendedStatistics must be specified.")
    metric = validation.parse_metric(namespace, metric_name, dimensions)
    validation.check_period(period)
    validation.check_span(start_time, end_time)
    for position, name in enumerate(extended_statistics, 1):
        validation.check_statistic(name, f"ExtendedStatistics.member.{position}")
    _check_amount(start_time, end_time, period)
    start = first_start(start_time, period, call.now())
    points = await datapoints.read(
        call.tx, metric.id_in(call.region), start, end_time, unit=unit, values=bool(extended_statistics)
    )
    found = into_periods(points, start, period, by_unit=True)
    views = [_view(*key, found[key], statistics, extended_statistics) for key in sorted(found)]
    return {"Label": metric_name, "Datapoints": views}


def _check_amount(start: float, end: float, period: int) -> None:
    asked = math.ceil((end - start) / period)
    if asked > _MAX_DATAPOINTS:
        raise InvalidParameterCombination(
            f"You have requested up to {asked:,} datapoints, which exceeds the limit of {_MAX_DATAPOINTS:,}. "
            "You may reduce the datapoints requested by increasing Period, or decreasing the time range."
        )


def _view(
    timestamp: int, unit: str, samples: Distribution, statistics: Sequence[str], extended: Sequence[str]
) -> dict[str, Any]:
    view: dict[str, Any] = {"Timestamp": timestamp, "Unit": unit, **_values(samples, statistics)}
    if percentiles := _values(samples, extended):
        view["ExtendedStatistics"] = percentiles
    return view


def _values(samples: Distribution, names: Sequence[str]) -> dict[str, float]:
    found = ((name, statistic(samples)) for name in names if (statistic := find_statistic(name)) is not None)
    return {name: value for name, value in found if value is not None}
