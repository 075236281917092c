"""Tags of log groups, in the newer way (by ARN) and the older (by name)."""

from collections.abc import Mapping, Sequence

from homeport.aws.call import Call
from homeport.services.logs import store, validation
from homeport.services.logs.errors import InvalidParameter
from homeport.services.logs.handlers.lookup import group_of_identifier
from homeport.services.logs.model import LogGroup
from homeport.services.logs.service import logs


@logs.operation("TagResource")
async def tag_resource(call: Call, *, resource_arn: str, tags: Mapping[str, str]) -> None:
    await _add(call, await _resource(call, resource_arn), tags)


@logs.operation("UntagResource")
async def untag_resource(call: Call, *, resource_arn: str, tag_keys: Sequence[str]) -> None:
    await _remove(call, await _resource(call, resource_arn), tag_keys)


@logs.operation("ListTagsForResource", reads=True)
async def list_tags_for_resource(call: Call, *, resource_arn: str) -> dict[str, dict[str, str]]:
    return {"tags": dict((await _resource(call, resource_arn)).tags)}


@logs.operation("TagLogGroup")
async def tag_log_group(call: Call, *, log_group_name: str, tags: Mapping[str, str]) -> None:
    await _add(call, await store.get_group(call.tx, call.region, log_group_name), tags)


@logs.operation("UntagLogGroup")
async def untag_log_group(call: Call, *, log_group_name: str, tags: Sequence[str]) -> None:
    await _remove(call, await store.get_group(call.tx, call.region, log_group_name), tags)


@logs.operation("ListTagsLogGroup", reads=True)
async def list_tags_log_group(call: Call, *, log_group_name: str) -> dict[str, dict[str, str]]:
    return {"tags": dict((await store.get_group(call.tx, call.region, log_group_name)).tags)}


async def _resource(call: Call, arn: str) -> LogGroup:
    """Return the log group with *arn*: of what can be tagged in CloudWatch Logs, there are only log groups here."""
    if not arn.startswith("arn:"):
        raise InvalidParameter("Invalid resource ARN.")
    return await group_of_identifier(call, arn)


async def _add(call: Call, group: LogGroup, tags: Mapping[str, str]) -> None:
    merged = {**group.tags, **tags}
    validation.check_tags(merged)
    await store.set_tags(call.tx, group, merged)


async def _remove(call: Call, group: LogGroup, keys: Sequence[str]) -> None:
    validation.check_tag_keys(keys)
    await store.set_tags(call.tx, group, {key: value for key, value in group.tags.items() if key not in keys})
