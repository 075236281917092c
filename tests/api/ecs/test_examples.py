"""AWS's own examples, those that need no state we cannot make, and ours that is written as AWS's guide writes them."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.loaders import Loader

EXAMPLES = Loader().load_service_model("ecs", "examples-1")["examples"]
OURS = Path(__file__).parents[3] / "examples" / "fargate-web" / "task-definition.json"


def contains(actual: Any, expected: Any) -> bool:
    """Say whether an answer holds all that an example's does; ARNs there name another account or none."""
    if isinstance(expected, dict):
        return all(name in actual and contains(actual[name], value) for name, value in expected.items())
    if isinstance(expected, list):
        return len(actual) == len(expected) and all(map(contains, actual, expected))
    if isinstance(expected, str) and expected.startswith("arn:"):
        return bool(actual.startswith("arn:"))
    return bool(actual == expected)


@pytest.mark.parametrize(
    ("operation", "number"),
    [
        ("CreateCluster", 0),
        ("DeleteCluster", 0),
        ("DescribeClusters", 0),
        ("DeleteAccountSetting", 0),
        ("PutAccountSetting", 0),
        ("PutAccountSettingDefault", 0),
        ("RegisterTaskDefinition", 0),
    ],
)
def test_aws_example_is_answered_with_all_it_shows(ecs: Any, operation: str, number: int) -> None:
    if operation == "DeleteCluster":
        ecs.client.create_cluster(clusterName="my_cluster")
    example = EXAMPLES[operation][number]
    answer = getattr(ecs.client, xform_name(operation))(**example["input"])
    assert contains(answer, example["output"])


def test_families_of_the_example_are_found_by_their_prefix(ecs: Any) -> None:
    everything, narrowed = EXAMPLES["ListTaskDefinitionFamilies"]
    for family in everything["output"]["families"]:
        ecs.register(family=family)
    answer = ecs.client.list_task_definition_families(**everything["input"])
    assert answer["families"] == sorted(everything["output"]["families"])
    assert contains(ecs.client.list_task_definition_families(**narrowed["input"]), narrowed["output"])


def test_our_example_is_registered_and_placed_unchanged(ecs: Any) -> None:
    ecs.client.register_task_definition(**json.loads(OURS.read_text(encoding="utf-8")))
    task = ecs.run(taskDefinition="fargate-web", networkConfiguration=ecs.network(assignPublicIp="ENABLED"))
    ecs.place()
    item = ecs.assigned_task(task)
    assert [container.name for container in item.containers] == ["web", "sidecar"]
    assert item.containers[0].log.stream == f"ecs/web/{item.id}"
    assert ecs.assigned_eni(task).public_address
