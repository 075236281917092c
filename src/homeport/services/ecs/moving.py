"""Write a task that has moved on, with all that follows it: its targets and its names."""

from dataclasses import dataclass

from homeport.db.database import Tx
from homeport.services.ecs import balancing, registries
from homeport.services.ecs.model.tasks import TaskRecord
from homeport.services.elbv2.service import BALANCING

#: Whom to wake after a commit in which tasks may have moved.
FOLLOWERS = (registries.NAMES, BALANCING)


@dataclass(frozen=True, slots=True)
class Moved:
    """A task as it was written, and its document."""

    record: TaskRecord
    document: str


async def move(tx: Tx, before: TaskRecord, after: TaskRecord, now: float) -> Moved:
    """Write *after* in the place of *before*; one that is meant to end first leaves its load balancers."""
    written = await balancing.leave(tx, after, now)
    return Moved(written, await registries.move(tx, before, written, now))
