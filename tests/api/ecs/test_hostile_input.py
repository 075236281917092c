"""Malformed requests are refused in words: never an internal failure, never half a resource."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("register_task_definition", {}),
    ("register_task_definition", {"family": "web"}),
    ("register_task_definition", {"family": "web", "containerDefinitions": []}),
    ("register_task_definition", {"family": "web", "containerDefinitions": [{}]}),
    ("register_task_definition", {"family": "x" * 256, "containerDefinitions": [{"name": "a", "image": "b"}]}),
    (
        "register_task_definition",
        {"family": "web", "containerDefinitions": [{"name": "a", "image": "b", "memory": 2**40}]},
    ),
    (
        "register_task_definition",
        {"family": "web", "containerDefinitions": [{"name": "a", "image": "b", "logConfiguration": {}}]},
    ),
    (
        "register_task_definition",
        {
            "family": "web",
            "requiresCompatibilities": ["MOON"],
            "containerDefinitions": [{"name": "a", "image": "b", "memory": 64}],
        },
    ),
    ("run_task", {}),
    ("run_task", {"taskDefinition": ""}),
    ("run_task", {"taskDefinition": ":::"}),
    ("run_task", {"taskDefinition": "web:99999999999999999999999"}),
    ("run_task", {"taskDefinition": "web", "launchType": "MOON"}),
    ("run_task", {"taskDefinition": "web", "networkConfiguration": {"awsvpcConfiguration": {}}}),
    ("describe_tasks", {"tasks": ["z" * 32], "cluster": "'; DROP TABLE ecs_tasks; --"}),
    ("describe_clusters", {"clusters": ["x"] * 101}),
    ("list_tasks", {"desiredStatus": "LOST"}),
    ("list_tasks", {"nextToken": "x" * 10_000}),
    ("stop_task", {"task": "f" * 32, "reason": "x" * 256}),
    ("tag_resource", {"resourceArn": "", "tags": []}),
    ("put_account_setting", {"name": "nothing", "value": "x"}),
]


@pytest.mark.parametrize(("operation", "arguments"), CALLS)
def test_malformed_request_is_the_callers_fault(ecs: Any, operation: str, arguments: dict[str, Any]) -> None:
    ecs.register()
    with pytest.raises(ClientError) as error:
        getattr(ecs.unchecked, operation)(**arguments)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert error.value.response["Error"]["Message"]
    assert ecs.client.list_task_definitions()["taskDefinitionArns"] == [
        "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1"
    ]
    assert ecs.client.list_tasks()["taskArns"] == []


def test_task_id_of_any_bytes_is_only_missing(ecs: Any) -> None:
    answer = ecs.unchecked.describe_tasks(tasks=["\x00" * 32, "%" * 36])
    assert [failure["reason"] for failure in answer["failures"]] == ["MISSING", "MISSING"]
