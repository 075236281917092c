"""What `homeport explain service` says of scaling."""

from datetime import UTC, datetime

from homeport.cli.explain.scaling import Scaling, explain_scaling

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC).timestamp()
TARGET = {"MinCapacity": 1, "MaxCapacity": 10, "SuspendedState": {"DynamicScalingInSuspended": True}}


def at(seconds_ago):
    return datetime.fromtimestamp(NOW - seconds_ago, UTC)


def alarm(name, state, reason, **more):
    return {
        "AlarmName": name,
        "StateValue": state,
        "StateReason": reason,
        "StateUpdatedTimestamp": at(130),
        "ActionsEnabled": True,
        **more,
    }


def test_a_tracked_service_says_what_its_alarms_say():
    scaling = Scaling(
        target=TARGET,
        policies=[
            {
                "PolicyName": "cpu",
                "TargetTrackingScalingPolicyConfiguration": {
                    "TargetValue": 50.0,
                    "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
                    "ScaleOutCooldown": 60,
                },
                "Alarms": [{"AlarmName": "T-AlarmHigh-1"}, {"AlarmName": "T-AlarmLow-1"}],
            }
        ],
        alarms={
            "T-AlarmHigh-1": alarm("T-AlarmHigh-1", "ALARM", "Threshold Crossed: too hot."),
            "T-AlarmLow-1": alarm("T-AlarmLow-1", "OK", "Threshold Crossed: not cold.", ActionsEnabled=False),
        },
        activities=[
            {
                "StartTime": at(65),
                "Cause": "monitor alarm T-AlarmHigh-1 in state ALARM triggered policy cpu",
                "Description": "Attempting to scale due to alarm triggered",
                "NotScaledReasons": [{"Code": "AlreadyAtMaxCapacity", "MaxCapacity": 10}],
            },
            {
                "StartTime": at(7_300),
                "Cause": "minimum capacity was set to 1",
                "Description": "Setting desired count to 1.",
                "StatusMessage": "Successfully set desired count to 1. Change successfully fulfilled by ecs.",
            },
        ],
    )
    assert list(explain_scaling(scaling, NOW)) == [
        "It is scaled between 1 and 10 tasks.",
        "Scaling in is suspended.",
        (
            "The policy cpu keeps ECSServiceAverageCPUUtilization at 50: after scaling out it waits 60 seconds, "
            "after scaling in 300."
        ),
        "Its alarm for scaling out is ALARM since 2 minutes: Threshold Crossed: too hot.",
        "Its alarm for scaling in is OK since 2 minutes: Threshold Crossed: not cold. Its actions are disabled.",
        (
            "1 minute ago monitor alarm T-AlarmHigh-1 in state ALARM triggered policy cpu, and nothing changed: "
            "there are as many tasks as there may be."
        ),
        (
            "2 hours ago: Successfully set desired count to 1. Change successfully fulfilled by ecs. "
            "Cause: minimum capacity was set to 1."
        ),
    ]


def test_schedules_say_when_they_run_next():
    action = {"ScheduledActionName": "night", "CreationTime": at(1_000), "ScalableTargetAction": {"MaxCapacity": 2}}
    scaling = Scaling(
        target={"MinCapacity": 0, "MaxCapacity": 4},
        actions=[
            {**action, "Schedule": "cron(0 15 * * ? *)", "Timezone": "Europe/Berlin"},
            {
                **action,
                "Schedule": "at(2020-01-01T00:00:00)",
                "ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 2},
            },
        ],
    )
    assert list(explain_scaling(scaling, NOW)) == [
        "It is scaled between 0 and 4 tasks.",
        "It has no scaling policy: only schedules and bounds change how many tasks are desired.",
        "The scheduled action night (cron(0 15 * * ? *)) sets at most 2 tasks, next in 2 hours.",
        (
            "The scheduled action night (at(2020-01-01T00:00:00)) sets at least 1 and at most 2 tasks; "
            "it will not run again."
        ),
    ]


def test_a_step_policy_without_an_alarm_does_nothing_and_says_so():
    steps = {"StepAdjustments": [{"ScalingAdjustment": 1}]}
    policy = {"PolicyName": "steps", "StepScalingPolicyConfiguration": steps, "Alarms": []}
    queue = {**policy, "Alarms": [{"AlarmName": "queue"}]}
    scaling = Scaling(
        target={"MinCapacity": 0, "MaxCapacity": 4},
        policies=[policy, queue],
        alarms={"queue": alarm("queue", "INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")},
    )
    assert list(explain_scaling(scaling, NOW))[1:] == [
        "The policy steps changes it by 1 step.",
        "No alarm calls for the policy steps: it does nothing.",
        "The policy steps changes it by 1 step.",
        "Its alarm queue is INSUFFICIENT_DATA since 2 minutes: Unchecked: Initial alarm creation.",
    ]
