"""FilterLogEvents: many streams as one."""

import pytest


@pytest.fixture
def three(logs, now):
    """Three streams whose events lie between one another."""
    logs.create_log_group(logGroupName="web")
    for name in ("a1", "a2", "b1"):
        logs.create_log_stream(logGroupName="web", logStreamName=name)
    for number in range(12):
        name = ("a1", "a2", "b1")[number % 3]
        logs.put_log_events(
            logGroupName="web",
            logStreamName=name,
            logEvents=[
                {"timestamp": now + number, "message": f"{number} {name} {'ERROR' if number % 4 == 0 else 'ok'}"}
            ],
        )
    return logs


def numbers(logs, **arguments):
    events = logs.filter_log_events(logGroupName="web", **arguments)["events"]
    return [int(event["message"].split()[0]) for event in events]


def test_streams_are_interleaved_by_time(three, now):
    answer = three.filter_log_events(logGroupName="web", interleaved=True)
    assert [event["timestamp"] - now for event in answer["events"]] == list(range(12))
    assert [event["logStreamName"] for event in answer["events"]] == ["a1", "a2", "b1"] * 4
    assert len({event["eventId"] for event in answer["events"]}) == 12
    assert all(len(event["eventId"]) == 56 for event in answer["events"])
    assert answer["searchedLogStreams"] == []
    assert "nextToken" not in answer


def test_choices(three, now, refused):
    assert numbers(three, logStreamNames=["a1", "b1"]) == [0, 2, 3, 5, 6, 8, 9, 11]
    assert numbers(three, logStreamNamePrefix="a") == [0, 1, 3, 4, 6, 7, 9, 10]
    assert numbers(three, startTime=now + 3, endTime=now + 5) == [3, 4, 5]
    assert numbers(three, filterPattern="ERROR") == [0, 4, 8]
    assert numbers(three, filterPattern='ERROR -"a1"', startTime=now + 1) == [4, 8]
    assert numbers(three, startFromHead=False, startTime=now) == list(range(11, -1, -1))
    assert numbers(three, logStreamNamePrefix="zzz") == []
    code, _ = refused(three.filter_log_events, logGroupName="web", logStreamNames=["a1"], logStreamNamePrefix="a")
    assert code == "InvalidParameterException"
    assert refused(three.filter_log_events, logGroupName="web", filterPattern="foo-bar") == (
        "InvalidParameterException",
        "Invalid character(s) in term 'foo-bar'",
    )
    assert refused(three.filter_log_events, logGroupName="web", startFromHead=False, startTime=5)[0] == (
        "InvalidParameterException"
    )


@pytest.mark.parametrize("size", [1, 2, 5, 11, 12, 13])
@pytest.mark.parametrize("forward", [True, False])
def test_pages_hold_every_event_once(three, now, size, forward):
    pages: list[list[int]] = []
    token: dict[str, str] = {}
    while True:
        answer = three.filter_log_events(logGroupName="web", limit=size, startFromHead=forward, startTime=now, **token)
        pages.append([event["timestamp"] - now for event in answer["events"]])
        if "nextToken" not in answer:
            break
        token = {"nextToken": answer["nextToken"]}
    seen = [number for page in pages for number in page]
    assert seen == (list(range(12)) if forward else list(range(11, -1, -1)))
    assert all(len(page) <= size for page in pages)


def test_equal_times_are_neither_lost_nor_doubled_between_pages(logs, now):
    logs.create_log_group(logGroupName="web")
    for name in "abcde":
        logs.create_log_stream(logGroupName="web", logStreamName=name)
        logs.put_log_events(
            logGroupName="web",
            logStreamName=name,
            logEvents=[{"timestamp": now, "message": f"{name}{number}"} for number in range(4)],
        )
    for forward in (True, False):
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName="web", startFromHead=forward, PaginationConfig={"PageSize": 3}
        )
        seen = [event["message"] for page in pages for event in page["events"]]
        assert sorted(seen) == sorted(f"{name}{number}" for name in "abcde" for number in range(4))


def test_a_search_in_vain_comes_back_for_more(logs, now, monkeypatch):
    monkeypatch.setattr("homeport.services.logs.handlers.events.SEARCHED_EVENTS", 100)
    logs.create_log_group(logGroupName="web")
    logs.create_log_stream(logGroupName="web", logStreamName="s")
    events = [{"timestamp": now + number, "message": "needle" if number == 450 else "hay"} for number in range(500)]
    logs.put_log_events(logGroupName="web", logStreamName="s", logEvents=events)
    first = logs.filter_log_events(logGroupName="web", filterPattern="needle")
    assert first["events"] == []
    assert "nextToken" in first
    pages = list(logs.get_paginator("filter_log_events").paginate(logGroupName="web", filterPattern="needle"))
    assert [event["timestamp"] - now for page in pages for event in page["events"]] == [450]
    assert len(pages) == 5


def test_a_foreign_token_is_refused(three, refused):
    for token in ("x", "WyJmIiwxXQ==", "WyJmIiwtMSwxLDFd"):
        assert refused(three.filter_log_events, logGroupName="web", nextToken=token) == (
            "InvalidParameterException",
            "The specified nextToken is invalid.",
        )
