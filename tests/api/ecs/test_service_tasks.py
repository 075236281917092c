"""What a service does with its tasks: the reconciler over the whole API, the test being the node."""

from collections import Counter
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from homeport.services.ecs.reconcilers import services as reconciler
from homeport.services.ecs.store import services

from .machines import Machines
from .services import Service

STEADY = "(service web) has reached a steady state."
CHECKED = {
    "name": "web",
    "image": "homeport/web:latest",
    "healthCheck": {"command": ["CMD-SHELL", "true"]},
}
EC2 = {"name": "web", "image": "web", "memory": 64, "cpu": 10}


def test_a_service_starts_its_tasks_and_becomes_steady(ecs: Any) -> None:
    service = Service(ecs, desiredCount=3)
    started = service.tasks()
    assert len(started) == 3
    deployment = service.shown()["deployments"][0]["id"]
    assert {(task["group"], task["startedBy"]) for task in started} == {("service:web", deployment)}
    assert service.shown()["pendingCount"] == 3
    service.start()
    assert (service.shown()["runningCount"], service.shown()["pendingCount"]) == (3, 0)
    assert {ecs.assigned_task(task).service for task in started} == {"web"}  # which its metadata names
    assert STEADY not in service.events()
    assert service.deployments() == {"PRIMARY": "IN_PROGRESS"}
    service.settle()
    assert service.deployments() == {"PRIMARY": "COMPLETED"}
    assert service.shown()["deployments"][0]["rolloutStateReason"] == f"ECS deployment {deployment} completed."
    ids = [task["taskArn"].rpartition("/")[2] for task in started]
    first, *others = service.events()
    assert first.startswith("(service web) has started 3 tasks: (task ")
    assert all(f"(task {task_id})" in first for task_id in ids)
    assert others == [f"(service web) (deployment {deployment}) deployment completed.", STEADY]


def test_tasks_of_a_service_spread_over_the_zones_of_its_subnets(ecs: Any) -> None:
    network = {"awsvpcConfiguration": {"subnets": [subnet.id for subnet in ecs.subnets]}}
    service = Service(ecs, desiredCount=4, networkConfiguration=network)
    zones = Counter(task["availabilityZone"] for task in service.tasks())
    assert sorted(zones.values()) == [1, 1, 2]
    service.update(desiredCount=6)
    zones = Counter(task["availabilityZone"] for task in service.tasks())
    assert sorted(zones.values()) == [2, 2, 2]


def test_a_service_scales_in_and_out(ecs: Any) -> None:
    service = Service(ecs, desiredCount=1)
    service.become_steady()
    before = service.shown()["deployments"][0]["id"]
    service.update(desiredCount=3)
    assert len(service.tasks()) == 3
    service.become_steady()
    service.update(desiredCount=2)
    stopped = service.tasks("STOPPED")
    assert [(task["stopCode"], task["stoppedReason"]) for task in stopped] == [
        ("ServiceSchedulerInitiated", f"Scaling activity initiated by (deployment {before})")
    ]
    assert service.shown()["deployments"][0]["id"] == before
    gone = stopped[0]["taskArn"].rpartition("/")[2]
    assert f"(service web) has stopped 1 running tasks: (task {gone})." in service.events()


def test_tasks_that_end_are_replaced(ecs: Any) -> None:
    service = Service(ecs)
    service.become_steady()
    by_itself, by_user = service.tasks()
    service.end(by_itself, "essential-exited")
    ecs.client.stop_task(task=by_user["taskArn"])
    assert "ecs.services" in ecs.wakes
    ecs.keep()
    now = service.ids()
    assert len(now) == 2
    assert not now & {task["taskArn"].rpartition("/")[2] for task in (by_itself, by_user)}


def test_a_rolling_update_replaces_tasks_within_its_limits(ecs: Any) -> None:
    service = Service(ecs, desiredCount=4, deploymentConfiguration={"minimumHealthyPercent": 75, "maximumPercent": 125})
    service.become_steady()
    old = service.ids()
    updated = service.update(taskDefinition=ecs.register())
    assert [each["status"] for each in updated["deployments"]] == ["PRIMARY", "ACTIVE"]
    assert updated["taskDefinition"].endswith("web:2")
    for _ in range(30):
        shown = service.shown()
        running = shown["runningCount"]
        assert running + shown["pendingCount"] <= 5
        assert running >= 3
        if service.deployments() == {"PRIMARY": "COMPLETED"}:
            break
        service.start()
        service.settle()
        service.finish()
    assert service.deployments() == {"PRIMARY": "COMPLETED"}
    assert not service.ids() & old
    assert {task["taskDefinitionArn"].rpartition(":")[2] for task in service.tasks()} == {"2"}
    assert service.events()[-1] == STEADY


def test_what_concerns_no_task_begins_no_deployment(ecs: Any) -> None:
    service = Service(ecs)
    service.become_steady()
    before, tasks = service.shown()["deployments"][0]["id"], service.ids()
    service.update(
        desiredCount=2,
        taskDefinition="web",
        deploymentConfiguration={"maximumPercent": 150},
        healthCheckGracePeriodSeconds=10,
        propagateTags="SERVICE",
    )
    assert service.shown()["deployments"][0]["id"] == before
    assert service.ids() == tasks
    service.update(forceNewDeployment=True)
    assert service.shown()["deployments"][0]["id"] != before
    assert service.deployments() == {"PRIMARY": "IN_PROGRESS", "ACTIVE": "COMPLETED"}


def test_a_task_with_a_health_check_counts_once_that_passes(ecs: Any) -> None:
    service = Service(ecs, taskDefinition=ecs.register(CHECKED), desiredCount=1)
    service.start(web={"status": "RUNNING", "health": "UNKNOWN"})
    service.settle()
    assert service.deployments() == {"PRIMARY": "IN_PROGRESS"}
    ecs.report(service.tasks()[0], "running", containers={"web": {"status": "RUNNING", "health": "HEALTHY"}})
    ecs.keep()
    assert service.deployments() == {"PRIMARY": "COMPLETED"}


def test_an_unhealthy_task_is_replaced(ecs: Any) -> None:
    service = Service(ecs, taskDefinition=ecs.register(CHECKED), desiredCount=1)
    service.start(web={"status": "RUNNING", "health": "HEALTHY"})
    (ill,) = service.tasks()
    ecs.report(ill, "running", containers={"web": {"status": "RUNNING", "health": "UNHEALTHY"}})
    ecs.keep()
    name = ill["taskArn"].rpartition("/")[2]
    assert len(service.tasks()) == 2
    assert f"(service web) (task {name}) failed container health checks." in service.events()
    replacing = next(event for event in service.events() if event.endswith("due to an unhealthy status."))
    assert replacing.startswith("(service web) has started 1 tasks: (task ")
    service.start(web={"status": "RUNNING", "health": "HEALTHY"})
    ecs.keep()
    assert name not in service.ids()
    stopped = ecs.describe(ill)
    assert (stopped["stopCode"], stopped["stoppedReason"]) == (
        "ServiceSchedulerInitiated",
        "Task failed container health checks",
    )


def test_the_circuit_breaker_trips_at_three_failures_and_goes_back(ecs: Any) -> None:
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    service = Service(ecs, desiredCount=1, deploymentConfiguration=breaker)
    service.become_steady()
    good, kept = service.shown()["taskDefinition"], service.ids()
    service.update(taskDefinition=ecs.register())
    failing = service.shown()["deployments"][0]["id"]
    for failures in (1, 2):
        service.fail()
        assert service.deployments() == {"PRIMARY": "IN_PROGRESS", "ACTIVE": "COMPLETED"}
        assert service.shown()["deployments"][0]["failedTasks"] == failures
        ecs.clock.advance(1700)  # more than the longest delay before the next is tried
        ecs.keep()
    service.fail(passes=1)
    shown = service.shown()
    assert shown["taskDefinition"] == good
    primary = shown["deployments"][0]
    assert primary["id"] != failing
    assert primary["rolloutStateReason"] == (
        f"ECS deployment circuit breaker: rolling back to deploymentId {primary['id']}."
    )
    said = service.events()
    assert f"(service web) (deployment {failing}) deployment failed: tasks failed to start." in said
    assert said[-1] == f"(service web) rolling back to deployment {primary['id']}."
    service.become_steady()
    assert service.ids() == kept
    assert service.shown()["runningCount"] == 1


def test_without_rollback_a_failed_deployment_starts_nothing_more(ecs: Any) -> None:
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
    service = Service(ecs, desiredCount=1, deploymentConfiguration=breaker)
    for _ in range(3):
        service.fail()
        ecs.clock.advance(1700)
        ecs.keep()
    assert service.deployments() == {"PRIMARY": "FAILED"}
    reason = service.shown()["deployments"][0]["rolloutStateReason"]
    assert reason == "ECS deployment circuit breaker: tasks failed to start."
    assert service.tasks() == []
    service.update(taskDefinition=ecs.register())
    assert service.deployments()["PRIMARY"] == "IN_PROGRESS"
    assert len(service.tasks()) == 1


def test_tasks_that_never_run_are_tried_less_and_less_often(ecs: Any) -> None:
    service = Service(ecs, desiredCount=1)
    service.fail()
    assert service.tasks() == []
    ecs.clock.advance(4)
    ecs.keep()
    assert service.tasks() == []
    ecs.clock.advance(2)
    ecs.keep()
    assert len(service.tasks()) == 1
    for _ in range(2):
        service.fail()
        ecs.clock.advance(1700)
        ecs.keep()
    service.fail()
    assert (
        "(service web) is unable to consistently start tasks successfully. For more information, see the"
        " Troubleshooting section of the Amazon ECS Developer Guide."
    ) in service.events()


def test_a_service_takes_note_of_every_end_once(ecs: Any) -> None:
    service = Service(ecs, desiredCount=1)
    service.fail()
    assert service.unsettled() == 0
    assert service.shown()["deployments"][0]["failedTasks"] == 1
    ecs.keep()
    assert service.shown()["deployments"][0]["failedTasks"] == 1


def test_a_look_that_is_cut_short_leaves_nothing_behind(ecs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(ecs, desiredCount=0)
    before = service.events()

    async def fail(*_: Any) -> None:
        raise RuntimeError("killed")

    ecs.client.update_service(service="web", desiredCount=2)
    with monkeypatch.context() as patched:
        patched.setattr(services, "put_progress", fail)
        ecs.keep()
    assert service.tasks() == []
    assert service.events() == before
    ecs.clock.advance(reconciler.AFTER_FAILURE)
    ecs.keep()
    assert len(service.tasks()) == 2


def test_tags_reach_tasks_as_declared(ecs: Any) -> None:
    definition = ecs.register(tags=[{"key": "of", "value": "definition"}])
    tags = [{"key": "of", "value": "service"}]
    kinds: dict[str, Any] = {
        "none": {},
        "service": {"propagateTags": "SERVICE"},
        "def": {"propagateTags": "TASK_DEFINITION"},
    }
    seen = {}
    for name, more in kinds.items():
        made = Service(
            ecs, name, taskDefinition=definition, tags=tags, desiredCount=1, enableECSManagedTags=True, **more
        )
        seen[name] = {tag["key"]: tag["value"] for tag in made.tasks()[0]["tags"]}
    managed = {"aws:ecs:clusterName": "default"}
    assert seen == {
        "none": managed | {"aws:ecs:serviceName": "none"},
        "service": managed | {"aws:ecs:serviceName": "service", "of": "service"},
        "def": managed | {"aws:ecs:serviceName": "def", "of": "definition"},
    }


def test_capacity_providers_share_the_tasks_of_a_service(ecs: Any) -> None:
    strategy = [
        {"capacityProvider": "FARGATE", "base": 1, "weight": 1},
        {"capacityProvider": "FARGATE_SPOT", "weight": 3},
    ]
    service = Service(ecs, launchType=None, capacityProviderStrategy=strategy, desiredCount=5)
    assert "launchType" not in service.shown()
    counted = Counter(task["capacityProviderName"] for task in service.tasks())
    assert counted == {"FARGATE": 2, "FARGATE_SPOT": 3}
    service.update(desiredCount=9)
    counted = Counter(task["capacityProviderName"] for task in service.tasks())
    assert counted == {"FARGATE": 3, "FARGATE_SPOT": 6}


def test_on_instances_a_service_says_why_it_cannot_place_a_task_and_tries_again(ecs: Any) -> None:
    definition = ecs.client.register_task_definition(family="small", containerDefinitions=[EC2])
    arn = definition["taskDefinition"]["taskDefinitionArn"]
    service = Service(ecs, launchType="EC2", taskDefinition=arn, networkConfiguration=None, desiredCount=2)
    sentence = (
        "(service web) was unable to place a task because no container instance met all of its requirements."
        " Reason: No Container Instances were found in your cluster. For more information, see the"
        " Troubleshooting section of the Amazon ECS Developer Guide."
    )
    assert service.events() == [sentence]
    ecs.clock.advance(6)
    ecs.keep()
    assert service.events() == [sentence]
    machines = Machines(ecs)
    instance = machines.registered(machines.launch())
    ecs.clock.advance(60)
    ecs.keep()
    tasks = service.tasks()
    assert {task["containerInstanceArn"] for task in tasks} == {instance["containerInstanceArn"]}
    assert len(tasks) == 2


def test_the_instance_that_comes_closest_is_named(ecs: Any) -> None:
    big = EC2 | {"memory": 100_000}
    definition = ecs.client.register_task_definition(family="big", containerDefinitions=[big])
    machines = Machines(ecs)
    instance = machines.registered(machines.launch())["containerInstanceArn"].rpartition("/")[2]
    service = Service(
        ecs,
        launchType="EC2",
        taskDefinition=definition["taskDefinition"]["taskDefinitionArn"],
        networkConfiguration=None,
        desiredCount=1,
    )
    (event,) = service.events()
    assert f"The closest matching (container-instance {instance}) has insufficient memory available." in event


def test_a_hundred_events_are_kept(ecs: Any) -> None:
    service = Service(ecs, desiredCount=0)
    for _ in range(53):
        service.update(desiredCount=1)
        service.update(desiredCount=0)
        service.finish()
    shown = service.shown()["events"]
    assert len(shown) == 100
    assert [each["createdAt"] for each in shown] == sorted((each["createdAt"] for each in shown), reverse=True)


def test_boto3s_waiters_understand_a_service(ecs: Any) -> None:
    service = Service(ecs, desiredCount=1)
    service.become_steady()
    once = {"Delay": 1, "MaxAttempts": 1}
    ecs.client.get_waiter("services_stable").wait(services=["web"], WaiterConfig=once)
    ecs.client.delete_service(service="web", force=True)
    ecs.keep()
    service.finish()
    ecs.client.get_waiter("services_inactive").wait(services=["web"], WaiterConfig=once)


def test_a_subnet_that_is_gone_is_said_and_waited_for(ecs: Any) -> None:
    service = Service(ecs, desiredCount=0)

    async def lose(tx: Any) -> None:
        await tx.execute("UPDATE ec2_subnets SET region = 'elsewhere' WHERE id = ?", ecs.subnet)
        record = await services.find(tx, service.arn)
        assert record is not None
        declared = msgspec.structs.replace(record.declared, desired_count=1)
        await services.put(tx, replace(record, declared=declared))

    ecs.in_transaction(lose)
    ecs.keep()
    event = service.events()[-1]
    assert event.startswith(
        "(service web) failed to launch a task with (error Error retrieving subnet information for ["
    )
    assert service.tasks() == []


def test_a_task_that_only_runs_does_not_hide_that_others_end_at_once(ecs: Any) -> None:
    service = Service(ecs, desiredCount=2)
    ecs.place()
    first, second = service.tasks()
    ecs.report(first, "running", containers={"web": {"status": "RUNNING"}})
    service.end(first, "essential-exited")
    ecs.keep()
    ecs.report(second, "running", containers={"web": {"status": "RUNNING"}})
    ecs.keep()
    assert len(service.tasks()) == 1, "the first is not replaced at once, though the second runs"
    service.end(second, "essential-exited")
    ecs.keep()
    assert service.tasks() == []
    ecs.clock.advance(6)
    ecs.keep()
    assert len(service.tasks()) == 2
