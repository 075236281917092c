"""Tags of hosted zones and health checks."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.aws.tags import merge_tags, parse_tags
from homeport.services.route53 import keeping, views
from homeport.services.route53.errors import InvalidInput
from homeport.services.route53.handlers.health_checks import get_check
from homeport.services.route53.service import route53
from homeport.services.route53.store import zones


async def _check(call: Call, resource_type: str, resource: str) -> None:
    if resource_type == "healthcheck":
        await get_check(call, resource)
        return
    await keeping.get_zone(call.tx, resource)


@route53.operation("ChangeTagsForResource")
async def change_tags_for_resource(
    call: Call,
    *,
    resource_type: str,
    resource_id: str,
    add_tags: Sequence[Mapping[str, str]] = (),
    remove_tag_keys: Sequence[str] = (),
) -> None:
    if not add_tags and not remove_tag_keys:
        raise InvalidInput("At least one of AddTags and RemoveTagKeys is required.")  # unconfirmed
    await _check(call, resource_type, resource_id)
    present = await zones.tags(call.tx, resource_type, resource_id)
    kept = {key: value for key, value in present.items() if key not in remove_tag_keys}
    added = parse_tags(add_tags, InvalidInput, key="Key", value="Value")
    await zones.set_tags(call.tx, resource_type, resource_id, merge_tags(kept, added, InvalidInput))


@route53.operation("ListTagsForResource", reads=True)
async def list_tags_for_resource(call: Call, *, resource_type: str, resource_id: str) -> dict[str, Any]:
    await _check(call, resource_type, resource_id)
    tags = await zones.tags(call.tx, resource_type, resource_id)
    return {"ResourceTagSet": views.tag_set_view(resource_type, resource_id, tags)}


@route53.operation("ListTagsForResources", reads=True)
async def list_tags_for_resources(call: Call, *, resource_type: str, resource_ids: Sequence[str]) -> dict[str, Any]:
    sets = []
    for resource in resource_ids:
        await _check(call, resource_type, resource)
        tags = await zones.tags(call.tx, resource_type, resource)
        sets.append(views.tag_set_view(resource_type, resource, tags))
    return {"ResourceTagSets": sets}
