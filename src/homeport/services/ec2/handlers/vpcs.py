"""VPCs and their attributes."""

from collections.abc import Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.services.ec2 import errors
from homeport.services.ec2.handlers.documents import Documents, describe, only_value, parse_tag_specifications
from homeport.services.ec2.model import PUBLIC_POOL
from homeport.services.ec2.service import ec2
from homeport.services.ec2.store import addresses, defaults, routes, security_groups, tags, vpcs
from homeport.services.ec2.validation import check_vpc_range, parse_network
from homeport.services.ec2.views import vpc_view


@ec2.operation("CreateVpc")
async def create_vpc(
    call: Call,
    *,
    cidr_block: str | None = None,
    instance_tenancy: str = "default",
    amazon_provided_ipv6_cidr_block: bool = False,
    tag_specifications: Documents = (),
) -> dict[str, Any]:
    if cidr_block is None:
        raise errors.missing("cidrBlock")
    if instance_tenancy != "default":
        raise errors.UnsupportedOperation("Homeport has no dedicated tenancy.")
    if amazon_provided_ipv6_cidr_block:
        raise errors.UnsupportedOperation("Homeport's VPCs have IPv4 addresses only.")
    cidr = parse_network(cidr_block)
    check_vpc_range(cidr, await addresses.pool_range(call.tx, PUBLIC_POOL))
    given = parse_tag_specifications(tag_specifications, "vpc")
    vpc = await defaults.create_vpc(call.tx, defaults.new_vpc(call.region, str(cidr), call.ids), call.ids)
    await tags.put(call.tx, call.region, vpc.id, given)
    return {"Vpc": vpc_view(vpc, given, call.account)}


@ec2.operation("CreateDefaultVpc")
async def create_default_vpc(call: Call) -> dict[str, Any]:
    if await vpcs.find_default_vpc(call.tx, call.region) is not None:
        raise errors.UnsupportedOperation(
            "A Default VPC already exists for this account in this region.", code="DefaultVpcAlreadyExists"
        )
    vpc = await defaults.create_default_vpc(call.tx, call.region, call.ids)
    return {"Vpc": vpc_view(vpc, {}, call.account)}


@ec2.operation("DescribeVpcs", reads=True)
async def describe_vpcs(
    call: Call,
    *,
    vpc_ids: Sequence[str] = (),
    filters: Documents = (),
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    return await describe(
        call,
        vpcs.VPCS,
        vpc_view,
        "Vpcs",
        ids=vpc_ids,
        filters=filters,
        max_results=max_results,
        next_token=next_token,
    )


@ec2.operation("DeleteVpc")
async def delete_vpc(call: Call, *, vpc_id: str) -> None:
    vpc = await vpcs.get_vpc(call.tx, call.region, vpc_id)
    if (
        await vpcs.subnets_of(call.tx, vpc.id)
        or await security_groups.has_security_groups(call.tx, vpc.id)
        or await routes.has_other_tables(call.tx, vpc.id)
        or await routes.find_gateway_of(call.tx, vpc.id) is not None
    ):
        raise errors.has_dependencies("vpc", vpc.id)
    await routes.delete_table(call.tx, await routes.main_table(call.tx, vpc.id))
    await security_groups.delete_group(call.tx, await security_groups.default_security_group(call.tx, vpc.id))
    await vpcs.delete_vpc(call.tx, vpc)


@ec2.operation("DescribeVpcAttribute", reads=True)
async def describe_vpc_attribute(call: Call, *, attribute: str, vpc_id: str) -> dict[str, Any]:
    vpc = await vpcs.get_vpc(call.tx, call.region, vpc_id)
    attributes = {
        "enableDnsSupport": ("EnableDnsSupport", True),
        "enableDnsHostnames": ("EnableDnsHostnames", vpc.dns_hostnames),
        "enableNetworkAddressUsageMetrics": ("EnableNetworkAddressUsageMetrics", False),
    }
    if attribute not in attributes:
        raise errors.bad_value(attribute, "attribute", "Unknown attribute.")
    name, value = attributes[attribute]
    return {"VpcId": vpc.id, name: {"Value": value}}


@ec2.operation("ModifyVpcAttribute", dryable=False)
async def modify_vpc_attribute(
    call: Call,
    *,
    vpc_id: str,
    enable_dns_support: dict[str, Any] | None = None,
    enable_dns_hostnames: dict[str, Any] | None = None,
    enable_network_address_usage_metrics: dict[str, Any] | None = None,
) -> None:
    given = (enable_dns_support, enable_dns_hostnames, enable_network_address_usage_metrics)
    if sum(attribute is not None for attribute in given) != 1:
        raise errors.InvalidParameterCombination("Exactly one attribute can be modified at a time")
    vpc = await vpcs.get_vpc(call.tx, call.region, vpc_id)
    if enable_dns_support is not None and not only_value(enable_dns_support, "EnableDnsSupport", bool):
        raise errors.UnsupportedOperation("Homeport cannot switch off a VPC's DNS resolver.")
    metrics = enable_network_address_usage_metrics
    if metrics is not None and only_value(metrics, "EnableNetworkAddressUsageMetrics", bool):
        raise errors.UnsupportedOperation("Homeport has no network address usage metrics.")
    if enable_dns_hostnames is not None:
        value = only_value(enable_dns_hostnames, "EnableDnsHostnames", bool)
        await vpcs.set_dns_hostnames(call.tx, vpc.id, value=value)
