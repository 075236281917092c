"""What requests name, by id or ARN, and what all changes leave behind."""

from homeport.aws.call import Call
from homeport.services.servicediscovery import errors, store
from homeport.services.servicediscovery.model import DiscoverableService, Instance, Namespace, Operation


def id_of(call: Call, identifier: str, kind: str) -> str:
    """Return the id in *identifier*, which is one or the ARN of a resource of that *kind* here."""
    return identifier.removeprefix(call.arn("servicediscovery", f"{kind}/"))


async def get_namespace(call: Call, identifier: str) -> Namespace:
    namespace = await store.find_namespace(call.tx, call.region, id_of(call, identifier, "namespace"))
    if namespace is None:
        raise errors.namespace_missing(identifier)
    return namespace


async def get_service(call: Call, identifier: str) -> DiscoverableService:
    service = await store.find_service(call.tx, call.region, id_of(call, identifier, "service"))
    if service is None:
        raise errors.service_missing(identifier)
    return service


async def get_instance(call: Call, service: DiscoverableService, instance_id: str) -> Instance:
    instance = await store.find_instance(call.tx, call.region, service.id, instance_id)
    if instance is None:
        raise errors.instance_missing(service.id, instance_id)
    return instance


async def record(
    call: Call,
    type_: str,
    *,
    namespace: str = "",
    service: str = "",
    instance: str = "",
    error: tuple[str, str] = ("", ""),
) -> str:
    """Record an operation that is done, or has failed for an *error*: code and sentence.  Return its id."""
    id_ = f"{call.ids.hex(32)}-{call.ids.hex(8)}"
    operation = Operation(id_, call.now(), type_, namespace, service, instance, *error)
    await store.add_operation(call.tx, call.region, operation)
    return id_
