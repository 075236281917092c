"""Samples may come one by one or together, in any order: what is known of them is the same."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.services.cloudwatch.distribution import MAX_DISTINCT, Distribution, merge, of_values, percentile

samples = st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=1, max_size=60)


def gathered(values: list[float]) -> Distribution:
    return merge([of_values({value: 1.0}) for value in values])


@given(samples, samples)
def test_merging_is_having_measured_together(first: list[float], second: list[float]) -> None:
    merged = merge([gathered(first), gathered(second)])
    together = gathered(first + second)
    assert (merged.count, merged.low, merged.high) == (together.count, together.low, together.high)
    assert merged.values == together.values
    assert merged.total == pytest.approx(together.total)


@given(samples, st.floats(0, 100))
def test_a_percentile_is_a_sample_that_so_many_do_not_exceed(values: list[float], percent: float) -> None:
    found = percentile(gathered(values), percent)
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * percent / 100 - 1e-6
    assert sum(value < found for value in values) <= len(values) * percent / 100 + 1e-6


@given(st.floats(1e-3, 1e3), st.floats(1.0005, 1.02), st.integers(MAX_DISTINCT + 1, 2 * MAX_DISTINCT))
def test_too_many_values_are_rounded_by_less_than_a_hundredth(first: float, ratio: float, count: int) -> None:
    ranked = [first * ratio**n for n in range(count)]
    known = of_values(dict.fromkeys(ranked, 1.0))
    assert known.values is not None
    assert math.fsum(known.values.values()) == count
    median = percentile(known, 50)
    assert median == pytest.approx(ranked[math.ceil(count / 2) - 1], rel=0.01)
    assert (known.low, known.high) == (ranked[0], ranked[-1])
