"""Namespaces."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from homeport.aws.call import Call
from homeport.aws.fields import Fields
from homeport.aws.paging import paginate
from homeport.services.route53.service import NAMES
from homeport.services.servicediscovery import errors, store, zones
from homeport.services.servicediscovery.errors import InvalidInput, ResourceLimitExceeded
from homeport.services.servicediscovery.handlers.lookup import get_namespace, record
from homeport.services.servicediscovery.handlers.tags import parse_new_tags
from homeport.services.servicediscovery.model import HTTP, MAX_NAMESPACES, Namespace, NamespaceDocument
from homeport.services.servicediscovery.service import servicediscovery
from homeport.services.servicediscovery.views import namespace_summary, namespace_view

Documents = Sequence[Mapping[str, Any]]


@servicediscovery.operation("CreateHttpNamespace")
async def create_http_namespace(
    call: Call,
    *,
    name: str,
    creator_request_id: str = "",
    description: str = "",
    tags: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    given = parse_new_tags(tags)
    await check_new(call, name, lambda there: there.document.type == HTTP)
    document = NamespaceDocument(
        type=HTTP, created=call.now(), creator_request_id=creator_request_id, description=description
    )
    namespace = await add(call, name, document, given)
    return {"OperationId": await record(call, "CREATE_NAMESPACE", namespace=namespace.id)}


async def check_new(call: Call, name: str, is_same: Callable[[Namespace], bool]) -> None:
    """Refuse a namespace that is there already, or for which there is no room."""
    for there in await store.namespaces_named(call.tx, call.region, name):
        if is_same(there):
            raise errors.namespace_exists(there)
    if len(await store.list_namespaces(call.tx, call.region)) >= MAX_NAMESPACES:
        raise ResourceLimitExceeded(f"A region can have at most {MAX_NAMESPACES} namespaces.")


async def add(call: Call, name: str, document: NamespaceDocument, tags: Mapping[str, str]) -> Namespace:
    """Record a new namespace."""
    namespace = Namespace(f"ns-{call.ids.hex(16)}", name, await _free_http_name(call, name), document, tags=tags)
    await store.add_namespace(call.tx, call.region, namespace)
    return namespace


async def _free_http_name(call: Call, name: str) -> str:
    """Return what DiscoverInstances will know a new namespace by: its name, with a suffix where that is in use."""
    taken = await store.find_http_name(call.tx, call.region, name)
    return name if taken is None else f"{name}-{call.ids.hex(16)}"


@servicediscovery.operation("GetNamespace", reads=True)
async def get_namespace_(call: Call, *, id: str) -> dict[str, Any]:  # noqa: A002 - AWS's name
    return {"Namespace": namespace_view(await get_namespace(call, id), call.region, call.account)}


@servicediscovery.operation("ListNamespaces", reads=True)
async def list_namespaces(
    call: Call, *, next_token: str | None = None, max_results: int = 100, filters: Documents = ()
) -> dict[str, Any]:
    conditions = [_condition(document, number) for number, document in enumerate(filters)]
    found = [
        namespace
        for namespace in await store.list_namespaces(call.tx, call.region)
        if all(condition(namespace) for condition in conditions)
    ]
    page = paginate(
        found, next_token, max_results, 100, key=lambda namespace: (namespace.id,), invalid=errors.invalid_token
    )
    views = [namespace_summary(namespace, call.region, call.account) for namespace in page.items]
    return page.with_token({"Namespaces": views}, "NextToken")


_READERS: Mapping[str, Callable[[Namespace], str]] = {
    "TYPE": lambda namespace: namespace.document.type,
    "NAME": lambda namespace: namespace.name,
    "HTTP_NAME": lambda namespace: namespace.http_name,
    "RESOURCE_OWNER": lambda _: "SELF",
}


def _condition(document: Mapping[str, Any], number: int) -> Callable[[Namespace], bool]:
    """Return what a namespace must be to pass a filter."""
    with Fields(document, f"Filters[{number}]") as fields:
        name = fields.take("Name", str)
        values: list[str] = fields.take("Values", list)
        condition = fields.take("Condition", str, "EQ")
    if condition not in {"EQ", "BEGINS_WITH"} or (condition == "BEGINS_WITH" and name == "RESOURCE_OWNER"):
        raise InvalidInput(f"The condition {condition} is not valid for the filter {name}.")
    if len(values) != 1:
        raise InvalidInput(f"The condition {condition} takes exactly one value.")
    read, [value] = _READERS[name], values
    if condition == "BEGINS_WITH":
        return lambda namespace: read(namespace).startswith(value)
    return lambda namespace: read(namespace) == value


# UpdaterRequestId: it tells repetitions apart, and repeating this changes nothing.
@servicediscovery.operation("UpdateHttpNamespace", ignores=("UpdaterRequestId",))
async def update_http_namespace(
    call: Call,
    *,
    id: str,  # noqa: A002 - AWS's name
    namespace: Mapping[str, Any],
) -> dict[str, Any]:
    there = await get_namespace(call, id)
    with Fields(namespace, "Namespace") as fields:
        description = fields.take("Description", str)
    if there.document.type != HTTP:
        raise InvalidInput(f"The namespace '{there.id}' is not an HTTP namespace.")
    changed = msgspec.structs.replace(there.document, description=description)
    await store.set_namespace_document(call.tx, call.region, there.id, changed)
    return {"OperationId": await record(call, "UPDATE_NAMESPACE", namespace=there.id)}


@servicediscovery.operation("DeleteNamespace")
async def delete_namespace(call: Call, *, id: str) -> dict[str, Any]:  # noqa: A002 - AWS's name
    namespace = await get_namespace(call, id)
    if namespace.service_count:
        raise errors.namespace_in_use()
    await store.remove_namespace(call.tx, call.region, namespace.id)
    if namespace.document.hosted_zone:
        await zones.delete(call.tx, namespace, ids=call.ids, now=call.now())
        call.wake(NAMES)
    return {"OperationId": await record(call, "DELETE_NAMESPACE", namespace=namespace.id)}
