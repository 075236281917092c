"""Tags of any of EC2's resources."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.aws.fields import Fields
from homeport.aws.paging import cut_page, decode_token
from homeport.aws.tags import merge_tags
from homeport.services.ec2 import errors, service
from homeport.services.ec2.handlers.documents import (
    Documents,
    invalid_token,
    parse_filters,
    parse_tag_list,
    too_many_tags,
)
from homeport.services.ec2.service import ec2
from homeport.services.ec2.store import instances, interfaces, routes, security_groups, vpcs
from homeport.services.ec2.store import tags as stored
from homeport.services.ec2.store.instance_filters import INSTANCES
from homeport.services.ec2.store.selection import Filter, Kind, get_all, matches
from homeport.services.ec2.store.tags import Tag
from homeport.services.ec2.views import View

_KINDS: Mapping[str, tuple[str, Kind[Any]]] = {
    kind.prefix: (name, kind)
    for name, kind in (
        ("dhcp-options", vpcs.DHCP_OPTIONS),
        ("instance", INSTANCES),
        ("internet-gateway", routes.GATEWAYS),
        ("network-acl", vpcs.NETWORK_ACLS),
        ("network-interface", interfaces.INTERFACES),
        ("route-table", routes.TABLES),
        ("security-group", security_groups.GROUPS),
        ("security-group-rule", security_groups.RULES),
        ("subnet", vpcs.SUBNETS),
        ("vpc", vpcs.VPCS),
    )
}

_DEFAULT_PAGE = 1000


def _prefix(resource: str) -> str:
    return resource.rpartition("-")[0]


async def _check_exist(call: Call, resources: Sequence[str]) -> None:
    if not resources:
        raise errors.missing("resourceIdSet")
    for resource in resources:
        if _prefix(resource) not in _KINDS:
            raise errors.InvalidParameterValue(f"The ID '{resource}' is not valid", code="InvalidID")
    for prefix, (_, kind) in _KINDS.items():
        wanted = [resource for resource in resources if _prefix(resource) == prefix]
        if wanted:
            await get_all(call.tx, kind, call.region, wanted)


@ec2.operation("CreateTags")
async def create_tags(call: Call, *, resources: Sequence[str], tags: Documents) -> None:
    given = parse_tag_list(tags)
    if not given:
        raise errors.missing("Tag.1.Key")
    await _check_exist(call, resources)
    present = await stored.tags_of(call.tx, resources)
    for resource in dict.fromkeys(resources):
        merge_tags(present.get(resource, {}), given, too_many_tags)
        await stored.put(call.tx, call.region, resource, given)
        await _retell(call, resource)


@ec2.operation("DeleteTags")
async def delete_tags(call: Call, *, resources: Sequence[str], tags: Documents | None = None) -> None:
    """Delete the tags with the given keys (and values, where given), or all of a user's own tags."""
    await _check_exist(call, resources)
    for resource in dict.fromkeys(resources):
        for key, value in await _unwanted(call, resource, tags):
            await stored.delete(call.tx, resource, key, value)
        await _retell(call, resource)


async def _retell(call: Call, resource: str) -> None:
    """Let an instance's node look: its metadata may show the tags."""
    if _prefix(resource) == INSTANCES.prefix:
        await instances.mark_stale(call.tx, resource)
        call.wake(service.INSTANCES)


async def _unwanted(call: Call, resource: str, given: Documents | None) -> list[tuple[str, str | None]]:
    if given is None:
        present = (await stored.tags_of(call.tx, [resource])).get(resource, {})
        return [(key, None) for key in present if not key.startswith("aws:")]
    unwanted: list[tuple[str, str | None]] = []
    for number, document in enumerate(given, 1):
        with Fields(document, f"Tag.{number}") as fields:
            unwanted.append((fields.take("Key", str), fields.take("Value", str, None)))
    for key, _ in unwanted:
        if key.startswith("aws:"):
            raise errors.InvalidParameterValue("Tag keys starting with 'aws:' are reserved for internal use")
    return unwanted


@ec2.operation("DescribeTags", reads=True)
async def describe_tags(
    call: Call, *, filters: Documents = (), max_results: int | None = None, next_token: str | None = None
) -> dict[str, Any]:
    wanted = parse_filters(filters)
    for one in wanted:
        if one.name not in _FIELDS and not one.name.startswith("tag:"):
            raise errors.InvalidParameterValue(f"The filter '{one.name}' is invalid")
    after: tuple[str, ...] = decode_token(next_token, (str, str), invalid_token) or ("", "")
    limit = max_results or _DEFAULT_PAGE
    shown: list[Tag] = []
    while len(shown) <= limit:
        found = await stored.page(call.tx, call.region, (after[0], after[1]), _DEFAULT_PAGE, _resource(wanted))
        shown += [tag for tag in found if all(_passes(tag, one) for one in wanted)]
        if len(found) < _DEFAULT_PAGE:
            break
        after = (found[-1].resource, found[-1].key)
    page = cut_page(shown, limit, key=lambda tag: (tag.resource, tag.key))
    return page.with_token({"Tags": [_tag_view(tag) for tag in page.items]}, "NextToken")


_FIELDS: Mapping[str, Callable[[Tag], str]] = {
    "key": lambda tag: tag.key,
    "resource-id": lambda tag: tag.resource,
    "resource-type": lambda tag: _KINDS[_prefix(tag.resource)][0],
    "value": lambda tag: tag.value,
}


def _passes(tag: Tag, wanted: Filter) -> bool:
    if wanted.name.startswith("tag:"):
        return tag.key == wanted.name.removeprefix("tag:") and matches(wanted.values, [tag.value])
    return matches(wanted.values, [_FIELDS[wanted.name](tag)])


def _resource(wanted: Sequence[Filter]) -> str:
    """Return the one resource that the filters leave, so that only its tags are read."""
    for one in wanted:
        if one.name == "resource-id" and len(one.values) == 1 and not set(one.values[0]) & set("*?\\"):
            return one.values[0]
    return ""


def _tag_view(tag: Tag) -> View:
    return {
        "ResourceId": tag.resource,
        "ResourceType": _FIELDS["resource-type"](tag),
        "Key": tag.key,
        "Value": tag.value,
    }
