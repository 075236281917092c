"""
Record what a node reports of an instance.

Called inside the transaction whose commit the node waits for.  A report that was recorded before, or that comes from
another node than the instance's, changes nothing.
"""

from dataclasses import replace

from homeport.db.database import Tx
from homeport.services.ec2 import instance as states
from homeport.services.ec2.ending import end
from homeport.services.ec2.instance import Instance, State
from homeport.services.ec2.store import instances, interfaces
from homeport.wire.messages import InstanceObserved, InstancePhase


async def observe_instance(tx: Tx, node: str, observed: InstanceObserved, now: float) -> None:
    """Bring the instance up to the report, and give back what its node no longer holds for it."""
    found = await instances.find_instance(tx, observed.instance)
    if found is None or found.node != node or found.state is State.TERMINATED:
        return
    if observed.sequence <= found.observed_sequence:
        return
    seen = replace(found, observed_sequence=observed.sequence)
    if observed.phase is InstancePhase.GONE:
        await end(tx, seen, now)
        return
    after = advance(seen, observed)
    if after.state is State.STOPPED and found.state is not State.STOPPED:
        await _return_public_address(tx, after)
    await instances.update_instance(tx, after)


def advance(instance: Instance, observed: InstanceObserved) -> Instance:
    """Return the instance as the report leaves it.  Pure."""
    match observed.phase:
        case InstancePhase.RUNNING if instance.meant_to_run:
            return states.running(instance, observed.agent)
        case InstancePhase.STOPPED:
            return states.stopped(instance)
        case InstancePhase.PENDING:
            return states.delayed(instance, observed.reason)
        case _:
            return instance


async def _return_public_address(tx: Tx, instance: Instance) -> None:
    """Only now: a node that still has the interface up could have it with an address lent again."""
    interface = await interfaces.find_interface(tx, instance.interface)
    assert interface is not None, f"{instance.id} is not terminated, so it has its primary interface"
    await interfaces.return_public_address(tx, interface)
