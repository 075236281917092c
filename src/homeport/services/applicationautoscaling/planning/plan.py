"""
One decision about one scalable target.

All of its policies are heard.  If any asks for more, the target scales out to the most that one asks for; it scales in
only where none does, to the most that those who would scale in ask for, and target tracking policies must all agree.
https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from homeport.services.applicationautoscaling.model import (
    DEFAULT_COOLDOWN,
    NotScaled,
    Policy,
    Progress,
    StepScaling,
    Suspended,
    Tracking,
)
from homeport.services.applicationautoscaling.planning.steps import adjusted, find_step

#: An alarm that stays as it is calls for its action once a minute.
REPEAT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Call:
    """An alarm that calls for a policy's action: since when, its threshold and its metric's values, the newest last."""

    alarm: str
    since: float
    threshold: float
    values: tuple[float, ...]
    state: str = "ALARM"
    low: bool = False  # it is the lower alarm of a target tracking policy


@dataclass(frozen=True, slots=True)
class Heard:
    """A policy and the alarms that call for it now."""

    policy: Policy
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """A scalable target as it is: its bounds, its capacity, and whether its service is being deployed."""

    capacity: int
    low: int
    high: int
    suspended: Suspended = field(default_factory=Suspended)
    deploying: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The capacity that follows and, per policy that was answered, what to remember; *cause* is the alarm and the policy behind a change."""

    capacity: int
    cause: tuple[Call, Policy] | None  # None: nothing changes
    progress: tuple[tuple[Policy, Progress], ...]
    answered: tuple[tuple[Policy, Call], ...]  # the alarms whose call has been answered, if only by staying
    refused: tuple[tuple[Policy, Call, NotScaled], ...] = ()  # those that have just gone off and change nothing


@dataclass(frozen=True, slots=True)
class _Wish:
    policy: Policy
    call: Call
    capacity: int


def decide(situation: Situation, heard: Sequence[Heard], now: float) -> Decision:
    """Return what to do at *now*."""
    new = {each.policy.id for each in heard if any(is_new(each.policy, call.since, now) for call in each.calls)}
    # Target tracking policies are heard together, so that one does not overrule another that was answered before.
    answered = [
        (each.policy, call)
        for each in heard
        for call in each.calls
        if new and (each.policy.id in new or isinstance(each.policy.configuration, Tracking))
    ]
    wishes = [wish for policy, call in answered if (wish := _wish(situation, policy, call, now)) is not None]
    outs = [wish for wish in wishes if wish.capacity > situation.capacity]
    ins = [wish for wish in wishes if wish.capacity < situation.capacity]
    if outs:
        chosen = max(outs, key=lambda wish: wish.capacity) if not situation.suspended.scaling_out else None
    else:
        chosen = _scale_in(situation, heard, ins)
    progress = {policy.id: (policy, _answered(policy.progress, call, now)) for policy, call in answered}
    if chosen is not None:
        policy, before = progress[chosen.policy.id]
        progress[policy.id] = (policy, _scaled(policy, before, situation.capacity, chosen.capacity, now))
    return Decision(
        capacity=situation.capacity if chosen is None else chosen.capacity,
        cause=None if chosen is None else (chosen.call, chosen.policy),
        progress=tuple(progress.values()),
        answered=tuple(answered),
        refused=() if chosen is not None else tuple(_refused(situation, answered, now)),
    )


def _refused(
    situation: Situation, answered: Sequence[tuple[Policy, Call]], now: float
) -> Iterator[tuple[Policy, Call, NotScaled]]:
    for policy, call in answered:
        if call.since > policy.progress.alarm_since and (reason := _why_not(situation, policy, call, now)) is not None:
            yield policy, call, reason


def _why_not(situation: Situation, policy: Policy, call: Call, now: float) -> NotScaled | None:
    """Say in AWS's codes why a call changes nothing; None where AWS has no code, as for cooldowns and suspension."""
    base = _base(situation, policy, now)
    asked = _asked(policy, call, base)
    if asked is None:
        return None
    if asked > base and situation.capacity >= situation.high:
        return NotScaled(reason="AlreadyAtMaxCapacity", high=situation.high)
    if asked < base and situation.capacity <= situation.low:
        return NotScaled(reason="AlreadyAtMinCapacity", low=situation.low)
    if asked < base:
        return NotScaled(reason="TargetServicePutResourceAsUnscalable") if situation.deploying else None
    if situation.suspended.scaling_out and asked > situation.capacity:
        return None
    return NotScaled(reason="AlreadyAtDesiredCapacity", current=situation.capacity)


def is_new(policy: Policy, since: float, now: float) -> bool:
    """Tell whether an alarm that has called *since* then has not been answered yet, or a minute ago."""
    done = policy.progress
    return since > done.alarm_since or now - done.acted_at >= REPEAT_SECONDS


def _answered(progress: Progress, call: Call, now: float) -> Progress:
    return msgspec.structs.replace(progress, acted_at=now, alarm_since=max(progress.alarm_since, call.since))


def _scaled(policy: Policy, progress: Progress, before: int, after: int, now: float) -> Progress:
    changes: dict[str, Any]
    if after > before:
        cooling = _cooling_out(policy, now)
        # What a cooldown that is under way began from is what a larger scale-out is measured by.
        changes = {"out_at": now, "out_from": policy.progress.out_from if cooling else before, "in_at": 0.0}
    else:
        changes = {"in_at": now, "out_at": 0.0}
    return msgspec.structs.replace(progress, **changes)


def _cooldowns(policy: Policy) -> tuple[int, int]:
    """Return the cooldowns after scaling out and after scaling in."""
    configuration = policy.configuration
    if isinstance(configuration, StepScaling):
        cooldown = DEFAULT_COOLDOWN if configuration.cooldown is None else configuration.cooldown
        return cooldown, cooldown
    out, in_ = configuration.scale_out_cooldown, configuration.scale_in_cooldown
    return (DEFAULT_COOLDOWN if out is None else out, DEFAULT_COOLDOWN if in_ is None else in_)


def _cooling_out(policy: Policy, now: float) -> bool:
    return policy.progress.out_at > 0 and now < policy.progress.out_at + _cooldowns(policy)[0]


def _cooling_in(policy: Policy, now: float) -> bool:
    return policy.progress.in_at > 0 and now < policy.progress.in_at + _cooldowns(policy)[1]


def _wish(situation: Situation, policy: Policy, call: Call, now: float) -> _Wish | None:
    """
    Return the capacity that the policy asks for, within the target's bounds; None if it asks for no change.

    A capacity that lies outside the bounds, as one that was set by hand may, is moved towards them only.
    """
    cooling = _cooling_out(policy, now)
    base = _base(situation, policy, now)
    asked = _asked(policy, call, base)
    if asked is None or asked == base:
        return None
    if asked > base:
        wanted = min(situation.high, max(situation.low, asked))
        return _Wish(policy, call, wanted) if wanted > situation.capacity else None
    if cooling or _cooling_in(policy, now):
        return None
    wanted = max(situation.low, min(situation.high, asked))
    return _Wish(policy, call, wanted) if wanted < situation.capacity else None


def _base(situation: Situation, policy: Policy, now: float) -> int:
    """Return what the policy reckons from: during a cooldown what was added counts as part of what is asked for."""
    return policy.progress.out_from if _cooling_out(policy, now) else situation.capacity


def _asked(policy: Policy, call: Call, base: int) -> int | None:
    """Return the capacity that the policy asks for, whatever the target's bounds; None if it asks for none."""
    configuration = policy.configuration
    if isinstance(configuration, Tracking):
        return _tracked(configuration, call, base)
    return _stepped(configuration, call, base)


def _tracked(configuration: Tracking, call: Call, base: int) -> int | None:
    """
    Return the capacity at which the metric would be at its target, were the load spread evenly; rounded up.

    Scaling in goes by the highest value of all that the alarm saw, so that what was needed a moment ago stays.
    """
    if not call.values:
        return None
    if call.low:
        if configuration.scale_in_disabled:
            return None
        return min(base, _round_up(base * max(call.values) / configuration.target))
    return max(base, _round_up(max(base, 1) * call.values[-1] / configuration.target))


def _round_up(number: float) -> int:
    """Return the next whole number; what a division leaves behind the ninth digit counts for nothing."""
    return math.ceil(round(number, 9))


def _stepped(configuration: StepScaling, call: Call, base: int) -> int | None:
    # Without a value, as after SetAlarmState, the metric counts as being at the threshold.
    difference = call.values[-1] - call.threshold if call.values else 0.0
    step = find_step(configuration, difference)
    return None if step is None else adjusted(configuration, step, base)


def _scale_in(situation: Situation, heard: Sequence[Heard], ins: Sequence[_Wish]) -> _Wish | None:
    if not ins or situation.deploying or situation.suspended.scaling_in:
        return None
    wishes = list(ins)
    if not _trackers_agree(heard):
        wishes = [wish for wish in wishes if isinstance(wish.policy.configuration, StepScaling)]
    return max(wishes, key=lambda wish: wish.capacity, default=None)


def _trackers_agree(heard: Sequence[Heard]) -> bool:
    """Tell whether every target tracking policy that may scale in has its lower alarm call."""
    return all(
        any(call.low for call in each.calls)
        for each in heard
        if isinstance(each.policy.configuration, Tracking) and not each.policy.configuration.scale_in_disabled
    )
