"""Whatever is launched, attached, detached and ended in whatever order: nothing is doubled, nothing is lost."""

import contextlib
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from homeport.aws.errors import AwsError
from homeport.fleet import assignments
from homeport.kit.clock import FixedClock
from homeport.kit.ids import CountingIds
from homeport.services.ec2 import instance as states
from homeport.services.ec2 import store
from homeport.services.ec2.identity import Signer
from homeport.services.ec2.instance import Instance, Options, State
from homeport.services.ec2.instance_types import instance_types
from homeport.services.ec2.model import PUBLIC_POOL, dotted, new_id
from homeport.services.ec2.observe import observe_instance
from homeport.services.ec2.reconcilers.instances import Instances
from homeport.services.ec2.store import addresses, attachments, instances, interfaces
from homeport.wire.messages import Eni, Facts, InstanceObserved, InstancePhase
from homeport.wire.messages import Instance as InstanceItem

from .memory import Interrupted, MemoryStore, run

REGION, NODE = "us-east-1", "node-1"
SIGNER = Signer.create(1e9)


class World:
    """An account with one node, below the API."""

    def __init__(self) -> None:
        self.tx = MemoryStore()
        self.ids = CountingIds()
        self.sequence = 0
        self.reconciler = Instances(self.tx, FixedClock(1e9), SIGNER, "123456789012", lambda _: None)
        run(self._begin())

    async def _begin(self) -> None:
        await addresses.ensure_pool(self.tx, PUBLIC_POOL, "198.18.0.0/28")
        await store.ensure_default_vpc(self.tx, REGION, self.ids)
        await assignments.register(self.tx, NODE, Facts(cpus=2, memory=4096, kernel="6.1"), 1e9)
        self.subnet = (await store.default_subnets(self.tx, REGION))[0]
        self.group = await store.default_security_group(self.tx, self.subnet.vpc)

    async def interface(self, **more: Any) -> Any:
        return await store.allocate_interface(
            self.tx, subnet=self.subnet, groups=[self.group], now=1.0, ids=self.ids, **more
        )

    async def launch(self, instance_type: str = "c5.large") -> Instance:
        interface = await self.interface()
        instance = Instance(
            id=new_id(self.ids, "i"), region=REGION, reservation=new_id(self.ids, "r"), launch_index=0,
            type=instance_type, image="ami-1", vpc=self.subnet.vpc, subnet=self.subnet.id, zone=self.subnet.zone,
            interface=interface.id, node=NODE, options=Options(public=True), launched_at=1.0, launched_by="me",
        )  # fmt: skip
        await instances.insert_instance(self.tx, instance)
        await attachments.attach_interface(
            self.tx, interface, instance, now=1.0, ids=self.ids, device_index=0, delete_on_termination=True
        )
        return instance

    async def look(self) -> None:
        await self.reconciler.pass_()

    async def report(self, instance: str, phase: InstancePhase) -> None:
        self.sequence += 1
        async with self.tx.transaction() as tx:
            await observe_instance(
                tx, NODE, InstanceObserved(instance=instance, sequence=self.sequence, phase=phase), 2.0
            )

    async def live(self) -> list[Instance]:
        """Return those that their node shall have: it keeps one that it has never spoken of until it does."""
        found = await instances.instances_in(self.tx, *State)
        return [
            each
            for each in found
            if not each.state.ending
            or (each.state is State.SHUTTING_DOWN and each.assigned and not each.observed_sequence)
        ]

    async def assigned(self) -> tuple[Any, ...]:
        """Return what the node has of instances, in a form to be compared."""
        enis = {item.id: item for item in await assignments.items(self.tx, NODE, "Eni")}
        return {item.id: item for item in await assignments.items(self.tx, NODE, "Instance")}, enis


def refusal(work: Coroutine[Any, Any, Any]) -> str:
    """Do *work* and return the code of the error that it was refused with, empty when it was not."""
    try:
        run(work)
    except AwsError as error:
        return error.code
    return ""


NUMBERS = st.integers(min_value=0, max_value=1000)


class Attaching(RuleBasedStateMachine):
    """Do anything to instances, and hold the rows against what must always be true."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.tx = self.world.tx
        self.tasks: list[str] = []

    def pick(self, number: int) -> Instance | None:
        live = run(self.world.live())
        return live[number % len(live)] if live else None

    @rule(name=st.sampled_from(["c5.large", "t3.nano", "m5.xlarge"]))
    def launch(self, name: str) -> None:
        run(self.world.launch(name))

    @rule(number=NUMBERS, delete=st.booleans())
    def attach(self, number: int, *, delete: bool) -> None:
        instance = self.pick(number)
        if instance is None:
            return
        interface = run(self.world.interface())
        room = len(run(interfaces.devices_of(self.tx, instance.id))) < instance_types()[instance.type].max_enis
        doing = attachments.attach_interface(
            self.tx, interface, instance, now=1.0, ids=self.world.ids, delete_on_termination=delete
        )
        if room:
            run(doing)
        else:
            with pytest.raises(AwsError, match="exceeds the limit"):
                run(doing)
            run(store.release_interface(self.tx, interface.id))

    @rule(number=NUMBERS)
    def detach(self, number: int) -> None:
        instance = self.pick(number)
        attached = run(interfaces.attached_to(self.tx, [instance.id])) if instance else []
        loose = [each for each in attached if each.device_index and not each.requester]
        if loose:
            run(attachments.begin_detaching(self.tx, loose[number % len(loose)]))

    @rule(number=NUMBERS)
    def trunk(self, number: int) -> None:
        instance = self.pick(number)
        if instance is None:
            return
        code = refusal(store.attach_trunk(self.tx, instance, now=1.0, ids=self.world.ids))
        assert code in {"", "UnsupportedOperation", "AttachmentLimitExceeded"}

    @rule(number=NUMBERS)
    def start_task(self, number: int) -> None:
        instance = self.pick(number)
        if instance is None:
            return
        made: list[Any] = []

        async def make() -> None:
            interface = await store.allocate_task_interface(
                self.tx,
                instance,
                subnet=self.world.subnet,
                groups=[self.world.group],
                now=1.0,
                ids=self.world.ids,
                requester="amazon-ecs",
            )
            made.append(interface)

        assert refusal(make()) in {"", "AttachmentLimitExceeded"}
        self.tasks += [interface.id for interface in made]

    @precondition(lambda self: self.tasks)
    @rule(number=NUMBERS)
    def end_task(self, number: int) -> None:
        run(store.release_interface(self.tx, self.tasks.pop(number % len(self.tasks))))

    @rule(number=NUMBERS)
    def terminate(self, number: int) -> None:
        instance = self.pick(number)
        if instance is not None:
            run(instances.update_instance(self.tx, states.terminating(instance, 2.0)))

    @rule(number=NUMBERS, phase=st.sampled_from(InstancePhase))
    def report(self, number: int, phase: InstancePhase) -> None:
        told = [found.id for found in run(instances.instances_in(self.tx, *State)) if found.assigned]
        if told:
            run(self.world.report(told[number % len(told)], phase))

    @rule(patience=st.integers(min_value=0, max_value=60))
    def interrupted_look(self, patience: int) -> None:
        self.tx.patience = patience
        with contextlib.suppress(Interrupted):
            run(self.world.look())
        self.tx.patience = None

    @rule()
    def look(self) -> None:
        run(self.world.look())
        items, enis = run(self.world.assigned())
        live = run(self.world.live())
        assert set(items) == {found.id for found in live}
        expected = {each.id for found in live for each in run(interfaces.attached_to(self.tx, [found.id]))
                    if not each.for_task}  # fmt: skip
        assert set(enis) == expected
        assert not any(each.detaching for found in live for each in run(interfaces.attached_to(self.tx, [found.id])))

    @invariant()
    def addresses_are_lent_to_exactly_one_interface_each(self) -> None:
        sql = "SELECT pool, address FROM ec2_addresses WHERE returned IS NULL"
        lent = {(pool, dotted(address)) for pool, address in run(self.tx.fetch(sql))}
        rows = run(self.tx.fetch("SELECT subnet, address, public_address FROM ec2_interfaces"))
        held = [(subnet, address) for subnet, address, _ in rows]
        held += [(PUBLIC_POOL, public) for _, _, public in rows if public]
        assert len(held) == len(set(held))
        assert set(held) == lent

    @invariant()
    def no_instance_has_more_than_its_type_allows(self) -> None:
        for found in run(instances.instances_in(self.tx, *State)):
            assert len(run(interfaces.devices_of(self.tx, found.id))) <= instance_types()[found.type].max_enis

    @invariant()
    def vlans_are_never_doubled(self) -> None:
        rows = run(self.tx.fetch("SELECT trunk, vlan FROM ec2_trunk_associations"))
        assert len(rows) == len(set(rows))
        assert all(1 <= vlan <= 120 for _, vlan in rows)

    @invariant()
    def a_terminated_instance_holds_nothing_but_tasks_interfaces(self) -> None:
        for found in run(instances.instances_in(self.tx, State.TERMINATED)):
            assert all(each.for_task for each in run(interfaces.attached_to(self.tx, [found.id])))

    def teardown(self) -> None:
        run(self.tx.close())


TestAttaching = Attaching.TestCase
TestAttaching.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(instance_types())))
def test_every_type_takes_exactly_the_interfaces_of_the_table(name: str) -> None:
    world = World()
    instance = run(world.launch(name))
    for _ in range(instance_types()[name].max_enis - 1):
        run(attachments.attach_interface(world.tx, run(world.interface()), instance, now=1.0, ids=world.ids))
    one_more = run(world.interface())
    with pytest.raises(AwsError, match=f"exceeds the limit for {name}"):
        run(attachments.attach_interface(world.tx, one_more, instance, now=1.0, ids=world.ids))
    run(world.tx.close())


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(instance_types())))
def test_exactly_the_types_of_the_table_have_trunks(name: str) -> None:
    world = World()
    instance = run(world.launch(name))
    found = instance_types()[name]
    if found.trunk_capable and found.max_enis > 1:
        trunk = run(store.attach_trunk(world.tx, instance, now=1.0, ids=world.ids))
        assert trunk.device_index == 1
    else:
        with pytest.raises(AwsError):
            run(store.attach_trunk(world.tx, instance, now=1.0, ids=world.ids))
    run(world.tx.close())


@settings(max_examples=40, deadline=None)
@given(patience=st.integers(min_value=0, max_value=120))
def test_a_pass_that_dies_anywhere_is_made_good_by_the_next(patience: int) -> None:
    ends = []
    for dies in (False, True):
        world = World()
        first, second = run(world.launch()), run(world.launch())
        run(world.look())
        extra = run(attachments.attach_interface(world.tx, run(world.interface()), first, now=1.0, ids=world.ids))
        run(world.look())
        run(attachments.begin_detaching(world.tx, extra))
        run(instances.update_instance(world.tx, states.terminating(second, 2.0)))
        run(world.launch("m5.large"))
        if dies:
            world.tx.patience = patience
            with contextlib.suppress(Interrupted):
                run(world.look())
            world.tx.patience = None
        run(world.look())
        ends.append(run(world.assigned()))
        run(world.tx.close())
    assert ends[0] == ends[1]
    assert {type(item) for items in ends[0] for item in items.values()} == {InstanceItem, Eni}
