"""
Metric data queries: metrics and expressions over them, as GetMetricData and alarms ask for them.

Parsing and computing are pure; `series_of` alone reads the store.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeport.aws.fields import Fields
from homeport.db.database import Tx
from homeport.services.cloudwatch import validation
from homeport.services.cloudwatch.distribution import find_statistic, needs_values
from homeport.services.cloudwatch.errors import InvalidParameterValue, Validation
from homeport.services.cloudwatch.expressions.evaluate import FUNCTIONS, Scope, Series, Value, evaluate
from homeport.services.cloudwatch.expressions.syntax import BadExpression, Node, functions, parse, references
from homeport.services.cloudwatch.model import Metric
from homeport.services.cloudwatch.periods import into_periods
from homeport.services.cloudwatch.store import datapoints

MAX_QUERIES = 500
#: Periods of an expression: as many as GetMetricData has datapoints in one answer.
MAX_PERIODS = 100_800

_ID = re.compile(r"[a-z][A-Za-z0-9_]{0,254}", re.ASCII)
#: What stands in expressions without being the id of a query.
_WORDS = frozenset({"REPEAT", "LINEAR"})


@dataclass(frozen=True, slots=True)
class MetricStat:
    """One statistic of one metric; no *unit* means any."""

    metric: Metric
    period: int
    statistic: str
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """Either a *stat* or an *expression*."""

    id: str
    stat: MetricStat | None
    expression: str
    tree: Node | None
    label: str
    returned: bool

    @property
    def needs(self) -> list[str]:
        """The ids that its expression names."""
        return [] if self.tree is None else [name for name in references(self.tree) if name not in _WORDS]


def parse_queries(given: Sequence[Mapping[str, Any]], parameter: str) -> list[Query]:
    """Return the queries, of which each can be computed, or refuse them."""
    if len(given) > MAX_QUERIES:
        raise Validation(f"The collection {parameter} must not have a size greater than {MAX_QUERIES}.")
    queries = [_query(document, f"{parameter}.member.{i}") for i, document in enumerate(given, 1)]
    if len({query.id for query in queries}) < len(queries):
        raise Validation(f"The values for parameter Id in {parameter} are not unique.")
    in_order(queries)
    return queries


def _query(given: Mapping[str, Any], where: str) -> Query:
    with Fields(given, where) as f:
        name = f.take("Id", str)
        expression = f.take("Expression", str, "")
        label = f.take("Label", str, "")
        returned = f.take("ReturnData", bool, True)
        period = f.take("Period", int, 0)
        stat_fields = f.take_fields("MetricStat")
        stat = None if stat_fields is None else _stat(stat_fields, f"{where}.MetricStat")
    if _ID.fullmatch(name) is None:
        raise Validation(
            f"The value '{name}' for parameter {where}.Id does not match the required expression '^[a-z][a-zA-Z0-9_]*$'."
        )
    if (stat is None) == (not expression):
        raise Validation(f"Either MetricStat or Expression must be given in {where}, and not both.")
    if "${" in label:
        raise InvalidParameterValue(f"Dynamic labels are not supported here ({where}.Label).")
    if stat is not None and period:
        raise Validation(f"The parameter {where}.Period cannot be used with MetricStat, which has a period of its own.")
    return Query(name, stat, expression, _tree(name, expression) if expression else None, label, returned)


def _tree(name: str, expression: str) -> Node:
    try:
        tree = parse(expression)
        for function in functions(tree):
            if function not in FUNCTIONS:
                raise BadExpression(f"the function '{function}' is not supported here")
    except BadExpression as problem:
        raise bad_expression(name, problem) from None
    return tree


def bad_expression(name: str, problem: object) -> Validation:
    return Validation(f"Error in expression '{name}': {problem}.")


def _stat(f: Fields, where: str) -> MetricStat:
    with f:
        metric = f.take_fields("Metric")
        assert metric is not None, "the model requires it"
        with metric:
            namespace = metric.take("Namespace", str)
            name = metric.take("MetricName", str)
            dimensions = validation.parse_dimensions(metric.take("Dimensions", list, []), f"{where}.Metric.Dimensions")
        stat = MetricStat(
            Metric(namespace, name, tuple(sorted(dimensions.items()))),
            f.take("Period", int),
            f.take("Stat", str),
            f.take("Unit", str, None),
        )
    validation.check_period(stat.period, f"{where}.Period")
    validation.check_statistic(stat.statistic, f"{where}.Stat")
    return stat


def in_order(queries: Sequence[Query]) -> list[Query]:
    """Return *queries* so that each follows what it needs; refuse unknown ids and circles."""
    known = {query.id: query for query in queries}
    done: dict[str, Query] = {}

    def visit(query: Query, above: tuple[str, ...]) -> None:
        if query.id in done:
            return
        if query.id in above:
            raise bad_expression(query.id, "it refers to itself")
        if len(above) > 50:
            raise bad_expression(query.id, "it builds on too many others")
        for name in query.needs:
            if name not in known:
                raise bad_expression(query.id, f"there is no query '{name}'")
            visit(known[name], (*above, query.id))
        done[query.id] = query

    for query in queries:
        visit(query, ())
    return list(done.values())


@dataclass(frozen=True, slots=True)
class Span:
    """From *start* (inclusive) to *end* (exclusive), seconds; periods are counted from *start*."""

    start: int
    end: float

    def timestamps(self, period: int) -> range:
        return range(self.start, int(-(-self.end // 1)), period)


async def read_series(tx: Tx, region: str, stat: MetricStat, span: Span) -> Series:
    """Return the statistic per period of *span*, with no value where there is none."""
    statistic = find_statistic(stat.statistic)
    assert statistic is not None, "it was checked when it was given"
    points = await datapoints.read(
        tx, stat.metric.id_in(region), span.start, span.end, unit=stat.unit, values=needs_values(stat.statistic)
    )
    found = into_periods(points, span.start, stat.period, by_unit=False)
    values = {begin: statistic(found[begin, unit]) for begin, unit in found}
    return {begin: value for begin, value in values.items() if value is not None}


def compute(
    queries: Sequence[Query], metrics: Mapping[str, Series], spans: Mapping[int, Span]
) -> dict[str, list[Series]]:
    """
    Return the series of each query; *metrics* holds those that are no expressions, *spans* the periods asked for.

    An expression's period is the longest of those it builds on.
    """
    periods: dict[str, int] = {}
    values: dict[str, Value] = dict(metrics)
    found: dict[str, list[Series]] = {}
    shortest = min(spans)
    for query in in_order(queries):
        if query.stat is not None:
            periods[query.id] = query.stat.period
            found[query.id] = [metrics[query.id]]
            continue
        assert query.tree is not None
        period = periods[query.id] = max((periods[name] for name in query.needs), default=shortest)
        if len(spans[period].timestamps(period)) > MAX_PERIODS:
            raise bad_expression(query.id, f"there are more than {MAX_PERIODS} periods between StartTime and EndTime")
        scope = Scope(values, metrics, spans[period].timestamps(period), period)
        try:
            values[query.id] = value = evaluate(query.tree, scope)
        except BadExpression as problem:
            raise bad_expression(query.id, problem) from None
        found[query.id] = _as_series(query, value)
    return found


def _as_series(query: Query, value: Value) -> list[Series]:
    if isinstance(value, list):
        return value
    if isinstance(value, Mapping):
        return [value]
    if not query.returned:
        return []
    raise bad_expression(query.id, "it results in a number, not in a time series")
