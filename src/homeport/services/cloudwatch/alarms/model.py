"""Alarms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from homeport.services.cloudwatch.queries import MetricStat, Query, parse_queries


class State(StrEnum):
    """What an alarm says of its metric."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Missing(StrEnum):
    """How missing datapoints count (TreatMissingData)."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


class Comparison(StrEnum):
    """Which values breach the threshold."""

    GREATER_OR_EQUAL = "GreaterThanOrEqualToThreshold"
    GREATER = "GreaterThanThreshold"
    LESS = "LessThanThreshold"
    LESS_OR_EQUAL = "LessThanOrEqualToThreshold"


class Alarm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What PutMetricAlarm declares: a *stat*, or *queries* of which one returns data.

    *queries* are kept as they were given.  *needed* datapoints of the last *periods* must breach; *missing* is empty
    where nothing was said.
    """

    name: str
    comparison: Comparison
    threshold: float
    periods: int
    stat: MetricStat | None = None
    queries: tuple[dict[str, Any], ...] = ()
    needed: int = 0  # 0: as many as periods, and AWS does not show it
    missing: Missing | None = None
    low_samples: str = ""
    description: str | None = None
    actions_enabled: bool = True
    ok_actions: tuple[str, ...] = ()
    alarm_actions: tuple[str, ...] = ()
    insufficient_data_actions: tuple[str, ...] = ()

    @property
    def datapoints_to_alarm(self) -> int:
        return self.needed or self.periods

    @property
    def parsed_queries(self) -> list[Query]:
        """The queries, or the stat as the only one."""
        if self.stat is not None:
            return [Query("m1", self.stat, "", None, "", returned=True)]
        return parse_queries(self.queries, "Metrics")

    @property
    def period(self) -> int:
        """The seconds of one datapoint: of an expression, the longest period that it builds on."""
        return max(query.stat.period for query in self.parsed_queries if query.stat is not None)

    def actions(self, state: State) -> Sequence[str]:
        """Return what the alarm calls for when it is in *state*."""
        match state:
            case State.OK:
                return self.ok_actions
            case State.ALARM:
                return self.alarm_actions
            case State.INSUFFICIENT_DATA:
                return self.insufficient_data_actions


@dataclass(frozen=True, slots=True)
class AlarmRecord:
    """An alarm with its state, as the store has it; times in seconds."""

    region: str
    alarm: Alarm
    updated: float
    state: State
    reason: str
    reason_data: str
    state_updated: float
    tags: Mapping[str, str] = field(default_factory=dict)


class HistoryKind(StrEnum):
    """What a line of an alarm's history tells."""

    CONFIGURATION = "ConfigurationUpdate"
    STATE = "StateUpdate"
    ACTION = "Action"


@dataclass(frozen=True, slots=True)
class HistoryItem:
    """A line of an alarm's history; *data* is JSON."""

    name: str
    timestamp: float
    number: int
    kind: HistoryKind
    summary: str
    data: str


INITIAL_REASON = "Unchecked: Initial alarm creation"
