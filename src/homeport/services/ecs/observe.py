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
from homeport.services.ecs.model.tasks import StopCode, Task, TaskRecord
from homeport.services.ecs.moving import move
from homeport.services.ecs.registering import host_reason
from homeport.services.ecs.store import deployments, tasks
from homeport.wire.messages import Observed, StopCause, TaskPhase

_ENDING = frozenset({TaskPhase.STOPPING, TaskPhase.STOPPED, TaskPhase.GONE})


async def observe(tx: Tx, node: str, observed: Observed, now: float) -> None:
    """Bring the task up to the report, and give back what the node no longer needs for it."""
    record = await tasks.find(tx, observed.task)
    if record is None or record.node != node or not lifecycle.is_news(record.task, record.observed_sequence, observed):
        return
    task = await _with_host(tx, record, observed, now)
    task = lifecycle.advance(task, record.launch.containers, observed, now)
    await _resolve_images(tx, record, task)
    await move(tx, record, replace(record, task=task, observed_sequence=observed.sequence), now)
    if observed.phase in {TaskPhase.STOPPED, TaskPhase.GONE}:
        await _drop(tx, record, node)
    if observed.phase is TaskPhase.GONE:
        # Only now is the address free on the node: lent earlier, two interfaces could have it.
        await ec2.release_interface(tx, record.launch.interface)


async def _resolve_images(tx: Tx, record: TaskRecord, task: Task) -> None:
    """Keep what the names of images have turned out to mean, for the service's revision that the task is of."""
    if not record.launch.revision_of_service:
        return
    known = {container.name: container.image_digest for container in record.task.containers}
    found = {
        container.name: container.image_digest
        for container in task.containers
        if container.image_digest and container.image_digest != known[container.name]
    }
    await deployments.resolve_images(tx, record.launch.revision_of_service, found)


async def _with_host(tx: Tx, record: TaskRecord, observed: Observed, now: float) -> Task:
    """Say of a task that ends on an instance which is not meant to run any more that this is why."""
    if not record.launch.ec2_instance or observed.phase not in _ENDING:
        return record.task
    instance = await ec2.find_instance(tx, record.launch.ec2_instance)
    if observed.cause is not StopCause.HOST_LOST and instance is not None and instance.meant_to_run:
        return record.task
    reason = host_reason(record.launch.ec2_instance, instance)
    return lifecycle.stopped_with(record.task, StopCode.TERMINATION_NOTICE, reason, now)


async def _drop(tx: Tx, record: TaskRecord, node: str) -> None:
    """Take the task and its interface out of the node's assignment, which lets the node clean up after them."""
    await assignments.drop(tx, node, "Task", record.task.id)
    if record.launch.interface:
        await assignments.drop(tx, node, "Eni", record.launch.interface)
