"""What hangs on an instance: its own interfaces, those of tasks, a trunk and its branches."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from homeport.aws.errors import AwsError
from homeport.db.database import Tx
from homeport.kit.ids import Ids
from homeport.services.ec2 import errors
from homeport.services.ec2.instance import Instance
from homeport.services.ec2.instance_types import MAX_BRANCHES
from homeport.services.ec2.model import (
    InterfaceKind,
    NetworkInterface,
    SecurityGroup,
    Subnet,
    TrunkAssociation,
    new_id,
)
from homeport.services.ec2.store import instances, interfaces, tags
from homeport.services.ec2.store.security_groups import default_security_group
from homeport.services.ec2.store.selection import Field, Kind, simply
from homeport.services.ec2.store.vpcs import get_subnets

#: Who asks for a trunk.
TRUNK_REQUESTER = "amazon-ecs"

_ASSOCIATION = "id, region, trunk, branch, vlan"

ASSOCIATIONS: Kind[TrunkAssociation] = Kind(
    "ec2_trunk_associations",
    _ASSOCIATION,
    simply(lambda row: TrunkAssociation(*row)),
    {
        "interface-protocol": Field(lambda _: ["vlan"]),
        "gre-key": Field(lambda _: ()),
        "vlan-id": Field(lambda a: [str(a.vlan)]),
        "branch-interface-id": Field(lambda a: [a.branch], "branch IN ({})"),
        "trunk-interface-id": Field(lambda a: [a.trunk], "trunk IN ({})"),
    },
    "trunk-assoc",
    "trunk association ID",
    "InvalidTrunkAssociationID.NotFound",
)


def limit_exceeded(count: int, instance_type: str) -> AwsError:
    return AwsError(f"Interface count {count} exceeds the limit for {instance_type}", code="AttachmentLimitExceeded")


async def attach_interface(
    tx: Tx,
    interface: NetworkInterface,
    instance: Instance,
    *,
    now: float,
    ids: Ids,
    device_index: int | None = None,
    delete_on_termination: bool = False,
    for_task: bool = False,
) -> NetworkInterface:
    """
    Attach an interface to an instance, as device *device_index* or the lowest that is free.

    With *for_task* its device will lie in the namespace of a task, though it counts like any other.  Raises
    AttachmentLimitExceeded where the type allows no more, and EC2's errors for what cannot be attached.
    """
    if interface.in_use and not (for_task and not interface.instance):
        raise errors.InvalidParameterValue(f"Interface: [{interface.id}] in use.")
    if interface.zone != instance.zone:
        raise errors.InvalidParameterCombination(
            "You may not attach a network interface to an instance if they are not in the same availability zone"
        )
    if interface.vpc != instance.vpc:
        raise errors.UnsupportedOperation("Homeport does not attach an interface of another VPC than the instance's.")
    index = await _device(tx, instance, device_index)
    attached = replace(
        interface,
        attachment=new_id(ids, "eni-attach"),
        instance=instance.id,
        device_index=index,
        delete_on_termination=delete_on_termination,
        for_task=for_task,
        attached_at=now,
    )
    await interfaces.update_attachment(tx, attached)
    if not for_task:
        await instances.mark_stale(tx, instance.id)
    return attached


async def _device(tx: Tx, instance: Instance, wanted: int | None) -> int:
    """Return the device number for one more interface, the *wanted* one or the lowest that is free."""
    await check_room(tx, instance)
    taken = await interfaces.devices_of(tx, instance.id)
    if wanted is None:
        return next(index for index in range(len(taken) + 1) if index not in taken)
    if wanted in taken:
        raise errors.InvalidParameterValue(
            f"Instance '{instance.id}' already has an interface attached at device index '{wanted}'."
        )
    return wanted


async def check_room(tx: Tx, instance: Instance) -> None:
    """Raise AttachmentLimitExceeded if the instance's type allows no more interfaces than it has; branches do not count."""
    instance_type = await instances.find_type(tx, instance.type)
    assert instance_type is not None, f"{instance.id} was launched with a type that exists: {instance.type}"
    count = len(await interfaces.devices_of(tx, instance.id))
    if count >= instance_type.max_enis:
        raise limit_exceeded(count + 1, instance.type)


async def begin_detaching(tx: Tx, interface: NetworkInterface) -> None:
    """Begin to take an interface from its instance; it is free when the instance's node has been told."""
    await interfaces.update_attachment(tx, replace(interface, detaching=True))
    await instances.mark_stale(tx, interface.instance)


async def finish_detaching(tx: Tx, interface: NetworkInterface) -> None:
    """Free an interface that its instance no longer has."""
    free = replace(
        interface,
        attachment="",
        instance="",
        device_index=1,
        detaching=False,
        delete_on_termination=False,
        for_task=False,
    )
    await interfaces.update_attachment(tx, free)


async def allocate_task_interface(
    tx: Tx,
    instance: Instance,
    *,
    subnet: Subnet,
    groups: Sequence[SecurityGroup],
    now: float,
    ids: Ids,
    requester: str,
    description: str = "",
    tag: Mapping[str, str] | None = None,
    block_metadata: bool = False,
) -> NetworkInterface:
    """
    Make the interface of a task on an instance: a branch where that has a trunk, else one that counts as attached to it.

    Raises EC2's errors where there is no address, no room on the instance or no VLAN id; then nothing was taken.
    `release_interface` undoes it.
    """
    trunk = await find_trunk(tx, instance.id)
    if trunk is None:
        await check_room(tx, instance)
    else:
        await _free_vlan(tx, trunk)
    interface = await interfaces.allocate_interface(
        tx,
        subnet=subnet,
        groups=groups,
        now=now,
        ids=ids,
        description=description,
        requester=requester,
        tag=tag,
        kind=InterfaceKind.INTERFACE if trunk is None else InterfaceKind.BRANCH,
        block_metadata=block_metadata,
    )
    if trunk is None:
        return await attach_interface(tx, interface, instance, now=now, ids=ids, for_task=True)
    association = await associate_branch(tx, trunk, interface, ids=ids)
    return replace(interface, association=association)


async def attach_trunk(tx: Tx, instance: Instance, *, now: float, ids: Ids) -> NetworkInterface:
    """Give an instance a trunk: an interface in its subnet, with the VPC's default group, that tasks' branches hang on."""
    await check_trunk_capable(tx, instance)
    await check_room(tx, instance)
    (subnet,) = await get_subnets(tx, instance.region, [instance.subnet])
    trunk = await interfaces.allocate_interface(
        tx,
        subnet=subnet,
        groups=[await default_security_group(tx, subnet.vpc)],
        now=now,
        ids=ids,
        description=f"ECS trunk interface of {instance.id}",
        requester=TRUNK_REQUESTER,
        kind=InterfaceKind.TRUNK,
    )
    return await attach_interface(tx, trunk, instance, now=now, ids=ids, delete_on_termination=True)


async def check_trunk_capable(tx: Tx, instance: Instance) -> None:
    """Raise UnsupportedOperation for an instance that cannot have a trunk, or has one."""
    instance_type = await instances.find_type(tx, instance.type)
    if instance_type is None or not instance_type.trunk_capable:
        raise errors.UnsupportedOperation(f"Instances of type {instance.type} do not support trunk interfaces.")
    if await interfaces.attached_to(tx, [instance.id], kind=InterfaceKind.TRUNK):
        raise errors.UnsupportedOperation(f"Instance '{instance.id}' already has a trunk interface.")


async def find_trunk(tx: Tx, instance: str) -> NetworkInterface | None:
    """Return the trunk that ECS has given an instance; not one that a user has attached."""
    attached = await interfaces.attached_to(tx, [instance], kind=InterfaceKind.TRUNK)
    return next((trunk for trunk in attached if trunk.requester), None)


async def associate_branch(
    tx: Tx, trunk: NetworkInterface, branch: NetworkInterface, *, ids: Ids, vlan: int | None = None
) -> TrunkAssociation:
    """Hang a branch on a trunk under the VLAN id *vlan*, or the lowest that is free there."""
    if trunk.kind is not InterfaceKind.TRUNK:
        raise errors.InvalidParameterValue(f"Interface '{trunk.id}' is not of type trunk.")
    if branch.kind is not InterfaceKind.BRANCH:
        raise errors.InvalidParameterValue(f"Interface '{branch.id}' is not of type branch.")
    if branch.association is not None:
        raise errors.InvalidParameterValue(f"Interface: [{branch.id}] in use.")
    if trunk.zone != branch.zone or trunk.vpc != branch.vpc:
        raise errors.InvalidParameterCombination(
            "Trunk and branch interfaces must be in the same VPC and availability zone"
        )
    association = TrunkAssociation(
        new_id(ids, "trunk-assoc"), trunk.region, trunk.id, branch.id, await _free_vlan(tx, trunk, vlan)
    )
    await tx.execute(
        f"INSERT INTO ec2_trunk_associations ({_ASSOCIATION}) VALUES (?, ?, ?, ?, ?)",
        association.id,
        association.region,
        association.trunk,
        association.branch,
        association.vlan,
    )
    await interfaces.mark_interface_stale(tx, branch.id)
    return association


async def _free_vlan(tx: Tx, trunk: NetworkInterface, wanted: int | None = None) -> int:
    rows = await tx.fetch("SELECT vlan FROM ec2_trunk_associations WHERE trunk = ?", trunk.id)
    taken = {row[0] for row in rows}
    if wanted is not None:
        if not 1 <= wanted <= MAX_BRANCHES:
            raise errors.bad_value(wanted, "VlanId", f"VLAN ids are from 1 to {MAX_BRANCHES}.")
        if wanted in taken:
            raise errors.bad_value(wanted, "VlanId", "The VLAN id is in use on the trunk.")
        return wanted
    free = next((vlan for vlan in range(1, MAX_BRANCHES + 1) if vlan not in taken), None)
    if free is None:
        raise AwsError(
            f"The trunk interface '{trunk.id}' carries {MAX_BRANCHES} branch interfaces, the most it can.",
            code="AttachmentLimitExceeded",
        )
    return free


async def has_branches(tx: Tx, trunk: str) -> bool:
    """Say whether a trunk carries anything."""
    return await tx.fetch_one("SELECT 1 FROM ec2_trunk_associations WHERE trunk = ? LIMIT 1", trunk) is not None


async def disassociate(tx: Tx, association: TrunkAssociation) -> None:
    """Take a branch from its trunk, whose VLAN id is free then."""
    await tx.execute("DELETE FROM ec2_trunk_associations WHERE id = ?", association.id)
    await tags.forget(tx, association.id)
    await interfaces.mark_interface_stale(tx, association.branch)
