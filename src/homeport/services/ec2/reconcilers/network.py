"""
Keep every node's share of the network equal to the database.

A node has the security groups of its interfaces, the groups that their rules name, and their VPCs;
nothing else.  Placement assigns these with each interface; here follow the changes of rules, routes
and gateways.  Interfaces are many and change rarely: the store marks those that may have.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from homeport.db.database import Database, Tx
from homeport.fleet import assignments
from homeport.reconcile.driver import Reconciler
from homeport.services.ec2 import projection
from homeport.services.ec2.model import NetworkInterface
from homeport.services.ec2.service import NETWORK
from homeport.services.ec2.store import interfaces
from homeport.wire import messages as wire

_STALE_AT_ONCE = 250  # interfaces re-told in one transaction, so that other writers wait for milliseconds only

Shared = wire.Vpc | wire.SecurityGroup


@dataclass(frozen=True, slots=True)
class Plan:
    """What a node must be told."""

    puts: tuple[Shared, ...] = ()
    drops: tuple[wire.Drop, ...] = ()


def plan(has: Iterable[wire.Item], needs: Sequence[Shared]) -> Plan:
    """Turn what a node *has* into exactly what it *needs*."""
    assigned = {_key(item): item for item in has}
    wanted = {_key(item): item for item in needs}
    return Plan(
        puts=tuple(item for key, item in wanted.items() if assigned.get(key) != item),
        drops=tuple(wire.Drop(kind=kind, id=id_) for kind, id_ in assigned if (kind, id_) not in wanted),
    )


def _key(item: wire.Item) -> tuple[str, str]:
    return type(item).__name__, item.id


async def needs_of(tx: Tx, node: str) -> list[Shared]:
    """Return the VPCs and groups that the node's interfaces need."""
    groups = await projection.with_referenced(tx, await interfaces.groups_on_node(tx, node))
    without = await interfaces.open_vpcs_on_node(tx, node)
    return [
        *await projection.vpc_items(tx, {group.vpc for group in groups}.union(without)),
        *(projection.security_group_item(group) for group in groups),
        *(projection.open_group(vpc) for vpc in without),
    ]


async def one_pass(database: Database, wake: Callable[[str], None]) -> None:
    """Tell every node what it does not know yet, and look again at once if there is more."""
    async with database.transaction() as tx:
        stale = await interfaces.stale_interfaces(tx, _STALE_AT_ONCE)
        changed = await _retell(tx, stale)
        for joined in await assignments.nodes(tx):
            changed |= await _apply(tx, joined.name)
    if changed:
        wake("fleet.sessions")
    if len(stale) == _STALE_AT_ONCE:
        wake(NETWORK)


async def _retell(tx: Tx, stale: Sequence[NetworkInterface]) -> bool:
    """Assign interfaces as they are now to the nodes that have them; says whether any differed."""
    changed = False
    places: dict[str, projection.Place] = {}
    for interface in stale:
        if interface.subnet not in places:
            places[interface.subnet] = await projection.place_of(tx, interface)
        item = projection.eni_item(interface, places[interface.subnet])
        for node in await interfaces.nodes_of(tx, interface.id):
            changed |= await assignments.put_missing(tx, node, item)
        await interfaces.mark_told(tx, interface.id)
    return changed


async def _apply(tx: Tx, node: str) -> bool:
    """Bring one node up to date; says whether there was anything to tell."""
    has = [*await assignments.items(tx, node, "Vpc"), *await assignments.items(tx, node, "SecurityGroup")]
    todo = plan(has, await needs_of(tx, node))
    for item in todo.puts:
        await assignments.put(tx, node, item)
    for drop in todo.drops:
        await assignments.drop(tx, node, drop.kind, drop.id)
    return bool(todo.puts or todo.drops)


def reconciler(database: Database, wake: Callable[[str], None]) -> Reconciler:
    """Return the reconciler for the driver; a node that joins is looked at again."""

    async def pass_() -> None:
        await one_pass(database, wake)

    return Reconciler(NETWORK, pass_, wakes=frozenset({"fleet.joined"}))
