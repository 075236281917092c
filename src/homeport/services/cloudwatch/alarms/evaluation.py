"""
Decide an alarm's state from its datapoints.

The rules are AWS's, whose tables the tests hold this against:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from homeport.services.cloudwatch.alarms.model import Alarm, Comparison, Missing, State

#: Periods that are looked at beyond those that count: late or missing datapoints are made up for from farther back.
EXTRA_PERIODS = 2

_BREACHES: Mapping[Comparison, Callable[[float, float], bool]] = {
    Comparison.GREATER_OR_EQUAL: lambda value, threshold: value >= threshold,
    Comparison.GREATER: lambda value, threshold: value > threshold,
    Comparison.LESS: lambda value, threshold: value < threshold,
    Comparison.LESS_OR_EQUAL: lambda value, threshold: value <= threshold,
}
_WORDS: Mapping[Comparison, str] = {
    Comparison.GREATER_OR_EQUAL: "greater than or equal to",
    Comparison.GREATER: "greater than",
    Comparison.LESS: "less than",
    Comparison.LESS_OR_EQUAL: "less than or equal to",
}


@dataclass(frozen=True, slots=True)
class Point:
    """One period of the evaluation range: when it began and its value, None where no datapoint came."""

    timestamp: int
    value: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state that follows, in AWS's words."""

    state: State
    reason: str
    considered: tuple[Point, ...]  # the datapoints that it follows from, newest first


def judge(alarm: Alarm, points: Sequence[Point]) -> Verdict | None:
    """
    Return what follows from *points*, oldest first, one per period of the evaluation range; None: the state stays.

    Where as many datapoints came as count, the newest of them decide, however old.  Where fewer came, the missing
    ones are made up as the alarm says.
    """
    real = [(age, point) for age, point in enumerate(reversed(points), 1) if point.value is not None]
    real = real[: alarm.periods]
    made_up = alarm.periods - len(real)
    breaching = [(age, point) for age, point in real if _breaches(alarm, point)]
    treated = alarm.missing or Missing.MISSING
    if treated is Missing.BREACHING:
        state: State | None = State.ALARM if len(breaching) + made_up >= alarm.datapoints_to_alarm else State.OK
    elif treated is Missing.NOT_BREACHING or not made_up or len(breaching) < len(real):
        state = State.ALARM if len(breaching) >= alarm.datapoints_to_alarm else State.OK
    else:
        state = _premature(alarm, treated, breaching)
    if state is None:
        return None
    return Verdict(state, _reason(alarm, state, [p for _, p in real], made_up), tuple(point for _, point in real))


def _premature(alarm: Alarm, treated: Missing, breaching: Sequence[tuple[int, Point]]) -> State | None:
    """
    Decide where too few datapoints came and all of them breach.

    An alarm goes off when the oldest of them is as old as the number of datapoints that it needs.  (Unconfirmed: that
    it keeps its state before.)
    """
    if not breaching:
        return None if treated is Missing.IGNORE else State.INSUFFICIENT_DATA
    if len(breaching) >= alarm.datapoints_to_alarm:
        return State.ALARM
    oldest = breaching[-1][0]
    return State.ALARM if treated is Missing.MISSING and oldest >= alarm.datapoints_to_alarm else None


def _breaches(alarm: Alarm, point: Point) -> bool:
    assert point.value is not None
    return _BREACHES[alarm.comparison](point.value, alarm.threshold)


def _reason(alarm: Alarm, state: State, real: Sequence[Point], made_up: int) -> str:
    if state is State.INSUFFICIENT_DATA:
        return f"Insufficient Data: {_count(made_up, 'datapoint')} {_was(made_up)} unknown."
    if not real:
        word = "Breaching" if state is State.ALARM else "NonBreaching"
        return (
            f"Threshold Crossed: no datapoints were received for {_count(made_up, 'period')} and "
            f"{_count(made_up, 'missing datapoint')} {_was(made_up)} treated as [{word}]."
        )
    crossing = [point for point in real if _breaches(alarm, point) is (state is State.ALARM)]
    needed = alarm.datapoints_to_alarm if state is State.ALARM else alarm.periods - alarm.datapoints_to_alarm + 1
    way = "OK -> ALARM" if state is State.ALARM else "ALARM -> OK"
    denied = "" if state is State.ALARM else "not "
    return (
        f"Threshold Crossed: {len(crossing)} out of the last {len(real)} datapoints [{', '.join(map(_shown, crossing))}] "
        f"{_was(len(crossing))} {denied}{_WORDS[alarm.comparison]} the threshold ({alarm.threshold}) "
        f"(minimum {_count(needed, 'datapoint')} for {way} transition)."
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _shown(point: Point) -> str:
    return f"{point.value} ({datetime.fromtimestamp(point.timestamp, UTC):%d/%m/%y %H:%M:%S})"


def reason_data(alarm: Alarm, verdict: Verdict, now: float) -> str:
    """Return StateReasonData: the verdict for machines."""
    stat = alarm.stat
    known = {} if stat is None else {"statistic": stat.statistic, **({"unit": stat.unit} if stat.unit else {})}
    considered = verdict.considered
    data = {
        "version": "1.0",
        "queryDate": moment(now),
        **({"startDate": moment(considered[-1].timestamp)} if considered else {}),
        **known,
        "period": alarm.period,
        "recentDatapoints": [point.value for point in reversed(considered)],
        "threshold": alarm.threshold,
        "evaluatedDatapoints": [{"timestamp": moment(p.timestamp), "value": p.value} for p in considered],
    }
    return msgspec.json.encode(data).decode()[:4_000]


def moment(seconds: float) -> str:
    """Return a time as alarms' documents have it: `2026-11-26T14:00:00.000+0000`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(seconds % 1 * 1000):03}+0000"
