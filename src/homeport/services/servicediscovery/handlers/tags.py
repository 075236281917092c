"""Tags of namespaces and services."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws import tags as shared
from homeport.aws.call import Call
from homeport.services.servicediscovery import errors, store
from homeport.services.servicediscovery.errors import InvalidInput
from homeport.services.servicediscovery.handlers.lookup import id_of
from homeport.services.servicediscovery.model import DiscoverableService, Namespace
from homeport.services.servicediscovery.service import servicediscovery


def parse_new_tags(given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the tags of a resource that is to be created by key, or refuse them."""
    if len(given) > shared.MAX_TAGS:
        raise errors.too_many_tags(shared.MAX_TAGS)
    return shared.parse_tags(given, InvalidInput, key="Key", value="Value")


@servicediscovery.operation("ListTagsForResource", reads=True)
async def list_tags_for_resource(call: Call, *, resource_arn: str) -> dict[str, Any]:
    resource = await _tagged(call, resource_arn)
    return {"Tags": shared.tags_view(resource.tags, key="Key", value="Value")}


@servicediscovery.operation("TagResource")
async def tag_resource(call: Call, *, resource_arn: str, tags: Sequence[Mapping[str, str]]) -> None:
    resource = await _tagged(call, resource_arn)
    merged = {**resource.tags, **parse_new_tags(tags)}
    if len(merged) > shared.MAX_TAGS:
        raise errors.too_many_tags(shared.MAX_TAGS, arn=resource_arn)
    await _write(call, resource, merged)


@servicediscovery.operation("UntagResource")
async def untag_resource(call: Call, *, resource_arn: str, tag_keys: Sequence[str]) -> None:
    resource = await _tagged(call, resource_arn)
    await _write(call, resource, {key: value for key, value in resource.tags.items() if key not in set(tag_keys)})


async def _tagged(call: Call, arn: str) -> Namespace | DiscoverableService:
    resource: Namespace | DiscoverableService | None = None
    if arn.startswith(call.arn("servicediscovery", "namespace/")):
        resource = await store.find_namespace(call.tx, call.region, id_of(call, arn, "namespace"))
    elif arn.startswith(call.arn("servicediscovery", "service/")):
        resource = await store.find_service(call.tx, call.region, id_of(call, arn, "service"))
    if resource is None:
        raise errors.resource_missing(arn)
    return resource


async def _write(call: Call, resource: Namespace | DiscoverableService, tags: Mapping[str, str]) -> None:
    if isinstance(resource, Namespace):
        await store.set_namespace_tags(call.tx, call.region, resource.id, tags)
    else:
        await store.set_service_tags(call.tx, call.region, resource.id, tags)
