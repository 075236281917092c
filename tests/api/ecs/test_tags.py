"""Tags of clusters, task definitions and tasks."""

from typing import Any

import pytest

PLACE = "arn:aws:ecs:us-east-1:123456789012"


def tags(ecs: Any, arn: str) -> dict[str, str]:
    listed = ecs.client.list_tags_for_resource(resourceArn=arn)["tags"]
    return {tag["key"]: tag["value"] for tag in listed}


def test_every_resource_is_tagged_and_untagged(ecs: Any) -> None:
    task = ecs.run()
    for arn in (task["clusterArn"], task["taskDefinitionArn"], task["taskArn"]):
        ecs.client.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
        ecs.client.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "3"}])
        assert tags(ecs, arn) == {"a": "1", "b": "3"}
        ecs.client.untag_resource(resourceArn=arn, tagKeys=["a", "nothing"])
        assert tags(ecs, arn) == {"b": "3"}
    assert ecs.describe(task, include=["TAGS"])["tags"] == [{"key": "b", "value": "3"}]


def test_tagging_leaves_the_task_as_it_is(ecs: Any) -> None:
    task = ecs.run()
    ecs.client.tag_resource(resourceArn=task["taskArn"], tags=[{"key": "a", "value": "1"}])
    ecs.place()
    ecs.report(task, "running")
    described = ecs.describe(task, include=["TAGS"])
    assert (described["lastStatus"], described["tags"]) == ("RUNNING", [{"key": "a", "value": "1"}])


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        (f"{PLACE}:cluster/nowhere", "ClusterNotFoundException"),
        (f"{PLACE}:task-definition/web:9", "InvalidParameterException"),
        (f"{PLACE}:task-definition/web", "InvalidParameterException"),
        (f"{PLACE}:task/default/{'f' * 32}", "InvalidParameterException"),
        (f"{PLACE}:task/{'f' * 32}", "InvalidParameterException"),
        (f"{PLACE}:service/default/web", "ResourceNotFoundException"),
        ("arn:aws:ecs:eu-west-1:123456789012:cluster/default", "InvalidParameterException"),
        ("cluster/default", "InvalidParameterException"),
    ],
)
def test_resource_that_does_not_exist_is_refused(ecs: Any, arn: str, code: str) -> None:
    assert ecs.refusal(ecs.client.list_tags_for_resource, resourceArn=arn)[0] == code
    assert ecs.refusal(ecs.client.tag_resource, resourceArn=arn, tags=[{"key": "a", "value": "b"}])[0] == code


def test_fifty_tags_are_enough(ecs: Any) -> None:
    arn = f"{PLACE}:cluster/default"
    ecs.client.tag_resource(resourceArn=arn, tags=[{"key": str(number), "value": ""} for number in range(50)])
    code, _ = ecs.refusal(ecs.client.tag_resource, resourceArn=arn, tags=[{"key": "more", "value": ""}])
    assert code == "InvalidParameterException"
    assert len(tags(ecs, arn)) == 50


def test_aws_own_tags_are_not_touched(ecs: Any) -> None:
    task = ecs.run(enableECSManagedTags=True)
    code, _ = ecs.refusal(ecs.client.untag_resource, resourceArn=task["taskArn"], tagKeys=["aws:ecs:clusterName"])
    assert code == "InvalidParameterException"
    assert tags(ecs, task["taskArn"]) == {"aws:ecs:clusterName": "default"}
