"""Whatever the policies and the load: bounds hold, cooldowns hold, and a steady load is met and left in peace."""

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from homeport.services.applicationautoscaling.model import (
    AdjustmentType,
    Policy,
    Progress,
    Step,
    StepScaling,
    Suspended,
    Tracking,
)
from homeport.services.applicationautoscaling.planning.plan import Call, Decision, Heard, Situation, decide

NOW = 1_700_000_000.0

trackings = st.builds(
    Tracking,
    target=st.sampled_from([10.0, 50.0, 75.0]),
    scale_out_cooldown=st.sampled_from([None, 0, 60]),
    scale_in_cooldown=st.sampled_from([None, 0, 60]),
    scale_in_disabled=st.booleans(),
)
steps = st.builds(
    StepScaling,
    adjustment_type=st.sampled_from(AdjustmentType),
    steps=st.sampled_from(
        [
            (Step(lower=0.0, adjustment=2),),
            (Step(upper=0.0, adjustment=-1),),
            (Step(lower=0.0, upper=10.0, adjustment=10), Step(lower=10.0, adjustment=50)),
        ]
    ),
    cooldown=st.sampled_from([None, 0, 60]),
)
progresses = st.builds(
    Progress,
    acted_at=st.sampled_from([0.0, NOW - 30, NOW - 70]),
    alarm_since=st.sampled_from([0.0, NOW - 100]),
    out_at=st.sampled_from([0.0, NOW - 30, NOW - 400]),
    out_from=st.integers(0, 5),
    in_at=st.sampled_from([0.0, NOW - 30, NOW - 400]),
)


@st.composite
def heards(draw: st.DrawFn, number: int) -> Heard:
    configuration = draw(trackings | steps)
    policy = Policy("r", "service/c/s", f"p{number}", f"id{number}", 0.0, configuration, draw(progresses))
    values = tuple(draw(st.lists(st.floats(0, 200), max_size=3)))
    low = isinstance(configuration, Tracking) and draw(st.booleans())
    threshold = configuration.target if isinstance(configuration, Tracking) else 50.0
    if isinstance(configuration, Tracking):  # the alarm would not call otherwise
        values = tuple(min(v, threshold * 0.89) if low else max(v, threshold * 1.01) for v in values)
    call = Call("alarm", draw(st.sampled_from([NOW - 100, NOW - 1])), threshold, values, low=low)
    return Heard(policy, (call,) if draw(st.booleans()) else ())


@st.composite
def cases(draw: st.DrawFn) -> tuple[Situation, list[Heard]]:
    low = draw(st.integers(0, 5))
    situation = Situation(
        capacity=draw(st.integers(0, 15)),
        low=low,
        high=draw(st.integers(low, 12)),
        suspended=Suspended(scaling_in=draw(st.booleans()), scaling_out=draw(st.booleans())),
        deploying=draw(st.booleans()),
    )
    return situation, [draw(heards(n)) for n in range(draw(st.integers(0, 3)))]


def changed(situation: Situation, decision: Decision) -> int:
    assert (decision.cause is None) == (decision.capacity == situation.capacity)
    return decision.capacity - situation.capacity


@given(cases())
def test_a_new_capacity_lies_within_the_bounds(case: tuple[Situation, list[Heard]]) -> None:
    situation, heard = case
    decision = decide(situation, heard, NOW)
    if changed(situation, decision):
        assert situation.low <= decision.capacity <= situation.high


@given(cases())
def test_what_is_suspended_does_not_happen_and_nothing_shrinks_during_a_deployment(
    case: tuple[Situation, list[Heard]],
) -> None:
    situation, heard = case
    change = changed(situation, decide(situation, heard, NOW))
    if situation.suspended.scaling_out:
        assert change <= 0
    if situation.suspended.scaling_in or situation.deploying:
        assert change >= 0


@given(cases())
def test_nothing_shrinks_by_tracking_unless_all_trackers_agree(case: tuple[Situation, list[Heard]]) -> None:
    situation, heard = case
    decision = decide(situation, heard, NOW)
    if decision.cause is None or decision.capacity > situation.capacity:
        return
    (chosen,) = (each for each in heard if each.policy == decision.cause[1])
    if isinstance(chosen.policy.configuration, Tracking):
        for each in heard:
            configuration = each.policy.configuration
            if isinstance(configuration, Tracking) and not configuration.scale_in_disabled:
                assert any(call.low for call in each.calls)


@given(cases())
def test_one_decision_is_not_made_twice(case: tuple[Situation, list[Heard]]) -> None:
    """Interrupted after it was written, the next look finds every alarm answered."""
    situation, heard = case
    decision = decide(situation, heard, NOW)
    written = {policy.id: progress for policy, progress in decision.progress}
    again = [
        replace(each, policy=replace(each.policy, progress=written.get(each.policy.id, each.policy.progress)))
        for each in heard
    ]
    assert decide(replace(situation, capacity=decision.capacity), again, NOW + 1).answered == ()


@given(
    st.integers(1, 50),
    st.floats(0.1, 40.0),
    st.sampled_from([20.0, 50.0, 80.0]),
    st.sampled_from([(None, None), (0, 0), (60, 300)]),
)
def test_a_steady_load_is_met_and_then_left_in_peace(
    capacity: int, load: float, target: float, cooldowns: tuple[int | None, int | None]
) -> None:
    """The load is in tasks' worth at 100 %; the metric follows the capacity at once."""
    out, in_ = cooldowns
    configuration = Tracking(target=target, scale_out_cooldown=out, scale_in_cooldown=in_)
    policy = Policy("r", "service/c/s", "p", "id", 0.0, configuration)
    history: list[float] = []
    capacities: list[int] = []
    since = {"high": 0.0, "low": 0.0}
    for minute in range(240):
        now = NOW + 60 * minute
        history.append(100 * load / capacity)
        high = len(history) >= 3 and min(history[-3:]) > target
        low = len(history) >= 15 and max(history[-15:]) < 0.9 * target
        for name, in_alarm in (("high", high), ("low", low)):
            since[name] = (since[name] or now) if in_alarm else 0.0
        calls: list[Call] = []
        if high:
            calls.append(Call("high", since["high"], target, tuple(history[-3:])))
        if low:
            calls.append(Call("low", since["low"], 0.9 * target, tuple(history[-15:]), low=True))
        decision = decide(Situation(capacity, 1, 1_000), [Heard(policy, tuple(calls))], now)
        for _, progress in decision.progress:
            policy = replace(policy, progress=progress)
        capacity = decision.capacity
        capacities.append(capacity)
    assert capacities[-1] == capacities[-60], "it comes to rest"
    assert 100 * load / capacity <= target * 1.001, "the load is met"
    needed = max(1, math.ceil(100 * load / target))
    assert capacity <= max(needed, math.ceil(100 * load / (0.9 * target)) + 1), "and no more than that"
