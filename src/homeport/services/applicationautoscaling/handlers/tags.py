"""Tags of scalable targets."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.aws.tags import merge_tags, parse_tags
from homeport.services.applicationautoscaling.errors import ResourceNotFound, TooManyTags, Validation
from homeport.services.applicationautoscaling.model import Target
from homeport.services.applicationautoscaling.service import autoscaling
from homeport.services.applicationautoscaling.store import targets


def check_tags(present: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """Return *present* tags with *added* ones, or refuse these."""
    parsed = parse_tags(({"key": key, "value": value} for key, value in added.items()), Validation)
    return merge_tags(present, parsed, TooManyTags)


@autoscaling.operation("TagResource")
async def tag_resource(call: Call, *, resource_arn: str, tags: Mapping[str, str]) -> None:
    target = await _target(call, resource_arn)
    await targets.set_tags(call.tx, target, check_tags(target.tags, tags))


@autoscaling.operation("UntagResource")
async def untag_resource(call: Call, *, resource_arn: str, tag_keys: Sequence[str]) -> None:
    target = await _target(call, resource_arn)
    await targets.set_tags(call.tx, target, {key: value for key, value in target.tags.items() if key not in tag_keys})


@autoscaling.operation("ListTagsForResource", reads=True)
async def list_tags_for_resource(call: Call, *, resource_arn: str) -> dict[str, Any]:
    return {"Tags": dict((await _target(call, resource_arn)).tags)}


async def _target(call: Call, arn: str) -> Target:
    prefix = call.arn("application-autoscaling", "scalable-target/")
    target = (
        await targets.find_by_id(call.tx, call.region, arn.removeprefix(prefix)) if arn.startswith(prefix) else None
    )
    if target is None:
        raise ResourceNotFound(f"The scalable target {arn} does not exist.", ResourceName=arn)
    return target
