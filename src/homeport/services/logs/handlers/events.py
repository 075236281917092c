"""Write, read and search log events."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.services.logs import events, store, validation
from homeport.services.logs.errors import InvalidParameter
from homeport.services.logs.handlers.lookup import identified_group
from homeport.services.logs.model import DAY, Gap, gap_after, gap_before, sequence_token
from homeport.services.logs.service import logs
from homeport.services.logs.views import event_view

HOUR = 60 * 60 * 1000
FOREVER = 2**62  # later than any event

_TOKEN = re.compile(r"([fb])/(\d{20})(\d{36})/s")


@logs.operation("PutLogEvents", ignores=("sequenceToken",))
async def put_log_events(
    call: Call, *, log_group_name: str, log_stream_name: str, log_events: Sequence[Mapping[str, Any]]
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
        raise InvalidParameter("The specified nextToken is invalid.")
    gap = Gap(int(match[2]), int(match[3]))
    if max(gap) > FOREVER:
        raise InvalidParameter("The specified nextToken is invalid.")
    return match[1] == "f", gap
