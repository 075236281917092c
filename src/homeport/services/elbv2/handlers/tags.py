"""Tags of whatever has an ARN."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.aws.tags import tags_view
from homeport.services.elbv2 import errors, lookup
from homeport.services.elbv2.service import elbv2
from homeport.services.elbv2.store import tags as store
from homeport.services.elbv2.tags import check_count, parse_tags


async def _check_exists(call: Call, arn: str) -> None:
    """Raise AWS's error for a resource that does not exist."""
    if lookup.is_target_group_arn(arn):
        await lookup.target_group(call.tx, call.region, arn)
    elif lookup.is_load_balancer_arn(arn):
        await lookup.load_balancer(call.tx, call.region, arn)
    elif lookup.is_listener_arn(arn):
        await lookup.listener(call.tx, call.region, arn)
    elif lookup.is_rule_arn(arn):
        await lookup.rule(call.tx, call.region, arn)
    else:
        raise errors.ValidationError(f"'{arn}' is not a valid ARN")  # unconfirmed


@elbv2.operation("AddTags")
async def add_tags(call: Call, *, resource_arns: Sequence[str], tags: Sequence[Mapping[str, str]]) -> None:
    added = parse_tags(tags)
    for arn in resource_arns:
        await _check_exists(call, arn)
        check_count(await store.of(call.tx, arn), added)
        await store.put(call.tx, arn, added)


@elbv2.operation("RemoveTags")
async def remove_tags(call: Call, *, resource_arns: Sequence[str], tag_keys: Sequence[str]) -> None:
    for arn in resource_arns:
        await _check_exists(call, arn)
        await store.remove(call.tx, arn, tag_keys)


@elbv2.operation("DescribeTags", reads=True)
async def describe_tags(call: Call, *, resource_arns: Sequence[str]) -> dict[str, Any]:
    for arn in resource_arns:
        await _check_exists(call, arn)
    return {
        "TagDescriptions": [
            {"ResourceArn": arn, "Tags": tags_view(await store.of(call.tx, arn), key="Key", value="Value")}
            for arn in dict.fromkeys(resource_arns)
        ]
    }
