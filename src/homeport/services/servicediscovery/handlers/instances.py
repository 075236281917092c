"""Instances of services, and their health."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.aws.errors import AwsError
from homeport.aws.paging import Keyset, Page, cut_page, paginate
from homeport.services.ec2.store.instances import get_instance as get_ec2_instance
from homeport.services.ec2.store.interfaces import get_interface
from homeport.services.route53.balancers import find_balancer, plain_name
from homeport.services.route53.service import NAMES
from homeport.services.servicediscovery import checks, errors, instances, store
from homeport.services.servicediscovery.errors import InvalidInput
from homeport.services.servicediscovery.handlers.lookup import get_instance, get_namespace, get_service, record
from homeport.services.servicediscovery.model import ALIAS_DNS_NAME, EC2_INSTANCE_ID, IPV4, Instance, InstanceDocument
from homeport.services.servicediscovery.service import servicediscovery
from homeport.services.servicediscovery.validation import check_attributes
from homeport.services.servicediscovery.views import instance_summary, instance_view
from homeport.services.servicediscovery.zones import domain_of


@servicediscovery.operation("RegisterInstance")
async def register_instance(
    call: Call, *, service_id: str, instance_id: str, attributes: Mapping[str, str], creator_request_id: str = ""
) -> dict[str, Any]:
    service = await get_service(call, service_id)
    check_attributes(service, attributes)
    given = dict(attributes)
    if EC2_INSTANCE_ID in given:
        given[IPV4] = await _primary_address(call, given[EC2_INSTANCE_ID])
    alias_zone = await _alias_zone(call, given[ALIAS_DNS_NAME]) if ALIAS_DNS_NAME in given else ""
    document = InstanceDocument(attributes=given, creator_request_id=creator_request_id, alias_zone=alias_zone)
    instance = Instance(instance_id, document)
    namespace = await get_namespace(call, service.namespace_id)
    await instances.register(call.tx, call.region, namespace, service, instance, call.now())
    call.wake(NAMES)
    operation = await record(
        call, "REGISTER_INSTANCE", namespace=namespace.id, service=service.id, instance=instance_id
    )
    return {"OperationId": operation}


async def _primary_address(call: Call, ec2_instance: str) -> str:
    try:
        found = await get_ec2_instance(call.tx, call.region, ec2_instance)
        return (await get_interface(call.tx, call.region, found.interface)).address
    except AwsError as problem:  # there is none, or it is terminated
        raise InvalidInput(f"{EC2_INSTANCE_ID}: {problem.message}") from None


async def _alias_zone(call: Call, name: str) -> str:
    """Return the hosted zone in which the load balancer of that name has it."""
    found = await find_balancer(call.tx, plain_name(domain_of(name)))
    if found is None or found.region != call.region:
        raise InvalidInput(f"{ALIAS_DNS_NAME}: no load balancer has the name '{name}'.")
    return found.hosted_zone


@servicediscovery.operation("DeregisterInstance")
async def deregister_instance(call: Call, *, service_id: str, instance_id: str) -> dict[str, Any]:
    service = await get_service(call, service_id)
    instance = await get_instance(call, service, instance_id)
    namespace = await get_namespace(call, service.namespace_id)
    await instances.deregister(call.tx, call.region, namespace, service, instance, call.now())
    call.wake(NAMES)
    operation = await record(
        call, "DEREGISTER_INSTANCE", namespace=service.namespace_id, service=service.id, instance=instance_id
    )
    return {"OperationId": operation}


@servicediscovery.operation("GetInstance", reads=True)
async def get_instance_(call: Call, *, service_id: str, instance_id: str) -> dict[str, Any]:
    instance = await get_instance(call, await get_service(call, service_id), instance_id)
    return {"ResourceOwner": call.account, "Instance": instance_view(instance, call.account)}


@servicediscovery.operation("ListInstances", reads=True)
async def list_instances(
    call: Call, *, service_id: str, next_token: str | None = None, max_results: int = 100
) -> dict[str, Any]:
    page = await _page(call, service_id, next_token, max_results)
    views = [instance_summary(instance, call.account) for instance in page.items]
    return page.with_token({"ResourceOwner": call.account, "Instances": views}, "NextToken")


@servicediscovery.operation("GetInstancesHealthStatus", reads=True)
async def get_instances_health_status(
    call: Call,
    *,
    service_id: str,
    instances: Sequence[str] | None = None,
    max_results: int = 100,
    next_token: str | None = None,
) -> dict[str, Any]:
    service = await get_service(call, service_id)
    if instances is None:
        page = await _page(call, service_id, next_token, max_results)
    else:
        named = [await get_instance(call, service, instance) for instance in dict.fromkeys(instances)]
        page = paginate(
            named, next_token, max_results, 100, key=lambda instance: (instance.id,), invalid=errors.invalid_token
        )
    shown = await checks.with_health(call.tx, service, page.items)
    return page.with_token({"Status": {instance.id: instance.status for instance in shown}}, "NextToken")


async def _page(call: Call, service_id: str, next_token: str | None, max_results: int) -> Page[Instance]:
    service = await get_service(call, service_id)
    start = Keyset(("id",), next_token, kinds=(str,), invalid=errors.invalid_token)
    rows = await store.page_of_instances(
        call.tx, call.region, service.id, condition=start.condition, values=start.values, limit=max_results + 1
    )
    return cut_page(rows, max_results, key=lambda instance: (instance.id,))


@servicediscovery.operation("UpdateInstanceCustomHealthStatus")
async def update_instance_custom_health_status(call: Call, *, service_id: str, instance_id: str, status: str) -> None:
    service = await get_service(call, service_id)
    if not service.document.custom_health:
        raise errors.no_custom_health()
    instance = await get_instance(call, service, instance_id)
    namespace = await get_namespace(call, service.namespace_id)
    await instances.set_health(call.tx, call.region, namespace, service, instance, status, call.now())
    call.wake(NAMES)
