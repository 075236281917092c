"""DAEMON services: one task on each container instance where one belongs."""

from typing import Any

from .machines import Machines
from .services import Service

CONTAINER = {"name": "web", "image": "web", "memory": 64, "cpu": 10}


def daemon(ecs: Any, **declared: Any) -> Service:
    definition = ecs.client.register_task_definition(family="agent", containerDefinitions=[CONTAINER])
    return Service(
        ecs,
        schedulingStrategy="DAEMON",
        launchType="EC2",
        taskDefinition=definition["taskDefinition"]["taskDefinitionArn"],
        networkConfiguration=None,
        desiredCount=None,
        **declared,
    )


def places(service: Service) -> list[str]:
    return sorted(task["containerInstanceArn"] for task in service.tasks())


def test_each_instance_has_one_daemon_as_instances_come_and_go(ecs: Any) -> None:
    machines = Machines(ecs)
    first = machines.registered(machines.launch())["containerInstanceArn"]
    service = daemon(ecs)
    assert places(service) == [first]
    second = machines.registered(machines.launch(zone=1))["containerInstanceArn"]
    ecs.keep()
    assert places(service) == sorted([first, second])
    assert service.shown()["desiredCount"] == 2
    service.become_steady()
    ecs.client.update_container_instances_state(containerInstances=[first], status="DRAINING")
    ecs.keep()
    assert places(service) == [second]
    service.finish()
    ecs.client.update_container_instances_state(containerInstances=[first], status="ACTIVE")
    ecs.keep()
    assert places(service) == sorted([first, second])


def test_constraints_say_where_a_daemon_belongs(ecs: Any) -> None:
    machines = Machines(ecs)
    first = machines.registered(machines.launch())["containerInstanceArn"]
    machines.registered(machines.launch(zone=1))
    attribute = {"name": "gpu", "value": "yes", "targetType": "container-instance", "targetId": first}
    ecs.client.put_attributes(attributes=[attribute])
    service = daemon(ecs, placementConstraints=[{"type": "memberOf", "expression": "attribute:gpu == yes"}])
    assert places(service) == [first]
    ecs.client.delete_attributes(attributes=[attribute])
    ecs.keep()
    assert places(service) == []


def test_a_daemon_is_replaced_where_it_is(ecs: Any) -> None:
    machines = Machines(ecs)
    machines.registered(machines.launch())
    service = daemon(ecs)
    service.become_steady()
    before = places(service)
    service.update(forceNewDeployment=True)
    assert service.tasks() == []
    service.become_steady()
    assert places(service) == before


def test_what_daemons_cannot_have_is_refused(ecs: Any) -> None:
    definition = ecs.client.register_task_definition(family="agent", containerDefinitions=[CONTAINER])
    base = {
        "serviceName": "agent",
        "taskDefinition": definition["taskDefinition"]["taskDefinitionArn"],
        "schedulingStrategy": "DAEMON",
    }
    no_count = (
        "The daemon scheduling strategy does not support a desired count for services. Remove the desired count "
        "value and try again."
    )
    refusals: list[tuple[dict[str, Any], str]] = [
        ({"desiredCount": 1}, no_count),
        (
            {"placementStrategy": [{"type": "random"}]},
            "The daemon scheduling strategy does not support placement strategies",
        ),
        (
            {"deploymentConfiguration": {"maximumPercent": 200}},
            "The daemon scheduling strategy does not support values above 100 for maximumPercent",
        ),
    ]
    for parameters, sentence in refusals:
        refused = ecs.refusal(ecs.client.create_service, **base, **parameters)
        assert refused == ("InvalidParameterException", sentence)


def test_a_daemon_service_is_deleted_without_force(ecs: Any) -> None:
    machines = Machines(ecs)
    machines.registered(machines.launch())
    service = daemon(ecs)
    service.become_steady()
    assert ecs.client.delete_service(service="web")["service"]["status"] == "DRAINING"
    ecs.keep()
    service.finish()
    assert service.shown()["status"] == "INACTIVE"
