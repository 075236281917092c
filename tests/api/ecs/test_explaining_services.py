"""What `homeport explain service` says, from the API's own answers, at each point of a service's life."""

from typing import Any

import pytest

from homeport.cli.deploy.reading import Asker, NotThere
from homeport.cli.deploy.seen import service_of
from homeport.cli.explain.services import explain_service
from homeport.services.ecs.deployments.plan import plan

from .services import Service


def explain(ecs: Any, name: str = "web") -> list[str]:
    answers = Asker(ecs.client, None, "default", name).ask()
    return list(explain_service(answers, ecs.clock.now()))


def acts(ecs: Any) -> tuple[Any, ...]:
    """What the planner would still do with the service as the API shows it."""
    return plan(service_of(Asker(ecs.client, None, "default", "web").ask()), ecs.clock.now()).actions


def test_a_service_is_explained_from_its_start_to_its_end(ecs: Any) -> None:
    service = Service(ecs, desiredCount=2)
    id_ = service.shown()["deployments"][0]["id"]
    said = explain(ecs)
    assert said[:3] == [
        ("The service web of the cluster default is ACTIVE: of 2 desired tasks, 0 are RUNNING and 2 are starting."),
        f"Its deployment {id_} (web:1) is IN_PROGRESS.",
        (
            "2 tasks must stay healthy (minimumHealthyPercent 100) and there may be 4 at a time (maximumPercent 200):"
            " 0 are healthy, and there are 2."
        ),
    ]
    assert said[3] == f"It waits: 2 tasks of {id_} not yet RUNNING."
    assert said[4].endswith(f" ago: {service.events()[0]}")
    service.start()
    assert any(
        line.startswith("It waits: 2 tasks RUNNING for less than 40 seconds, without a health check. In ")
        for line in explain(ecs)
    )
    service.settle()
    steady = explain(ecs)
    assert steady[1:3] == [f"Its deployment {id_} (web:1) is COMPLETED.", "It waits for nothing: all is as desired."]
    assert steady[3].endswith("has reached a steady state.")
    ecs.client.delete_service(service="web", force=True)
    ecs.keep()
    assert explain(ecs)[1:] == ["It is being deleted, and is gone when its last task has stopped."]
    service.finish()
    assert explain(ecs) == ["The service web of the cluster default was deleted."]
    with pytest.raises(NotThere, match="the cluster default has no service other"):
        explain(ecs, "other")


def test_a_deployment_says_what_it_replaces_and_what_is_in_its_way(ecs: Any) -> None:
    limits = {"minimumHealthyPercent": 100, "maximumPercent": 125}
    service = Service(ecs, desiredCount=1)
    service.become_steady()
    old = service.shown()["deployments"][0]["id"]
    service.update(taskDefinition=ecs.register(), deploymentConfiguration=limits)
    said = explain(ecs)
    assert f"It replaces {old} (web:1), which has 1 task left." in said
    assert ("It waits: there is no room to start 1 more task: maximumPercent 125 allows 1 at a time.") in said
    assert "It waits: nothing can move until minimumHealthyPercent or maximumPercent is changed." in said
    assert acts(ecs) == ()


def test_failing_tasks_are_named_with_their_reason_and_what_they_lead_to(ecs: Any) -> None:
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    service = Service(ecs, desiredCount=1, deploymentConfiguration=breaker)
    service.fail()
    said = explain(ecs)
    assert "1 task of it failed in a row: at 3 it is rolled back." in said
    assert any(line.endswith("CannotPullContainerError: no such image.") for line in said)
    assert any(line.startswith("It waits: 1 task in a row ended without having been RUNNING. In ") for line in said)
    assert acts(ecs) == ()
    for _ in range(2):
        ecs.clock.advance(1700)
        ecs.keep()
        service.fail()
    id_ = service.shown()["deployments"][0]["id"]
    assert (f"It waits: {id_} has failed and starts no more tasks until the service is updated.") in explain(ecs)
    assert acts(ecs) == ()


def test_an_unhealthy_task_is_named(ecs: Any) -> None:
    checked = {
        "name": "web",
        "image": "homeport/web:latest",
        "healthCheck": {"command": ["CMD-SHELL", "true"]},
    }
    service = Service(ecs, desiredCount=1, taskDefinition=ecs.register(checked))
    service.start(web={"status": "RUNNING", "health": "UNHEALTHY"})
    (sick,) = [task for task in service.tasks() if task["lastStatus"] == "RUNNING"]
    said = explain(ecs)
    id_ = sick["taskArn"].rpartition("/")[2]
    assert f"The task {id_} is unhealthy: the health check of a container fails." in said
    assert acts(ecs) == ()


def test_after_a_rollback_the_tasks_that_were_kept_are_the_new_deployments(ecs: Any) -> None:
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    service = Service(ecs, desiredCount=1, deploymentConfiguration=breaker)
    service.become_steady()
    service.update(taskDefinition=ecs.register())
    for _ in range(3):
        service.fail()
        ecs.clock.advance(1700)
        ecs.keep()
    service.become_steady()
    (seen,) = service_of(Asker(ecs.client, None, "default", "web").ask()).tasks
    assert seen.deployment != service.shown()["deployments"][0]["id"]
    assert "It waits for nothing: all is as desired." in explain(ecs)
    assert acts(ecs) == ()
