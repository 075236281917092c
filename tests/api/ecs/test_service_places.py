"""Where a service's tasks are: spread over zones again, and away from instances that are to be emptied."""

from collections import Counter
from typing import Any

import pytest

from .machines import Machines
from .services import Service

CONTAINER = {"name": "web", "image": "web", "memory": 64, "cpu": 10}


def small(ecs: Any) -> str:
    answer = ecs.client.register_task_definition(family="small", containerDefinitions=[CONTAINER])
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def on_instances(ecs: Any, **declared: Any) -> Service:
    return Service(ecs, launchType="EC2", taskDefinition=small(ecs), networkConfiguration=None, **declared)


def zones(service: Service) -> list[int]:
    return sorted(Counter(task["availabilityZone"] for task in service.tasks()).values())


def test_a_new_service_is_rebalanced_unless_it_could_not_be(ecs: Any) -> None:
    def made(name: str, **declared: Any) -> str:
        shown = Service(ecs, name, taskDefinition="web", desiredCount=0, **declared).shown()
        return str(shown["availabilityZoneRebalancing"])

    ecs.register()
    assert made("plain") == "ENABLED"
    assert made("told", availabilityZoneRebalancing="DISABLED") == "DISABLED"
    full = {"minimumHealthyPercent": 0, "maximumPercent": 100}
    assert made("full", deploymentConfiguration=full) == "DISABLED"
    packed = on_instances(ecs, name="packed", desiredCount=0, placementStrategy=[{"type": "binpack", "field": "cpu"}])
    assert packed.shown()["availabilityZoneRebalancing"] == "DISABLED"
    refused = ecs.refusal(
        ecs.client.update_service, service="full", availabilityZoneRebalancing="ENABLED", deploymentConfiguration=full
    )
    assert refused == ("InvalidParameterException", "AZ rebalancing needs a maximumPercent above 100.")


def test_a_service_is_spread_again_when_a_zone_comes_back(ecs: Any) -> None:
    machines = Machines(ecs)
    machines.registered(machines.launch(zone=0))
    service = on_instances(ecs, desiredCount=4)
    service.become_steady()
    assert zones(service) == [4]
    machines.registered(machines.launch(zone=1))
    ecs.keep()
    assert any(
        "is not AZ balanced with 4 tasks in us-east-1a, 0 tasks in us-east-1b" in said for said in service.events()
    )
    assert len(service.tasks()) == 6
    for _ in range(4):
        service.start()
        service.settle()
        service.finish()
    assert zones(service) == [2, 2]
    said = service.events()
    assert any(
        event.startswith("(service web) has started 2 tasks in us-east-1b to AZ Rebalance: (task ") for event in said
    )
    assert any(event.startswith("(service web) is AZ balanced with 2 tasks in us-east-1") for event in said)


def test_tasks_leave_an_instance_that_is_drained_when_others_have_taken_their_place(ecs: Any) -> None:
    machines = Machines(ecs)
    first = machines.registered(machines.launch())["containerInstanceArn"]
    service = on_instances(ecs, desiredCount=2)
    service.become_steady()
    second = machines.registered(machines.launch())["containerInstanceArn"]
    ecs.client.update_container_instances_state(containerInstances=[first], status="DRAINING")
    ecs.keep()
    where = Counter(task["containerInstanceArn"] for task in service.tasks())
    assert where == {first: 2, second: 2}
    service.start()
    assert Counter(task["containerInstanceArn"] for task in service.tasks()) == {first: 2, second: 2}
    service.settle()
    assert {task["containerInstanceArn"] for task in service.tasks()} == {second}
    service.become_steady()
    assert service.shown()["runningCount"] == 2


def test_a_task_that_waits_on_a_drained_instance_is_stopped_at_once(ecs: Any) -> None:
    machines = Machines(ecs)
    first = machines.registered(machines.launch())["containerInstanceArn"]
    service = on_instances(ecs, desiredCount=1)
    assert [task["containerInstanceArn"] for task in service.tasks()] == [first]
    ecs.client.update_container_instances_state(containerInstances=[first], status="DRAINING")
    ecs.keep()
    assert service.tasks() == []


@pytest.mark.parametrize("draining", [True, False])
def test_a_stand_alone_task_stays_on_a_drained_instance(ecs: Any, draining: bool) -> None:
    machines = Machines(ecs)
    first = machines.registered(machines.launch())["containerInstanceArn"]
    alone = ecs.client.run_task(taskDefinition=small(ecs), launchType="EC2")["tasks"][0]
    if draining:
        ecs.client.update_container_instances_state(containerInstances=[first], status="DRAINING")
        ecs.keep()
    assert ecs.describe(alone)["desiredStatus"] == "RUNNING"
