"""Alarms as boto3 sees them: declared, found, changed, deleted, with their history and tags."""

import json

import pytest
from botocore.exceptions import ClientError

POLICY = (
    "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:6d8972f3-efc8-437c-92d1-6270f29a66e7"
    ":resource/ecs/service/default/web:policyName/cpu"
)
RULE = {
    "Namespace": "Test",
    "MetricName": "Load",
    "Dimensions": [{"Name": "Service", "Value": "web"}],
    "Statistic": "Average",
    "Period": 60,
    "EvaluationPeriods": 3,
    "Threshold": 50.0,
    "ComparisonOperator": "GreaterThanThreshold",
}


def described(cloudwatch, name):
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return alarm


def test_an_alarm_is_made_and_described(api, cloudwatch):
    more = {
        "AlarmDescription": "too hot",
        "DatapointsToAlarm": 2,
        "TreatMissingData": "notBreaching",
        "AlarmActions": [POLICY],
        "Unit": "Percent",
    }
    cloudwatch.put_metric_alarm(AlarmName="high", **RULE, **more)
    cloudwatch.get_waiter("alarm_exists").wait(AlarmNames=["high"])
    alarm = described(cloudwatch, "high")
    for member in ("AlarmConfigurationUpdatedTimestamp", "StateUpdatedTimestamp", "StateTransitionedTimestamp"):
        alarm.pop(member)
    assert alarm == {
        "AlarmName": "high",
        "AlarmArn": f"arn:aws:cloudwatch:us-east-1:{api.account}:alarm:high",
        "ActionsEnabled": True,
        "OKActions": [],
        "InsufficientDataActions": [],
        "StateValue": "INSUFFICIENT_DATA",
        "StateReason": "Unchecked: Initial alarm creation",
        **RULE,
        **more,
    }
    assert "cloudwatch.alarms" in api.wakes


def test_an_alarm_over_an_expression_keeps_its_queries(cloudwatch):
    queries = [
        {
            "Id": "m",
            "MetricStat": {
                "Metric": {"Namespace": "Test", "MetricName": "Load", "Dimensions": []},
                "Period": 60,
                "Stat": "p99",
            },
            "ReturnData": False,
        },
        {"Id": "e", "Expression": "m / 2", "ReturnData": True},
    ]
    rule = {key: RULE[key] for key in ("EvaluationPeriods", "Threshold", "ComparisonOperator")}
    cloudwatch.put_metric_alarm(AlarmName="math", Metrics=queries, **rule)
    assert described(cloudwatch, "math")["Metrics"] == queries
    found = cloudwatch.describe_alarms_for_metric(Namespace="Test", MetricName="Load")["MetricAlarms"]
    assert found == []  # AWS, too, leaves out alarms over expressions here


def test_a_changed_alarm_keeps_its_state_and_tags(cloudwatch):
    cloudwatch.put_metric_alarm(AlarmName="high", **RULE, Tags=[{"Key": "team", "Value": "a"}])
    cloudwatch.set_alarm_state(AlarmName="high", StateValue="ALARM", StateReason="testing")
    cloudwatch.put_metric_alarm(AlarmName="high", **{**RULE, "Threshold": 70.0})
    alarm = described(cloudwatch, "high")
    assert (alarm["Threshold"], alarm["StateValue"], alarm["StateReason"]) == (70.0, "ALARM", "testing")
    tags = cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "a"}]


def test_tags_come_and_go(cloudwatch, refused):
    cloudwatch.put_metric_alarm(AlarmName="high", **RULE)
    arn = described(cloudwatch, "high")["AlarmArn"]
    cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert refused(cloudwatch.list_tags_for_resource, ResourceARN=f"{arn}x")[0] == "ResourceNotFoundException"


def test_alarms_are_found_by_what_they_are(cloudwatch):
    for name, actions in (("web-high", [POLICY]), ("web-low", []), ("api-high", [])):
        cloudwatch.put_metric_alarm(AlarmName=name, AlarmActions=actions, **RULE)
    cloudwatch.set_alarm_state(AlarmName="web-low", StateValue="OK", StateReason="r")

    def names(**arguments):
        return [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms(**arguments)["MetricAlarms"]]

    assert names() == ["api-high", "web-high", "web-low"]
    assert names(AlarmNamePrefix="web-") == ["web-high", "web-low"]
    assert names(AlarmNames=["web-low", "nothing"]) == ["web-low"]
    assert names(StateValue="OK") == ["web-low"]
    assert names(ActionPrefix="arn:aws:autoscaling:") == ["web-high"]
    assert names(AlarmTypes=["CompositeAlarm"]) == []
    pages = list(cloudwatch.get_paginator("describe_alarms").paginate(PaginationConfig={"PageSize": 2}))
    assert [[a["AlarmName"] for a in page["MetricAlarms"]] for page in pages] == [["api-high", "web-high"], ["web-low"]]
    metric = {key: RULE[key] for key in ("Namespace", "MetricName", "Dimensions")}
    assert len(cloudwatch.describe_alarms_for_metric(**metric)["MetricAlarms"]) == 3
    assert cloudwatch.describe_alarms_for_metric(**metric, Period=300)["MetricAlarms"] == []


def test_deleting_is_all_or_nothing(cloudwatch, refused):
    for name in ("a", "b"):
        cloudwatch.put_metric_alarm(AlarmName=name, **RULE)
    assert refused(cloudwatch.delete_alarms, AlarmNames=["a", "gone"])[0] == "ResourceNotFound"
    assert len(cloudwatch.describe_alarms()["MetricAlarms"]) == 2
    cloudwatch.delete_alarms(AlarmNames=["a", "b"])
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []


def test_actions_are_switched_off_and_on(cloudwatch):
    cloudwatch.put_metric_alarm(AlarmName="high", AlarmActions=[POLICY], **RULE)
    cloudwatch.disable_alarm_actions(AlarmNames=["high", "nothing"])
    assert described(cloudwatch, "high")["ActionsEnabled"] is False
    cloudwatch.enable_alarm_actions(AlarmNames=["high"])
    assert described(cloudwatch, "high")["ActionsEnabled"] is True


def test_history_tells_what_happened_newest_first(cloudwatch):
    cloudwatch.put_metric_alarm(AlarmName="high", **RULE)
    cloudwatch.put_metric_alarm(AlarmName="other", **RULE)
    cloudwatch.set_alarm_state(AlarmName="high", StateValue="ALARM", StateReason="testing", StateReasonData='{"a": 1}')
    cloudwatch.set_alarm_state(AlarmName="high", StateValue="ALARM", StateReason="again")
    cloudwatch.delete_alarms(AlarmNames=["high"])
    items = cloudwatch.describe_alarm_history(AlarmName="high")["AlarmHistoryItems"]
    assert [(item["HistoryItemType"], item["HistorySummary"]) for item in items] == [
        ("ConfigurationUpdate", 'Alarm "high" deleted'),
        ("StateUpdate", "Alarm updated from INSUFFICIENT_DATA to ALARM"),
        ("ConfigurationUpdate", 'Alarm "high" created'),
    ]
    assert json.loads(items[1]["HistoryData"]) == {
        "version": "1.0",
        "oldState": {"stateValue": "INSUFFICIENT_DATA", "stateReason": "Unchecked: Initial alarm creation"},
        "newState": {"stateValue": "ALARM", "stateReason": "testing", "stateReasonData": {"a": 1}},
    }
    pages = cloudwatch.get_paginator("describe_alarm_history").paginate(
        ScanBy="TimestampAscending", PaginationConfig={"PageSize": 3}
    )
    assert [len(page["AlarmHistoryItems"]) for page in pages] == [3, 1]
    states = cloudwatch.describe_alarm_history(HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    assert len(states) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"AlarmActions": ["arn:aws:sns:us-east-1:123456789012:topic"]}, "InvalidParameterValue"),
        ({"OKActions": ["arn:aws:automate:us-east-1:ec2:stop"]}, "ValidationError"),
        ({"AlarmActions": [POLICY.replace("us-east-1", "eu-west-1")]}, "InvalidParameterValue"),
        ({"AlarmActions": [POLICY] * 6}, "ValidationError"),
        ({"Period": 45}, "ValidationError"),
        ({"Period": 1}, "ValidationError"),
        ({"Period": None}, "MissingParameter"),
        ({"MetricName": None}, "MissingParameter"),
        ({"Threshold": None}, "MissingParameter"),
        ({"Statistic": None}, "MissingParameter"),
        ({"ExtendedStatistic": "p99"}, "InvalidParameterCombination"),
        ({"Statistic": None, "ExtendedStatistic": "tm99"}, "InvalidParameterValue"),
        ({"DatapointsToAlarm": 4}, "ValidationError"),
        ({"EvaluationPeriods": 1_441}, "ValidationError"),
        ({"TreatMissingData": "guess"}, "ValidationError"),
        ({"EvaluateLowSampleCountPercentile": "evaluate"}, "ValidationError"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "InvalidParameterValue"),
        ({"ThresholdMetricId": "m1"}, "InvalidParameterValue"),
        ({"Metrics": [{"Id": "e", "Expression": "1 + 1"}]}, "InvalidParameterCombination"),
    ],
)
def test_what_cannot_be_honoured_is_refused(cloudwatch, refused, change, code):
    arguments = {key: value for key, value in {**RULE, **change}.items() if value is not None}
    assert refused(cloudwatch.put_metric_alarm, AlarmName="high", **arguments)[0] == code
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []


def test_the_state_of_what_does_not_exist_cannot_be_set(cloudwatch):
    with pytest.raises(ClientError) as caught:
        cloudwatch.set_alarm_state(AlarmName="gone", StateValue="OK", StateReason="r")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert caught.value.response["Error"]["Code"] == "ResourceNotFound"
