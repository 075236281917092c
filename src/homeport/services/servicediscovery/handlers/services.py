"""Services of namespaces."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from homeport.aws.call import Call
from homeport.aws.fields import Fields
from homeport.aws.paging import Keyset, cut_page
from homeport.services.route53.service import NAMES
from homeport.services.servicediscovery import errors, instances, publishing, records, store
from homeport.services.servicediscovery.errors import InvalidInput
from homeport.services.servicediscovery.handlers.lookup import get_namespace, get_service, id_of, record
from homeport.services.servicediscovery.handlers.tags import parse_new_tags
from homeport.services.servicediscovery.model import HTTP, DiscoverableService, DnsConfig, Instance, ServiceDocument
from homeport.services.servicediscovery.service import servicediscovery
from homeport.services.servicediscovery.validation import check_attributes
from homeport.services.servicediscovery.views import service_arn, service_summary, service_view

Documents = Sequence[Mapping[str, Any]]


@servicediscovery.operation("CreateService")
async def create_service(
    call: Call,
    *,
    name: str,
    namespace_id: str = "",
    creator_request_id: str = "",
    description: str = "",
    dns_config: Mapping[str, Any] | None = None,
    health_check_config: Mapping[str, Any] | None = None,
    health_check_custom_config: Mapping[str, Any] | None = None,
    tags: Sequence[Mapping[str, str]] = (),
    type: str | None = None,  # noqa: A002 - AWS's name
) -> dict[str, Any]:
    given = parse_new_tags(tags)
    with Fields(health_check_custom_config or {}, "HealthCheckCustomConfig") as fields:
        fields.ignore("FailureThreshold")  # AWS keeps it at one, whatever is asked for
    if not namespace_id and dns_config is not None:
        namespace_id = str(dns_config.get("NamespaceId", ""))
    if not namespace_id:
        raise InvalidInput("A NamespaceId must be specified.")
    namespace = await get_namespace(call, namespace_id)
    if dns_config is not None and HTTP in {namespace.document.type, type}:
        raise InvalidInput("When you specify an HTTP service, you can't include a DnsConfig element.")
    if dns_config is None and HTTP not in {namespace.document.type, type}:
        raise InvalidInput("A service in a DNS namespace needs a DnsConfig, or the type HTTP.")
    document = ServiceDocument(
        created=call.now(),
        creator_request_id=creator_request_id,
        description=description,
        dns=None if dns_config is None else records.parse_dns_config(dns_config, namespace.id),
        custom_health=health_check_custom_config is not None,
        endpoint_check=None
        if health_check_config is None
        else records.parse_endpoint_check(health_check_config, "HealthCheckConfig"),
    )
    records.check_endpoint_check(namespace, document)
    wanted = DiscoverableService(
        f"srv-{call.ids.hex(16)}", namespace.id, name, document, revision=store.revision_at(call.now()), tags=given
    )
    if document.dns is not None:
        records.service_name(namespace, wanted)
    there = await store.find_same_service(call.tx, call.region, wanted)
    there = there or await store.find_service_named(call.tx, call.region, namespace.id, name)
    if there is not None:
        raise errors.service_exists(there, service_arn(call.region, call.account, there.id))
    await store.add_service(call.tx, call.region, wanted)
    return {"Service": service_view(wanted, call.region, call.account)}


@servicediscovery.operation("GetService", reads=True)
async def get_service_(call: Call, *, id: str) -> dict[str, Any]:  # noqa: A002 - AWS's name
    return {"Service": service_view(await get_service(call, id), call.region, call.account)}


@servicediscovery.operation("ListServices", reads=True)
async def list_services(
    call: Call, *, next_token: str | None = None, max_results: int = 100, filters: Documents = ()
) -> dict[str, Any]:
    wanted = [_wanted(call, document, number) for number, document in enumerate(filters)]
    namespaces = {namespace for namespace in wanted if namespace is not None}
    if len(namespaces) > 1 or "" in namespaces:  # no service is in two namespaces, and none is somebody else's
        return {"Services": []}
    start = Keyset(("id",), next_token, kinds=(str,), invalid=errors.invalid_token)
    rows = await store.list_services(
        call.tx,
        call.region,
        namespace_id=next(iter(namespaces), None),
        condition=start.condition,
        values=start.values,
        limit=max_results + 1,
    )
    page = cut_page(rows, max_results, key=lambda service: (service.id,))
    views = [service_summary(service, call.region, call.account) for service in page.items]
    return page.with_token({"Services": views}, "NextToken")


def _wanted(call: Call, document: Mapping[str, Any], number: int) -> str | None:
    """Return the id of the namespace that a filter asks for: None for any, empty where none can be meant."""
    with Fields(document, f"Filters[{number}]") as fields:
        name = fields.take("Name", str)
        values: list[str] = fields.take("Values", list)
        condition = fields.take("Condition", str, "EQ")
    # IN is what AWS's own command line once documented, for several namespaces.  With one value it is EQ.
    if condition not in {"EQ", "IN"}:
        raise InvalidInput(f"The condition {condition} is not valid for the filter {name}.")
    if len(values) != 1:
        raise InvalidInput("A filter of services takes exactly one value.")
    if name == "RESOURCE_OWNER":
        return None if values[0] == "SELF" else ""
    return id_of(call, values[0], "namespace")


@servicediscovery.operation("UpdateService")
async def update_service(
    call: Call,
    *,
    id: str,  # noqa: A002 - AWS's name
    service: Mapping[str, Any],
) -> dict[str, Any]:
    """Change what a service says of itself and its records' TTLs; records that are left out are deleted, as on AWS."""
    there = await get_service(call, id)
    with Fields(service, "Service") as fields:
        description = fields.take("Description", str, there.document.description)
        dns_config = fields.take("DnsConfig", dict, None)
        check = fields.take("HealthCheckConfig", dict, None)
    namespace = await get_namespace(call, there.namespace_id)
    if namespace.document.type == HTTP:
        raise InvalidInput("A service of an HTTP namespace can't be updated.")
    document = msgspec.structs.replace(
        there.document,
        description=description,
        dns=_changed(there.document.dns, dns_config),
        endpoint_check=None if check is None else records.parse_endpoint_check(check, "Service.HealthCheckConfig"),
    )
    records.check_endpoint_check(namespace, document)
    after = replace(there, document=document)
    await store.set_service_document(call.tx, call.region, after)
    pairs = await _instances(call, there, after)
    await publishing.follow_service(call.tx, namespace, before=there, after=after, instances=pairs, now=call.now())
    call.wake(NAMES)
    return {"OperationId": await record(call, "UPDATE_SERVICE", namespace=namespace.id, service=there.id)}


async def _instances(
    call: Call, before: DiscoverableService, after: DiscoverableService
) -> list[tuple[Instance, Instance]]:
    """Return the instances of a changed service as they were and as they are, with their new health checks."""
    if before.document.endpoint_check != after.document.endpoint_check:
        for instance in await store.instances_of(call.tx, call.region, after.id):
            check_attributes(after, instance.attributes)
        return await instances.check_anew(call.tx, call.region, after, call.now())
    return [(instance, instance) for instance in await store.instances_of(call.tx, call.region, after.id)]


def _changed(present: DnsConfig | None, given: Mapping[str, Any] | None) -> DnsConfig | None:
    """Return the DnsConfig that an update leaves of the *present* one."""
    if given is None:
        return None
    with Fields(given, "Service.DnsConfig") as fields:
        kept = records.parse_records(fields)
    types = {record.type for record in kept}
    if present is None or not types <= present.types or len(types) != len(kept):
        raise InvalidInput("The types of a service's DNS records can't be changed; delete it and create another.")
    return DnsConfig(present.routing_policy, kept) if kept else None


@servicediscovery.operation("DeleteService")
async def delete_service(call: Call, *, id: str) -> None:  # noqa: A002 - AWS's name
    service = await get_service(call, id)
    if service.instance_count:
        raise errors.service_in_use()
    await store.remove_service(call.tx, call.region, service)
