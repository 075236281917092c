"""Log streams: names, order, pages."""

import pytest


@pytest.fixture
def group(logs):
    logs.create_log_group(logGroupName="web")
    return {"logGroupName": "web"}


def names(logs, **arguments):
    return [stream["logStreamName"] for stream in logs.describe_log_streams(**arguments)["logStreams"]]


def test_a_stream_is_made_and_described(api, logs, group, now, refused):
    logs.create_log_stream(**group, logStreamName="a/b/c")
    (stream,) = logs.describe_log_streams(**group)["logStreams"]
    assert stream["logStreamName"] == "a/b/c"
    assert stream["arn"] == f"arn:aws:logs:us-east-1:{api.account}:log-group:web:log-stream:a/b/c"
    assert stream["storedBytes"] == 0
    assert "lastEventTimestamp" not in stream
    logs.put_log_events(
        **group,
        logStreamName="a/b/c",
        logEvents=[{"timestamp": now - 5, "message": "one"}, {"timestamp": now, "message": "two"}],
    )
    (stream,) = logs.describe_log_streams(**group)["logStreams"]
    assert (stream["firstEventTimestamp"], stream["lastEventTimestamp"]) == (now - 5, now)
    assert abs(stream["lastIngestionTime"] - now) < 60_000
    assert refused(logs.create_log_stream, **group, logStreamName="a/b/c") == (
        "ResourceAlreadyExistsException",
        "The specified log stream already exists",
    )


@pytest.mark.parametrize("name", ["a:b", "a*", "x" * 513, ""])
def test_bad_names_are_refused(api, group, refused, name):
    unchecked = api.client("logs", validate=False)
    assert refused(unchecked.create_log_stream, **group, logStreamName=name)[0] == "InvalidParameterException"


def test_a_deleted_stream_is_missing(logs, group, refused, now):
    missing = ("ResourceNotFoundException", "The specified log stream does not exist.")
    assert refused(logs.delete_log_stream, **group, logStreamName="s") == missing
    logs.create_log_stream(**group, logStreamName="s")
    logs.put_log_events(**group, logStreamName="s", logEvents=[{"timestamp": now, "message": "gone"}])
    assert logs.describe_log_groups()["logGroups"][0]["storedBytes"] == 30
    logs.delete_log_stream(**group, logStreamName="s")
    assert logs.describe_log_groups()["logGroups"][0]["storedBytes"] == 0
    assert refused(logs.get_log_events, **group, logStreamName="s") == missing
    assert refused(logs.filter_log_events, **group, logStreamNames=["s"]) == missing
    assert logs.filter_log_events(**group)["events"] == []


def test_order_and_prefix(logs, group, now, refused):
    for name, time in (("a", now - 1), ("b", now - 3), ("c", now - 2), ("empty", None)):
        logs.create_log_stream(**group, logStreamName=name)
        if time:
            logs.put_log_events(**group, logStreamName=name, logEvents=[{"timestamp": time, "message": "x"}])
    assert names(logs, **group) == ["a", "b", "c", "empty"]
    assert names(logs, **group, descending=True) == ["empty", "c", "b", "a"]
    assert names(logs, **group, logStreamNamePrefix="em") == ["empty"]
    assert names(logs, logGroupIdentifier="web", limit=1) == ["a"]
    assert names(logs, **group, orderBy="LastEventTime") == ["empty", "b", "c", "a"]
    assert names(logs, **group, orderBy="LastEventTime", descending=True) == ["a", "c", "b", "empty"]
    assert refused(logs.describe_log_streams, **group, orderBy="LastEventTime", logStreamNamePrefix="a") == (
        "InvalidParameterException",
        "Cannot order by LastEventTime with a logStreamNamePrefix.",
    )
    assert refused(logs.describe_log_streams)[0] == "InvalidParameterException"
    assert refused(logs.describe_log_streams, **group, logGroupIdentifier="web")[0] == "InvalidParameterException"


@pytest.mark.parametrize("order", ["LogStreamName", "LastEventTime"])
@pytest.mark.parametrize("descending", [True, False])
def test_pages_hold_every_stream_once(logs, group, now, order, descending):
    for number in range(11):
        logs.create_log_stream(**group, logStreamName=f"s{number}")
        logs.put_log_events(
            **group, logStreamName=f"s{number}", logEvents=[{"timestamp": now - number % 3, "message": "x"}]
        )
    arguments = {**group, "orderBy": order, "descending": descending}
    pages = list(logs.get_paginator("describe_log_streams").paginate(PaginationConfig={"PageSize": 3}, **arguments))
    assert [len(page["logStreams"]) for page in pages] == [3, 3, 3, 2]
    assert [stream["logStreamName"] for page in pages for stream in page["logStreams"]] == names(logs, **arguments)
