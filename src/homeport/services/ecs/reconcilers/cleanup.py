"""Remove what AWS forgets after a while: stopped tasks, deleted clusters and services, client tokens, revisions."""

from collections.abc import Sequence

from homeport.db.database import Database, Tx
from homeport.kit.clock import Clock
from homeport.services.ecs.model.task_definitions import TaskDefinition
from homeport.services.ecs.store import (
    client_tokens,
    clusters,
    container_instances,
    deployments,
    service_events,
    services,
    task_definitions,
    tasks,
)

#: How long stopped tasks and deleted clusters and services can still be described, in seconds.
RETENTION = 3600.0
#: How long a client token is remembered, in seconds.
TOKEN_RETENTION = 86_400.0

_BATCH = 500


class Cleanup:
    """The reconciler's passes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def pass_(self) -> None:
        """Remove what is due, in transactions short enough for requests to get in between."""
        now = self._clock.now()
        while True:
            async with self._database.transaction() as tx:
                removed = await tasks.remove_stopped(tx, now - RETENTION, _BATCH)
            if removed < _BATCH:
                break
        async with self._database.transaction() as tx:
            for arn in await services.inactive(tx, now - RETENTION, _BATCH):
                for forget in (deployments.remove, service_events.remove, services.remove):
                    await forget(tx, arn)
            await clusters.remove_inactive(tx, now - RETENTION)
            await container_instances.remove_inactive(tx, now - RETENTION, _BATCH)
            await client_tokens.remove_old(tx, now - TOKEN_RETENTION)
        last = None
        while True:
            async with self._database.transaction() as tx:
                deleting = await task_definitions.deleting(tx, last, _BATCH)
                await _remove_definitions(tx, deleting)
            if len(deleting) < _BATCH:
                break
            last = deleting[-1]


async def _remove_definitions(tx: Tx, deleting: Sequence[TaskDefinition]) -> None:
    """Remove the revisions whose deletion was asked for and that no live task and no service has any more."""
    of_services = await deployments.definitions_in_use(tx) if deleting else set()
    for definition in deleting:
        if f"{definition.family}:{definition.revision}" in of_services:
            continue
        if not await tasks.uses_definition(tx, definition.family, definition.revision):
            await task_definitions.remove(tx, definition)
