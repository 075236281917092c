"""A container instance as placement sees it: a snapshot, replaced with each task that goes there."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from homeport.services.ecs.placement.resources import Demand, Room

ACTIVE = "ACTIVE"


@dataclass(frozen=True, slots=True)
class Instance:
    """
    One container instance at the moment of a decision.

    *tasks* counts by group the tasks that are meant to run here, started or not: a task that is being
    stopped is on its way out and does not count.  *running_tasks* counts those that have started.
    """

    arn: str
    room: Room
    status: str = ACTIVE
    agent_connected: bool = True
    agent_version: str = ""
    ec2_instance_id: str = ""
    registered_at: float = 0.0
    running_tasks: int = 0
    tasks: Mapping[str, int] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)  # "" for those that are only a name

    def tasks_of(self, group: str) -> int:
        """Count the tasks of a group that are meant to run here."""
        return self.tasks.get(group, 0)

    def with_task(self, demand: Demand, group: str) -> "Instance":
        """Return the instance as it is once it has one more task of that group."""
        tasks = {**self.tasks, group: self.tasks_of(group) + 1}
        return replace(self, room=self.room.take(demand), tasks=tasks)
