"""Steps are found and rounded as AWS's user guide says."""

import pytest

from homeport.services.applicationautoscaling.model import AdjustmentType, Policy, Progress, Step, StepScaling, Tracking
from homeport.services.applicationautoscaling.planning.plan import Call, Heard, Situation, decide
from homeport.services.applicationautoscaling.planning.steps import adjusted, find_step

# The guide's example: 60 % is the threshold.
OUT = (
    Step(lower=0.0, upper=10.0, adjustment=0),
    Step(lower=10.0, upper=20.0, adjustment=10),
    Step(lower=20.0, adjustment=30),
)
IN = (
    Step(lower=-10.0, upper=0.0, adjustment=0),
    Step(lower=-20.0, upper=-10.0, adjustment=-10),
    Step(upper=-20.0, adjustment=-30),
)


def configuration(steps, kind=AdjustmentType.PERCENT, **changes):
    return StepScaling(adjustment_type=kind, steps=steps, **changes)


@pytest.mark.parametrize(
    ("steps", "difference", "adjustment"),
    [
        (OUT, 0, 0),
        (OUT, 9.9, 0),
        (OUT, 10, 10),
        (OUT, 20, 30),
        (OUT, 90, 30),
        (IN, 0, 0),
        (IN, -9.9, 0),
        (IN, -10, -10),
        (IN, -20, -30),
        (IN, -90, -30),
    ],
)
def test_a_difference_falls_into_one_step(steps, difference, adjustment):
    step = find_step(configuration(steps), float(difference))
    assert step is not None
    assert step.adjustment == adjustment


def test_a_difference_may_fall_into_none():
    assert find_step(configuration((Step(lower=5.0, adjustment=1),)), 4.0) is None


@pytest.mark.parametrize(
    ("capacity", "percent", "least", "expected"),
    [
        (10, 10, None, 11),
        (15, 10, None, 16),
        (4, 10, None, 5),
        (10, 10, 3, 13),
        (10, 0, 3, 10),
        (10, -10, None, 9),
        (19, -10, None, 18),
        (4, -10, None, 3),
        (10, -10, 2, 8),
        (10, 100, None, 20),
    ],
)
def test_percentages_are_rounded_towards_zero_but_change_something(capacity, percent, least, expected):
    rule = configuration((Step(adjustment=percent),), least=least)
    assert adjusted(rule, rule.steps[0], capacity) == expected


def test_exact_and_relative_adjustments():
    assert adjusted(configuration((), AdjustmentType.EXACT), Step(adjustment=7), 3) == 7
    assert adjusted(configuration((), AdjustmentType.CHANGE), Step(adjustment=-2), 3) == 1


NOW = 1_700_000_000.0


def decision(rule, capacity, *, since=NOW, values=(90.0,), low=False, progress=None, bounds=(1, 100), now=NOW):
    policy = Policy("r", "service/c/s", "p", "id", 0.0, rule, progress or Progress())
    call = Call("alarm", since, 60.0, values, low=low)
    return decide(Situation(capacity, *bounds), [Heard(policy, (call,))], now)


def test_an_alarm_that_stays_is_answered_once_a_minute():
    rule = configuration((Step(lower=0.0, adjustment=1),), AdjustmentType.CHANGE, cooldown=0)
    first = decision(rule, 2)
    assert (first.capacity, first.cause[0].alarm, first.cause[1].name) == (3, "alarm", "p")
    ((_, progress),) = first.progress
    assert decision(rule, 3, progress=progress, since=NOW, now=NOW + 59).capacity == 3
    assert decision(rule, 3, progress=progress, since=NOW, now=NOW + 60).capacity == 4


def test_during_a_cooldown_only_a_larger_scale_out_adds_what_is_missing():
    steps = (Step(lower=0.0, upper=20.0, adjustment=2), Step(lower=20.0, adjustment=5))
    rule = configuration(steps, AdjustmentType.CHANGE)
    ((_, progress),) = decision(rule, 10, values=(70.0,)).progress
    later = {"progress": progress, "now": NOW + 120}
    assert decision(rule, 12, values=(70.0,), **later).capacity == 12
    assert decision(rule, 12, values=(90.0,), **later).capacity == 15
    assert decision(rule, 12, values=(70.0,), progress=progress, now=NOW + 301).capacity == 14


def test_tracking_is_proportional_and_scales_in_by_the_highest_value_seen():
    rule = Tracking(target=50.0)
    assert decision(rule, 4, values=(60.0, 90.0)).capacity == 8
    assert decision(rule, 10, values=(30.0, 10.0), low=True).capacity == 6
    assert decision(rule, 10, values=(0.0,), low=True).capacity == 1
    assert decision(Tracking(target=50.0, scale_in_disabled=True), 10, values=(0.0,), low=True).capacity == 10
    assert decision(rule, 0, values=(60.0,), bounds=(0, 5)).capacity == 2


def test_a_capacity_set_by_hand_outside_the_bounds_is_moved_towards_them_only():
    rule = Tracking(target=50.0)
    assert decision(rule, 1, values=(51.0,), bounds=(4, 8)).capacity == 4
    assert decision(rule, 1, values=(10.0,), low=True, bounds=(4, 8)).capacity == 1
    assert decision(rule, 20, values=(90.0,), bounds=(4, 8)).capacity == 20
    assert decision(rule, 20, values=(40.0,), low=True, bounds=(4, 8)).capacity == 8


def test_after_set_alarm_state_a_metric_without_datapoints_counts_as_at_the_threshold():
    rule = configuration((Step(lower=0.0, adjustment=1),), AdjustmentType.CHANGE)
    assert decision(rule, 2, values=()).capacity == 3
    assert decision(Tracking(target=50.0), 2, values=()).capacity == 2
