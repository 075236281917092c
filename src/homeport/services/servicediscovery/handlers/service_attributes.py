"""The attributes of a service itself, which are a user's own."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.services.servicediscovery import errors, store
from homeport.services.servicediscovery.handlers.lookup import get_service
from homeport.services.servicediscovery.service import servicediscovery
from homeport.services.servicediscovery.views import service_arn

MAX_ATTRIBUTES = 30


@servicediscovery.operation("GetServiceAttributes", reads=True)
async def get_service_attributes(call: Call, *, service_id: str) -> dict[str, Any]:
    service = await get_service(call, service_id)
    return {
        "ServiceAttributes": {
            "ServiceArn": service_arn(call.region, call.account, service.id),
            "ResourceOwner": call.account,
            "Attributes": dict(service.attributes),
        }
    }


@servicediscovery.operation("UpdateServiceAttributes")
async def update_service_attributes(call: Call, *, service_id: str, attributes: Mapping[str, str]) -> None:
    service = await get_service(call, service_id)
    changed = {**service.attributes, **attributes}
    if len(changed) > MAX_ATTRIBUTES:
        raise errors.too_many_attributes(MAX_ATTRIBUTES)
    await store.set_service_attributes(call.tx, call.region, service.id, changed)


@servicediscovery.operation("DeleteServiceAttributes")
async def delete_service_attributes(call: Call, *, service_id: str, attributes: Sequence[str]) -> None:
    service = await get_service(call, service_id)
    left = {key: value for key, value in service.attributes.items() if key not in set(attributes)}
    await store.set_service_attributes(call.tx, call.region, service.id, left)
