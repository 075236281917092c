"""AWS's shapes of alarms."""

from typing import Any

from homeport.services.cloudwatch.alarms.model import AlarmRecord, HistoryItem
from homeport.services.cloudwatch.distribution import needs_values
from homeport.services.cloudwatch.views import dimensions_view


def alarm_arn(region: str, account: str, name: str) -> str:
    return f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}"


def alarm_view(record: AlarmRecord, account: str) -> dict[str, Any]:
    alarm = record.alarm
    return {
        "AlarmName": alarm.name,
        "AlarmArn": alarm_arn(record.region, account, alarm.name),
        **_given("AlarmDescription", alarm.description),
        "AlarmConfigurationUpdatedTimestamp": record.updated,
        "ActionsEnabled": alarm.actions_enabled,
        "OKActions": list(alarm.ok_actions),
        "AlarmActions": list(alarm.alarm_actions),
        "InsufficientDataActions": list(alarm.insufficient_data_actions),
        "StateValue": record.state.value,
        "StateReason": record.reason,
        **_given("StateReasonData", record.reason_data or None),
        "StateUpdatedTimestamp": record.state_updated,
        "StateTransitionedTimestamp": record.state_updated,
        **_watched(record),
        "EvaluationPeriods": alarm.periods,
        **_given("DatapointsToAlarm", alarm.needed or None),
        "Threshold": alarm.threshold,
        "ComparisonOperator": alarm.comparison.value,
        **_given("TreatMissingData", alarm.missing and alarm.missing.value),
        **_given("EvaluateLowSampleCountPercentile", alarm.low_samples or None),
    }


def _given(name: str, value: Any) -> dict[str, Any]:
    return {} if value is None else {name: value}


def _watched(record: AlarmRecord) -> dict[str, Any]:
    stat = record.alarm.stat
    if stat is None:
        return {"Dimensions": [], "Metrics": [dict(query) for query in record.alarm.queries]}
    return {
        "MetricName": stat.metric.name,
        "Namespace": stat.metric.namespace,
        "ExtendedStatistic" if needs_values(stat.statistic) else "Statistic": stat.statistic,
        "Dimensions": dimensions_view(stat.metric),
        "Period": stat.period,
        **_given("Unit", stat.unit),
    }


def history_view(item: HistoryItem) -> dict[str, Any]:
    return {
        "AlarmName": item.name,
        "AlarmType": "MetricAlarm",
        "Timestamp": item.timestamp,
        "HistoryItemType": item.kind.value,
        "HistorySummary": item.summary,
        "HistoryData": item.data,
    }
