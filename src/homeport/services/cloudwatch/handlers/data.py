"""GetMetricData: many metrics, and expressions over them, in one request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeport.aws.call import Call
from homeport.aws.paging import decode_token, encode_token
from homeport.services.cloudwatch import validation
from homeport.services.cloudwatch.errors import InvalidParameterValue, invalid_token
from homeport.services.cloudwatch.expressions.evaluate import Series
from homeport.services.cloudwatch.periods import first_start
from homeport.services.cloudwatch.queries import Query, Span, compute, parse_queries, read_series
from homeport.services.cloudwatch.service import cloudwatch

_MAX_DATAPOINTS = 100_800


@dataclass(frozen=True, slots=True)
class _Result:
    """One series to show."""

    id: str
    label: str
    points: Sequence[tuple[int, float]]


# LabelOptions: it says in which time zone a dynamic label shows times, and dynamic labels are refused.
@cloudwatch.operation("GetMetricData", reads=True, ignores=("LabelOptions",))
async def get_metric_data(
    call: Call,
    *,
    metric_data_queries: Sequence[Mapping[str, Any]],
    start_time: float,
    end_time: float,
    scan_by: str = "TimestampDescending",
    max_datapoints: int = _MAX_DATAPOINTS,
    next_token: str | None = None,
) -> dict[str, Any]:
    validation.check_span(start_time, end_time)
    if not 1 <= max_datapoints <= _MAX_DATAPOINTS:
        raise InvalidParameterValue(f"The value {max_datapoints} for parameter MaxDatapoints is invalid.")
    queries = parse_queries(metric_data_queries, "MetricDataQueries")
    after = decode_token(next_token, (int, int), invalid_token) or (0, 0)
    found = await _series(call, queries, start_time, end_time)
    results = [
        _result(query, series, descending=scan_by == "TimestampDescending")
        for query in queries
        if query.returned
        for series in found[query.id]
    ]
    return _page(results, after, max_datapoints)


async def _series(call: Call, queries: Sequence[Query], start: float, end: float) -> dict[str, list[Series]]:
    stats = {query.id: query.stat for query in queries if query.stat is not None}
    periods = {stat.period for stat in stats.values()} or {300}
    spans = {period: Span(first_start(start, period, call.now()), end) for period in periods}
    metrics = {name: await read_series(call.tx, call.region, stat, spans[stat.period]) for name, stat in stats.items()}
    return compute(queries, metrics, spans)


def _result(query: Query, series: Series, *, descending: bool) -> _Result:
    label = query.label or (query.stat.metric.name if query.stat is not None else query.id)
    return _Result(query.id, label, sorted(series.items(), reverse=descending))


def _page(results: Sequence[_Result], after: tuple[Any, ...], size: int) -> dict[str, Any]:
    """Return the results behind *after*, which counts whole results and the datapoints of the next; at most *size*."""
    first, skipped = after
    views: list[dict[str, Any]] = []
    token: str | None = None
    for position, result in enumerate(results[first:], first):
        if size == 0:
            token = encode_token((position, 0))
            break
        rest = result.points[skipped if position == first else 0 :]
        shown, size = rest[:size], size - min(size, len(rest))
        whole = len(shown) == len(rest)
        views.append(_view(result, shown, "Complete" if whole else "PartialData"))
        if not whole:
            token = encode_token((position, len(result.points) - len(rest) + len(shown)))
            break
    answer: dict[str, Any] = {"MetricDataResults": views, "Messages": []}
    return answer if token is None else {**answer, "NextToken": token}


def _view(result: _Result, points: Sequence[tuple[int, float]], status: str) -> dict[str, Any]:
    return {
        "Id": result.id,
        "Label": result.label,
        "Timestamps": [moment for moment, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": status,
    }
