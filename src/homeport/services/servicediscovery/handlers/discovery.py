"""Instances found by the names of their namespace and service."""

from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

from homeport.aws.call import Call
from homeport.services.servicediscovery import checks, errors, store
from homeport.services.servicediscovery.model import HEALTHY, UNHEALTHY, DiscoverableService, Instance, Namespace
from homeport.services.servicediscovery.service import servicediscovery
from homeport.services.servicediscovery.views import discovered_view


@servicediscovery.operation("DiscoverInstances", reads=True)
async def discover_instances(
    call: Call,
    *,
    namespace_name: str,
    service_name: str,
    max_results: int = 100,
    query_parameters: Mapping[str, str] | None = None,
    optional_parameters: Mapping[str, str] | None = None,
    health_status: str = "ALL",  # AWS says of no value that it is the default: unconfirmed
    owner_account: str | None = None,
) -> dict[str, Any]:
    namespace, service = await _named(call, namespace_name, service_name, owner_account)
    there = await store.instances_of(call.tx, call.region, service.id)
    found = await checks.with_health(call.tx, service, _matching(there, query_parameters or {}))
    if service.document.checked:
        found = _of_health(found, health_status)
    found = _matching(found, optional_parameters or {}) or found
    salt = call.ids.hex(8)  # the order differs from call to call, so that clients spread
    found.sort(key=lambda instance: crc32(f"{salt}{instance.id}".encode()))
    views = [discovered_view(instance, namespace, service) for instance in found[:max_results]]
    return {"Instances": views, "InstancesRevision": service.revision}


@servicediscovery.operation("DiscoverInstancesRevision", reads=True)
async def discover_instances_revision(
    call: Call, *, namespace_name: str, service_name: str, owner_account: str | None = None
) -> dict[str, Any]:
    _, service = await _named(call, namespace_name, service_name, owner_account)
    return {"InstancesRevision": service.revision}


async def _named(
    call: Call, namespace_name: str, service_name: str, owner: str | None
) -> tuple[Namespace, DiscoverableService]:
    namespace = await store.find_http_name(call.tx, call.region, namespace_name)
    if namespace is None or owner not in {None, call.account}:
        raise errors.namespace_missing(namespace_name)
    service = await store.find_service_named(call.tx, call.region, namespace.id, service_name)
    if service is None:
        raise errors.service_missing(service_name)
    return namespace, service


def _matching(instances: Sequence[Instance], wanted: Mapping[str, str]) -> list[Instance]:
    """Return the instances that have every attribute that is *wanted*."""
    return [instance for instance in instances if wanted.items() <= instance.attributes.items()]


def _of_health(instances: list[Instance], wanted: str) -> list[Instance]:
    """Return the instances that a health filter lets pass."""
    if wanted == "ALL":
        return instances
    status = UNHEALTHY if wanted == UNHEALTHY else HEALTHY
    found = [instance for instance in instances if instance.health == status]
    return found or instances if wanted == "HEALTHY_OR_ELSE_ALL" else found
