"""Where load balancers stand: changes of their subnets and security groups."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from msgspec.structs import replace as with_fields

from homeport.aws.call import Call
from homeport.services.ec2 import store as ec2
from homeport.services.ec2.service import NETWORK
from homeport.services.elbv2 import errors, lookup, placing
from homeport.services.elbv2.handlers.load_balancers import check_address_type
from homeport.services.elbv2.model.load_balancers import LoadBalancer
from homeport.services.elbv2.service import BALANCING, elbv2
from homeport.services.elbv2.store import listeners, load_balancers, target_groups
from homeport.services.elbv2.views import zones_view


@elbv2.operation("SetSubnets")
async def set_subnets(
    call: Call,
    *,
    load_balancer_arn: str,
    subnets: Sequence[str] = (),
    subnet_mappings: Sequence[Mapping[str, Any]] = (),
    ip_address_type: str = "ipv4",
) -> dict[str, Any]:
    check_address_type(ip_address_type)
    balancer = await lookup.load_balancer(call.tx, call.region, load_balancer_arn)
    wanted = await placing.find_subnets(call, balancer.kind, placing.wanted_subnets(subnets, subnet_mappings))
    if wanted[0].vpc != balancer.vpc:
        raise errors.InvalidConfigurationRequest(
            "The subnets must belong to the VPC of the load balancer"
        )  # unconfirmed
    added = [subnet for subnet in wanted if subnet.id not in balancer.subnets]
    if added:
        await placing.check_room(call, added, public=balancer.public)
    has = balancer.document.security_groups
    groups = await placing.find_groups(call, balancer.vpc, has) if has else []
    for zone in await placing.enter(call, balancer, added, groups):
        await load_balancers.add_zone(call.tx, balancer.arn, zone)
    kept = {subnet.id for subnet in wanted}
    for zone in balancer.live_zones:
        if zone.subnet not in kept:
            await load_balancers.leave_zone(call.tx, zone.interface, call.now())
    changed = await _changed(call, balancer)
    return {"AvailabilityZones": zones_view(changed), "IpAddressType": "ipv4"}


async def _changed(call: Call, balancer: LoadBalancer) -> LoadBalancer:
    """Have the node told of a load balancer's other place, and of which targets are in its zones."""
    await load_balancers.mark_stale(call.tx, balancer.arn)
    await target_groups.mark_stale(call.tx, await listeners.groups_behind(call.tx, balancer.arn))
    call.wake(BALANCING)
    return await lookup.load_balancer(call.tx, call.region, balancer.arn)


@elbv2.operation("SetSecurityGroups")
async def set_security_groups(call: Call, *, load_balancer_arn: str, security_groups: Sequence[str]) -> dict[str, Any]:
    balancer = await lookup.load_balancer(call.tx, call.region, load_balancer_arn)
    if not balancer.document.security_groups:
        raise errors.InvalidConfigurationRequest(  # unconfirmed
            "You cannot set security groups on a network load balancer that was created without security groups"
        )
    groups = await placing.find_groups(call, balancer.vpc, security_groups)
    ids = tuple(group.id for group in groups)
    await load_balancers.update(
        call.tx, replace(balancer, document=with_fields(balancer.document, security_groups=ids))
    )
    for zone in balancer.live_zones:
        await ec2.set_groups(call.tx, zone.interface, groups)
    call.wake(NETWORK)
    call.wake(BALANCING)
    return {"SecurityGroupIds": list(ids)}


@elbv2.operation("SetIpAddressType")
async def set_ip_address_type(call: Call, *, load_balancer_arn: str, ip_address_type: str) -> dict[str, Any]:
    await lookup.load_balancer(call.tx, call.region, load_balancer_arn)
    check_address_type(ip_address_type)
    return {"IpAddressType": "ipv4"}
