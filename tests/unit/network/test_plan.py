"""A plan leads from anything to what is desired, interrupted or not, and touches nothing else."""

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.network.world import World, copy, networks

from homeport.network.actions import Attach, Detach, InForce
from homeport.network.desired import Interface, Network, Vpc
from homeport.network.plan import link_of, plan

POOL = IPv4Network("198.18.0.0/16")


def reach(world: World, current: InForce, desired: Network) -> InForce:
    intended = plan(current, desired, POOL)
    for action in intended.actions:
        world.do(action)
    return intended.after


def fresh(desired: Network) -> World:
    world = World()
    reach(world, InForce(), desired)
    return world


@pytest.mark.slow
@given(st.lists(networks(), min_size=1, max_size=4))
def test_any_configuration_follows_any_other(path: list[Network]) -> None:
    world, current = World(), InForce()
    for desired in path:
        current = reach(world, current, desired)
        assert plan(current, desired, POOL).actions == ()
    # Only what could not all be made from nothing depends on the past: who keeps what two claim is who was
    # first, and an interface that is there stays when a rule of its group cannot be enforced.
    if not plan(InForce(), path[-1], POOL).failures:
        assert world == fresh(path[-1])


@pytest.mark.slow
@given(networks(), networks(), st.data())
def test_interrupted_anywhere_it_is_completed_from_what_can_be_read_back(
    before: Network, desired: Network, data: st.DataObject
) -> None:
    world = World()
    current = reach(world, InForce(), before)
    actions = plan(current, desired, POOL).actions
    cut = data.draw(st.integers(0, len(actions)))
    for action in actions[:cut]:
        world.do(action)
    if cut < len(actions) and isinstance(action := actions[cut], Attach):
        world.half_made(action.interface)
    current = reach(world, world.read_back(), desired)
    assert plan(current, desired, POOL).actions == ()
    assert world == fresh(desired)


@pytest.mark.slow
@given(networks(), networks())
def test_what_does_not_differ_is_not_touched(before: Network, desired: Network) -> None:
    world = World()
    current = reach(world, InForce(), before)
    intended = plan(current, desired, POOL)
    kept = {
        id_
        for id_, link in current.links.items()
        if id_ in desired.interfaces and id_ not in intended.failures and link_of(desired.interfaces[id_]) == link
    }
    for action in intended.actions:
        if isinstance(action, Detach):
            assert not kept.intersection(action.interfaces)
        if isinstance(action, Attach):
            assert action.interface.id not in kept


@given(networks())
def test_a_restart_alone_interrupts_nobody(desired: Network) -> None:
    world = fresh(desired)
    untouched = copy(world)
    intended = plan(world.read_back(), desired, POOL)
    assert not [action for action in intended.actions if isinstance(action, Attach | Detach)]
    for action in intended.actions:
        world.do(action)
    assert world == untouched


@pytest.mark.slow
@given(networks())
def test_every_interface_is_made_or_named(desired: Network) -> None:
    intended = plan(InForce(), desired, POOL)
    assert intended.after.links.keys() | intended.failures.keys() == desired.interfaces.keys()
    assert not intended.after.links.keys() & intended.failures.keys()
    assert {id_ for id_, each in desired.interfaces.items() if each.vpc not in desired.vpcs} <= intended.failures.keys()


def make_interface(number: int, address: str = "10.0.1.11", public: str = "198.18.0.11") -> Interface:
    mac = f"02:00:00:00:00:0{number}"
    return Interface(f"eni-{number}", "vpc-1", "10.0.1.0/24", mac, address, public_address=public)


def one_vpc(*interfaces: Interface) -> Network:
    return Network(
        {"vpc-1": Vpc("vpc-1", ("10.0.0.0/16",), "10.0.0.2", True)}, {}, {each.id: each for each in interfaces}
    )


def test_who_has_an_address_keeps_it() -> None:
    current = plan(InForce(), one_vpc(make_interface(2)), POOL).after
    intended = plan(current, one_vpc(make_interface(1), make_interface(2)), POOL)
    assert intended.failures == {"eni-1": "10.0.1.11 belongs to eni-2"}
    assert intended.actions == ()


def test_two_interfaces_may_exchange_their_public_addresses() -> None:
    a, b = make_interface(1, "10.0.1.11", "198.18.0.11"), make_interface(2, "10.0.1.12", "198.18.0.12")
    current = plan(InForce(), one_vpc(a, b), POOL).after
    swapped = make_interface(1, "10.0.1.11", "198.18.0.12"), make_interface(2, "10.0.1.12", "198.18.0.11")
    intended = plan(current, one_vpc(*swapped), POOL)
    assert intended.failures == {}
    assert intended.after.translations == {"vpc-1": {"10.0.1.11": "198.18.0.12", "10.0.1.12": "198.18.0.11"}}


def test_an_interface_that_could_not_be_made_is_tried_again() -> None:
    after = plan(InForce(), one_vpc(make_interface(1)), POOL).after
    del after.links["eni-1"]  # as the kernel's driver does when the kernel refuses
    again = plan(after, one_vpc(make_interface(1)), POOL)
    assert [type(action) for action in again.actions] == [Attach]
