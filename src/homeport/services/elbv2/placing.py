"""Where a load balancer stands: its subnets and security groups, and an interface in each subnet."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.aws.errors import AwsError
from homeport.aws.fields import Fields
from homeport.services.ec2 import store as ec2
from homeport.services.ec2.model import SecurityGroup, Subnet
from homeport.services.elbv2 import errors
from homeport.services.elbv2.model.load_balancers import (
    FREE_ADDRESSES,
    REQUESTER,
    BalancerZone,
    Kind,
    LoadBalancer,
)


def wanted_subnets(subnets: Sequence[str], mappings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the subnets that a request names in either way, or refuse it."""
    if subnets and mappings:
        raise errors.ValidationError("You must specify either subnets or subnet mappings, not both")
    named = list(subnets)
    for position, mapping in enumerate(mappings):
        with Fields(mapping, f"subnetMappings[{position}]") as fields:
            named.append(fields.take("SubnetId", str))
    return named


async def find_subnets(call: Call, kind: Kind, ids: Sequence[str]) -> list[Subnet]:
    """Return the subnets for a load balancer, by zone, or refuse them."""
    needed = 2 if kind is Kind.APPLICATION else 1
    if len(set(ids)) < needed:
        noun = "At least two subnets in two different Availability Zones" if needed == 2 else "At least one subnet"
        raise errors.ValidationError(f"{noun} must be specified")
    try:
        subnets = await ec2.get_subnets(call.tx, call.region, ids)
    except AwsError as error:
        raise errors.SubnetNotFound(error.message) from None
    if len({subnet.vpc for subnet in subnets}) > 1:
        raise errors.InvalidConfigurationRequest("All subnets must belong to the same VPC")  # unconfirmed
    if len({subnet.zone for subnet in subnets}) < len(subnets):
        raise errors.InvalidConfigurationRequest(
            "A load balancer cannot be attached to multiple subnets in the same Availability Zone"
        )
    return sorted(subnets, key=lambda subnet: subnet.zone)


async def find_groups(call: Call, vpc: str, ids: Sequence[str]) -> list[SecurityGroup]:
    """Return the security groups for a load balancer in *vpc*, or refuse them."""
    try:
        groups = await ec2.get_security_groups(call.tx, call.region, ids)
    except AwsError:
        groups = []
    if not groups or any(group.vpc != vpc for group in groups):
        raise errors.InvalidConfigurationRequest("One or more security groups are invalid")
    return groups


async def check_room(call: Call, subnets: Sequence[Subnet], *, public: bool) -> None:
    """Refuse subnets that are too full, and a VPC that the internet does not reach."""
    vpc = subnets[0].vpc
    if public and not await ec2.has_internet_gateway(call.tx, vpc):
        raise errors.InvalidSubnet(f"VPC {vpc} has no internet gateway")
    for subnet in subnets:
        if subnet.free < FREE_ADDRESSES:
            raise errors.InvalidSubnet(
                f"Not enough IP space available in {subnet.id}. ELB requires at least {FREE_ADDRESSES} free IP "
                "addresses in each subnet."
            )


async def enter(
    call: Call, balancer: LoadBalancer, subnets: Sequence[Subnet], groups: Sequence[SecurityGroup]
) -> tuple[BalancerZone, ...]:
    """Make the load balancer's interface in each of *subnets*."""
    zones = []
    for subnet in subnets:
        try:
            interface = await ec2.allocate_interface(
                call.tx,
                subnet=subnet,
                groups=groups,
                now=call.now(),
                ids=call.ids,
                description=f"ELB {balancer.id}",
                public=balancer.public,
                requester=REQUESTER,
                balancer=balancer.id,
            )
        except AwsError as error:
            raise errors.InvalidSubnet(error.message) from None
        zones.append(BalancerZone(interface.id, subnet.id, subnet.zone, interface.address, interface.public_address))
    return tuple(zones)
