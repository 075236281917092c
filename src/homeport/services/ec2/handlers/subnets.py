"""Subnets."""

from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import Any

from homeport.aws.call import Call
from homeport.services.ec2 import errors, regions
from homeport.services.ec2.handlers.documents import Documents, describe, only_value, parse_tag_specifications
from homeport.services.ec2.service import ec2
from homeport.services.ec2.store import defaults, interfaces, tags, vpcs
from homeport.services.ec2.validation import check_subnet_range, parse_network
from homeport.services.ec2.views import subnet_view


@ec2.operation("CreateSubnet")
async def create_subnet(
    call: Call,
    *,
    vpc_id: str,
    cidr_block: str | None = None,
    availability_zone: str | None = None,
    availability_zone_id: str | None = None,
    tag_specifications: Documents = (),
) -> dict[str, Any]:
    if cidr_block is None:
        raise errors.missing("cidrBlock")
    cidr = parse_network(cidr_block)
    given = parse_tag_specifications(tag_specifications, "subnet")
    zone = pick_zone(call.region, availability_zone, availability_zone_id)
    vpc = await vpcs.get_vpc(call.tx, call.region, vpc_id)
    check_subnet_range(cidr, vpc.cidr, [subnet.cidr for subnet in await vpcs.subnets_of(call.tx, vpc.id)])
    subnet = defaults.new_subnet(vpc, zone, str(cidr), call.ids)
    await vpcs.insert_subnet(call.tx, subnet)
    await tags.put(call.tx, call.region, subnet.id, given)
    return {"Subnet": subnet_view(subnet, given, call.account)}


@ec2.operation("CreateDefaultSubnet")
async def create_default_subnet(
    call: Call, *, availability_zone: str | None = None, availability_zone_id: str | None = None
) -> dict[str, Any]:
    if availability_zone is None and availability_zone_id is None:
        raise errors.missing("availabilityZone")
    zone = pick_zone(call.region, availability_zone, availability_zone_id)
    vpc = await vpcs.find_default_vpc(call.tx, call.region)
    if vpc is None:
        raise errors.UnsupportedOperation("No default VPC exists in this region.", code="DefaultVpcDoesNotExist")
    subnets = await vpcs.subnets_of(call.tx, vpc.id)
    if any(subnet.default_for_zone and subnet.zone == zone for subnet in subnets):
        raise errors.UnsupportedOperation(
            f"'{zone}' already has a default subnet.", code="DefaultSubnetAlreadyExistsInAvailabilityZone"
        )
    taken = [IPv4Network(subnet.cidr) for subnet in subnets]
    for cidr in IPv4Network(vpc.cidr).subnets(new_prefix=defaults.DEFAULT_SUBNET_PREFIX):
        if not any(cidr.overlaps(other) for other in taken):
            subnet = defaults.default_subnet(vpc, zone, str(cidr), call.ids)
            await vpcs.insert_subnet(call.tx, subnet)
            return {"Subnet": subnet_view(subnet, {}, call.account)}
    raise errors.UnsupportedOperation(
        "There is no free CIDR block for a default subnet in the default VPC.", code="InsufficientFreeAddressesInVpc"
    )


def pick_zone(region: str, name: str | None, id_: str | None) -> str:
    """Return the zone that a request means by name or id, the first where it leaves the choice to us."""
    if name is not None and id_ is not None:
        raise errors.InvalidParameterCombination(
            "Only one of AvailabilityZone or AvailabilityZoneId can be specified in the request"
        )
    zones = regions.zones(region)
    if name is None and id_ is None:
        return zones[0].name
    for zone in zones:
        if name == zone.name or id_ == zone.id:
            return zone.name
    known = ", ".join(zone.name if name is not None else zone.id for zone in zones)
    raise errors.bad_value(
        name or id_,
        "availabilityZone" if name is not None else "availabilityZoneId",
        f"Subnets can currently only be created in the following availability zones: {known}.",
    )


@ec2.operation("DescribeSubnets", reads=True)
async def describe_subnets(
    call: Call,
    *,
    subnet_ids: Sequence[str] = (),
    filters: Documents = (),
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    return await describe(
        call,
        vpcs.SUBNETS,
        subnet_view,
        "Subnets",
        ids=subnet_ids,
        filters=filters,
        max_results=max_results,
        next_token=next_token,
    )


@ec2.operation("DeleteSubnet")
async def delete_subnet(call: Call, *, subnet_id: str) -> None:
    (subnet,) = await vpcs.get_subnets(call.tx, call.region, [subnet_id])
    if await interfaces.has_interfaces(call.tx, subnet=subnet.id):
        raise errors.has_dependencies("subnet", subnet.id)
    await vpcs.delete_subnet(call.tx, subnet)


@ec2.operation("ModifySubnetAttribute", dryable=False)
async def modify_subnet_attribute(
    call: Call, *, subnet_id: str, map_public_ip_on_launch: dict[str, Any] | None = None
) -> None:
    (subnet,) = await vpcs.get_subnets(call.tx, call.region, [subnet_id])
    if map_public_ip_on_launch is None:
        raise errors.missing("attribute")
    value = only_value(map_public_ip_on_launch, "MapPublicIpOnLaunch", bool)
    await vpcs.set_map_public_ip(call.tx, subnet.id, value=value)
