"""A placed task's item in its node's assignment."""

from homeport.db.database import Tx
from homeport.fleet import assignments
from homeport.services.ecs.model.tasks import RANK, Status, TaskRecord
from homeport.services.ecs.store import task_definitions
from homeport.services.ecs.translate import wire_task


async def assign_again(tx: Tx, record: TaskRecord) -> None:
    """
    Tell the task's node how the task is now meant to be.

    Not once its containers have ended: the item is dropped then and must not come back.
    """
    if record.node is None or RANK[record.task.last_status] >= RANK[Status.DEPROVISIONING]:
        return
    definition = await task_definitions.find(tx, record.task.region, record.launch.family, record.launch.revision)
    assert definition is not None, "a task definition outlives the tasks that run it"
    item = wire_task(record.task, record.launch, definition.parsed(), record.tags)
    await assignments.put(tx, record.node, item)
