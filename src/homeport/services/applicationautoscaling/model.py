"""Scalable targets and what belongs to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

NAMESPACE = "ecs"
DIMENSION = "ecs:service:DesiredCount"

#: AWS's default for both cooldowns of a service's policies, in seconds.
DEFAULT_COOLDOWN = 300


class Suspended(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a scalable target does not do for the time being."""

    scaling_in: bool = False
    scaling_out: bool = False
    schedules: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """A service that is scaled between *low* and *high* tasks; *resource* is `service/CLUSTER/NAME`."""

    region: str
    resource: str
    id: str
    low: int
    high: int
    created_at: float
    suspended: Suspended = field(default_factory=Suspended)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def cluster(self) -> str:
        return self.resource.split("/")[1]

    @property
    def service(self) -> str:
        return self.resource.split("/")[2]


class PolicyType(StrEnum):
    """How a policy decides."""

    STEP = "StepScaling"
    TRACKING = "TargetTrackingScaling"


class AdjustmentType(StrEnum):
    """What the number of a step means."""

    CHANGE = "ChangeInCapacity"
    PERCENT = "PercentChangeInCapacity"
    EXACT = "ExactCapacity"


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An adjustment, and by how much the metric must be off the alarm's threshold; None: without bound."""

    lower: float | None = None
    upper: float | None = None
    adjustment: int


class StepScaling(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The configuration of a step scaling policy; an absent *cooldown* is AWS's default."""

    adjustment_type: AdjustmentType
    steps: tuple[Step, ...]
    least: int | None = None  # MinAdjustmentMagnitude
    cooldown: int | None = None
    aggregation: str = "Average"


class Tracking(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The configuration of a target tracking policy; the metric is *predefined* (with its *label*) or *customized*."""

    target: float
    predefined: str = ""
    label: str = ""
    customized: dict[str, Any] | None = None
    scale_out_cooldown: int | None = None
    scale_in_cooldown: int | None = None
    scale_in_disabled: bool | None = None


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What the scaling remembers of a policy.

    *acted_at* is when it last answered an alarm, *alarm_since* since when that alarm was in its state.  *out_at* and
    *in_at* are when it last scaled; *out_from* is the capacity at which the scale-out cooldown under way began.
    """

    acted_at: float = 0.0
    alarm_since: float = 0.0
    out_at: float = 0.0
    out_from: int = 0
    in_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Policy:
    """A scaling policy."""

    region: str
    resource: str
    name: str
    id: str  # the UUID in its ARN
    created_at: float
    configuration: StepScaling | Tracking
    progress: Progress = field(default_factory=Progress)

    @property
    def type(self) -> PolicyType:
        return PolicyType.TRACKING if isinstance(self.configuration, Tracking) else PolicyType.STEP

    def arn(self, account: str) -> str:
        return (
            f"arn:aws:autoscaling:{self.region}:{account}:scalingPolicy:{self.id}"
            f":resource/{NAMESPACE}/{self.resource}:policyName/{self.name}"
        )

    @property
    def high_alarm(self) -> str:
        return f"TargetTracking-{self.resource}-AlarmHigh-{self.id}"

    @property
    def low_alarm(self) -> str:
        return f"TargetTracking-{self.resource}-AlarmLow-{self.id}"


class Schedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a scheduled action declares; times in seconds since the epoch, 0 where none was given."""

    expression: str
    time_zone: str = ""
    start: float = 0.0
    end: float = 0.0
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class ScheduledAction:
    """A change of a target's bounds at set times; *due* is the next of them, None when there is none left."""

    region: str
    resource: str
    name: str
    id: str
    created_at: float
    schedule: Schedule
    due: float | None = None


class Outcome(StrEnum):
    """How a scaling activity stands."""

    IN_PROGRESS = "InProgress"
    SUCCESSFUL = "Successful"
    OVERRIDDEN = "Overridden"
    FAILED = "Failed"


class NotScaled(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why an alarm changed nothing: AWS's code, and the capacity that it names."""

    reason: str
    low: int | None = None
    high: int | None = None
    current: int | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """
    A change that was made, in AWS's words, or one that was not, with the reason.

    *wanted* is the desired count it set, None if it set none.
    """

    region: str
    resource: str
    id: str
    started_at: float
    description: str
    cause: str
    outcome: Outcome
    message: str
    ended_at: float | None = None
    wanted: int | None = None
    not_scaled: NotScaled | None = None
