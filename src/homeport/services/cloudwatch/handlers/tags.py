"""Tags of alarms."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.aws.tags import merge_tags, parse_tags, tags_view
from homeport.services.cloudwatch.alarms.model import AlarmRecord
from homeport.services.cloudwatch.alarms.views import alarm_arn
from homeport.services.cloudwatch.errors import InvalidParameterValue, ResourceNotFoundException
from homeport.services.cloudwatch.service import cloudwatch
from homeport.services.cloudwatch.store import alarms as store


@cloudwatch.operation("TagResource")
async def tag_resource(call: Call, *, resource_arn: str, tags: Sequence[Mapping[str, str]]) -> None:
    added = parse_tags(tags, InvalidParameterValue, key="Key", value="Value")
    record = await _alarm(call, resource_arn)
    merged = merge_tags(record.tags, added, InvalidParameterValue)
    await store.set_tags(call.tx, call.region, record.alarm.name, merged)


@cloudwatch.operation("UntagResource")
async def untag_resource(call: Call, *, resource_arn: str, tag_keys: Sequence[str]) -> None:
    record = await _alarm(call, resource_arn)
    left = {key: value for key, value in record.tags.items() if key not in tag_keys}
    await store.set_tags(call.tx, call.region, record.alarm.name, left)


@cloudwatch.operation("ListTagsForResource", reads=True)
async def list_tags_for_resource(call: Call, *, resource_arn: str) -> dict[str, Any]:
    record = await _alarm(call, resource_arn)
    return {"Tags": tags_view(record.tags, key="Key", value="Value")}


async def _alarm(call: Call, arn: str) -> AlarmRecord:
    """Return the alarm with *arn*: of what can be tagged in CloudWatch, there are only alarms here."""
    name = arn.removeprefix(alarm_arn(call.region, call.account, ""))
    record = None if name == arn else await store.find(call.tx, call.region, name)
    if record is None:
        raise ResourceNotFoundException(
            f"Unknown resource: {arn}", ResourceType="AWS::CloudWatch::Alarm", ResourceId=arn
        )
    return record
