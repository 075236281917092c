"""Services follow their metrics: out at once, in with patience, never beyond their bounds, and what happened is told."""

import pytest

from homeport.services.cloudwatch.distribution import of_values
from homeport.services.cloudwatch.model import Datum, metric_of
from homeport.services.cloudwatch.store import datapoints
from homeport.services.ecs.metering import record_usage
from homeport.wire.metrics import TaskUsage, Usage

from .conftest import CPU, WEB

TRACKING = {
    "TargetValue": 50.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
}


def track(scaled, name="cpu", **changes):
    return scaled.client.put_scaling_policy(
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={**TRACKING, **changes},
        **WEB,
    )


def test_a_busy_service_scales_out_after_three_minutes_in_proportion(scaled):
    track(scaled)
    assert scaled.minutes([90.0] * 4) == [2, 2, 2, 4]
    (activity,) = scaled.activities()
    alarm = next(
        a["AlarmName"]
        for a in scaled.client.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"][0]["Alarms"]
        if "High" in a["AlarmName"]
    )
    assert activity["Description"] == "Setting desired count to 4."
    assert activity["Cause"] == f"monitor alarm {alarm} in state ALARM triggered policy cpu"
    assert activity["StatusCode"] == "InProgress"
    assert activity["StatusMessage"] == (
        "Successfully set desired count to 4. Waiting for change to be fulfilled by ecs."
    )
    assert "EndTime" not in activity
    assert "ecs.services" in scaled.api.wakes
    history = scaled.cloudwatch.describe_alarm_history(
        AlarmName=alarm, HistoryItemType="Action", EndDate=scaled.clock.now()
    )["AlarmHistoryItems"]
    assert len(history) == 1


def test_during_the_cooldown_only_more_load_adds_more(scaled):
    track(scaled)
    scaled.minutes([90.0] * 4)
    assert scaled.minutes([90.0, 90.0]) == [4, 4], "what was added is to be waited for"
    assert scaled.minutes([140.0, 140.0])[-1] == 6, "three times the target of the two tasks that there were"
    assert scaled.minutes([60.0] * 6)[-1] == 8, "the cooldown is over, and six tasks still have too much to do"


def test_a_quiet_service_scales_in_after_fifteen_minutes_by_the_highest_value_seen(scaled):
    scaled.service.update(desiredCount=10)
    scaled.service.become_steady()
    track(scaled)
    assert set(scaled.minutes([20.0] * 14)) == {10}
    assert scaled.minutes([10.0, 10.0])[-1] == 4
    assert scaled.minutes([10.0] * 3)[-1] == 4, "the cooldown holds"


def test_nothing_shrinks_while_a_deployment_is_under_way(scaled):
    scaled.service.update(desiredCount=10)
    assert scaled.service.deployments() == {"PRIMARY": "IN_PROGRESS"}
    track(scaled)
    assert set(scaled.minutes([5.0] * 18)) == {10}


def test_bounds_and_a_disabled_scale_in_hold(scaled):
    policy = track(scaled, DisableScaleIn=True)
    assert ["AlarmLow" in alarm["AlarmName"] for alarm in policy["Alarms"]] == [False]
    assert scaled.minutes([1_000.0] * 5)[-1] == 10
    assert scaled.minutes([0.0] * 17)[-1] == 10


def test_what_is_suspended_waits_until_it_is_resumed(scaled):
    track(scaled)
    scaled.client.register_scalable_target(**WEB, SuspendedState={"DynamicScalingOutSuspended": True})
    assert scaled.minutes([90.0] * 6)[-1] == 2
    scaled.client.register_scalable_target(**WEB, SuspendedState={"DynamicScalingOutSuspended": False})
    assert scaled.minutes([90.0, 90.0])[-1] == 4


def test_step_scaling_answers_the_alarm_of_its_user(scaled):
    policy = scaled.client.put_scaling_policy(
        PolicyName="steps",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "StepAdjustments": [
                {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 20.0, "ScalingAdjustment": 1},
                {"MetricIntervalLowerBound": 20.0, "ScalingAdjustment": 3},
            ],
            "Cooldown": 60,
        },
        **WEB,
    )
    assert policy["Alarms"] == []
    scaled.cloudwatch.put_metric_alarm(
        AlarmName="queue",
        Namespace="Test",
        MetricName="Depth",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=100.0,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        AlarmActions=[policy["PolicyARN"]],
    )
    depth = metric_of("Test", "Depth", {})
    (shown,) = scaled.client.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    assert [alarm["AlarmName"] for alarm in shown["Alarms"]] == ["queue"]
    assert scaled.minutes([50.0, 110.0, 50.0], depth)[-1] == 3
    assert scaled.minutes([50.0, 120.0, 50.0], depth)[-1] == 6
    assert [a["Cause"] for a in scaled.activities()] == [
        "monitor alarm queue in state ALARM triggered policy steps"
    ] * 2


def test_a_step_is_chosen_by_what_an_alarm_of_a_short_period_has_just_seen(scaled):
    steps = [
        {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 100.0, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 100.0, "ScalingAdjustment": 2},
    ]
    policy = scaled.client.put_scaling_policy(
        PolicyName="steps",
        StepScalingPolicyConfiguration={"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps},
        **WEB,
    )["PolicyARN"]
    scaled.cloudwatch.put_metric_alarm(
        AlarmName="queue",
        Namespace="Test",
        MetricName="Depth",
        Statistic="Maximum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=100.0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[policy],
    )
    for _ in range(30):
        datum = Datum(metric_of("Test", "Depth", {}), scaled.clock.now(), of_values({250.0: 1.0}), resolution=1)
        scaled.ecs.in_transaction(lambda tx, datum=datum: datapoints.publish(tx, "us-east-1", [datum]))
        scaled.clock.advance(1)
        scaled.look()
    assert scaled.desired == 4


def test_set_alarm_state_is_answered_though_no_metric_says_so(scaled):
    track(scaled)
    step = scaled.client.put_scaling_policy(
        PolicyName="steps",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ExactCapacity",
            "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 7}],
        },
        **WEB,
    )["PolicyARN"]
    scaled.cloudwatch.put_metric_alarm(
        AlarmName="by-hand",
        Namespace="Test",
        MetricName="None",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[step],
    )
    scaled.look()
    scaled.cloudwatch.set_alarm_state(AlarmName="by-hand", StateValue="ALARM", StateReason="testing")
    scaled.look()
    assert scaled.desired == 7


def test_activities_end_as_what_they_began_does(scaled):
    track(scaled)
    scaled.service.become_steady()
    scaled.minutes([90.0] * 4)
    scaled.service.update(desiredCount=3)
    scaled.look()
    assert [(a["StatusCode"], a["StatusMessage"]) for a in scaled.activities()] == [
        ("Overridden", "Successfully set desired count to 4. Found it was later changed to 3.")
    ]
    scaled.client.register_scalable_target(**WEB, MinCapacity=5)
    assert scaled.desired == 5
    scaled.service.become_steady()
    scaled.service.start()
    scaled.look()
    last = next(a for a in scaled.activities() if a["Cause"].startswith("minimum"))
    assert (last["StatusCode"], last["Cause"], last["StatusMessage"]) == (
        "Successful",
        "minimum capacity was set to 5",
        "Successfully set desired count to 5. Change successfully fulfilled by ecs.",
    )
    assert last["EndTime"] >= last["StartTime"]
    assert scaled.service.events()[-1] == (
        "Message: Successfully set desired count to 5. Change successfully fulfilled by ecs. "
        "Cause: minimum capacity was set to 5"
    )


def test_what_a_node_says_that_tasks_use_scales_their_service(scaled):
    """From the measurement to the running task: nothing here but the node and the clock is the test's."""
    track(scaled)
    scaled.service.become_steady()
    for _ in range(4):
        tasks = tuple(TaskUsage(task=task, cpus=0.2, memory=1) for task in scaled.service.ids())  # of 0.25 reserved
        usage = Usage(minute=int(scaled.clock.now()), tasks=tasks)
        scaled.ecs.in_transaction(lambda tx, usage=usage: record_usage(tx, "node-1", usage))
        for _ in range(6):
            scaled.clock.advance(10)
            scaled.look()
    assert scaled.desired == 4
    scaled.service.become_steady()
    scaled.service.start()
    assert len(scaled.service.ids()) == 4
    scaled.look()
    assert scaled.activities()[-1]["StatusCode"] == "Successful"


def test_two_trackers_scale_out_for_either_and_in_for_both(scaled):
    memory = metric_of("AWS/ECS", "MemoryUtilization", {"ClusterName": "default", "ServiceName": "web"})
    scaled.service.update(desiredCount=8)
    scaled.service.become_steady()
    track(scaled, ScaleInCooldown=0)
    predefined = {"PredefinedMetricType": "ECSServiceAverageMemoryUtilization"}
    track(scaled, "memory", PredefinedMetricSpecification=predefined, ScaleInCooldown=0)
    for _ in range(17):
        scaled.publish(memory, 48.0)
        scaled.minutes([10.0])
    assert scaled.desired == 8, "memory does not agree"
    counts = [8]
    while counts[-1] == 8 and len(counts) < 20:
        scaled.publish(memory, 30.0)
        counts += scaled.minutes([10.0])
    assert counts[-1] == 5, "as many as memory needs"


def test_a_deleted_policy_takes_its_alarms_along(scaled):
    track(scaled)
    assert len(scaled.cloudwatch.describe_alarms()["MetricAlarms"]) == 2
    scaled.client.delete_scaling_policy(PolicyName="cpu", **WEB)
    assert scaled.cloudwatch.describe_alarms()["MetricAlarms"] == []
    assert scaled.minutes([90.0] * 5)[-1] == 2


@pytest.mark.parametrize("missing", ["service", "target"])
def test_an_alarm_whose_service_or_target_is_gone_changes_nothing(scaled, missing):
    track(scaled)
    scaled.minutes([90.0] * 2)
    if missing == "service":
        scaled.ecs.client.delete_service(service="web", force=True)
    else:
        scaled.client.deregister_scalable_target(**WEB)
    before = scaled.desired
    scaled.publish(CPU, 90.0)
    scaled.minutes([90.0] * 3)
    assert (scaled.desired, scaled.activities()) == (before, [])


def test_an_alarm_that_changes_nothing_says_why_once(scaled):
    track(scaled)
    scaled.client.register_scalable_target(**WEB, MinCapacity=2, MaxCapacity=2)
    assert set(scaled.minutes([90.0] * 6)) == {2}
    assert scaled.activities() == []
    (activity,) = scaled.activities(IncludeNotScaledActivities=True)
    assert activity["NotScaledReasons"] == [{"Code": "AlreadyAtMaxCapacity", "MaxCapacity": 2}]
    assert (activity["StatusCode"], activity["Description"]) == ("Failed", "Attempting to scale due to alarm triggered")
    assert activity["Cause"].endswith("in state ALARM triggered policy cpu")
    assert set(scaled.minutes([10.0] * 17)) == {2}
    reasons = [each["NotScaledReasons"][0]["Code"] for each in scaled.activities(IncludeNotScaledActivities=True)]
    assert reasons == ["AlreadyAtMaxCapacity", "AlreadyAtMinCapacity"]
