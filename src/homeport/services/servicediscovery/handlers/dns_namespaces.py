"""Namespaces that DNS answers for: each has a hosted zone of Route 53, which nobody else may change."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from homeport.aws.call import Call
from homeport.aws.fields import Fields
from homeport.services.route53.keeping import new_zone_id
from homeport.services.route53.service import NAMES
from homeport.services.servicediscovery import store, zones
from homeport.services.servicediscovery.errors import InvalidInput
from homeport.services.servicediscovery.handlers.lookup import get_namespace, record
from homeport.services.servicediscovery.handlers.namespaces import add, check_new
from homeport.services.servicediscovery.handlers.tags import parse_new_tags
from homeport.services.servicediscovery.model import DNS_PRIVATE, DNS_PUBLIC, Namespace, NamespaceDocument
from homeport.services.servicediscovery.service import servicediscovery
from homeport.services.servicediscovery.views import namespace_arn

#: Seconds for which resolvers may remember that a name is not there: unconfirmed.
_PRIVATE_SOA_TTL = 15
_PUBLIC_SOA_TTL = 15


@servicediscovery.operation("CreatePrivateDnsNamespace")
async def create_private_dns_namespace(
    call: Call,
    *,
    name: str,
    vpc: str,
    creator_request_id: str = "",
    description: str = "",
    tags: Sequence[Mapping[str, str]] = (),
    properties: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    given = parse_new_tags(tags)
    soa_ttl = _soa_ttl(properties, "Properties")
    domain = zones.domain_of(name)
    await check_new(call, name, lambda there: there.document.vpc == vpc)
    reason = await zones.impediment(call.tx, call.region, domain, vpc)
    if reason:
        operation = await record(call, "CREATE_NAMESPACE", error=("CANNOT_CREATE_HOSTED_ZONE", reason))
        return {"OperationId": operation}
    document = NamespaceDocument(
        type=DNS_PRIVATE,
        created=call.now(),
        creator_request_id=creator_request_id,
        description=description,
        vpc=vpc,
        hosted_zone=new_zone_id(call.ids),
        soa_ttl=_PRIVATE_SOA_TTL if soa_ttl is None else soa_ttl,
    )
    return await _create(call, name, document, given)


@servicediscovery.operation("CreatePublicDnsNamespace")
async def create_public_dns_namespace(
    call: Call,
    *,
    name: str,
    creator_request_id: str = "",
    description: str = "",
    tags: Sequence[Mapping[str, str]] = (),
    properties: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    given = parse_new_tags(tags)
    soa_ttl = _soa_ttl(properties, "Properties")
    zones.domain_of(name)
    await check_new(call, name, lambda there: there.document.type == DNS_PUBLIC)
    document = NamespaceDocument(
        type=DNS_PUBLIC,
        created=call.now(),
        creator_request_id=creator_request_id,
        description=description,
        hosted_zone=new_zone_id(call.ids),
        soa_ttl=_PUBLIC_SOA_TTL if soa_ttl is None else soa_ttl,
    )
    return await _create(call, name, document, given)


async def _create(call: Call, name: str, document: NamespaceDocument, tags: Mapping[str, str]) -> dict[str, Any]:
    namespace = await add(call, name, document, tags)
    arn = namespace_arn(call.region, call.account, namespace.id)
    await zones.create(call.tx, call.region, namespace, arn, ids=call.ids)
    call.wake(NAMES)
    return {"OperationId": await record(call, "CREATE_NAMESPACE", namespace=namespace.id)}


# UpdaterRequestId: it tells repetitions apart, and repeating this changes nothing.
@servicediscovery.operation("UpdatePrivateDnsNamespace", ignores=("UpdaterRequestId",))
async def update_private_dns_namespace(
    call: Call,
    *,
    id: str,  # noqa: A002 - AWS's name
    namespace: Mapping[str, Any],
) -> dict[str, Any]:
    return await _update(call, await get_namespace(call, id), namespace, DNS_PRIVATE)


# UpdaterRequestId: it tells repetitions apart, and repeating this changes nothing.
@servicediscovery.operation("UpdatePublicDnsNamespace", ignores=("UpdaterRequestId",))
async def update_public_dns_namespace(
    call: Call,
    *,
    id: str,  # noqa: A002 - AWS's name
    namespace: Mapping[str, Any],
) -> dict[str, Any]:
    return await _update(call, await get_namespace(call, id), namespace, DNS_PUBLIC)


async def _update(call: Call, there: Namespace, change: Mapping[str, Any], type_: str) -> dict[str, Any]:
    with Fields(change, "Namespace") as fields:
        description = fields.take("Description", str, None)
        soa_ttl = _soa_ttl(fields.take("Properties", dict, None), "Namespace.Properties")
    if there.document.type != type_:
        raise InvalidInput(f"The namespace '{there.id}' is not of the type {type_}.")
    document = there.document
    if description is not None:
        document = msgspec.structs.replace(document, description=description)
    if soa_ttl is not None:
        document = msgspec.structs.replace(document, soa_ttl=soa_ttl)
        await zones.set_soa_ttl(call.tx, there, soa_ttl, ids=call.ids, now=call.now())
        call.wake(NAMES)
    await store.set_namespace_document(call.tx, call.region, there.id, document)
    return {"OperationId": await record(call, "UPDATE_NAMESPACE", namespace=there.id)}


def _soa_ttl(properties: Mapping[str, Any] | None, path: str) -> int | None:
    """Return the TTL of the SOA record that a request asks for, if it does."""
    if properties is None:
        return None
    with Fields(properties, path) as fields:
        dns = fields.take("DnsProperties", dict)
    with Fields(dns, f"{path}.DnsProperties") as fields:
        soa = fields.take("SOA", dict)
    with Fields(soa, f"{path}.DnsProperties.SOA") as fields:
        return fields.take("TTL", int)
