"""Whatever the datapoints: an alarm's state follows from enough of them alone, and worse ones never calm it."""

from hypothesis import assume, given
from hypothesis import strategies as st

from homeport.services.cloudwatch.alarms.evaluation import EXTRA_PERIODS, Point, judge
from homeport.services.cloudwatch.alarms.model import Alarm, Comparison, Missing, State
from homeport.services.cloudwatch.model import metric_of
from homeport.services.cloudwatch.queries import MetricStat

STAT = MetricStat(metric_of("Test", "Load", {}), 60, "Average")


@st.composite
def rules(draw: st.DrawFn) -> Alarm:
    periods = draw(st.integers(1, 6))
    return Alarm(
        name="a",
        comparison=Comparison.GREATER,
        threshold=0.5,
        periods=periods,
        needed=draw(st.integers(0, periods)),
        missing=draw(st.none() | st.sampled_from(Missing)),
        stat=STAT,
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Alarm, list[Point]]:
    rule = draw(rules())
    size = rule.periods + EXTRA_PERIODS
    values = draw(st.lists(st.sampled_from([None, 0.0, 1.0]), min_size=size, max_size=size))
    return rule, [Point(60 * n, value) for n, value in enumerate(values)]


@given(cases())
def test_enough_datapoints_decide_whatever_is_said_of_missing_ones(case: tuple[Alarm, list[Point]]) -> None:
    rule, points = case
    values = [point.value for point in points if point.value is not None]
    assume(len(values) >= rule.periods)
    verdict = judge(rule, points)
    assert verdict is not None
    expected = sum(value > 0.5 for value in values[-rule.periods :]) >= rule.datapoints_to_alarm
    assert verdict.state is (State.ALARM if expected else State.OK)


@given(cases(), st.data())
def test_a_datapoint_that_breaches_in_the_place_of_one_that_does_not_calms_nothing(
    case: tuple[Alarm, list[Point]], data: st.DataObject
) -> None:
    rule, points = case
    calm = [n for n, point in enumerate(points) if point.value == 0.0]
    assume(calm)
    place = data.draw(st.sampled_from(calm))
    worse = [Point(p.timestamp, 1.0) if n == place else p for n, p in enumerate(points)]
    before, after = judge(rule, points), judge(rule, worse)
    if before is not None and before.state is State.ALARM:
        assert after is not None
        assert after.state is State.ALARM


@given(cases())
def test_data_are_insufficient_only_where_there_are_none(case: tuple[Alarm, list[Point]]) -> None:
    rule, points = case
    verdict = judge(rule, points)
    if verdict is not None and verdict.state is State.INSUFFICIENT_DATA:
        assert all(point.value is None for point in points)
