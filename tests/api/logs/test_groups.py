"""Log groups: names, fields, pages, retention, tags."""

from typing import Any

import pytest

MISSING = ("ResourceNotFoundException", "The specified log group does not exist.")


def test_a_group_is_made_and_described(api, logs, now):
    logs.create_log_group(logGroupName="/ecs/web", tags={"team": "a"})
    (group,) = logs.describe_log_groups()["logGroups"]
    arn = f"arn:aws:logs:us-east-1:{api.account}:log-group:/ecs/web"
    assert abs(group.pop("creationTime") - now) < 60_000
    assert group == {
        "logGroupName": "/ecs/web",
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "logGroupArn": arn,
        "storedBytes": 0,
        "logGroupClass": "STANDARD",
        "deletionProtectionEnabled": False,
    }


def test_a_name_is_taken_once_in_a_region(api, logs, refused):
    logs.create_log_group(logGroupName="web")
    assert refused(logs.create_log_group, logGroupName="web") == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )
    other = api.client("logs", region="eu-west-1")
    other.create_log_group(logGroupName="web")
    other.delete_log_group(logGroupName="web")
    assert len(logs.describe_log_groups()["logGroups"]) == 1


@pytest.mark.parametrize("name", ["has space", "a" * 513, "aws/x", "ü", ""])
def test_bad_names_are_refused(api, refused, name):
    code, _ = refused(api.client("logs", validate=False).create_log_group, logGroupName=name)
    assert code == "InvalidParameterException"


@pytest.mark.parametrize(
    "argument",
    [{"logGroupClass": "INFREQUENT_ACCESS"}, {"deletionProtectionEnabled": True}, {"kmsKeyId": "arn:aws:kms:x"}],
)
def test_what_has_no_effect_is_refused(logs, refused, argument):
    code, _ = refused(logs.create_log_group, logGroupName="web", **argument)
    assert code == "InvalidParameterException"
    assert logs.describe_log_groups()["logGroups"] == []


def test_everything_about_a_missing_group_says_so(logs, refused):
    calls: list[tuple[Any, dict[str, Any]]] = [
        (logs.delete_log_group, {}),
        (logs.create_log_stream, {"logStreamName": "s"}),
        (logs.delete_log_stream, {"logStreamName": "s"}),
        (logs.describe_log_streams, {}),
        (logs.get_log_events, {"logStreamName": "s"}),
        (logs.filter_log_events, {}),
        (logs.put_log_events, {"logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "x"}]}),
        (logs.put_retention_policy, {"retentionInDays": 1}),
        (logs.delete_retention_policy, {}),
        (logs.tag_log_group, {"tags": {"a": "b"}}),
        (logs.untag_log_group, {"tags": ["a"]}),
        (logs.list_tags_log_group, {}),
    ]
    for operation, arguments in calls:
        assert refused(operation, logGroupName="gone", **arguments) == MISSING


def test_groups_are_found_by_prefix_pattern_and_identifier(api, logs, refused):
    for name in ("/ecs/a", "/ecs/b", "/Ecs/c", "other/ecs"):
        logs.create_log_group(logGroupName=name)

    def names(**arguments):
        return [group["logGroupName"] for group in logs.describe_log_groups(**arguments)["logGroups"]]

    assert names() == ["/Ecs/c", "/ecs/a", "/ecs/b", "other/ecs"]
    assert names(logGroupNamePrefix="/ecs/") == ["/ecs/a", "/ecs/b"]
    assert names(logGroupNamePattern="ecs") == ["/ecs/a", "/ecs/b", "other/ecs"]
    arn = f"arn:aws:logs:us-east-1:{api.account}:log-group:/ecs/b"
    assert names(logGroupIdentifiers=["other/ecs", arn, "gone"]) == ["/ecs/b", "other/ecs"]
    assert names(logGroupClass="INFREQUENT_ACCESS") == []
    assert refused(logs.describe_log_groups, logGroupNamePrefix="a", logGroupNamePattern="b") == (
        "InvalidParameterException",
        "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
    )


@pytest.mark.parametrize("arguments", [{}, {"logGroupNamePattern": "even"}, {"logGroupNamePrefix": "g1"}])
def test_pages_hold_every_group_once(logs, refused, arguments):
    for number in range(25):
        logs.create_log_group(logGroupName=f"g{number:02d}-{'odd' if number % 2 else 'even'}")
    whole = logs.describe_log_groups(**arguments)["logGroups"]
    pages = list(logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 4}, **arguments))
    assert [group for page in pages for group in page["logGroups"]] == whole
    assert {len(page["logGroups"]) for page in pages[:-1]} == {4}
    assert refused(logs.describe_log_groups, nextToken="nonsense") == (
        "InvalidParameterException",
        "The specified nextToken is invalid.",
    )


def test_retention(logs, refused):
    logs.create_log_group(logGroupName="web")
    logs.put_retention_policy(logGroupName="web", retentionInDays=7)
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 7
    code, message = refused(logs.put_retention_policy, logGroupName="web", retentionInDays=8)
    assert code == "InvalidParameterException"
    assert message.startswith("Invalid retention value. Valid values are: [1, 3, 5, 7, 14,")
    logs.delete_retention_policy(logGroupName="web")
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]


def test_tags_in_both_ways(logs, refused):
    logs.create_log_group(logGroupName="web", tags={"a": "1"})
    arn = logs.describe_log_groups()["logGroups"][0]["logGroupArn"]
    logs.tag_resource(resourceArn=arn, tags={"b": "2"})
    logs.tag_log_group(logGroupName="web", tags={"a": "3"})
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "3", "b": "2"}
    logs.untag_resource(resourceArn=arn, tagKeys=["b"])
    assert logs.list_tags_log_group(logGroupName="web")["tags"] == {"a": "3"}
    logs.untag_log_group(logGroupName="web", tags=["a"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {}
    logs.tag_resource(resourceArn=arn, tags={f"a{number}": "" for number in range(26)})
    code, _ = refused(logs.tag_resource, resourceArn=arn, tags={f"b{number}": "" for number in range(26)})
    assert code == "TooManyTagsException"
    assert refused(logs.tag_resource, resourceArn=arn, tags={"aws:x": ""})[0] == "InvalidParameterException"
    assert refused(logs.list_tags_for_resource, resourceArn=arn + "x") == MISSING


def test_a_group_made_again_is_empty(logs, now):
    for message in ("old", "new"):
        logs.create_log_group(logGroupName="web")
        logs.create_log_stream(logGroupName="web", logStreamName="s")
        logs.put_log_events(logGroupName="web", logStreamName="s", logEvents=[{"timestamp": now, "message": message}])
        events = logs.filter_log_events(logGroupName="web")["events"]
        assert [event["message"] for event in events] == [message]
        logs.delete_log_group(logGroupName="web")
