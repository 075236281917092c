"""What EC2's requests have in common: filters, pages, tag specifications, tokens."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from homeport.aws.call import Call
from homeport.aws.errors import AwsError
from homeport.aws.fields import Fields
from homeport.aws.paging import decode_token, encode_token
from homeport.aws.tags import MAX_TAGS, merge_tags, parse_tags
from homeport.services.ec2 import errors
from homeport.services.ec2.model import Tags
from homeport.services.ec2.store import selection, tokens
from homeport.services.ec2.store.selection import Filter, Found, Kind, Resource
from homeport.services.ec2.views import View

R = TypeVar("R", bound=Resource)
V = TypeVar("V")

Documents = Sequence[dict[str, Any]]

#: AWS's limit on the values of all filters of a call.
FILTER_VALUES = 200


def parse_filters(filters: Documents) -> list[Filter]:
    """Return a request's filters."""
    parsed: list[Filter] = []
    for number, document in enumerate(filters, 1):
        with Fields(document, f"Filter.{number}") as fields:
            name, values = fields.take("Name", str, ""), fields.take("Values", list, [])
        if not name:
            raise errors.missing(f"Filter.{number}.Name")
        if not values:
            raise errors.missing(f"Filter.{number}.Value")
        parsed.append(Filter(name, tuple(values)))
    if sum(len(wanted.values) for wanted in parsed) > FILTER_VALUES:
        raise errors.InvalidParameterValue(
            f"The maximum number of filter values specified on a single call is {FILTER_VALUES}",
            code="FilterLimitExceeded",
        )
    return parsed


def invalid_token() -> AwsError:
    return AwsError("The specified NextToken is not valid.", code="InvalidNextToken")


async def describe(
    call: Call,
    kind: Kind[R],
    view: Callable[[R, Tags, str], View],
    name: str,
    *,
    ids: Sequence[str],
    filters: Documents,
    max_results: int | None,
    next_token: str | None,
) -> dict[str, Any]:
    """Answer a Describe call: the resources under *name*, and a token if there are more."""
    found, token = await find_page(
        call, kind, ids=ids, filters=parse_filters(filters), max_results=max_results, next_token=next_token
    )
    return with_token({name: [view(each.resource, each.tags, call.account) for each in found]}, token)


async def find_page(
    call: Call,
    kind: Kind[R],
    *,
    ids: Sequence[str],
    filters: Sequence[Filter],
    max_results: int | None,
    next_token: str | None,
) -> tuple[list[Found[R]], str]:
    """Return the resources that a Describe call asks for, and the token of those after them, empty at the end."""
    if ids and max_results is not None:
        raise errors.InvalidParameterCombination(
            "The parameter MaxResults cannot be used with a list of resource identifiers in the same request."
        )
    after = decode_token(next_token, (str, str), invalid_token) or (kind.table, "")
    if after[0] != kind.table:
        raise invalid_token()
    page = await selection.select(
        call.tx, kind, call.region, owner=call.account, ids=ids, filters=filters, after=after[1], limit=max_results
    )
    return page.found, encode_token((kind.table, page.last)) if page.last else ""


def with_token(answer: dict[str, Any], token: str) -> dict[str, Any]:
    """Return *answer* with the token of the next page, where there is one."""
    return answer | {"NextToken": token} if token else answer


def bad_tag(reason: str) -> AwsError:
    return errors.InvalidParameterValue(reason)


def too_many_tags(_: str) -> AwsError:
    return AwsError(
        f"The maximum number of Tags for a resource has been reached. A resource can have {MAX_TAGS}.",
        code="TagLimitExceeded",
    )


def parse_tag_list(given: Documents) -> dict[str, str]:
    """Return a request's tags by key."""
    for number, document in enumerate(given, 1):
        with Fields(document, f"Tag.{number}") as fields:
            fields.ignore("Key", "Value")
    if len(given) > MAX_TAGS:
        raise too_many_tags("")
    return merge_tags({}, parse_tags(given, bad_tag, key="Key", value="Value"), too_many_tags)


def parse_tag_specifications(specifications: Documents, resource_type: str) -> dict[str, str]:
    """Return the tags for the resource of *resource_type* that an operation makes; it makes no other."""
    return parse_tags_by_type(specifications, [resource_type]).get(resource_type, {})


def parse_tags_by_type(specifications: Documents, resource_types: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the tags for each of the *resource_types* that an operation makes."""
    tags: dict[str, dict[str, str]] = {}
    for number, document in enumerate(specifications, 1):
        with Fields(document, f"TagSpecification.{number}") as fields:
            kind, given = fields.take("ResourceType", str, ""), fields.take("Tags", list, [])
        if not kind:
            raise errors.InvalidParameterValue("Tag specification resource type must have a value")
        if kind not in resource_types:
            raise errors.InvalidParameterValue(f"'{kind}' is not a valid taggable resource type for this operation.")
        if not given:
            raise errors.InvalidParameterValue("Tag specification must have at least one tag")
        if kind in tags:
            raise errors.InvalidParameterValue(f"Duplicate tag specification for resource type '{kind}'")
        tags[kind] = parse_tag_list(given)
    return tags


def only_value(document: Mapping[str, Any], path: str, kind: type[V]) -> V:
    """Return the Value of an attribute's structure."""
    with Fields(document, path) as fields:
        return fields.take("Value", kind)


async def once(call: Call, token: str, request: Mapping[str, Any], make: Callable[[], Awaitable[str]]) -> str:
    """Make a resource and return its id, or return the one that *token* has made from the same *request*."""
    if not token:
        return await make()
    fingerprint = msgspec.json.encode(request, order="sorted").decode()
    made = await tokens.find_made(call.tx, call.region, token, fingerprint)
    if made is None:
        made = await make()
        await tokens.remember(call.tx, call.region, token, fingerprint, made)
    return made
