"""Put files of access logs into their buckets, and try again what was refused, later and later."""

import logging
from dataclasses import dataclass

from homeport.aws.objects import NotStored, ObjectStore, StoreAway
from homeport.db.database import Database
from homeport.kit.clock import Clock
from homeport.reconcile.driver import Reconciler
from homeport.services.elbv2.service import ACCESS_LOGS
from homeport.services.elbv2.store import access_logs as store
from homeport.services.elbv2.store.access_logs import Waiting

log = logging.getLogger(__name__)

FIRST_REST, LONGEST_REST = 5.0, 600.0  # seconds between two tries of a file
KEPT_SECONDS = 7 * 86400.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """The reconciler's collaborators; without *objects* files wait."""

    database: Database
    clock: Clock
    objects: ObjectStore | None

    def reconciler(self) -> Reconciler:
        """Return the reconciler for the driver."""
        return Reconciler(ACCESS_LOGS, self.pass_, interval=FIRST_REST)

    async def pass_(self) -> None:
        """Put what may be put now; a store that is away is left alone until the next pass."""
        if self.objects is None:
            return
        while (file := await self._next()) is not None:
            try:
                await self.objects.put(file.bucket, file.key, file.body)
            except NotStored as error:
                await self._postpone(file, error)
                if isinstance(error, StoreAway):
                    return
            else:
                async with self.database.transaction() as tx:
                    await store.delete(tx, file.id)

    async def _next(self) -> Waiting | None:
        async with self.database.snapshot() as tx:
            return await store.next_due(tx, self.clock.now())

    async def _postpone(self, file: Waiting, error: NotStored) -> None:
        if file.attempts == 0:
            log.warning("access logs cannot be put into bucket %s yet: %s", file.bucket, error)
        now = self.clock.now()
        async with self.database.transaction() as tx:
            await store.postpone(tx, file.id, now + min(LONGEST_REST, FIRST_REST * 2.0 ** min(file.attempts, 10)))
            if lost := await store.delete_before(tx, now - KEPT_SECONDS):
                log.warning("%d files of access logs were dropped: their buckets never took them", lost)
