"""How a service is scaled, and what keeps it from being scaled now.  Reading aside, all of it is pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from homeport.cli.deploy.reading import Document
from homeport.cli.deploy.seen import seconds
from homeport.services.applicationautoscaling.model import DEFAULT_COOLDOWN, DIMENSION, NAMESPACE
from homeport.services.applicationautoscaling.schedules import BadSchedule, parse_schedule

#: How many activities are worth reading here.
_FEW = 3

_REASONS: Mapping[str, str] = {
    "AlreadyAtMaxCapacity": "there are as many tasks as there may be",
    "AlreadyAtMinCapacity": "there are as few tasks as there may be",
    "AlreadyAtDesiredCapacity": "there are as many tasks as the policy asks for",
    "TargetServicePutResourceAsUnscalable": "a deployment is under way",
}
_SUSPENDED: Mapping[str, str] = {
    "DynamicScalingOutSuspended": "Scaling out is suspended.",
    "DynamicScalingInSuspended": "Scaling in is suspended.",
    "ScheduledScalingSuspended": "Its schedules are suspended.",
}


@dataclass(frozen=True, slots=True)
class Scaling:
    """What is said of a service's scaling: AWS's documents."""

    target: Document
    policies: Sequence[Document] = ()
    alarms: Mapping[str, Document] = field(default_factory=dict)  # by name
    actions: Sequence[Document] = ()
    activities: Sequence[Document] = ()  # the newest first


def read_scaling(autoscaling: Any, cloudwatch: Any, cluster: str, service: str) -> Scaling | None:
    """Ask the API how the service is scaled; None if it is not."""
    resource = f"service/{cluster.rpartition('/')[2]}/{service}"
    where = {"ServiceNamespace": NAMESPACE, "ScalableDimension": DIMENSION}
    targets = autoscaling.describe_scalable_targets(**where, ResourceIds=[resource])["ScalableTargets"]
    if not targets:
        return None
    where["ResourceId"] = resource
    policies = _all(autoscaling, "describe_scaling_policies", "ScalingPolicies", where)
    names = [alarm["AlarmName"] for policy in policies for alarm in policy.get("Alarms", ())]
    alarms = cloudwatch.describe_alarms(AlarmNames=names[:100])["MetricAlarms"] if names else []
    return Scaling(
        target=targets[0],
        policies=policies,
        alarms={alarm["AlarmName"]: alarm for alarm in alarms},
        actions=_all(autoscaling, "describe_scheduled_actions", "ScheduledActions", where),
        activities=autoscaling.describe_scaling_activities(**where, IncludeNotScaledActivities=True, MaxResults=_FEW)[
            "ScalingActivities"
        ],
    )


def _all(client: Any, operation: str, member: str, arguments: Mapping[str, str]) -> list[Document]:
    return [item for page in client.get_paginator(operation).paginate(**arguments) for item in page[member]]


def explain_scaling(scaling: Scaling, now: float) -> Iterator[str]:
    """Yield the sentences."""
    target = scaling.target
    yield f"It is scaled between {target['MinCapacity']} and {target['MaxCapacity']} tasks."
    for member, sentence in _SUSPENDED.items():
        if target.get("SuspendedState", {}).get(member):
            yield sentence
    if not scaling.policies:
        yield "It has no scaling policy: only schedules and bounds change how many tasks are desired."
    for policy in scaling.policies:
        yield _policy(policy)
        for alarm in policy.get("Alarms", ()):
            if (found := scaling.alarms.get(alarm["AlarmName"])) is not None:
                yield _alarm(found, now)
        if not policy.get("Alarms"):
            yield f"No alarm calls for the policy {policy['PolicyName']}: it does nothing."
    for action in scaling.actions:
        yield _action(action, now)
    for activity in scaling.activities[:_FEW]:
        yield _activity(activity, now)


def _policy(policy: Document) -> str:
    name = policy["PolicyName"]
    tracking = policy.get("TargetTrackingScalingPolicyConfiguration")
    if tracking is None:
        steps = len(policy["StepScalingPolicyConfiguration"]["StepAdjustments"])
        return f"The policy {name} changes it by {steps} step{'' if steps == 1 else 's'}."
    predefined = tracking.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    metric = predefined or tracking["CustomizedMetricSpecification"].get("MetricName") or "a metric of its own"
    out = tracking.get("ScaleOutCooldown", DEFAULT_COOLDOWN)
    in_ = tracking.get("ScaleInCooldown", DEFAULT_COOLDOWN)
    patience = f"after scaling out it waits {out} seconds, after scaling in {in_}"
    if tracking.get("DisableScaleIn"):
        patience = f"after scaling out it waits {out} seconds, and it never scales in"
    return f"The policy {name} keeps {metric} at {tracking['TargetValue']:g}: {patience}."


def _alarm(alarm: Document, now: float) -> str:
    kind = alarm["AlarmName"]
    for part, words in (("-AlarmHigh-", "Its alarm for scaling out"), ("-AlarmLow-", "Its alarm for scaling in")):
        if part in alarm["AlarmName"]:
            kind = words
    if kind == alarm["AlarmName"]:
        kind = f"Its alarm {kind}"
    since = _span(now - seconds(alarm["StateUpdatedTimestamp"]))
    silent = "" if alarm.get("ActionsEnabled", True) else " Its actions are disabled."
    return f"{kind} is {alarm['StateValue']} since {since}: {alarm['StateReason'].rstrip('.')}.{silent}"


def _action(action: Document, now: float) -> str:
    bounds = action["ScalableTargetAction"]
    named = [
        f"{word} {bounds[member]}"
        for member, word in (("MinCapacity", "at least"), ("MaxCapacity", "at most"))
        if member in bounds
    ]
    what = (
        f"The scheduled action {action['ScheduledActionName']} ({action['Schedule']}) sets {' and '.join(named)} tasks"
    )
    start = seconds(action["StartTime"]) if "StartTime" in action else seconds(action["CreationTime"])
    try:
        following = parse_schedule(action["Schedule"], action.get("Timezone", ""), start).next_after(
            max(now, start - 1)
        )
    except BadSchedule:
        following = None
    if following is None or ("EndTime" in action and following > seconds(action["EndTime"])):
        return f"{what}; it will not run again."
    return f"{what}, next in {_span(following - now)}."


def _activity(activity: Document, now: float) -> str:
    ago = _span(now - seconds(activity["StartTime"]))
    reasons = [_REASONS.get(each["Code"], each["Code"]) for each in activity.get("NotScaledReasons", ())]
    if reasons:
        return f"{ago} ago {activity['Cause']}, and nothing changed: {', '.join(reasons)}."
    return f"{ago} ago: {activity.get('StatusMessage', activity['Description'])} Cause: {activity['Cause']}."


def _span(passed: float) -> str:
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if passed >= size:
            return _counted(int(passed // size), unit)
    return _counted(max(0, int(passed)), "second")


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
