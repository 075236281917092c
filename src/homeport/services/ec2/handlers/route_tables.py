"""Route tables, their routes and their associations with subnets."""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

from homeport.aws.call import Call
from homeport.aws.errors import AwsError
from homeport.services.ec2 import errors
from homeport.services.ec2.handlers.documents import Documents, describe, once, parse_tag_specifications
from homeport.services.ec2.model import Association, Route, RouteTable, new_id
from homeport.services.ec2.service import NETWORK, ec2
from homeport.services.ec2.store import interfaces, routes, tags, vpcs
from homeport.services.ec2.store.selection import get
from homeport.services.ec2.validation import parse_network
from homeport.services.ec2.views import route_table_view

_ASSOCIATED = {"State": "associated"}


async def _get_table(call: Call, table_id: str) -> RouteTable:
    return await get(call.tx, routes.TABLES, call.region, table_id)


async def _changed(call: Call, vpc: str) -> None:
    """Have the nodes of the VPC's interfaces told where these now lead."""
    await interfaces.mark_stale(call.tx, vpc)
    call.wake(NETWORK)


@ec2.operation("CreateRouteTable")
async def create_route_table(
    call: Call, *, vpc_id: str, tag_specifications: Documents = (), client_token: str = ""
) -> dict[str, Any]:
    given = parse_tag_specifications(tag_specifications, "route-table")
    vpc = await vpcs.get_vpc(call.tx, call.region, vpc_id)

    async def make() -> str:
        table = RouteTable(new_id(call.ids, "rtb"), call.region, vpc.id, vpc.cidr)
        await routes.insert_table(call.tx, table)
        await tags.put(call.tx, call.region, table.id, given)
        return table.id

    made = await once(call, client_token, {"v": vpc.id, "t": given}, make)
    table = await _get_table(call, made)
    view = route_table_view(table, (await tags.tags_of(call.tx, [made])).get(made, {}), call.account)
    answer: dict[str, Any] = {"RouteTable": view}
    return answer | {"ClientToken": client_token} if client_token else answer


@ec2.operation("DescribeRouteTables", reads=True)
async def describe_route_tables(
    call: Call,
    *,
    route_table_ids: Sequence[str] = (),
    filters: Documents = (),
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    return await describe(
        call,
        routes.TABLES,
        route_table_view,
        "RouteTables",
        ids=route_table_ids,
        filters=filters,
        max_results=max_results,
        next_token=next_token,
    )


@ec2.operation("DeleteRouteTable")
async def delete_route_table(call: Call, *, route_table_id: str) -> None:
    table = await _get_table(call, route_table_id)
    if table.associations:
        raise errors.has_dependencies("routeTable", table.id)
    await routes.delete_table(call.tx, table)


@ec2.operation("CreateRoute")
async def create_route(
    call: Call, *, route_table_id: str, destination_cidr_block: str | None = None, gateway_id: str | None = None
) -> dict[str, Any]:
    table = await _get_table(call, route_table_id)
    destination = _destination(table, destination_cidr_block)
    if any(route.destination == destination for route in table.routes):
        raise AwsError(f"The route identified by {destination} already exists.", code="RouteAlreadyExists")
    await _put_route(call, table, destination, gateway_id)
    return {"Return": True}


@ec2.operation("ReplaceRoute")
async def replace_route(
    call: Call, *, route_table_id: str, destination_cidr_block: str | None = None, gateway_id: str | None = None
) -> None:
    table = await _get_table(call, route_table_id)
    destination = _destination(table, destination_cidr_block)
    if all(route.destination != destination for route in table.routes):
        raise errors.InvalidParameterValue(
            f"There is no route defined for '{destination}' in the route table. Use CreateRoute instead."
        )
    await _put_route(call, table, destination, gateway_id)


def _destination(table: RouteTable, cidr: str | None) -> str:
    """Return the destination of a route that a user may make: not within the VPC itself."""
    if cidr is None:
        raise errors.missing("destinationCidrBlock")
    network = parse_network(cidr, "destinationCidrBlock")
    if network == IPv4Network(table.vpc_cidr):
        raise AwsError(f"The route identified by {network} already exists.", code="RouteAlreadyExists")
    if network.subnet_of(IPv4Network(table.vpc_cidr)):
        raise errors.UnsupportedOperation("Homeport does not support routes more specific than the local route.")
    return str(network)


async def _put_route(call: Call, table: RouteTable, destination: str, gateway_id: str | None) -> None:
    if gateway_id is None:
        raise errors.MissingParameter("The request must contain exactly one of gatewayId")
    if not gateway_id.startswith("igw-"):
        raise errors.UnsupportedOperation(f"Homeport routes to internet gateways only: '{gateway_id}' is none.")
    gateway = await get(call.tx, routes.GATEWAYS, call.region, gateway_id)
    if gateway.vpc != table.vpc:
        raise errors.InvalidParameterValue(
            f"route table {table.id} and network gateway {gateway.id} belong to different networks"
        )
    await routes.put_route(call.tx, table.id, Route(destination, gateway.id, active=True))
    await _changed(call, table.vpc)


@ec2.operation("DeleteRoute")
async def delete_route(call: Call, *, route_table_id: str, destination_cidr_block: str | None = None) -> None:
    table = await _get_table(call, route_table_id)
    if destination_cidr_block is None:
        raise errors.missing("destinationCidrBlock")
    destination = str(parse_network(destination_cidr_block, "destinationCidrBlock"))
    if destination == table.vpc_cidr:
        raise errors.InvalidParameterValue(f"cannot remove local route {destination} in route table {table.id}")
    if all(route.destination != destination for route in table.routes):
        raise errors.NotFound(
            f"no route with destination-cidr-block {destination} in route table {table.id}",
            code="InvalidRoute.NotFound",
        )
    await routes.delete_route(call.tx, table.id, destination)
    await _changed(call, table.vpc)


@ec2.operation("AssociateRouteTable")
async def associate_route_table(call: Call, *, route_table_id: str, subnet_id: str | None = None) -> dict[str, Any]:
    table = await _get_table(call, route_table_id)
    if subnet_id is None:
        raise errors.missing("subnetId")
    (subnet,) = await vpcs.get_subnets(call.tx, call.region, [subnet_id])
    if subnet.vpc != table.vpc:
        raise errors.InvalidParameterValue(
            f"Route table {table.id} and subnet {subnet.id} belong to different networks"
        )
    present = await routes.find_association_of(call.tx, subnet.id)
    if present is not None and present.route_table != table.id:
        raise AwsError(
            f"the specified association for route table {table.id} conflicts with an existing association",
            code="Resource.AlreadyAssociated",
        )
    if present is None:
        present = Association(new_id(call.ids, "rtbassoc"), table.id, subnet.id)
        await routes.put_association(call.tx, table.vpc, present)
        await _changed(call, table.vpc)
    return {"AssociationId": present.id, "AssociationState": _ASSOCIATED}


async def _get_association(call: Call, association_id: str) -> Association:
    association = await routes.find_association(call.tx, call.region, association_id)
    if association is None:
        raise errors.not_found("InvalidAssociationID.NotFound", "association ID", [association_id])
    return association


@ec2.operation("DisassociateRouteTable")
async def disassociate_route_table(call: Call, *, association_id: str) -> None:
    association = await _get_association(call, association_id)
    table = await _get_table(call, association.route_table)
    if not association.subnet:
        raise errors.InvalidParameterValue(f"cannot disassociate the main route table association {association.id}")
    await routes.delete_association(call.tx, association.id)
    await _changed(call, table.vpc)


@ec2.operation("ReplaceRouteTableAssociation")
async def replace_route_table_association(call: Call, *, association_id: str, route_table_id: str) -> dict[str, Any]:
    association = await _get_association(call, association_id)
    table = await _get_table(call, route_table_id)
    if (await _get_table(call, association.route_table)).vpc != table.vpc:
        raise errors.InvalidParameterValue(
            f"Route table {table.id} and association {association.id} belong to different networks"
        )
    replaced = replace(association, id=new_id(call.ids, "rtbassoc"), route_table=table.id)
    await routes.delete_association(call.tx, association.id)
    await routes.put_association(call.tx, table.vpc, replaced)
    await _changed(call, table.vpc)
    return {"NewAssociationId": replaced.id, "AssociationState": _ASSOCIATED}
