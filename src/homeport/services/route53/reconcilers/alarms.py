"""Let health checks that go by alarms of CloudWatch follow these."""

from collections.abc import Callable

from homeport.db.database import Database, Tx
from homeport.kit.clock import Clock
from homeport.kit.ids import Ids
from homeport.reconcile.driver import Reconciler
from homeport.services.cloudwatch.alarms.model import State
from homeport.services.cloudwatch.store import alarms
from homeport.services.route53 import keeping
from homeport.services.route53.health import HealthCheck
from homeport.services.route53.service import NAMES
from homeport.services.route53.store import changes, health_checks
from homeport.services.route53.store.changes import Untold

NAME = "route53.alarms"
INTERVAL = 10.0  # seconds; alarms themselves are looked at once a minute


def passes(check: HealthCheck, state: State | None) -> bool:
    """Say what the *state* of its alarm makes of a check; without an alarm, or without its data, what was so before."""
    if state is State.INSUFFICIENT_DATA:
        return {"Healthy": True, "Unhealthy": False}.get(check.config.insufficient, check.passes)
    return check.passes if state is None else state is State.OK


async def states_of(tx: Tx) -> list[tuple[HealthCheck, bool]]:
    """Return the checks whose alarm says otherwise than they do, with what it says."""
    found = []
    for check in await health_checks.of_alarms(tx):
        record = await alarms.find(tx, check.config.alarm_region, check.config.alarm_name)
        now = passes(check, record.state if record is not None else None)
        if now != check.passes:
            found.append((check, now))
    return found


async def one_pass(database: Database, clock: Clock, ids: Ids, wake: Callable[[str], None]) -> None:
    """Bring all such checks up to their alarms."""
    async with database.snapshot() as tx:
        if not await states_of(tx):
            return
    async with database.transaction() as tx:
        change = await keeping.start_change(tx, ids, clock.now())
        for check, now in await states_of(tx):
            await health_checks.set_passes(tx, check.id, passes=now)
            await changes.mark(tx, change, [Untold.of_check(check.id)])
    wake(NAMES)


def reconciler(database: Database, clock: Clock, ids: Ids, wake: Callable[[str], None]) -> Reconciler:
    """Return the reconciler for the driver."""

    async def pass_() -> None:
        await one_pass(database, clock, ids, wake)

    return Reconciler(NAME, pass_, interval=INTERVAL)
