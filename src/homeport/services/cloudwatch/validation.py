"""
What the model of CloudWatch does not state.

Limits are from the API reference of PutMetricData and MetricDatum; the sentences are AWS's where botocore's users
have reported them, and unconfirmed elsewhere.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.fields import Fields
from homeport.services.cloudwatch.distribution import Distribution, find_statistic, of_statistics, of_values
from homeport.services.cloudwatch.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
    Validation,
    bad_value,
)
from homeport.services.cloudwatch.model import DAY, HOUR, MINUTE, Datum, Metric, metric_of
from homeport.services.cloudwatch.periods import is_period

MAX_DATA = 1_000
MAX_VALUES = 150
_LARGEST = 2.0**360
_SMALLEST = 8.515920e-109

UNITS = frozenset(
    ["Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"]
    + [f"{size}{unit}{rate}" for size, unit in (("", "Bytes"), ("", "Bits")) for rate in ("", "/Second")]
    + [
        f"{size}{unit}{rate}"
        for size in ("Kilo", "Mega", "Giga", "Tera")
        for unit in ("bytes", "bits")
        for rate in ("", "/Second")
    ]
)


def parse_dimensions(given: Sequence[Mapping[str, str]], parameter: str = "Dimensions") -> dict[str, str]:
    """Return the dimensions by name."""
    found: dict[str, str] = {}
    for position, dimension in enumerate(given, 1):
        where = f"{parameter}.member.{position}"
        for part in ("Name", "Value"):
            text = dimension[part]
            if not text.strip() or not text.isascii() or not text.isprintable():
                raise bad_value(text, f"{where}.{part}")
        if dimension["Name"].startswith(":"):
            raise bad_value(dimension["Name"], f"{where}.Name")
        if dimension["Name"] in found:
            raise InvalidParameterValue(f"The parameter {parameter} has the dimension {dimension['Name']} twice.")
        found[dimension["Name"]] = dimension["Value"]
    return found


def parse_metric(namespace: str, name: str, dimensions: Sequence[Mapping[str, str]] | None) -> Metric:
    return metric_of(namespace, name, parse_dimensions(dimensions or ()))


def parse_data(namespace: str, given: Sequence[Mapping[str, Any]], now: float) -> list[Datum]:
    """Return what PutMetricData is to store."""
    if namespace.upper().startswith("AWS/"):
        raise bad_value(namespace, "Namespace")
    if len(given) > MAX_DATA:
        raise InvalidParameterValue(f"The collection MetricData must not have a size greater than {MAX_DATA}.")
    return [_datum(namespace, datum, f"MetricData.member.{i}", now) for i, datum in enumerate(given, 1)]


def _datum(namespace: str, given: Mapping[str, Any], where: str, now: float) -> Datum:
    with Fields(given, where) as f:
        name = f.take("MetricName", str)
        dimensions = parse_dimensions(f.take("Dimensions", list, []), f"{where}.Dimensions")
        timestamp = f.take("Timestamp", float, now)
        resolution = f.take("StorageResolution", int, MINUTE)
        unit = f.take("Unit", str, "None")
        distribution = _distribution(f, where)
    if resolution not in (1, MINUTE):
        raise bad_value(resolution, f"{where}.StorageResolution")
    if timestamp < now - 14 * DAY:
        raise InvalidParameterValue(f"The parameter {where}.Timestamp must specify a time within the past two weeks.")
    if timestamp > now + 2 * HOUR:
        raise InvalidParameterValue(
            f"The parameter {where}.Timestamp must specify a time no more than two hours in the future."
        )
    return Datum(metric_of(namespace, name, dimensions), timestamp, distribution, unit, resolution)


def _distribution(f: Fields, where: str) -> Distribution:
    """Return the samples that a datum gives in one of its three ways."""
    value = f.take("Value", float, None)
    values: list[float] | None = f.take("Values", list, None)
    counts: list[float] | None = f.take("Counts", list, None)
    statistics: dict[str, float] | None = f.take("StatisticValues", dict, None)
    given = [
        name
        for name, part in (("Value", value), ("Values", values), ("StatisticValues", statistics))
        if part is not None
    ]
    if not given or values == []:
        raise MissingParameter(
            f"At least one of the parameters {where}.Value, {where}.Values and {where}.StatisticValues must be specified."
        )
    if len(given) > 1:
        raise InvalidParameterCombination(
            f"The parameters {where}.{given[0]} and {where}.{given[1]} are mutually exclusive and you have specified both."
        )
    if counts is not None and values is None:
        raise InvalidParameterCombination(f"The parameter {where}.Counts must be used with {where}.Values.")
    if statistics is not None:
        return _statistic_set(statistics, f"{where}.StatisticValues")
    if values is not None:
        return _counted(values, counts, where)
    assert value is not None, "one of the three was given"
    _check_number(value, f"{where}.Value")
    return of_values({value: 1.0})


def _counted(values: list[float], counts: list[float] | None, where: str) -> Distribution:
    if len(values) > MAX_VALUES:
        raise InvalidParameterValue(f"The collection {where}.Values must not have a size greater than {MAX_VALUES}.")
    if counts is not None and len(counts) != len(values):
        raise InvalidParameterValue(f"The parameters {where}.Values and {where}.Counts must be of the same size.")
    found: dict[float, float] = {}
    for position, (value, count) in enumerate(zip(values, counts or [1.0] * len(values), strict=True), 1):
        _check_number(value, f"{where}.Values.member.{position}")
        _check_number(count, f"{where}.Counts.member.{position}")
        if count <= 0:
            raise bad_value(count, f"{where}.Counts.member.{position}")
        found[value] = found.get(value, 0) + count
    return of_values(found)


def _statistic_set(given: Mapping[str, float], where: str) -> Distribution:
    for name, number in given.items():
        _check_number(number, f"{where}.{name}")
    count, low, high = given["SampleCount"], given["Minimum"], given["Maximum"]
    if count <= 0:
        raise bad_value(count, f"{where}.SampleCount")
    if low > high:
        raise InvalidParameterValue(f"The parameter {where}.Maximum must be greater than {where}.Minimum.")
    return of_statistics(count, given["Sum"], low, high)


def _check_number(number: float, parameter: str) -> None:
    if math.isnan(number) or abs(number) > _LARGEST or (number and abs(number) < _SMALLEST):
        raise bad_value(number, parameter)


def check_span(start: float, end: float) -> None:
    if start >= end:
        raise Validation("The parameter StartTime must be less than the parameter EndTime.")


def check_period(period: int, parameter: str = "Period") -> None:
    if not is_period(period):
        raise InvalidParameterValue(
            f"The value {period} for parameter {parameter} is invalid; it must be 1, 5, 10, 20, 30 or a multiple of 60."
        )


def check_statistic(name: str, parameter: str) -> None:
    if find_statistic(name) is None:
        raise InvalidParameterValue(
            f"The value {name} for parameter {parameter} is not supported; "
            "it must be SampleCount, Average, Sum, Minimum, Maximum or a percentile such as p99.9."
        )
