"""
Keep the names of load balancers true: to their addresses, and to whether they are healthy.

The records lie in Homeport's own zone and reach nodes as all others do.  Their health is told to nodes here, without being
kept: it follows from what is kept of targets.
"""

from collections.abc import Callable, Sequence

from homeport.db.database import Database, Tx
from homeport.fleet import assignments
from homeport.kit.clock import Clock
from homeport.kit.ids import Ids
from homeport.reconcile.driver import Reconciler
from homeport.services.elbv2.model.load_balancers import LoadBalancer
from homeport.services.elbv2.service import BALANCING, TARGETS
from homeport.services.elbv2.store import load_balancers
from homeport.services.route53 import keeping
from homeport.services.route53.balancers import health_of, is_balancer_check, plan
from homeport.services.route53.own import OWN
from homeport.services.route53.service import NAMES
from homeport.services.route53.store import records
from homeport.wire.messages import EndpointCheck

NAME = "route53.balancers"


class BalancerNames:
    """The reconciler's parts."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, wake: Callable[[str], None]) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._wake = wake

    async def pass_(self) -> None:
        """Look at all load balancers, which are few, and write only where something differs."""
        async with self._database.snapshot() as tx:
            if not await _differs(tx, await load_balancers.all_named(tx)):
                return
        async with self._database.transaction() as tx:
            balancers = await load_balancers.all_named(tx)
            named = await self._name(tx, balancers)
            told = await _tell_health(tx, [await health_of(tx, balancer) for balancer in balancers])
        if named:
            self._wake(NAMES)
        if told:
            self._wake("fleet.sessions")

    async def _name(self, tx: Tx, balancers: Sequence[LoadBalancer]) -> bool:
        todo = plan(await records.every(tx, OWN.id), balancers)
        if not todo.puts and not todo.deletes:
            return False
        change = await keeping.start_change(tx, self._ids, self._clock.now())
        await keeping.put_records(tx, OWN, todo.puts, todo.deletes, change)
        return True

    def reconciler(self) -> Reconciler:
        """Return the reconciler for the driver."""
        return Reconciler(NAME, self.pass_, interval=30, wakes=frozenset({BALANCING, TARGETS, "fleet.joined"}))


async def _differs(tx: Tx, balancers: Sequence[LoadBalancer]) -> bool:
    """Say whether names or their health are otherwise than they should be."""
    todo = plan(await records.every(tx, OWN.id), balancers)
    if todo.puts or todo.deletes:
        return True
    checks = {check.id: check for check in [await health_of(tx, balancer) for balancer in balancers]}
    for node in await assignments.nodes(tx):
        known = await assignments.items(tx, node.name, "EndpointCheck")
        if {item.id: item for item in known if is_balancer_check(item.id)} != checks:
            return True
    return False


async def _tell_health(tx: Tx, checks: Sequence[EndpointCheck]) -> bool:
    """Tell every node which load balancers are healthy; says whether that is news to any."""
    changed = False
    wanted = {check.id for check in checks}
    for node in await assignments.nodes(tx):
        for check in checks:
            changed |= await assignments.put_missing(tx, node.name, check)
        for item in await assignments.items(tx, node.name, "EndpointCheck"):
            if is_balancer_check(item.id) and item.id not in wanted:
                changed |= await assignments.drop(tx, node.name, "EndpointCheck", item.id)
    return changed
