"""Scheduled actions: put, described, run at their time, deleted."""

import time

import pytest

from .conftest import WEB


def put(client, name="morning", schedule="rate(10 minutes)", **changes):
    action = changes.pop("action", {"MinCapacity": 4, "MaxCapacity": 8})
    client.put_scheduled_action(
        ScheduledActionName=name, Schedule=schedule, ScalableTargetAction=action, **WEB, **changes
    )


def actions(client, **arguments):
    return client.describe_scheduled_actions(ServiceNamespace="ecs", **arguments)["ScheduledActions"]


def test_an_action_is_put_described_and_deleted(api, scaled, refused):
    put(scaled.client, schedule="cron(0 9 ? * MON-FRI *)", Timezone="Europe/Berlin")
    (action,) = actions(scaled.client)
    action.pop("CreationTime")
    assert action.pop("ScheduledActionARN").startswith(f"arn:aws:autoscaling:us-east-1:{api.account}:scheduledAction:")
    assert action == {
        **WEB,
        "ScheduledActionName": "morning",
        "Schedule": "cron(0 9 ? * MON-FRI *)",
        "Timezone": "Europe/Berlin",
        "ScalableTargetAction": {"MinCapacity": 4, "MaxCapacity": 8},
    }
    scaled.client.delete_scheduled_action(ScheduledActionName="morning", **WEB)
    assert actions(scaled.client) == []
    assert refused(scaled.client.delete_scheduled_action, ScheduledActionName="morning", **WEB) == (
        "ObjectNotFoundException",
        (
            "No scheduled action found for service namespace: ecs, resource ID: service/default/web, "
            "scalable dimension: ecs:service:DesiredCount, scheduled action name: morning"
        ),
    )


def test_an_action_that_is_put_again_keeps_what_it_does_not_say(scaled):
    put(scaled.client, Timezone="Europe/Berlin")
    scaled.client.put_scheduled_action(ScheduledActionName="morning", Schedule="rate(1 hour)", **WEB)
    (action,) = actions(scaled.client)
    assert (action["Schedule"], action["Timezone"]) == ("rate(1 hour)", "Europe/Berlin")
    assert action["ScalableTargetAction"] == {"MinCapacity": 4, "MaxCapacity": 8}


def test_at_its_time_an_action_sets_the_bounds_and_the_service_follows(scaled):
    put(scaled.client)
    scaled.look()
    assert scaled.desired == 2
    scaled.clock.advance(11 * 60)
    scaled.look()
    assert scaled.desired == 4
    (target,) = scaled.client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (4, 8)
    told = [(a["Description"], a["Cause"], a["StatusMessage"]) for a in scaled.activities()]
    assert sorted(told) == [
        (
            "Setting desired count to 4.",
            "minimum capacity was set to 4",
            "Successfully set desired count to 4. Waiting for change to be fulfilled by ecs.",
        ),
        (
            "Setting min capacity to 4 and max capacity to 8",
            "scheduled action name morning was triggered",
            "Successfully set min capacity to 4 and max capacity to 8",
        ),
    ]
    scaled.look()
    assert len(scaled.activities()) == 2, "it has run, and its next time has not come"


def test_times_that_were_missed_are_made_up_for_once(scaled):
    put(scaled.client, action={"MinCapacity": 3})
    scaled.clock.advance(55 * 60)
    scaled.look()
    scaled.look()
    assert sum("scheduled action" in a["Cause"] for a in scaled.activities()) == 1


def test_an_action_does_nothing_while_suspended_before_its_start_or_after_its_end(scaled):
    now = time.time()
    scaled.client.register_scalable_target(**WEB, SuspendedState={"ScheduledScalingSuspended": True})
    put(scaled.client, "suspended")
    scaled.clock.advance(11 * 60)
    scaled.look()
    assert scaled.desired == 2
    scaled.client.delete_scheduled_action(ScheduledActionName="suspended", **WEB)
    scaled.client.register_scalable_target(**WEB, SuspendedState={"ScheduledScalingSuspended": False})
    put(scaled.client, "later", "cron(* * * * ? *)", StartTime=now + 3_600, EndTime=now + 3_700)
    scaled.clock.seconds = now + 3_590
    scaled.look()
    assert scaled.desired == 2
    scaled.clock.seconds = now + 3_665
    scaled.look()
    assert scaled.desired == 4
    count = len(scaled.activities())
    scaled.clock.seconds = now + 9_000
    for _ in range(3):
        scaled.look()
    assert len(scaled.activities()) <= count + 1


def test_an_action_that_does_not_fit_fails_and_changes_nothing(scaled):
    put(scaled.client, action={"MinCapacity": 11})
    scaled.clock.advance(11 * 60)
    scaled.look()
    (activity,) = scaled.activities()
    assert (activity["StatusCode"], scaled.desired) == ("Failed", 2)


def test_actions_come_in_pages(scaled):
    for number in range(5):
        put(scaled.client, f"a{number}")
    pages = scaled.client.get_paginator("describe_scheduled_actions").paginate(
        ServiceNamespace="ecs", PaginationConfig={"PageSize": 2}
    )
    found = [[action["ScheduledActionName"] for action in page["ScheduledActions"]] for page in pages]
    assert found == [["a0", "a1"], ["a2", "a3"], ["a4"]]
    assert [a["ScheduledActionName"] for a in actions(scaled.client, ScheduledActionNames=["a3"])] == ["a3"]


@pytest.mark.parametrize(
    "change",
    [
        {"schedule": "cron(0 9 * * * *)"},
        {"schedule": "at(2020-01-01T00:00:00)"},
        {"Timezone": "Mars/Olympus"},
        {"action": {}},
        {"action": {"MinCapacity": 3, "MaxCapacity": 2}},
        {"StartTime": 4_000_000_000, "EndTime": 3_900_000_000},
    ],
)
def test_an_action_that_never_runs_or_does_nothing_is_refused(scaled, refused, change):
    code, _ = refused(put, client=scaled.client, **change)
    assert code == "ValidationException"
    assert actions(scaled.client) == []
