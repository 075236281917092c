"""
What is known of a set of samples, and the statistics that follow from it.

Values are kept beside the four sums as long as they are known: percentiles follow from nothing else.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

#: Distinct values kept of one interval; with more, values are rounded to three digits, which moves none by over 1 %.
MAX_DISTINCT = 1_000

_PERCENTILE = re.compile(r"p(\d{1,3}(?:\.\d{1,10})?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Distribution:
    """*count* samples that sum to *total*; *values* maps each to how often it came, None if nobody knows."""

    count: float
    total: float
    low: float
    high: float
    values: Mapping[float, float] | None


def of_values(values: Mapping[float, float]) -> Distribution:
    """Return the distribution of *values*, each with its count; there must be one."""
    count = math.fsum(values.values())
    total = math.fsum(value * times for value, times in values.items())
    return Distribution(count, total, min(values), max(values), _coarse(values))


def of_statistics(count: float, total: float, low: float, high: float) -> Distribution:
    """Return what a statistic set tells: the values only where they are all the same."""
    return Distribution(count, total, low, high, {low: count} if low == high else None)


def merge(distributions: Iterable[Distribution]) -> Distribution:
    """Return the distribution of all samples together; there must be one."""
    parts = list(distributions)
    if len(parts) == 1:
        return parts[0]
    values: dict[float, float] = {}
    for part in parts:
        for value, times in (part.values or {}).items():
            values[value] = values.get(value, 0) + times
    known = all(part.values is not None for part in parts)
    return Distribution(
        count=math.fsum(part.count for part in parts),
        total=math.fsum(part.total for part in parts),
        low=min(part.low for part in parts),
        high=max(part.high for part in parts),
        values=_coarse(values) if known else None,
    )


def _coarse(values: Mapping[float, float]) -> Mapping[float, float]:
    """Return *values*, rounded where they are too many to keep."""
    if len(values) <= MAX_DISTINCT:
        return values
    rounded: dict[float, float] = {}
    for value, times in values.items():
        near = float(f"{value:.2e}")
        rounded[near] = rounded.get(near, 0) + times
    return rounded


Statistic = Callable[[Distribution], float | None]

_BASIC: Mapping[str, Statistic] = {
    "SampleCount": lambda samples: samples.count,
    "Average": lambda samples: samples.total / samples.count if samples.count else None,
    "Sum": lambda samples: samples.total,
    "Minimum": lambda samples: samples.low,
    "Maximum": lambda samples: samples.high,
}


def find_statistic(name: str) -> Statistic | None:
    """Return the statistic that AWS calls *name*, `Average` or `p99.9`, or None if there is none here."""
    if name in _BASIC:
        return _BASIC[name]
    found = _PERCENTILE.fullmatch(name)
    if found is None or not 0 <= (percent := float(found[1])) <= 100:
        return None
    return lambda samples: percentile(samples, percent)


def needs_values(name: str) -> bool:
    """Tell whether the statistic *name* cannot be had from the four sums."""
    return name not in _BASIC


def percentile(samples: Distribution, percent: float) -> float | None:
    """
    Return the smallest value that at least *percent* of the samples do not exceed.

    None where the values are unknown or one is negative: AWS has no percentiles then.  (Unconfirmed: how AWS
    interpolates between samples.)
    """
    if not samples.values or samples.low < 0:
        return None
    needed = samples.count * percent / 100
    seen = 0.0
    for value in sorted(samples.values):
        seen += samples.values[value]
        if seen >= needed - 1e-9 * samples.count:
            return min(max(value, samples.low), samples.high)
    return samples.high
