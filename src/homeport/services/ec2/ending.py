"""What happens to an instance's interfaces when nothing is left of it."""

from homeport.db.database import Tx
from homeport.fleet import assignments
from homeport.services.ec2.instance import Instance, terminated
from homeport.services.ec2.store import attachments, instances, interfaces


async def end(tx: Tx, instance: Instance, now: float) -> Instance:
    """
    Record that an instance is terminated: its interfaces are deleted or, where their attachment says so, freed.

    Those of tasks are left to ECS, which gives them back with their tasks.
    """
    await assignments.drop(tx, instance.node, "Instance", instance.id)
    for interface in await interfaces.attached_to(tx, [instance.id]):
        if interface.for_task:
            continue
        await assignments.drop(tx, instance.node, "Eni", interface.id)
        if interface.delete_on_termination:
            await interfaces.release_interface(tx, interface.id)
        else:
            await attachments.finish_detaching(tx, interface)
    gone = terminated(instance, now)
    await instances.update_instance(tx, gone)
    return gone
