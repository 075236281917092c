"""Write, read and search log events."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.aws.paging import decode_token, encode_token
from homeport.services.logs import events, store, validation
from homeport.services.logs.errors import InvalidParameter
from homeport.services.logs.handlers.lookup import identified_group, invalid_token
from homeport.services.logs.model import DAY, Gap, LogGroup, LogStream, gap_after, gap_before, sequence_token
from homeport.services.logs.patterns import BadPattern, Pattern, parse_pattern
from homeport.services.logs.search import Found, Merge, Position, remaining
from homeport.services.logs.service import logs
from homeport.services.logs.views import event_view, filtered_event_view

HOUR = 60 * 60 * 1000
FOREVER = 2**62  # later than any event
DESCENDING_SINCE = 1_704_067_200_000  # 2024-01-01: AWS does not search older events backwards
SEARCHED_EVENTS = 20_000
SEARCHED_BYTES = 16 * 1_048_576

_TOKEN = re.compile(r"([fb])/(\d{20})(\d{36})/s")


@logs.operation("PutLogEvents", ignores=("sequenceToken",))
async def put_log_events(
    call: Call,
    *,
    log_group_name: str,
    log_stream_name: str,
    log_events: Sequence[Mapping[str, Any]],
    entity: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    group = await store.get_group(call.tx, call.region, log_group_name)
    stream = await store.get_stream(call.tx, group, log_stream_name)
    now = int(call.now() * 1000)
    validation.check_batch(log_events)
    times = [int(event["timestamp"]) for event in log_events]
    rejected: dict[str, int] = {}
    expired = sum(time < group.horizon(now) for time in times)
    too_old = sum(time < now - 14 * DAY for time in times)
    too_new = sum(time > now + 2 * HOUR for time in times)
    if expired:
        rejected["expiredLogEventEndIndex"] = expired
    if too_old:
        rejected["tooOldLogEventEndIndex"] = too_old
    if too_new:
        rejected["tooNewLogEventStartIndex"] = len(times) - too_new
    accepted = log_events[max(expired, too_old) : len(times) - too_new]
    validation.check_span([event["timestamp"] for event in accepted])
    await events.add(
        call.tx, group, stream.id, [(event["timestamp"], event["message"]) for event in accepted], ingested=now
    )
    stream = await store.get_stream(call.tx, group, log_stream_name)
    answer: dict[str, Any] = {"nextSequenceToken": sequence_token(stream)}
    if rejected:
        answer["rejectedLogEventsInfo"] = rejected
    if entity:  # AWS's own words for "the events are taken, what they are about is not"
        answer["rejectedEntityInfo"] = {"errorType": "UnsupportedLogGroupType"}
    return answer


@logs.operation("GetLogEvents", reads=True, ignores=("unmask",))
async def get_log_events(
    call: Call,
    *,
    log_stream_name: str,
    log_group_name: str | None = None,
    log_group_identifier: str | None = None,
    start_time: int = 0,
    end_time: int = FOREVER,
    next_token: str | None = None,
    limit: int = events.PAGE_EVENTS,
    start_from_head: bool = False,
) -> dict[str, Any]:
    group = await identified_group(call, log_group_name, log_group_identifier)
    stream = await store.get_stream(call.tx, group, log_stream_name)
    span = events.Range(max(start_time, group.horizon(int(call.now() * 1000))), end_time)
    forward = start_from_head
    gap = Gap(span.start, -1) if forward else Gap(FOREVER, 0)
    if next_token is not None:
        forward, gap = _read_gap(next_token)
    found = await events.page(call.tx, stream.id, gap, span, forward=forward, limit=limit)
    if found:
        start, end = gap_before(found[0]), gap_after(found[-1])
    elif next_token is not None:
        start = end = gap  # both tokens name the place the client already has: it has come to the end
    else:
        start = end = Gap(span.start, 0)  # what arrives later lies behind it
    return {
        "events": [event_view(event) for event in found],
        "nextForwardToken": _gap_token("f", end),
        "nextBackwardToken": _gap_token("b", start),
    }


def _gap_token(direction: str, gap: Gap) -> str:
    return f"{direction}/{gap.timestamp:020d}{gap.sequence:036d}/s"


def _read_gap(token: str) -> tuple[bool, Gap]:
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise invalid_token()
    gap = Gap(int(match[2]), int(match[3]))
    if max(gap) > FOREVER:
        raise invalid_token()
    return match[1] == "f", gap


@logs.operation("FilterLogEvents", reads=True, ignores=("interleaved", "unmask"))
async def filter_log_events(
    call: Call,
    *,
    log_group_name: str | None = None,
    log_group_identifier: str | None = None,
    log_stream_names: Sequence[str] | None = None,
    log_stream_name_prefix: str | None = None,
    start_time: int = 0,
    end_time: int = FOREVER,
    filter_pattern: str = "",
    next_token: str | None = None,
    limit: int = events.PAGE_EVENTS,
    start_from_head: bool = True,
) -> dict[str, Any]:
    if log_stream_names is not None and log_stream_name_prefix is not None:
        raise InvalidParameter("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
    if not start_from_head and 0 < start_time < DESCENDING_SINCE:
        raise InvalidParameter("startFromHead can be false only for a startTime on or after 2024-01-01T00:00:00Z.")
    try:
        wanted = parse_pattern(filter_pattern)
    except BadPattern as error:
        raise InvalidParameter(str(error)) from error
    group = await identified_group(call, log_group_name, log_group_identifier)
    forward, position = start_from_head, None
    if (token := _read_position(next_token)) is not None:
        forward, position = token[0] == "f", token[1]
    span = events.Range(max(start_time, group.horizon(int(call.now() * 1000))), min(end_time + 1, FOREVER))
    left = remaining(span, position, forward=forward)
    streams = await _searched_streams(call, group, log_stream_names, log_stream_name_prefix, left)
    search = Merge(call.tx, streams, span, position, forward=forward)
    found, stopped_at = await _matching(search, wanted, limit)
    answer: dict[str, Any] = {
        "events": [filtered_event_view(each.event, each.stream.id, each.stream.name) for each in found],
        "searchedLogStreams": [],
    }
    if stopped_at is not None:
        answer["nextToken"] = encode_token(("f" if forward else "b", *stopped_at))
    return answer


def _read_position(token: str | None) -> tuple[str, Position] | None:
    """Return the direction and place of a page token."""
    key = decode_token(token, (str, int, int, int), invalid_token)
    if key is None:
        return None
    direction, *place = key
    if not all(0 <= part <= FOREVER for part in place):
        raise invalid_token()
    return direction, Position(*place)


async def _searched_streams(
    call: Call, group: LogGroup, names: Sequence[str] | None, prefix: str | None, span: events.Range
) -> list[LogStream]:
    """Return the streams to search: those named, or all with the prefix that may have events in *span*."""
    if names is not None:
        return [await store.get_stream(call.tx, group, name) for name in dict.fromkeys(names)]
    between = await store.list_streams_between(call.tx, group, span.start, span.end)
    return [stream for stream in between if stream.name.startswith(prefix or "")]


async def _matching(search: Merge, wanted: Pattern, limit: int) -> tuple[list[Found], Position | None]:
    """
    Return one page of what is *wanted*, and where it stopped, or None at the end.

    A page ends also when enough was looked at in vain: the client comes back for more, and in between others have their turn.
    """
    found: list[Found] = []
    room = events.PAGE_BYTES
    looked_at = bytes_looked_at = 0
    position: Position | None = None
    async for each in search:
        if looked_at >= SEARCHED_EVENTS or bytes_looked_at >= SEARCHED_BYTES or len(found) >= limit:
            return found, position
        size = each.event.size()
        if wanted(each.event.message):
            if found and room < size:
                return found, position
            found.append(each)
            room -= size
        position = each.position()
        bytes_looked_at += size
        looked_at += 1
        if looked_at % 500 == 0:
            await asyncio.sleep(0)
    return found, None
