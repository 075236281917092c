"""A service as its planner sees it, from the API's documents."""

from dataclasses import replace
from typing import Any

from tests.unit.cli.service_documents import ARN, GROUP, NOW, ago, answers, task

from homeport.cli.deploy.seen import service_of
from homeport.cli.explain.services import explain_service
from homeport.services.ecs.deployments.model import (
    Breaker,
    Deployment,
    Health,
    Phase,
    Rollout,
    Target,
    TargetHealth,
    ThresholdType,
)


def test_a_task_is_of_the_revision_of_the_deployment_that_started_it() -> None:
    seen = service_of(
        answers(
            task("new"),
            task("old", startedBy="ecs-svc/1", taskDefinitionArn=f"{ARN}:task-definition/web:1"),
            task("kept", startedBy="ecs-svc/0"),
        )
    )
    assert seen.deployments == (
        Deployment("ecs-svc/2", "revision/2"),
        Deployment("ecs-svc/1", "revision/1", Rollout.COMPLETED),
    )
    assert [each.revision for each in seen.tasks] == ["revision/2", "revision/1", "revision/2"]


def test_phases_follow_from_both_statuses() -> None:
    seen = service_of(
        answers(
            task("a", "PROVISIONING"),
            task("b", "ACTIVATING"),
            task("c"),
            task("d", desiredStatus="STOPPED"),
            task("e", "STOPPED", desiredStatus="STOPPED"),
        )
    )
    assert [each.phase for each in seen.tasks] == [Phase.PENDING, Phase.PENDING, Phase.RUNNING, Phase.STOPPING]


def test_container_health_counts_only_where_an_essential_container_is_checked() -> None:
    def seen(*containers: dict[str, Any]) -> Health | None:
        definition = {f"{ARN}:task-definition/web:2": {"containerDefinitions": containers}}
        return service_of(answers(task("a", healthStatus="HEALTHY"), definitions=definition)).tasks[0].container_health

    assert seen({"name": "web", "healthCheck": {}}) is Health.HEALTHY
    assert seen({"name": "web"}, {"name": "side", "essential": False, "healthCheck": {}}) is None


BALANCED = [{"targetGroupArn": GROUP, "containerName": "web", "containerPort": 80}]


def health(id_: str, port: int, state: str, **members: str) -> dict[str, Any]:
    return {"Target": {"Id": id_, "Port": port}, "TargetHealth": {"State": state, **members}}


def test_a_target_is_found_by_the_tasks_address_or_its_instances_port() -> None:
    bridged = task(
        "bridged",
        containerInstanceArn="instance",
        containers=[{"name": "web", "networkBindings": [{"containerPort": 80, "hostPort": 32768}]}],
    )
    targets = {
        GROUP: [
            health("10.0.0.1", 80, "healthy"),
            health("10.0.0.1", 81, "unhealthy"),
            health("i-1", 32768, "unhealthy", Description="Health checks failed with these codes: [503]"),
        ]
    }
    seen = service_of(
        answers(task("a"), task("bb"), bridged, loadBalancers=BALANCED, targets=targets, instances={"instance": "i-1"})
    )
    assert [each.targets for each in seen.tasks] == [
        (Target(GROUP, TargetHealth.HEALTHY, 80),),
        (Target(GROUP, TargetHealth.INITIAL, 80),),
        (Target(GROUP, TargetHealth.UNHEALTHY, 32768, "Health checks failed with these codes: [503]"),),
    ]


def test_failures_to_start_are_those_since_a_task_last_did() -> None:
    def failed(name: str, seconds: float) -> dict[str, Any]:
        return task(name, "STOPPED", stopCode="TaskFailedToStart", stoppedAt=ago(seconds), stoppedReason=f"Why {name}.")

    seen = service_of(answers(task("runs"), failed("before", 110), failed("after", 50), failed("last", 20)))
    assert (seen.primary.launch_failures, seen.primary.last_failure_at) == (2, ago(20).timestamp())
    said = list(explain_service(answers(task("runs"), failed("after", 50), failed("last", 20)), NOW.timestamp()))
    assert said[-2:] == ["The task last failed to start: Why last.", "The task after failed to start: Why after."]


def test_a_circuit_breaker_is_read_with_its_threshold() -> None:
    shown = answers().service
    declared = {"enable": True, "rollback": True, "thresholdConfiguration": {"type": "COUNT", "value": 5}}
    configuration = {**shown["deploymentConfiguration"], "deploymentCircuitBreaker": declared}
    seen = replace(answers(), service={**shown, "deploymentConfiguration": configuration})
    assert service_of(seen).breaker == Breaker(rollback=True, threshold_type=ThresholdType.COUNT, threshold_value=5)
    assert "0 tasks of it failed in a row: at 5 it is rolled back." in list(explain_service(seen, NOW.timestamp()))
    off = {**shown["deploymentConfiguration"], "deploymentCircuitBreaker": {"enable": False, "rollback": False}}
    assert service_of(replace(answers(), service={**shown, "deploymentConfiguration": off})).breaker is None


def test_an_unhealthy_target_and_the_latest_events_are_told() -> None:
    targets = {GROUP: [health("10.0.0.1", 80, "unhealthy", Description="Request timed out")]}
    event = {"createdAt": ago(7200), "message": "(service web) has reached a steady state."}
    said = list(
        explain_service(answers(task("a"), loadBalancers=BALANCED, targets=targets, events=[event]), NOW.timestamp())
    )
    assert "The task a is unhealthy: Request timed out, in the target group targetgroup/web/1, port 80." in said
    assert "Next it starts 2 tasks." in said
    assert said[-1] == "2 hours ago: (service web) has reached a steady state."
