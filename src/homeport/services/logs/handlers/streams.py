"""Log streams."""

from typing import Any

from homeport.aws.call import Call
from homeport.aws.paging import Key, cut_page, decode_token
from homeport.services.logs import store, validation
from homeport.services.logs.errors import InvalidParameter, ResourceAlreadyExists
from homeport.services.logs.handlers.lookup import identified_group, invalid_token
from homeport.services.logs.ingest import new_id
from homeport.services.logs.model import LogGroup, LogStream
from homeport.services.logs.service import logs
from homeport.services.logs.views import stream_view


@logs.operation("CreateLogStream")
async def create_log_stream(call: Call, *, log_group_name: str, log_stream_name: str) -> None:
    validation.check_stream_name(log_stream_name)
    group = await store.get_group(call.tx, call.region, log_group_name)
    now = int(call.now() * 1000)
    if not await store.add_stream(call.tx, group, stream_id=new_id(call.ids), name=log_stream_name, now=now):
        raise ResourceAlreadyExists("The specified log stream already exists")


@logs.operation("DeleteLogStream")
async def delete_log_stream(call: Call, *, log_group_name: str, log_stream_name: str) -> None:
    group = await store.get_group(call.tx, call.region, log_group_name)
    await store.remove_stream(call.tx, group, await store.get_stream(call.tx, group, log_stream_name))
    call.wake("logs.expiry")


@logs.operation("DescribeLogStreams", reads=True)
async def describe_log_streams(
    call: Call,
    *,
    log_group_name: str | None = None,
    log_group_identifier: str | None = None,
    log_stream_name_prefix: str | None = None,
    order_by: str = "LogStreamName",
    descending: bool = False,
    next_token: str | None = None,
    limit: int = 50,
) -> dict[str, Any]:
    if order_by == "LastEventTime" and log_stream_name_prefix is not None:
        raise InvalidParameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
    group = await identified_group(call, log_group_name, log_group_identifier)
    if order_by == "LastEventTime":
        found = await _by_last_event(call, group, next_token, descending=descending, limit=limit + 1)
    else:
        (after,) = decode_token(next_token, (str,), invalid_token) or (None,)
        found = await store.list_streams(
            call.tx,
            group,
            prefix=log_stream_name_prefix or "",
            after=after,
            descending=descending,
            limit=limit + 1,
        )

    def key(stream: LogStream) -> Key:
        return (stream.last_event, stream.name) if order_by == "LastEventTime" else (stream.name,)

    page = cut_page(found, limit, key=key)
    return page.with_token({"logStreams": [stream_view(stream, group, call.account) for stream in page.items]})


async def _by_last_event(
    call: Call, group: LogGroup, token: str | None, *, descending: bool, limit: int
) -> list[LogStream]:
    key = decode_token(token, (int, str), invalid_token)
    after = (key[0], key[1]) if key is not None else None
    return await store.list_streams_by_last_event(call.tx, group, after=after, descending=descending, limit=limit)
