"""What an expression comes to: a number, a series, or several series."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from homeport.services.cloudwatch.expressions.syntax import (
    Array,
    BadExpression,
    Function,
    Node,
    Number,
    Operator,
    Reference,
    Text,
)

Series = Mapping[int, float]  # the start of each period, in seconds: the value
#: Series in one array: as many as there may be queries.
MAX_SERIES = 500

Value = float | Series | list[Series]


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression can see: the series of the other queries, and the periods asked for."""

    values: Mapping[str, Value]
    metrics: Mapping[str, Series]  # those that are metrics, which METRICS() means
    timestamps: Sequence[int]
    period: int


def evaluate(node: Node, scope: Scope) -> Value:
    """Return the value of *node*, or raise BadExpression."""
    match node:
        case Number(value=number):
            return number
        case Reference(id=name):
            if name not in scope.values:
                raise BadExpression(f"there is no '{name}'")
            return scope.values[name]
        case Array(items=items):
            return _bounded([series for item in items for series in _as_list(evaluate(item, scope))])
        case Operator(symbol=symbol, left=left, right=right):
            return _apply(_OPERATIONS[symbol], evaluate(left, scope), evaluate(right, scope))
        case Function(name=name, arguments=arguments):
            if name not in FUNCTIONS:
                raise BadExpression(f"the function '{name}' is not supported here")
            return FUNCTIONS[name](arguments, scope)
        case Text():
            raise BadExpression("a text stands where a value is needed")


def _bounded(array: list[Series]) -> list[Series]:
    """Refuse an *array* of arrays that has grown out of all bounds."""
    if len(array) > MAX_SERIES:
        raise BadExpression(f"an array has more than {MAX_SERIES} time series")
    return array


def _as_list(value: Value) -> list[Series]:
    if isinstance(value, list):
        return value
    if isinstance(value, Mapping):
        return [value]
    raise BadExpression("a number stands where a time series is needed")


# Operators

Operation = Callable[[float, float], float]

_OPERATIONS: Mapping[str, Operation] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    "==": lambda left, right: float(left == right),
    "!=": lambda left, right: float(left != right),
    "<": lambda left, right: float(left < right),
    "<=": lambda left, right: float(left <= right),
    ">": lambda left, right: float(left > right),
    ">=": lambda left, right: float(left >= right),
    "AND": lambda left, right: float(bool(left) and bool(right)),
    "OR": lambda left, right: float(bool(left) or bool(right)),
}


def _finite(series: Mapping[int, float | None]) -> Series:
    """Return *series* without what is no number."""
    return {m: float(value) for m, value in series.items() if value is not None and math.isfinite(value)}


def _calculated(operation: Callable[..., float], *operands: Any) -> float | None:
    """Return the result, or None where there is no finite one: such a datapoint is left out."""
    try:
        result = operation(*operands)
    except (ArithmeticError, ValueError):
        return None
    return result if isinstance(result, (int, float)) and math.isfinite(result) else None


def _apply(operation: Operation, left: Value, right: Value) -> Value:
    """Apply to each of several series, to datapoints of the same time, and to every datapoint with a number."""
    if isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            raise BadExpression("the arrays have different lengths")
        return [_apply_one(operation, *pair) for pair in zip(left, right, strict=True)]
    if isinstance(left, list):
        assert not isinstance(right, list)
        return [_apply_one(operation, series, right) for series in left]
    if isinstance(right, list):
        return [_apply_one(operation, left, series) for series in right]
    if isinstance(left, float) and isinstance(right, float):
        number = _calculated(operation, left, right)
        if number is None:
            raise BadExpression("it has no finite result")
        return number
    return _apply_one(operation, left, right)


def _apply_one(operation: Operation, left: float | Series, right: float | Series) -> Series:
    series = left if isinstance(left, Mapping) else right
    assert isinstance(series, Mapping), "two numbers make no series"
    times = [moment for moment in series if _at(right, moment) is not None]
    found = {moment: _calculated(operation, _at(left, moment), _at(right, moment)) for moment in times}
    return {moment: value for moment, value in found.items() if value is not None}


def _at(value: float | Series, moment: int) -> float | None:
    return value.get(moment) if isinstance(value, Mapping) else value


# Functions

Arguments = tuple[Node, ...]


def _count(arguments: Arguments, least: int, most: int, name: str) -> None:
    if not least <= len(arguments) <= most:
        raise BadExpression(f"{name} does not take {len(arguments)} arguments")


def _aggregate(name: str, reduce: Callable[[Sequence[float]], float]) -> Callable[[Arguments, Scope], Value]:
    """Return the function that reduces a series to a number, and several series to one."""

    def function(arguments: Arguments, scope: Scope) -> Value:
        _count(arguments, 1, 1, name)
        value = evaluate(arguments[0], scope)
        if isinstance(value, float):
            raise BadExpression(f"{name} needs a time series")
        if not isinstance(value, list):
            if not value:
                return {}
            number = _calculated(reduce, list(value.values()))
            if number is None:
                raise BadExpression("it has no finite result")
            return float(number)
        moments = sorted({moment for series in value for moment in series})
        return _finite({m: _calculated(reduce, [series[m] for series in value if m in series]) for m in moments})

    return function


def _each(name: str, change: Callable[[Series], Series]) -> Callable[[Arguments, Scope], Value]:
    """Return the function that changes every series by itself."""

    def function(arguments: Arguments, scope: Scope) -> Value:
        _count(arguments, 1, 1, name)
        value = evaluate(arguments[0], scope)
        if isinstance(value, list):
            return [_finite(change(series)) for series in value]
        if isinstance(value, float):
            raise BadExpression(f"{name} needs a time series")
        return _finite(change(value))

    return function


def _per_value(operation: Callable[[float], float]) -> Callable[[Series], Series]:
    def change(series: Series) -> Series:
        found = {moment: _calculated(operation, value) for moment, value in series.items()}
        return {moment: value for moment, value in found.items() if value is not None}

    return change


def _differences(series: Series, *, per_second: bool) -> Series:
    moments = sorted(series)
    return {
        later: (series[later] - series[earlier]) / ((later - earlier) if per_second else 1)
        for earlier, later in pairwise(moments)
    }


def _running_sum(series: Series) -> Series:
    total = 0.0
    found = {}
    for moment in sorted(series):
        total += series[moment]
        found[moment] = total
    return found


def _fill(arguments: Arguments, scope: Scope) -> Value:
    """FILL(series, number | REPEAT | LINEAR): put values where datapoints are missing."""
    _count(arguments, 2, 2, "FILL")
    value = evaluate(arguments[0], scope)
    if isinstance(value, float):
        raise BadExpression("FILL needs a time series")
    fill = _filler(arguments[1], scope)
    if isinstance(value, list):
        return [_finite(fill(series, scope.timestamps)) for series in value]
    return _finite(fill(value, scope.timestamps))


def _filler(wanted: Node, scope: Scope) -> Callable[[Series, Sequence[int]], Series]:
    """Return what puts values where a series has none of these times."""
    match wanted:
        case Reference(id="REPEAT"):
            return _repeated
        case Reference(id="LINEAR"):
            return _interpolated
    number = evaluate(wanted, scope)
    if not isinstance(number, float):
        raise BadExpression("FILL fills with a number, REPEAT or LINEAR")
    return lambda series, timestamps: {**dict.fromkeys(timestamps, number), **series}


def _repeated(series: Series, timestamps: Sequence[int]) -> Series:
    found = dict(series)
    last: float | None = None
    for moment in sorted({*timestamps, *series}):
        last = series.get(moment, last)
        if last is not None:
            found[moment] = last
    return found


def _interpolated(series: Series, timestamps: Sequence[int]) -> Series:
    """Fill between datapoints on a straight line; before the first and behind the last nothing is known."""
    found = dict(series)
    known = sorted(series)
    for before, after in pairwise(known):
        slope = (series[after] - series[before]) / (after - before)
        for moment in timestamps:
            if before < moment < after:
                found[moment] = series[before] + slope * (moment - before)
    return found


def _if(arguments: Arguments, scope: Scope) -> Value:
    """IF(condition, then, otherwise): per datapoint of the condition; without *otherwise* datapoints are left out."""
    _count(arguments, 2, 3, "IF")
    condition, then, *rest = (_single(evaluate(argument, scope)) for argument in arguments)
    otherwise = rest[0] if rest else {}
    if isinstance(condition, float):
        return then if condition else otherwise
    picked = {m: _at(then if flag else otherwise, m) for m, flag in condition.items()}
    return {moment: value for moment, value in picked.items() if value is not None}


def _single(value: Value) -> float | Series:
    if isinstance(value, list):
        raise BadExpression("IF does not take arrays here")
    return value


def _metrics(arguments: Arguments, scope: Scope) -> Value:
    """METRICS() or METRICS("part of an id"): the series of all metrics asked for."""
    _count(arguments, 0, 1, "METRICS")
    part = ""
    if arguments:
        if not isinstance(arguments[0], Text):
            raise BadExpression("METRICS takes a text")
        part = arguments[0].value
    return [series for name, series in scope.metrics.items() if part in name]


def _metric_count(arguments: Arguments, scope: Scope) -> Value:
    _count(arguments, 1, 1, "METRIC_COUNT")
    return float(len(_as_list(evaluate(arguments[0], scope))))


def _period(arguments: Arguments, scope: Scope) -> Value:
    _count(arguments, 1, 1, "PERIOD")
    _as_list(evaluate(arguments[0], scope))
    return float(scope.period)


def _time_series(arguments: Arguments, scope: Scope) -> Value:
    """TIME_SERIES(number): a series of that value."""
    _count(arguments, 1, 1, "TIME_SERIES")
    number = evaluate(arguments[0], scope)
    if not isinstance(number, float):
        raise BadExpression("TIME_SERIES needs a number")
    return dict.fromkeys(scope.timestamps, number)


def _deviation(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


FUNCTIONS: Mapping[str, Callable[[Arguments, Scope], Value]] = {
    "ABS": _each("ABS", _per_value(abs)),
    "AVG": _aggregate("AVG", lambda values: math.fsum(values) / len(values)),
    "CEIL": _each("CEIL", _per_value(math.ceil)),
    "DIFF": _each("DIFF", lambda series: _differences(series, per_second=False)),
    "FILL": _fill,
    "FLOOR": _each("FLOOR", _per_value(math.floor)),
    "IF": _if,
    "LOG": _each("LOG", _per_value(math.log)),
    "LOG10": _each("LOG10", _per_value(math.log10)),
    "MAX": _aggregate("MAX", max),
    "METRICS": _metrics,
    "METRIC_COUNT": _metric_count,
    "MIN": _aggregate("MIN", min),
    "PERIOD": _period,
    "RATE": _each("RATE", lambda series: _differences(series, per_second=True)),
    "RUNNING_SUM": _each("RUNNING_SUM", _running_sum),
    "STDDEV": _aggregate("STDDEV", _deviation),
    "SUM": _aggregate("SUM", math.fsum),
    "TIME_SERIES": _time_series,
}
