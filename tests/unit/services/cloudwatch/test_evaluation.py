"""Alarms judge as AWS's own tables say: alarms-and-missing-data.html and alarm-evaluation.html of the user guide."""

from collections.abc import Sequence

import msgspec
import pytest

from homeport.services.cloudwatch.alarms.evaluation import Point, Verdict, judge, reason_data
from homeport.services.cloudwatch.alarms.model import Alarm, Comparison, Missing, State
from homeport.services.cloudwatch.model import metric_of
from homeport.services.cloudwatch.queries import MetricStat

START = 1_700_000_400
OK, ALARM, UNKNOWN = State.OK, State.ALARM, State.INSUFFICIENT_DATA
KEPT = None


def judged(rule: Alarm, seen: Sequence[Point]) -> Verdict:
    """Return the verdict that there must be."""
    verdict = judge(rule, seen)
    assert verdict is not None
    return verdict


def alarm(periods, needed=0, missing=None, comparison=Comparison.GREATER):
    return Alarm(
        name="a",
        comparison=comparison,
        threshold=50.0,
        periods=periods,
        needed=needed,
        missing=missing,
        stat=MetricStat(metric_of("Test", "Load", {}), 60, "Average"),
    )


def points(picture):
    """Read AWS's pictures: X breaches, 0 does not, a dash is missing; the newest stands last."""
    values = {"X": 90.0, "0": 10.0, "-": None}
    return [Point(START + 60 * n, values[mark]) for n, mark in enumerate(picture.split())]


def states(picture, periods, needed):
    orders = (Missing.MISSING, Missing.IGNORE, Missing.BREACHING, Missing.NOT_BREACHING)
    verdicts = [judge(alarm(periods, needed, missing), points(picture)) for missing in orders]
    return [verdict and verdict.state for verdict in verdicts]


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        ("0 - X - X", [OK, OK, OK, OK]),
        ("- - - - 0", [OK, OK, OK, OK]),
        ("- - - - -", [UNKNOWN, KEPT, ALARM, OK]),
        ("0 X X - X", [ALARM, ALARM, ALARM, ALARM]),
        ("- - X - -", [ALARM, KEPT, ALARM, OK]),
    ],
)
def test_three_of_three(picture, expected):
    assert states(picture, 3, 3) == expected


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        ("0 - X - X", [ALARM, ALARM, ALARM, ALARM]),
        ("0 0 X 0 X", [ALARM, ALARM, ALARM, ALARM]),
        ("0 - X - -", [OK, OK, ALARM, OK]),
        ("- - - - 0", [OK, OK, ALARM, OK]),
        ("- - - X -", [ALARM, KEPT, ALARM, OK]),
    ],
)
def test_two_of_three(picture, expected):
    assert states(picture, 3, 2) == expected


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        (Comparison.GREATER, [51.0]),
        (Comparison.GREATER_OR_EQUAL, [50.0, 51.0]),
        (Comparison.LESS, [49.0]),
        (Comparison.LESS_OR_EQUAL, [49.0, 50.0]),
    ],
)
def test_each_operator_holds_values_against_the_threshold(comparison, breaching):
    rule = alarm(1, comparison=comparison)
    found = [value for value in (49.0, 50.0, 51.0) if judged(rule, [Point(START, value)]).state is ALARM]
    assert found == breaching


def test_the_reason_is_in_aws_s_words():
    assert judged(alarm(3), points("0 0 X X X")).reason == (
        "Threshold Crossed: 3 out of the last 3 datapoints [90.0 (14/11/23 22:24:00), 90.0 (14/11/23 22:23:00), "
        "90.0 (14/11/23 22:22:00)] were greater than the threshold (50.0) "
        "(minimum 3 datapoints for OK -> ALARM transition)."
    )
    assert judged(alarm(3), points("X X X X 0")).reason == (
        "Threshold Crossed: 1 out of the last 3 datapoints [10.0 (14/11/23 22:24:00)] was not greater than "
        "the threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition)."
    )
    assert judged(alarm(3), points("- - -")).reason == "Insufficient Data: 3 datapoints were unknown."
    assert judged(alarm(1, missing=Missing.BREACHING), points("- - -")).reason == (
        "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [Breaching]."
    )


def test_the_reason_has_data_for_machines():
    rule = alarm(2)
    verdict = judged(rule, points("X 0 X"))
    assert msgspec.json.decode(reason_data(rule, verdict, START + 185.25)) == {
        "version": "1.0",
        "queryDate": "2023-11-14T22:23:05.250+0000",
        "startDate": "2023-11-14T22:21:00.000+0000",
        "statistic": "Average",
        "period": 60,
        "recentDatapoints": [10.0, 90.0],
        "threshold": 50.0,
        "evaluatedDatapoints": [
            {"timestamp": "2023-11-14T22:22:00.000+0000", "value": 90.0},
            {"timestamp": "2023-11-14T22:21:00.000+0000", "value": 10.0},
        ],
    }
