"""Instances for tests below the API."""

from dataclasses import replace
from typing import Any

from homeport.services.ec2.instance import Instance, Options
from homeport.services.ec2.model import InterfaceKind, new_id
from homeport.services.ec2.store import attachments, instances


async def make_instance(account: Any, tx: Any, **more: Any) -> Instance:
    """Add an instance in the default subnet, with its primary interface attached."""
    subnet = await account.subnet(tx)
    interface = await account.interface(tx, subnet=subnet)
    instance = Instance(
        **{
            "id": new_id(account.ids, "i"),
            "region": account.region,
            "reservation": new_id(account.ids, "r"),
            "launch_index": 0,
            "type": "c5.large",
            "image": "ami-00000000000000000",
            "vpc": subnet.vpc,
            "subnet": subnet.id,
            "zone": subnet.zone,
            "interface": interface.id,
            "node": "node-1",
            "options": Options(),
            "launched_at": 1.0,
            "launched_by": "arn:aws:iam::123456789012:root",
        }
        | more
    )
    await instances.insert_instance(tx, instance)
    await attachments.attach_interface(
        tx, interface, instance, now=1.0, ids=account.ids, device_index=0, delete_on_termination=True
    )
    return replace(instance)


async def task_interface(account: Any, tx: Any, instance: Instance, **more: Any) -> Any:
    """Make the interface of a task on *instance*."""
    return await attachments.allocate_task_interface(
        tx,
        instance,
        subnet=await account.subnet(tx),
        groups=[await account.group(tx)],
        now=1.0,
        ids=account.ids,
        requester="amazon-ecs",
        **more,
    )


async def make_branch(account: Any, tx: Any) -> Any:
    return await account.interface(tx, kind=InterfaceKind.BRANCH)
