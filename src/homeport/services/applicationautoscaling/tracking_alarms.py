"""
The alarms of target tracking policies, which Application Auto Scaling makes, changes and deletes itself.

A service scales out after three minutes above its target, and in after fifteen below nine tenths of it, as on AWS.
"""

from typing import Any

from homeport.db.database import Tx
from homeport.services.applicationautoscaling.model import Policy, Tracking
from homeport.services.cloudwatch.alarms.model import Alarm, Comparison
from homeport.services.cloudwatch.model import MINUTE, metric_of
from homeport.services.cloudwatch.queries import MetricStat
from homeport.services.cloudwatch.store import alarms

CPU = "ECSServiceAverageCPUUtilization"
MEMORY = "ECSServiceAverageMemoryUtilization"
REQUESTS = "ALBRequestCountPerTarget"
PREDEFINED = (CPU, MEMORY, REQUESTS)

_HIGH_PERIODS = 3
_LOW_PERIODS = 15
_LOW_SHARE = 0.9


def split_label(label: str) -> tuple[str, str] | None:
    """Return load balancer and target group of `app/NAME/ID/targetgroup/NAME/ID`, or None if it is none."""
    balancer, slash, group = label.partition("/targetgroup/")
    if not slash or not balancer.startswith("app/") or balancer.count("/") != 2 or group.count("/") != 1:
        return None
    return (balancer, f"targetgroup/{group}") if all((*balancer.split("/"), *group.split("/"))) else None


def wanted_alarms(policy: Policy, account: str) -> list[Alarm]:
    """Return the alarms that the target tracking *policy* needs."""
    configuration = policy.configuration
    assert isinstance(configuration, Tracking)
    watched = _watched(policy, configuration)
    arn = policy.arn(account)
    common: dict[str, Any] = {
        **watched,
        "description": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {arn}.",
        "alarm_actions": (arn,),
    }
    high = Alarm(
        name=policy.high_alarm,
        comparison=Comparison.GREATER,
        threshold=configuration.target,
        periods=_HIGH_PERIODS,
        **common,
    )
    low = Alarm(
        name=policy.low_alarm,
        comparison=Comparison.LESS,
        threshold=round(configuration.target * _LOW_SHARE, 9),
        periods=_LOW_PERIODS,
        **common,
    )
    return [high] if configuration.scale_in_disabled else [high, low]


def _watched(policy: Policy, configuration: Tracking) -> dict[str, Any]:
    """Return what the alarms look at: a statistic, or queries."""
    customized = configuration.customized
    if customized is not None and customized.get("Metrics"):
        return {"queries": tuple(_query(query) for query in customized["Metrics"])}
    return {"stat": _stat(policy, configuration)}


def _query(given: dict[str, Any]) -> dict[str, Any]:
    """Return a query of a policy as alarms have it: a policy's metrics all have periods of a minute."""
    stat = given.get("MetricStat")
    return given if stat is None else {**given, "MetricStat": {**stat, "Period": MINUTE}}


def _stat(policy: Policy, configuration: Tracking) -> MetricStat:
    if (customized := configuration.customized) is not None:
        dimensions = {each["Name"]: each["Value"] for each in customized.get("Dimensions", ())}
        metric = metric_of(customized["Namespace"], customized["MetricName"], dimensions)
        return MetricStat(metric, MINUTE, customized["Statistic"], customized.get("Unit"))
    if configuration.predefined == REQUESTS:
        label = split_label(configuration.label)
        assert label is not None, "it was checked when it was given"
        metric = metric_of(
            "AWS/ApplicationELB", "RequestCountPerTarget", {"LoadBalancer": label[0], "TargetGroup": label[1]}
        )
        return MetricStat(metric, MINUTE, "Sum")
    _, cluster, service = policy.resource.split("/")
    name = "CPUUtilization" if configuration.predefined == CPU else "MemoryUtilization"
    return MetricStat(metric_of("AWS/ECS", name, {"ClusterName": cluster, "ServiceName": service}), MINUTE, "Average")


async def keep(tx: Tx, policy: Policy, account: str, now: float) -> None:
    """Make the policy's alarms as they should be."""
    wanted = wanted_alarms(policy, account)
    for alarm in wanted:
        await alarms.put(tx, policy.region, alarm, now)
    if len(wanted) == 1:
        await alarms.remove(tx, policy.region, policy.low_alarm)


async def remove(tx: Tx, policy: Policy) -> None:
    """Delete the alarms that were made for *policy*; those of a step scaling policy are their user's."""
    if isinstance(policy.configuration, Tracking):
        for name in (policy.high_alarm, policy.low_alarm):
            await alarms.remove(tx, policy.region, name)
