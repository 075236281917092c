"""
Keep what every node knows of names equal to the database.

All nodes have all zones, so that a task finds its names from its first instruction on, on whichever node it starts.  A node
that has just joined is told everything; after that each gets what is noted as untold.
"""

from collections.abc import Callable

from homeport.db.database import Database, Tx
from homeport.fleet import assignments
from homeport.kit.clock import Clock
from homeport.reconcile.driver import Reconciler
from homeport.services.route53 import projection
from homeport.services.route53.health import check_item
from homeport.services.route53.own import OWN
from homeport.services.route53.service import NAMES
from homeport.services.route53.store import changes, health_checks, records, zones
from homeport.services.route53.store.changes import Untold
from homeport.wire import messages as wire

_AT_ONCE = 250  # things told in one transaction, so that other writers wait for milliseconds only
_REMEMBERED = 30 * 24 * 3600.0  # seconds for which GetChange knows a change

Told = wire.Zone | wire.RecordSet | wire.EndpointCheck | wire.Drop


async def one_pass(database: Database, clock: Clock, wake: Callable[[str], None]) -> None:
    """Tell every node what it does not know yet, and look again at once if there is more."""
    async with database.snapshot() as tx:
        if not await changes.anything_to_tell(tx):
            return
    async with database.transaction() as tx:
        joined = await assignments.nodes(tx)
        nodes = [node.name for node in joined]
        wrote = set(nodes) - await changes.informed_nodes(tx)
        for node in sorted(wrote):
            await _tell_everything(tx, node)
        things = await changes.untold(tx, _AT_ONCE) if nodes else []
        for thing in things:
            wrote |= await _tell(tx, nodes, await _as_it_is(tx, thing))
            await changes.told(tx, thing)
        for each in joined:
            await changes.record_telling(tx, each, wrote=each.name in wrote)
        await changes.forget(tx, clock.now() - _REMEMBERED)
    if wrote:
        wake("fleet.sessions")
    if len(things) == _AT_ONCE:
        wake(NAMES)


async def _as_it_is(tx: Tx, thing: Untold) -> Told:
    """Return a zone, record set or health check as it is now, or that it is gone."""
    if thing.key is None:
        zone = await zones.find(tx, thing.zone)
        if zone is None:
            return wire.Drop(kind="Zone", id=thing.zone)
        return projection.zone_item(zone, await zones.associations(tx, zone.id))
    if not thing.zone:
        check = await health_checks.find(tx, thing.key.name)
        return wire.Drop(kind="EndpointCheck", id=thing.key.name) if check is None else check_item(check)
    record_set = await records.find(tx, thing.zone, thing.key)
    if record_set is None:
        return wire.Drop(kind="RecordSet", id=projection.record_set_id(thing.zone, thing.key))
    return projection.record_set_item(thing.zone, record_set)


async def _tell(tx: Tx, nodes: list[str], told: Told) -> set[str]:
    """Tell all nodes of one thing, and return those to which it is news."""
    news = set()
    for node in nodes:
        if isinstance(told, wire.Drop):
            different = await assignments.drop(tx, node, told.kind, told.id)
        else:
            different = await assignments.put_missing(tx, node, told)
        if different:
            news.add(node)
    return news


async def _tell_everything(tx: Tx, node: str) -> None:
    await assignments.put(tx, node, projection.zone_item(OWN, ()))
    for record_set in await records.every(tx, OWN.id):
        await assignments.put(tx, node, projection.record_set_item(OWN.id, record_set))
    for id_ in await zones.every_id(tx):
        zone = await zones.find(tx, id_)
        assert zone is not None, "it was listed in this transaction"
        await assignments.put(tx, node, projection.zone_item(zone, await zones.associations(tx, id_)))
        for record_set in await records.every(tx, id_):
            await assignments.put(tx, node, projection.record_set_item(id_, record_set))
    for id_ in await health_checks.every_id(tx):
        check = await health_checks.find(tx, id_)
        assert check is not None, "it was listed in this transaction"
        await assignments.put(tx, node, check_item(check))
    await changes.informed(tx, node)


def reconciler(database: Database, clock: Clock, wake: Callable[[str], None]) -> Reconciler:
    """Return the reconciler for the driver; a node that joins is looked at at once."""

    async def pass_() -> None:
        await one_pass(database, clock, wake)

    return Reconciler(NAMES, pass_, wakes=frozenset({"fleet.joined"}))
