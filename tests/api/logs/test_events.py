"""Events: what is taken, and how it is read back."""

import pytest

from homeport.services.logs.reconcilers.expiry import expire

HOUR = 3_600_000
DAY = 24 * HOUR
STREAM = {"logGroupName": "web", "logStreamName": "s"}


@pytest.fixture
def stream(logs):
    logs.create_log_group(logGroupName="web")
    logs.create_log_stream(**STREAM)
    return logs


def put(logs, *events, **arguments):
    return logs.put_log_events(
        **{**STREAM, **arguments}, logEvents=[{"timestamp": time, "message": text} for time, text in events]
    )


def get(logs, **arguments):
    answer = logs.get_log_events(**STREAM, **arguments)
    return [event["message"] for event in answer["events"]], answer["nextForwardToken"], answer["nextBackwardToken"]


def test_events_come_back_in_order_of_time(stream, now):
    answer = put(stream, (now - 10, "b"), (now, "c"), (now, "d"), sequenceToken="whatever")
    assert len(answer["nextSequenceToken"]) == 56
    assert "rejectedLogEventsInfo" not in answer
    put(stream, (now - 20, "a"))
    events = stream.get_log_events(**STREAM)["events"]
    assert [event["message"] for event in events] == ["a", "b", "c", "d"]
    assert [event["timestamp"] for event in events] == [now - 20, now - 10, now, now]
    assert all(abs(event["ingestionTime"] - now) < 60_000 for event in events)


def test_texts_survive(stream, now):
    texts = ["ünï ✓ 𝄞", "tab\tand\nline", "\x00null", '{"json": "\\u0000"}', "x" * 100_000]
    put(stream, *((now, text) for text in texts))
    assert get(stream)[0] == texts


def test_an_entity_is_rejected_but_its_events_are_taken(stream, now):
    answer = put(stream, (now, "x"), entity={"keyAttributes": {"Type": "Service", "Name": "web"}})
    assert answer["rejectedEntityInfo"] == {"errorType": "UnsupportedLogGroupType"}
    assert get(stream)[0] == ["x"]


def test_half_a_character_is_no_text(stream, now, refused):
    code, _ = refused(stream.put_log_events, **STREAM, logEvents=[{"timestamp": now, "message": "\ud800"}])
    assert code in ("InvalidParameterException", "SerializationException")
    assert get(stream)[0] == []


def test_a_batch_is_refused_as_a_whole(stream, now, refused):
    def sent(*events):
        return refused(
            stream.put_log_events, **STREAM, logEvents=[{"timestamp": time, "message": text} for time, text in events]
        )

    assert sent((now, "b"), (now - 1, "a")) == (
        "InvalidParameterException",
        "Log events in a single PutLogEvents request must be in chronological order.",
    )
    assert sent((now - DAY - 1, "a"), (now, "b")) == (
        "InvalidParameterException",
        "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
    )
    assert sent((now, "x" * (1_048_576 - 25))) == (
        "InvalidParameterException",
        "Upload too large: 1048577 bytes exceeds limit of 1048576",
    )
    assert sent(*((now, "é" * 50_000) for _ in range(11)))[1].startswith("Upload too large: 1100286 bytes")
    assert sent(*((now, "x") for _ in range(10_001)))[0] == "InvalidParameterException"
    assert get(stream)[0] == []
    put(stream, (now, "x" * (1_048_576 - 26)))
    put(stream, *((now, "x") for _ in range(10_000)))


def test_events_outside_the_window_are_rejected_one_by_one(stream, now):
    answer = put(
        stream,
        (now - 16 * DAY, "old"),
        (now - 14 * DAY - HOUR, "old"),
        (now, "good"),
        (now + HOUR, "good"),
        (now + 3 * HOUR, "new"),
    )
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 2, "tooNewLogEventStartIndex": 4}
    assert get(stream)[0] == ["good", "good"]
    stream.put_retention_policy(logGroupName="web", retentionInDays=1)
    answer = put(stream, (now - DAY - HOUR, "expired"), (now - HOUR, "better"))
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    assert get(stream)[0] == ["better", "good", "good"]
    answer = put(stream, (now - 15 * DAY, "old"))
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1, "expiredLogEventEndIndex": 1}


def test_reading_forward_ends_at_a_token_that_stays(stream, now):
    put(stream, *((now + number, str(number)) for number in range(7)))
    seen, token = [], None
    for _ in range(10):
        arguments: dict[str, str] = {"nextToken": token} if token else {}
        messages, forward, _ = get(stream, startFromHead=True, limit=3, **arguments)
        seen += messages
        if forward == token:
            break
        token = forward
    assert seen == [str(number) for number in range(7)]
    assert get(stream, startFromHead=True, nextToken=token)[:2] == ([], token)
    put(stream, (now + 7, "7"))
    assert get(stream, startFromHead=True, nextToken=token)[0] == ["7"]


def test_reading_backward_from_the_newest(stream, now):
    put(stream, *((now + number // 2, str(number)) for number in range(7)))
    messages, forward, backward = get(stream, limit=3)
    assert messages == ["4", "5", "6"]
    messages, _, further = get(stream, limit=3, nextToken=backward)
    assert messages == ["1", "2", "3"]
    messages, _, start = get(stream, limit=3, nextToken=further)
    assert messages == ["0"]
    assert get(stream, nextToken=start)[0::2] == ([], start)
    assert get(stream, nextToken=forward)[:2] == ([], forward)
    messages, back_again, _ = get(stream, nextToken=start.replace("b/", "f/"), limit=4)
    assert messages == ["0", "1", "2", "3"]
    assert get(stream, nextToken=back_again)[0] == ["4", "5", "6"]


def test_an_empty_stream_has_tokens_that_find_what_comes(stream, now):
    for arguments in ({}, {"startFromHead": True}):
        messages, forward, backward = get(stream, **arguments)
        assert messages == []
        assert get(stream, nextToken=forward)[0] == []
    put(stream, (now, "first"))
    assert get(stream, nextToken=forward)[0] == ["first"]
    assert get(stream, nextToken=backward)[0] == []


def test_a_range_of_time_holds_its_start_but_not_its_end(stream, now):
    put(stream, *((now + number, str(number)) for number in range(5)))
    assert get(stream, startTime=now + 1, endTime=now + 3)[0] == ["1", "2"]
    messages, forward, _ = get(stream, startTime=now + 1, endTime=now + 4, startFromHead=True, limit=2)
    assert messages == ["1", "2"]
    assert get(stream, startTime=now + 1, endTime=now + 4, nextToken=forward)[0] == ["3"]


def test_a_page_holds_a_megabyte_at_most(stream, now):
    for number in range(4):
        put(stream, (now + number, str(number) * 400_000))
    messages, forward, _ = get(stream, startFromHead=True)
    assert [message[0] for message in messages] == ["0", "1"]
    assert [message[0] for message in get(stream, nextToken=forward)[0]] == ["2", "3"]
    assert [message[0] for message in get(stream)[0]] == ["2", "3"]


@pytest.mark.parametrize("token", ["x", "f/1/s", "f/" + "9" * 56 + "/s", "c/" + "0" * 56 + "/s"])
def test_a_foreign_token_is_refused(stream, refused, token):
    assert refused(stream.get_log_events, **STREAM, nextToken=token) == (
        "InvalidParameterException",
        "The specified nextToken is invalid.",
    )


def test_expired_events_are_gone_before_and_after_the_clean_up(api, stream, now):
    put(stream, (now - 2 * DAY, "old"))
    put(stream, (now, "young"))
    stream.put_retention_policy(logGroupName="web", retentionInDays=1)
    assert "logs.expiry" in api.wakes
    assert get(stream)[0] == ["young"]

    class Now:
        def now(self):
            return now / 1000

    api.run(expire(api.database, Now()))
    stream.delete_retention_policy(logGroupName="web")
    assert get(stream)[0] == ["young"]
    assert stream.describe_log_groups()["logGroups"][0]["storedBytes"] == 5 + 26
    assert stream.describe_log_streams(logGroupName="web")["logStreams"][0]["firstEventTimestamp"] == now


def test_deleted_streams_and_groups_leave_no_rows(api, stream, now):
    for name in ("a", "b"):
        stream.create_log_stream(logGroupName="web", logStreamName=name)
        put(stream, *((now, str(number)) for number in range(3_000)), logStreamName=name)
    stream.delete_log_stream(logGroupName="web", logStreamName="a")

    class Now:
        def now(self):
            return now / 1000

    async def rows():
        async with api.database.snapshot() as tx:
            return [
                (await tx.fetch(f"SELECT COUNT(*) FROM {table}"))[0][0]
                for table in ("log_groups", "log_streams", "log_events", "log_garbage")
            ]

    api.run(expire(api.database, Now()))
    assert api.run(rows()) == [1, 2, 3_000, 0]
    stream.delete_log_group(logGroupName="web")
    api.run(expire(api.database, Now()))
    assert api.run(rows()) == [0, 0, 0, 0]
