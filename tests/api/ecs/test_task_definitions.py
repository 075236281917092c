"""Task definitions: revisions, statuses, lists."""

from typing import Any

import pytest
from tests.api.ecs.services import Service

from homeport.services.ecs.reconcilers import cleanup

ARN = "arn:aws:ecs:us-east-1:123456789012:task-definition"


def test_registration_answers_with_everything_filled_in(ecs: Any) -> None:
    answer = ecs.client.register_task_definition(
        family="web",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu=".25 vCPU",
        memory="0.5GB",
        executionRoleArn="arn:aws:iam::123456789012:role/ecsTaskExecutionRole",
        containerDefinitions=[
            {
                "name": "web",
                "image": "homeport/web:latest",
                "portMappings": [{"containerPort": 80}],
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {
                        "awslogs-group": "/ecs/web",
                        "awslogs-region": "us-east-1",
                        "awslogs-stream-prefix": "web",
                    },
                },
            }
        ],
        tags=[{"key": "team", "value": "blue"}],
    )
    definition = answer["taskDefinition"]
    assert definition["taskDefinitionArn"] == f"{ARN}/web:1"
    assert (definition["revision"], definition["status"]) == (1, "ACTIVE")
    assert (definition["cpu"], definition["memory"]) == ("256", "512")
    assert definition["registeredBy"] == "arn:aws:iam::123456789012:root"
    assert definition["registeredAt"].tzinfo is not None
    assert {"EC2", "FARGATE"} <= set(definition["compatibilities"])
    assert {"name": "ecs.capability.task-eni"} in definition["requiresAttributes"]
    assert definition["containerDefinitions"][0]["portMappings"] == [
        {"containerPort": 80, "hostPort": 80, "protocol": "tcp"}
    ]
    assert answer["tags"] == [{"key": "team", "value": "blue"}]
    assert ecs.client.describe_task_definition(taskDefinition="web")["taskDefinition"] == definition


def test_latest_active_revision_is_what_a_family_means(ecs: Any) -> None:
    for _ in range(3):
        ecs.register()
    ecs.client.deregister_task_definition(taskDefinition="web:3")
    for given in ("web", "web:2", f"{ARN}/web:2"):
        found = ecs.client.describe_task_definition(taskDefinition=given)["taskDefinition"]
        assert found["taskDefinitionArn"] == f"{ARN}/web:2"
    inactive = ecs.client.describe_task_definition(taskDefinition="web:3")["taskDefinition"]
    assert inactive["status"] == "INACTIVE"
    assert inactive["deregisteredAt"] >= inactive["registeredAt"]


def test_tags_are_described_when_included(ecs: Any) -> None:
    ecs.register(tags=[{"key": "team", "value": "blue"}])
    assert "tags" not in ecs.client.describe_task_definition(taskDefinition="web")
    described = ecs.client.describe_task_definition(taskDefinition="web", include=["TAGS"])
    assert described["tags"] == [{"key": "team", "value": "blue"}]


@pytest.mark.parametrize("given", ["nowhere", "web:9", f"{ARN}/web:9", "arn:aws:ecs:eu-west-1:123456789012:x/web:1"])
def test_definition_that_does_not_exist(ecs: Any, given: str) -> None:
    ecs.register()
    assert ecs.refusal(ecs.client.describe_task_definition, taskDefinition=given) == (
        "ClientException",
        "Unable to describe task definition.",
    )


def test_revisions_are_never_used_twice(ecs: Any) -> None:
    ecs.register()
    ecs.client.deregister_task_definition(taskDefinition="web:1")
    deleted = ecs.client.delete_task_definitions(taskDefinitions=["web:1"])["taskDefinitions"][0]
    assert deleted["status"] == "DELETE_IN_PROGRESS"
    assert deleted["deleteRequestedAt"] >= deleted["deregisteredAt"]
    ecs.cleanup(later=0)
    assert ecs.refusal(ecs.client.describe_task_definition, taskDefinition="web:1")[0] == "ClientException"
    assert ecs.register() == f"{ARN}/web:2"


def test_deleted_revision_stays_while_a_task_runs_it(ecs: Any) -> None:
    task = ecs.run()
    ecs.place()
    ecs.client.deregister_task_definition(taskDefinition="web:1")
    ecs.client.delete_task_definitions(taskDefinitions=["web:1"])
    ecs.cleanup(later=0)
    assert ecs.client.describe_task_definition(taskDefinition="web:1")["taskDefinition"]["revision"] == 1
    ecs.client.stop_task(task=task["taskArn"])
    ecs.report(task, "gone")
    ecs.cleanup(later=0)
    assert ecs.refusal(ecs.client.describe_task_definition, taskDefinition="web:1")[0] == "ClientException"


def test_deleted_revisions_that_must_stay_keep_no_others(ecs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "_BATCH", 1)
    ecs.run()
    ecs.place()
    ecs.register()
    for revision in ("web:1", "web:2"):
        ecs.client.deregister_task_definition(taskDefinition=revision)
    ecs.client.delete_task_definitions(taskDefinitions=["web:1", "web:2"])
    ecs.cleanup(later=0)
    assert ecs.client.describe_task_definition(taskDefinition="web:1")["taskDefinition"]["revision"] == 1
    assert ecs.refusal(ecs.client.describe_task_definition, taskDefinition="web:2")[0] == "ClientException"


def test_deleted_revision_stays_while_a_service_has_it(ecs: Any) -> None:
    service = Service(ecs, desiredCount=0)
    ecs.client.deregister_task_definition(taskDefinition="web:1")
    ecs.client.delete_task_definitions(taskDefinitions=["web:1"])
    ecs.cleanup(later=0)
    service.update(desiredCount=1)
    service.become_steady()
    assert len(service.ids()) == 1, "it still starts tasks of it"
    service.update(taskDefinition=ecs.register())
    ecs.cleanup(later=0)
    assert ecs.client.describe_task_definition(taskDefinition="web:1"), "it may have to go back"
    service.become_steady()
    ecs.cleanup(later=0)
    assert ecs.refusal(ecs.client.describe_task_definition, taskDefinition="web:1")[0] == "ClientException"


def test_active_and_unknown_revisions_are_not_deleted(ecs: Any) -> None:
    ecs.register()
    answer = ecs.client.delete_task_definitions(taskDefinitions=["web:1", "web:2"])
    assert answer["taskDefinitions"] == []
    assert [failure["arn"] for failure in answer["failures"]] == [f"{ARN}/web:1", f"{ARN}/web:2"]


def test_deregistering_needs_an_active_revision(ecs: Any) -> None:
    ecs.register()
    ecs.client.deregister_task_definition(taskDefinition="web:1")
    assert ecs.refusal(ecs.client.deregister_task_definition, taskDefinition="web:1")[0] == "InvalidParameterException"
    assert ecs.refusal(ecs.client.deregister_task_definition, taskDefinition="web")[0] == "ClientException"
    assert ecs.refusal(ecs.client.deregister_task_definition, taskDefinition="web:7")[0] == "ClientException"


def test_lists_filter_sort_and_page(ecs: Any) -> None:
    for family in ("api", "web", "web", "webhook"):
        ecs.register(family=family)
    ecs.client.deregister_task_definition(taskDefinition="web:1")

    def listed(**more: Any) -> list[str]:
        pages = ecs.client.get_paginator("list_task_definitions").paginate(PaginationConfig={"PageSize": 1}, **more)
        return [arn.rpartition("/")[2] for page in pages for arn in page["taskDefinitionArns"]]

    assert listed() == ["api:1", "web:2", "webhook:1"]
    assert listed(sort="DESC") == ["webhook:1", "web:2", "api:1"]
    assert listed(familyPrefix="web") == ["web:2"]
    assert listed(status="INACTIVE") == ["web:1"]


def test_families_are_listed_by_prefix_and_status(ecs: Any) -> None:
    for family in ("api", "web", "webhook"):
        ecs.register(family=family)
    ecs.client.deregister_task_definition(taskDefinition="api:1")

    def listed(**more: Any) -> list[str]:
        pages = ecs.client.get_paginator("list_task_definition_families").paginate(
            PaginationConfig={"PageSize": 1}, **more
        )
        return [family for page in pages for family in page["families"]]

    assert listed() == ["api", "web", "webhook"]
    assert listed(familyPrefix="web") == ["web", "webhook"]
    assert listed(status="ACTIVE") == ["web", "webhook"]
    assert listed(status="INACTIVE") == ["api"]


def test_refused_registration_uses_no_revision(ecs: Any) -> None:
    ecs.register()
    code, message = ecs.refusal(
        ecs.client.register_task_definition,
        family="web",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="1024",
        memory="1024",
        containerDefinitions=[{"name": "web", "image": "web"}],
    )
    assert code == "ClientException"
    assert message.startswith("No Fargate configuration exists for given values: 1024 CPU, 1024 memory.")
    assert ecs.register() == f"{ARN}/web:2"


def test_foreign_token_is_refused(ecs: Any) -> None:
    for token in ("x", "e30=", "ä", "WzFd"):
        code, _ = ecs.refusal(ecs.client.list_task_definitions, nextToken=token)
        assert code == "InvalidParameterException"
