"""Alarms: declaring, finding, deleting them, and setting their state for a moment."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from homeport.aws.call import Call
from homeport.aws.paging import cut_page, decode_token
from homeport.aws.tags import parse_tags
from homeport.services.cloudwatch import validation
from homeport.services.cloudwatch.alarms import validation as alarm_rules
from homeport.services.cloudwatch.alarms.model import Alarm, AlarmRecord, HistoryKind, State
from homeport.services.cloudwatch.alarms.views import alarm_view
from homeport.services.cloudwatch.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
    ResourceNotFound,
    Validation,
    invalid_token,
)
from homeport.services.cloudwatch.model import MINUTE
from homeport.services.cloudwatch.queries import MetricStat
from homeport.services.cloudwatch.reconcilers.alarms import GRACE, NAME
from homeport.services.cloudwatch.service import cloudwatch
from homeport.services.cloudwatch.store import alarms as store

_PAGE = 50


@cloudwatch.operation("PutMetricAlarm")
async def put_metric_alarm(
    call: Call,
    *,
    alarm_name: str,
    alarm_description: str | None = None,
    actions_enabled: bool = True,
    ok_actions: Sequence[str] = (),
    alarm_actions: Sequence[str] = (),
    insufficient_data_actions: Sequence[str] = (),
    metric_name: str | None = None,
    namespace: str | None = None,
    statistic: str | None = None,
    extended_statistic: str | None = None,
    dimensions: Sequence[Mapping[str, str]] = (),
    period: int | None = None,
    unit: str | None = None,
    evaluation_periods: int | None = None,
    datapoints_to_alarm: int | None = None,
    threshold: float | None = None,
    comparison_operator: str | None = None,
    treat_missing_data: str | None = None,
    evaluate_low_sample_count_percentile: str | None = None,
    metrics: Sequence[Mapping[str, Any]] = (),
    tags: Sequence[Mapping[str, str]] = (),
) -> None:
    for actions in (ok_actions, alarm_actions, insufficient_data_actions):
        alarm_rules.check_actions(actions, call.region, call.account)
    alarm_rules.require(
        ComparisonOperator=comparison_operator, EvaluationPeriods=evaluation_periods, Threshold=threshold
    )
    assert comparison_operator is not None
    assert evaluation_periods is not None
    assert threshold is not None
    stat = None
    if metrics:
        alarm_rules.check_alone(
            MetricName=metric_name, Namespace=namespace, Statistic=statistic, ExtendedStatistic=extended_statistic,
            Dimensions=dimensions, Period=period, Unit=unit,
        )  # fmt: skip
        seconds = alarm_rules.check_queries(metrics)
    else:
        stat = _stat(namespace, metric_name, dimensions, period, statistic, extended_statistic, unit)
        seconds = stat.period
    alarm_rules.check_periods(seconds, evaluation_periods, datapoints_to_alarm)
    alarm = Alarm(
        name=alarm_name,
        comparison=alarm_rules.parse_comparison(comparison_operator),
        threshold=float(threshold),
        periods=evaluation_periods,
        stat=stat,
        queries=tuple(dict(query) for query in metrics),
        needed=datapoints_to_alarm or 0,
        missing=alarm_rules.parse_missing(treat_missing_data),
        low_samples=alarm_rules.check_low_samples(evaluate_low_sample_count_percentile, stat),
        description=alarm_description,
        actions_enabled=actions_enabled,
        ok_actions=tuple(ok_actions),
        alarm_actions=tuple(alarm_actions),
        insufficient_data_actions=tuple(insufficient_data_actions),
    )
    await _put(call, alarm, parse_tags(tags, InvalidParameterValue, key="Key", value="Value"))


def _stat(
    namespace: str | None,
    name: str | None,
    dimensions: Sequence[Mapping[str, str]],
    period: int | None,
    statistic: str | None,
    extended_statistic: str | None,
    unit: str | None,
) -> MetricStat:
    alarm_rules.require(MetricName=name, Namespace=namespace, Period=period)
    assert namespace is not None
    assert name is not None
    assert period is not None
    if statistic is not None and extended_statistic is not None:
        raise InvalidParameterCombination("The parameters Statistic and ExtendedStatistic are mutually exclusive.")
    chosen = statistic or extended_statistic
    if chosen is None:
        raise MissingParameter("Either Statistic or ExtendedStatistic must be specified.")
    validation.check_statistic(chosen, "ExtendedStatistic")
    return MetricStat(validation.parse_metric(namespace, name, dimensions), period, chosen, unit)


async def _put(call: Call, alarm: Alarm, tags: Mapping[str, str]) -> None:
    created = await store.put(call.tx, call.region, alarm, call.now(), tags=tags)
    kind, document = ("Create", "createdAlarm") if created else ("Update", "updatedAlarm")
    data = {"version": "1.0", "type": kind, document: msgspec.to_builtins(alarm)}
    summary = f'Alarm "{alarm.name}" {"created" if created else "updated"}'
    await store.note(call.tx, call.region, alarm.name, HistoryKind.CONFIGURATION, summary, data, call.now())
    call.wake(NAME)


@cloudwatch.operation("DescribeAlarms", reads=True)
async def describe_alarms(
    call: Call,
    *,
    alarm_names: Sequence[str] | None = None,
    alarm_name_prefix: str | None = None,
    alarm_types: Sequence[str] = ("MetricAlarm",),
    state_value: str | None = None,
    action_prefix: str = "",
    max_records: int = _PAGE,
    next_token: str | None = None,
) -> dict[str, Any]:
    if alarm_names is not None and alarm_name_prefix is not None:
        raise InvalidParameterCombination("The parameters AlarmNames and AlarmNamePrefix are mutually exclusive.")

    def wanted(record: AlarmRecord) -> bool:
        actions = [action for state in State for action in record.alarm.actions(state)]
        return (state_value is None or record.state == state_value) and (
            not action_prefix or any(action.startswith(action_prefix) for action in actions)
        )

    (after,) = decode_token(next_token, (str,), invalid_token) or ("",)
    if "MetricAlarm" not in alarm_types:
        found = []
    elif alarm_names:
        named = [await store.find(call.tx, call.region, name) for name in sorted(set(alarm_names)) if name > after]
        found = [record for record in named if record is not None and wanted(record)]
    else:
        found = await store.page(
            call.tx, call.region, prefix=alarm_name_prefix or "", after=after, limit=max_records + 1, wanted=wanted
        )
    page = cut_page(found, max_records, key=lambda record: (record.alarm.name,))
    views = [alarm_view(record, call.account) for record in page.items]
    return page.with_token({"MetricAlarms": views, "CompositeAlarms": []}, "NextToken")


@cloudwatch.operation("DescribeAlarmsForMetric", reads=True)
async def describe_alarms_for_metric(
    call: Call,
    *,
    metric_name: str,
    namespace: str,
    statistic: str | None = None,
    extended_statistic: str | None = None,
    dimensions: Sequence[Mapping[str, str]] = (),
    period: int | None = None,
    unit: str | None = None,
) -> dict[str, Any]:
    metric = validation.parse_metric(namespace, metric_name, dimensions)
    stats = [(record, record.alarm.stat) for record in await store.of_metric(call.tx, call.region, metric)]
    wanted = statistic or extended_statistic
    return {
        "MetricAlarms": [
            alarm_view(record, call.account)
            for record, stat in stats
            if stat is not None
            and wanted in (None, stat.statistic)
            and period in (None, stat.period)
            and unit in (None, stat.unit)
        ]
    }


@cloudwatch.operation("DeleteAlarms")
async def delete_alarms(call: Call, *, alarm_names: Sequence[str]) -> None:
    missing = [name for name in alarm_names if await store.find(call.tx, call.region, name) is None]
    if missing:
        raise ResourceNotFound(f"Alarms [{', '.join(missing)}] not found.")
    for name in dict.fromkeys(alarm_names):
        await store.remove(call.tx, call.region, name)
        data = {"version": "1.0", "type": "Delete"}
        summary = f'Alarm "{name}" deleted'
        await store.note(call.tx, call.region, name, HistoryKind.CONFIGURATION, summary, data, call.now())


@cloudwatch.operation("SetAlarmState")
async def set_alarm_state(
    call: Call, *, alarm_name: str, state_value: str, state_reason: str, state_reason_data: str = ""
) -> None:
    record = await store.find(call.tx, call.region, alarm_name)
    if record is None:
        raise ResourceNotFound(f"Could not find alarm {alarm_name}.")
    if state_reason_data:
        try:
            msgspec.json.decode(state_reason_data, type=dict[str, Any])
        except msgspec.MsgspecError:
            raise Validation("StateReasonData must be a JSON object.") from None
    now = call.now()
    await store.set_state(call.tx, record, State(state_value), state_reason, state_reason_data, now)
    # Until it is evaluated next the state stays, as on AWS.
    await store.postpone(call.tx, record, (now // MINUTE + 1) * MINUTE + GRACE)
    call.wake(NAME)


@cloudwatch.operation("EnableAlarmActions")
async def enable_alarm_actions(call: Call, *, alarm_names: Sequence[str]) -> None:
    await _set_enabled(call, alarm_names, enabled=True)


@cloudwatch.operation("DisableAlarmActions")
async def disable_alarm_actions(call: Call, *, alarm_names: Sequence[str]) -> None:
    await _set_enabled(call, alarm_names, enabled=False)


async def _set_enabled(call: Call, names: Sequence[str], *, enabled: bool) -> None:
    """Change the alarms that exist; AWS says nothing of the others."""
    for name in names:
        record = await store.find(call.tx, call.region, name)
        if record is not None and record.alarm.actions_enabled is not enabled:
            await _put(call, msgspec.structs.replace(record.alarm, actions_enabled=enabled), record.tags)
