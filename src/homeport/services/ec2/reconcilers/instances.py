"""
Keep every node's instances, and the interfaces attached to them, equal to the database.

The store marks what may have changed, so a pass costs what has.  A node reports the end of what it once had; an instance
that ends before its node has heard of it ends here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from homeport.db.database import Database, Tx
from homeport.fleet import assignments
from homeport.kit.clock import Clock
from homeport.reconcile.driver import Reconciler
from homeport.services.ec2 import projection
from homeport.services.ec2.ending import end
from homeport.services.ec2.identity import Signer
from homeport.services.ec2.instance import REMEMBERED_SECONDS, Attached, Instance, State
from homeport.services.ec2.model import NetworkInterface
from homeport.services.ec2.service import INSTANCES, NETWORK
from homeport.services.ec2.store import attachments, instances, tags
from homeport.services.ec2.store.instance_filters import load_attached
from homeport.wire import messages as wire

_AT_ONCE = 50  # instances told of in one transaction, so that other writers wait for milliseconds only


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What is to be done about one instance.

    *assign* are the interfaces that its node shall have with it, the primary one first; None where the node shall not
    have the instance.  *withdraw* are those to be taken from the node, *free* those of them that lose their attachment.
    *ends* says that nobody else will report its end.
    """

    assign: tuple[NetworkInterface, ...] | None = None
    withdraw: tuple[NetworkInterface, ...] = ()
    free: tuple[NetworkInterface, ...] = ()
    ends: bool = False


def plan(found: Attached) -> Plan:
    """Decide what the instance's node must be told."""
    own = tuple(interface for interface in found.interfaces if not interface.for_task)
    instance = found.instance
    if instance.state is State.TERMINATED:
        return Plan()
    if instance.state is State.SHUTTING_DOWN and not _unseen(instance):
        return Plan(withdraw=own, ends=not instance.assigned)
    leaving = tuple(interface for interface in own if interface.detaching)
    staying = tuple(interface for interface in own if not interface.detaching)
    return Plan(assign=staying, withdraw=leaving, free=leaving)


def _unseen(instance: Instance) -> bool:
    """
    Say whether the node was told of an instance that it has never reported on.

    It may not have heard yet: what is withdrawn from it now it would never report the end of.  So it keeps the
    instance, which is not meant to run, until it has said a first word about it.
    """
    return instance.assigned and instance.observed_sequence == 0


@dataclass(frozen=True, slots=True)
class Told:
    """Whether a pass has told nodes anything, whether instances or interfaces have come free, and whether there is more."""

    changed: bool = False
    freed: bool = False
    more: bool = False


class Instances:
    """The reconciler's passes."""

    def __init__(
        self, database: Database, clock: Clock, signer: Signer, account: str, wake: Callable[[str], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._signer = signer
        self._account = account
        self._wake = wake

    def reconciler(self) -> Reconciler:
        return Reconciler(INSTANCES, self.pass_, wakes=frozenset({"fleet.joined"}))

    async def pass_(self) -> None:
        """Tell every node what it does not know yet, and forget what ended long ago."""
        while True:
            async with self._database.transaction() as tx:
                told = await self._batch(tx)
                forgotten = await instances.forget_terminated(tx, self._clock.now() - REMEMBERED_SECONDS, _AT_ONCE)
            if told.changed:
                self._wake("fleet.sessions")
                self._wake(NETWORK)  # groups and VPCs that nothing needs any more
            if told.freed:
                self._wake(INSTANCES)  # others look for what has come free
            if not told.more and forgotten < _AT_ONCE:
                return

    async def _batch(self, tx: Tx) -> Told:
        stale = await load_attached(tx, await instances.stale_instances(tx, _AT_ONCE))
        changed = freed = False
        for found in stale:
            todo = plan(found)
            changed |= await self._apply(tx, found, todo)
            freed |= bool(todo.free) or todo.ends
        return Told(changed, freed, more=len(stale) == _AT_ONCE)

    async def _apply(self, tx: Tx, found: Attached, todo: Plan) -> bool:
        """Carry out the plan for one instance; says whether its node must be told."""
        instance, changed = found.instance, False
        for interface in todo.withdraw:
            changed |= await assignments.drop(tx, instance.node, "Eni", interface.id)
        for interface in todo.free:
            await attachments.finish_detaching(tx, interface)
        if todo.assign is not None:
            changed |= await self._assign(tx, found, todo.assign)
        else:
            changed |= await assignments.drop(tx, instance.node, "Instance", instance.id)
        if todo.ends:
            await end(tx, instance, self._clock.now())
        await instances.mark_told(tx, instance.id, assigned=instance.assigned or todo.assign is not None)
        return changed

    async def _assign(self, tx: Tx, found: Attached, interfaces: tuple[NetworkInterface, ...]) -> bool:
        node, changed = found.instance.node, False
        for interface in interfaces:
            for item in await projection.network_items(tx, interface):
                changed |= await assignments.put_missing(tx, node, item)
        return await assignments.put_missing(tx, node, await self._item(tx, found)) or changed

    async def _item(self, tx: Tx, found: Attached) -> wire.Instance:
        instance_type = await instances.find_type(tx, found.instance.type)
        assert instance_type is not None, f"{found.id} was launched with a type that exists: {found.instance.type}"
        tagged = (await tags.tags_of(tx, [found.id])).get(found.id, {})
        return projection.instance_item(found, instance_type, tagged, self._account, self._signer)
