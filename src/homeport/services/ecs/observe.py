"""
Record what a node reports of a task.

Called inside the transaction whose commit the node waits for.  A report that was recorded before, or
that comes from a node which does not have the task, changes nothing.
"""

from dataclasses import replace

from homeport.db.database import Tx
from homeport.fleet import assignments
from homeport.services.ec2 import store as ec2
from homeport.services.ecs import lifecycle
from homeport.services.ecs.model.tasks import TaskRecord
from homeport.services.ecs.store import tasks
from homeport.wire.messages import Observed, TaskPhase


async def observe(tx: Tx, node: str, observed: Observed, now: float) -> None:
    """Bring the task up to the report, and give back what the node no longer needs for it."""
    record = await tasks.find(tx, observed.task)
    if record is None or record.node != node or not lifecycle.is_news(record.task, record.observed_sequence, observed):
        return
    task = lifecycle.advance(record.task, record.launch.containers, observed, now)
    await tasks.update(tx, replace(record, task=task, observed_sequence=observed.sequence))
    if observed.phase in {TaskPhase.STOPPED, TaskPhase.GONE}:
        await _drop(tx, record, node)
    if observed.phase is TaskPhase.GONE:
        # Only now is the address free on the node: lent earlier, two interfaces could have it.
        await ec2.release_interface(tx, record.launch.interface)


async def _drop(tx: Tx, record: TaskRecord, node: str) -> None:
    """Take the task and its interface out of the node's assignment, which lets the node clean up after them."""
    await assignments.drop(tx, node, "Task", record.task.id)
    await assignments.drop(tx, node, "Eni", record.launch.interface)
