"""
Keep what nodes have of load balancers, target groups and targets equal to the database.

A load balancer is on one node, which gets its interfaces, itself, the groups that it forwards to and their targets.  The
store marks what may have changed, so that a pass costs what changed.  A group or target goes from its node by the same
look at the same rows: it is marked, and nothing forwards to it any more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from homeport.db.database import Database, Tx
from homeport.fleet import assignments
from homeport.kit.clock import Clock
from homeport.reconcile.driver import Reconciler
from homeport.services.acm import store as acm
from homeport.services.acm.service import CERTIFICATES
from homeport.services.ec2 import projection as ec2_projection
from homeport.services.ec2 import store as ec2
from homeport.services.ec2.service import INSTANCES
from homeport.services.elbv2 import projection, targets
from homeport.services.elbv2.model.load_balancers import LoadBalancer
from homeport.services.elbv2.model.target_groups import TargetGroup, TargetType
from homeport.services.elbv2.model.targets import Target, Wanted, in_zones
from homeport.services.elbv2.observe import forget_balancer
from homeport.services.elbv2.securing import certificates_of
from homeport.services.elbv2.service import BALANCING, TARGETS
from homeport.services.elbv2.store import listeners, load_balancers, target_groups
from homeport.services.elbv2.store import targets as target_store

_AT_ONCE = 100  # rows looked at in one transaction, so that other writers wait for milliseconds only
_LEAVING_SECONDS = 60.0  # a node is told at once, and has surely taken the interface down by then

_LOST_SECONDS = 600.0  # a connected node that has not said in this time that a load balancer is gone never will


def pick_node(connected: frozenset[str], load: Mapping[str, int]) -> str | None:
    """Return the connected node that has the fewest load balancers, or None.  Pure."""
    return min(sorted(connected), key=lambda node: load.get(node, 0), default=None)


@dataclass(frozen=True, slots=True)
class Balancing:
    """The reconciler's collaborators."""

    database: Database
    clock: Clock
    connected: Callable[[], frozenset[str]]
    wake: Callable[[str], None]

    async def pass_(self) -> None:
        """Tell every node what it does not know yet."""
        async with self.database.snapshot() as tx:
            moment = self.clock.now() - _LEAVING_SECONDS
            marked = await load_balancers.anything_to_do(tx, moment) or await acm.has_stale_users(tx)
            if not marked and not await target_store.terminated(tx, 1):
                return
        told = False
        for step in (self._balancers, self._groups, self._end_terminated, self._targets):
            while True:
                async with self.database.transaction() as tx:
                    count, changed = await step(tx)
                told |= changed
                if count < _AT_ONCE:
                    break
        async with self.database.transaction() as tx:
            told |= await self._release(tx)
        if told:
            self.wake("fleet.sessions")

    def reconciler(self) -> Reconciler:
        """Return the reconciler for the driver."""
        return Reconciler(
            BALANCING, self.pass_, interval=15, wakes=frozenset({TARGETS, CERTIFICATES, INSTANCES, "fleet.joined"})
        )

    async def _balancers(self, tx: Tx) -> tuple[int, bool]:
        for user in await acm.take_stale_users(tx):
            await load_balancers.mark_stale(tx, user)
        stale = await load_balancers.stale(tx, _AT_ONCE)
        changed = False
        for balancer in stale:
            if balancer.node is None:
                changed |= await self._settle(tx, balancer)
            else:
                changed |= await _tell_balancer(tx, balancer, balancer.node)
        # Those that no node could take stay stale, and are looked at again when one joins.
        return (0 if all(balancer.node is None for balancer in stale) else len(stale)), changed

    async def _settle(self, tx: Tx, balancer: LoadBalancer) -> bool:
        """Give a load balancer its node, if there is one; one that was deleted before needs none."""
        if balancer.deleted_at is not None:
            await forget_balancer(tx, balancer)
            return False
        node = pick_node(self.connected(), await load_balancers.per_node(tx))
        if node is None:
            return False
        await load_balancers.set_node(tx, balancer.arn, node)
        await target_groups.mark_stale(tx, await listeners.groups_behind(tx, balancer.arn))
        return await _tell_balancer(tx, balancer, node)

    async def _groups(self, tx: Tx) -> tuple[int, bool]:
        stale = await target_groups.stale(tx, _AT_ONCE)
        changed = False
        for group in stale:
            changed |= await _tell_group(tx, group)
        return len(stale), changed

    async def _end_terminated(self, tx: Tx) -> tuple[int, bool]:
        """Deregister instances that have been terminated, as AWS does."""
        ended = await target_store.terminated(tx, _AT_ONCE)
        for target in ended:
            await targets.deregister(tx, target.group, [Wanted(target.id, target.port)], self.clock.now())
        return len(ended), False

    async def _targets(self, tx: Tx) -> tuple[int, bool]:
        stale = await target_store.stale(tx, _AT_ONCE)
        places: dict[str, _Place] = {}
        changed = False
        for target in stale:
            if target.group not in places:
                places[target.group] = await _place(tx, target.group)
            changed |= await _tell_target(tx, target, places[target.group])
        return len(stale), changed

    async def _release(self, tx: Tx) -> bool:
        """Give back the addresses in subnets that load balancers have left, and of those whose end nobody reports."""
        now = self.clock.now()
        changed = False
        for interface in await load_balancers.left_before(tx, now - _LEAVING_SECONDS):
            await load_balancers.forget_zone(tx, interface)
            await ec2.release_interface(tx, interface)
        for balancer in await load_balancers.deleted_before(tx, now - _LEAVING_SECONDS):
            known = balancer.observed_sequence > 0  # its node will say when it is gone, unless it has lost its memory
            if balancer.node in self.connected() and (not known or (balancer.deleted_at or now) < now - _LOST_SECONDS):
                changed |= await forget_balancer(tx, balancer)
        return changed


async def _tell_balancer(tx: Tx, balancer: LoadBalancer, node: str) -> bool:
    """Assign a load balancer as it is now, or take it away; says whether there was anything to tell."""
    if balancer.deleted_at is not None:  # its interfaces stay until the node has no use for them any more
        await load_balancers.mark_told(tx, balancer.arn)
        return await assignments.drop(tx, node, "LoadBalancer", balancer.id)
    changed = False
    for zone in balancer.zones:
        if zone.leaving_since is not None:
            changed |= await assignments.drop(tx, node, "Eni", zone.interface)
            continue
        interface = await ec2.find_interface(tx, zone.interface)
        assert interface is not None, f"{zone.interface} is held by {balancer.id}"
        for item in await ec2_projection.network_items(tx, interface):
            changed |= await assignments.put_missing(tx, node, item)
    told = [
        projection.Told(listener, await listeners.rules_of(tx, listener.arn), await certificates_of(tx, listener))
        for listener in await listeners.listeners_of(tx, balancer.arn)
    ]
    changed |= await assignments.put_missing(tx, node, projection.balancer_item(balancer, told))
    await load_balancers.mark_told(tx, balancer.arn)
    return changed


async def _tell_group(tx: Tx, group: TargetGroup) -> bool:
    """Assign a group where its load balancer is, and take it away from where that was; its targets follow."""
    wanted = await _balancer_of(tx, group.arn)
    assigned = wanted.arn if wanted is not None and wanted.node is not None else ""
    changed = False
    if group.assigned and group.assigned != assigned:
        changed |= await targets.withdraw(tx, group)
    if wanted is not None and wanted.node is not None:
        changed |= await assignments.put_missing(tx, wanted.node, projection.group_item(group))
        await target_store.mark_stale(tx, group.arn)
    await target_groups.mark_told(tx, group.arn, assigned)
    return changed


async def _balancer_of(tx: Tx, group: str) -> LoadBalancer | None:
    for arn in await listeners.balancers_of(tx, group):
        return await load_balancers.find(tx, arn)
    return None


@dataclass(frozen=True, slots=True)
class _Place:
    """A target's group, and the load balancer whose node has that, if any."""

    group: TargetGroup
    balancer: LoadBalancer | None


async def _place(tx: Tx, arn: str) -> _Place:
    group = await target_groups.find(tx, arn)
    assert group is not None, "a target goes with its group"
    return _Place(group, await load_balancers.find(tx, group.assigned) if group.assigned else None)


async def _tell_target(tx: Tx, target: Target, place: _Place) -> bool:
    """Assign a target as it is now, unless its load balancer sends nothing to it."""
    balancer = place.balancer
    node = None if balancer is None else balancer.node
    zones = () if balancer is None else {zone.zone for zone in balancer.live_zones}
    item = projection.target_item(place.group, target)
    if node is not None and place.group.target_type is not TargetType.LAMBDA and in_zones(target, zones):
        changed = await assignments.put_missing(tx, node, item)
        await target_store.mark_told(tx, target, item.id)
        return changed
    changed = node is not None and bool(target.item) and await assignments.drop(tx, node, "Target", target.item)
    if target.draining_since is not None:
        await target_store.delete(tx, target)
    elif target.item:
        await target_store.mark_gone(tx, target)
    else:
        await target_store.mark_told(tx, target, "")
    return changed
