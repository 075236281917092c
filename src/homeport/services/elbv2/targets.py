"""
Register and deregister targets, and tell how they are: what handlers and the services above do alike.

A target is an instance, an address or a function, and a port.  It is there from its registration until nothing of it
is in flight any more; `states` says so by no longer having it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from homeport.db.database import Tx
from homeport.fleet import assignments
from homeport.services.ec2 import store as ec2
from homeport.services.elbv2 import errors
from homeport.services.elbv2.model.target_groups import MAX_TARGETS, TargetGroup, TargetType
from homeport.services.elbv2.model.targets import ALL_ZONES, Target, TargetState, Wanted, state_of
from homeport.services.elbv2.store import listeners, load_balancers, target_groups
from homeport.services.elbv2.store import targets as store

#: The ranges outside a VPC that targets may lie in, as AWS lists them.
_OUTSIDE = tuple(IPv4Network(cidr) for cidr in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"))


async def register(tx: Tx, target_group_arn: str, targets: Sequence[Wanted], now: float) -> None:
    """
    Register targets with a group that exists; one that is registered stays as it is, a draining one comes back.

    Raises InvalidTarget, ValidationError or TooManyTargets, and has registered nothing then.
    """
    group = await get_group(tx, target_group_arn)
    resolved = [await _resolve(tx, group, wanted) for wanted in targets]
    there = {target.key: await store.find(tx, group.arn, target.id, target.port) for target in resolved}
    new = sum(found is None for found in there.values())
    if new and await store.count(tx, group.arn) + new > _most(group):
        raise errors.TooManyTargets(
            f"The following targets cannot be registered because the target group '{group.arn}' would have more than "
            f"{_most(group)} targets"  # unconfirmed
        )
    for target in {target.key: target for target in resolved}.values():
        found = there[target.key]
        if found is not None and found.draining_since is None:
            continue
        earlier, item = (0, "") if found is None else (found.registration, found.item)
        await store.put(tx, replace(target, registration=max(int(now * 1000), earlier + 1), item=item))


async def deregister(tx: Tx, target_group_arn: str, targets: Sequence[Wanted], now: float) -> None:
    """
    Deregister targets; one that is not registered is no error.  Without a port it is the group's.

    A target that a load balancer knows is drained first.  Callers wake BALANCING, as they do after `register`.
    """
    group = await get_group(tx, target_group_arn)
    for wanted in targets:
        target = await store.find(tx, group.arn, wanted.id, _port(group, wanted))
        if target is None or target.draining_since is not None:
            continue
        if target.item:
            await store.put(tx, replace(target, draining_since=now))
        else:
            await store.delete(tx, target)


async def states(tx: Tx, target_group_arn: str) -> dict[tuple[str, int], TargetState]:
    """Return how the targets of a group are, by id and port; one that is gone is absent."""
    group = await get_group(tx, target_group_arn)
    return await states_of(tx, group, await store.of_group(tx, group.arn))


async def states_of(tx: Tx, group: TargetGroup, targets: Sequence[Target]) -> dict[tuple[str, int], TargetState]:
    """Return how *targets* of a group are."""
    instances = await _instance_states(tx, group, targets)
    zones = await _zones(tx, group)
    return {
        target.key: state_of(
            target,
            zones=zones,
            instance_state=instances.get(target.id, "running"),
            checked=group.document.health_check.enabled,
        )
        for target in targets
    }


async def withdraw(tx: Tx, group: TargetGroup) -> bool:
    """Take a group and its targets from the node that has them; says whether there was anything to take."""
    holder = await target_groups.assigned_to(tx, group.arn)
    changed = False
    for target in await store.of_group(tx, group.arn):
        if holder is not None and target.item:
            changed |= await assignments.drop(tx, holder[0], "Target", target.item)
        if target.draining_since is not None:
            await store.delete(tx, target)
        elif target.item:
            await store.mark_gone(tx, target)
    if holder is not None:
        changed |= await assignments.drop(tx, holder[0], "TargetGroup", group.id)
    return changed


async def _zones(tx: Tx, group: TargetGroup) -> set[str] | None:
    """Return the zones of the load balancer that forwards to a group, or None."""
    for arn in await listeners.balancers_of(tx, group.arn):
        balancer = await load_balancers.find(tx, arn)
        return None if balancer is None else {zone.zone for zone in balancer.live_zones}
    return None


async def get_group(tx: Tx, arn: str) -> TargetGroup:
    """Return a group of any region, or raise TargetGroupNotFound."""
    group = await target_groups.find(tx, arn)
    if group is None:
        raise errors.no_target_group()
    return group


async def _instance_states(tx: Tx, group: TargetGroup, targets: Sequence[Target]) -> Mapping[str, str]:
    """Return the states of the targets that are instances; one that is forgotten was terminated."""
    if group.target_type is not TargetType.INSTANCE:
        return {}
    known = await ec2.states_of(tx, {target.id for target in targets})
    return {target.id: known.get(target.id, "terminated") for target in targets}


def _most(group: TargetGroup) -> int:
    return 1 if group.target_type is TargetType.LAMBDA else MAX_TARGETS


async def _resolve(tx: Tx, group: TargetGroup, wanted: Wanted) -> Target:
    """Return the target that a request names, with its address and zone, or refuse it."""
    match group.target_type:
        case TargetType.INSTANCE:
            return await _instance(tx, group, wanted)
        case TargetType.IP:
            return await _address(tx, group, wanted)
        case TargetType.LAMBDA:
            return _function(group, wanted)


async def _instance(tx: Tx, group: TargetGroup, wanted: Wanted) -> Target:
    if wanted.zone:
        raise errors.ValidationError(  # unconfirmed
            "You cannot specify an Availability Zone for a target of type 'instance'"
        )
    instance = await ec2.find_instance(tx, wanted.id)
    if instance is None or instance.region != group.region:
        raise errors.InvalidTarget(f"The following targets are not valid instances: '{wanted.id}'")  # unconfirmed
    if instance.vpc != group.document.vpc:
        raise errors.InvalidTarget(
            f"The following targets are not in the target group VPC '{group.document.vpc}': '{wanted.id}'"
        )
    if instance.state != "running":
        raise errors.InvalidTarget(
            f"The following targets are not in a running state and cannot be registered: '{wanted.id}'"
        )
    interface = await ec2.find_interface(tx, instance.interface)
    assert interface is not None, f"{instance.id} runs, so it has its primary interface"
    return Target(group.arn, wanted.id, _port(group, wanted), instance.zone, interface.address, 0)


async def _address(tx: Tx, group: TargetGroup, wanted: Wanted) -> Target:
    try:
        address = IPv4Address(wanted.id)
    except AddressValueError:
        raise errors.ValidationError(f"The IP address '{wanted.id}' is not a valid IPv4 address") from None
    (vpc,) = await ec2.find_vpcs(tx, [group.document.vpc])
    if address not in IPv4Network(vpc.cidr):
        if not any(address in network for network in _OUTSIDE):
            raise errors.ValidationError(  # unconfirmed
                f"The IP address '{wanted.id}' is not within a valid range for the target group"
            )
        if wanted.zone != ALL_ZONES:
            raise errors.ValidationError(  # unconfirmed
                f"You must specify 'all' as the Availability Zone of '{wanted.id}', which is outside the VPC"
            )
        raise errors.InvalidTarget(f"Homeport does not route to '{wanted.id}', which is outside the VPC.")
    subnets = await ec2.subnets_of(tx, vpc.id)
    zone = next((subnet.zone for subnet in subnets if address in IPv4Network(subnet.cidr)), "")
    if not zone:
        raise errors.InvalidTarget(  # unconfirmed
            f"The IP address '{wanted.id}' is not within the subnets of the VPC '{vpc.id}'"
        )
    if wanted.zone not in ("", zone, ALL_ZONES):
        raise errors.ValidationError(f"The IP address '{wanted.id}' is not in the zone '{wanted.zone}'")  # unconfirmed
    return Target(group.arn, wanted.id, _port(group, wanted), wanted.zone or zone, wanted.id, 0)


def _function(group: TargetGroup, wanted: Wanted) -> Target:
    if wanted.port is not None:
        raise errors.ValidationError("You cannot specify a port for a target of type 'lambda'")  # unconfirmed
    if not wanted.id.startswith(f"arn:aws:lambda:{group.region}:"):
        raise errors.ValidationError(f"'{wanted.id}' is not a valid Lambda function ARN")  # unconfirmed
    return Target(group.arn, wanted.id, 0, ALL_ZONES, "", 0)


def _port(group: TargetGroup, wanted: Wanted) -> int:
    return group.document.port if wanted.port is None else wanted.port
