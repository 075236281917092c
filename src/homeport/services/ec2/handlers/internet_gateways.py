"""Internet gateways."""

from collections.abc import Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.services.ec2 import errors
from homeport.services.ec2.handlers.documents import Documents, describe, parse_tag_specifications
from homeport.services.ec2.model import InternetGateway, new_id
from homeport.services.ec2.service import NETWORK, ec2
from homeport.services.ec2.store import interfaces, routes, tags, vpcs
from homeport.services.ec2.store.selection import get
from homeport.services.ec2.views import gateway_view


@ec2.operation("CreateInternetGateway")
async def create_internet_gateway(call: Call, *, tag_specifications: Documents = ()) -> dict[str, Any]:
    given = parse_tag_specifications(tag_specifications, "internet-gateway")
    gateway = InternetGateway(new_id(call.ids, "igw"), call.region)
    await routes.insert_gateway(call.tx, gateway)
    await tags.put(call.tx, call.region, gateway.id, given)
    return {"InternetGateway": gateway_view(gateway, given, call.account)}


@ec2.operation("DescribeInternetGateways", reads=True)
async def describe_internet_gateways(
    call: Call,
    *,
    internet_gateway_ids: Sequence[str] = (),
    filters: Documents = (),
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    return await describe(
        call,
        routes.GATEWAYS,
        gateway_view,
        "InternetGateways",
        ids=internet_gateway_ids,
        filters=filters,
        max_results=max_results,
        next_token=next_token,
    )


@ec2.operation("AttachInternetGateway")
async def attach_internet_gateway(call: Call, *, internet_gateway_id: str, vpc_id: str) -> None:
    gateway = await get(call.tx, routes.GATEWAYS, call.region, internet_gateway_id)
    vpc = await vpcs.get_vpc(call.tx, call.region, vpc_id)
    if gateway.vpc:
        raise errors.UnsupportedOperation(
            f"resource {gateway.id} is already attached to network {gateway.vpc}", code="Resource.AlreadyAssociated"
        )
    if await routes.find_gateway_of(call.tx, vpc.id) is not None:
        raise errors.InvalidParameterValue(f"Network {vpc.id} already has an internet gateway attached")
    await _attach(call, gateway, vpc.id, attached=True)


@ec2.operation("DetachInternetGateway")
async def detach_internet_gateway(call: Call, *, internet_gateway_id: str, vpc_id: str) -> None:
    gateway = await get(call.tx, routes.GATEWAYS, call.region, internet_gateway_id)
    vpc = await vpcs.get_vpc(call.tx, call.region, vpc_id)
    if gateway.vpc != vpc.id:
        raise errors.UnsupportedOperation(
            f"resource {gateway.id} is not attached to network {vpc.id}", code="Gateway.NotAttached"
        )
    if await interfaces.has_interfaces(call.tx, vpc=vpc.id, public=True):
        raise errors.DependencyViolation(
            f"Network {vpc.id} has some mapped public address(es). Please unmap those public address(es) before"
            " detaching the gateway."
        )
    await _attach(call, gateway, vpc.id, attached=False)


async def _attach(call: Call, gateway: InternetGateway, vpc: str, *, attached: bool) -> None:
    await routes.attach_gateway(call.tx, gateway.id, vpc if attached else None)
    await interfaces.mark_stale(call.tx, vpc)
    call.wake(NETWORK)


@ec2.operation("DeleteInternetGateway")
async def delete_internet_gateway(call: Call, *, internet_gateway_id: str) -> None:
    gateway = await get(call.tx, routes.GATEWAYS, call.region, internet_gateway_id)
    if gateway.vpc:
        raise errors.has_dependencies("internetGateway", gateway.id)
    await routes.delete_gateway(call.tx, gateway.id)
