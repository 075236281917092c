"""Where tasks go, and the reasons of the instances that refuse them."""

import re
from collections import Counter
from random import Random as RandomSource
from typing import Any

import pytest
from tests.unit.services.ecs.placement.world import GROUP, instance, requirements

from homeport.services.ecs.definitions import complete
from homeport.services.ecs.placement.filters import (
    Constraint,
    DistinctInstance,
    MemberOf,
    Network,
    Reason,
    find_refusal,
    requirements_of,
)
from homeport.services.ecs.placement.instance import Instance
from homeport.services.ecs.placement.plan import Placement, plan_placement
from homeport.services.ecs.placement.query import parse_expression
from homeport.services.ecs.placement.resources import Demand, Room
from homeport.services.ecs.placement.strategies import Binpack, Random, Spread, Strategy

SMALL = Room(cpu=100, memory_mib=100)


def member_of(text: str) -> Constraint:
    return MemberOf(parse_expression(text))


def place(count: int, *instances: Instance, strategies: tuple[Strategy, ...] = (), **more: Any) -> Placement:
    return plan_placement(requirements(**more), instances, strategies, count, RandomSource(1))


@pytest.mark.parametrize(
    ("changes", "needs", "reason", "sentence"),
    [
        ({"agent_connected": False}, {}, Reason.AGENT, "Its agent is not connected."),
        ({"status": "DRAINING"}, {}, Reason.INACTIVE, "Its status is DRAINING."),
        (
            {},
            {"attributes": {"gpu": "", "ecs.instance-type": "p3.2xlarge", "ecs.vpc-id": "vpc-1"}},
            Reason.ATTRIBUTE,
            "It lacks attributes the task requires: ecs.instance-type = p3.2xlarge, gpu.",
        ),
        (
            {},
            {"network": Network("vpc-2", frozenset({"us-east-1a"}))},
            Reason.ATTRIBUTE,
            "It is in vpc-1 and the task's subnets are in vpc-2.",
        ),
        (
            {},
            {"network": Network("vpc-1", frozenset({"us-east-1c", "us-east-1b"}))},
            Reason.LOCATION,
            "It is in us-east-1a and the task's subnets are in us-east-1b, us-east-1c.",
        ),
        (
            {},
            {"constraints": (DistinctInstance(), member_of("attribute:gpu exists"))},
            "MemberOf placement constraint unsatisfied.",
            "There is no attribute:gpu, but attribute:gpu exists is required.",
        ),
        (
            {"tasks": {GROUP: 1}},
            {"constraints": (DistinctInstance(),)},
            "DistinctInstance placement constraint unsatisfied.",
            "A task of the group family:web is there already.",
        ),
        ({}, {"demand": Demand(cpu=4096)}, "RESOURCE:CPU", "It has 2048 CPU units left and the task needs 4096."),
        ({}, {"demand": Demand(memory_mib=3801)}, "RESOURCE:MEMORY", "3800 MiB"),
        ({}, {"demand": Demand(ports=frozenset({22}))}, "RESOURCE:PORTS", "tcp 22."),
        ({}, {"demand": Demand(interfaces=3)}, "RESOURCE:ENI", "2 more network interfaces"),
        (
            {},
            {"demand": Demand(cpu=4096, interfaces=3)},
            "RESOURCE:CPU",
            "the task needs 4096. It can take 2 more network interfaces",
        ),
    ],
)
def test_an_instance_that_will_not_do_says_why(
    changes: dict[str, Any], needs: dict[str, Any], reason: str, sentence: str
) -> None:
    placement = place(2, instance(**changes), **needs)
    assert (placement.placed, placement.unplaced) == ((), 2)
    (refusal,) = placement.refusals
    assert (refusal.instance, refusal.reason) == ("i-1", reason)
    assert re.search(re.escape(sentence), refusal.sentence)


def test_filters_come_in_order() -> None:
    needs = requirements(
        attributes={"gpu": ""},
        network=Network("vpc-1", frozenset({"us-east-1b"})),
        constraints=(DistinctInstance(),),
        demand=Demand(cpu=9999),
    )
    bad: dict[str, Any] = {
        "agent_connected": False,
        "status": "DRAINING",
        "attributes": {},
        "zone": "us-east-1a",
        "tasks": {GROUP: 1},
    }
    cures: dict[str, Any] = {
        "agent_connected": True,
        "status": "ACTIVE",
        "attributes": {"gpu": "yes"},
        "zone": "us-east-1b",
        "tasks": {},
    }
    reasons = []
    for member, value in cures.items():
        reasons.append(find_refusal(needs, instance(**bad)))
        bad[member] = value
    reasons.append(find_refusal(needs, instance(**bad)))
    assert [refusal.reason for refusal in reasons if refusal] == [
        Reason.AGENT,
        Reason.INACTIVE,
        Reason.ATTRIBUTE,
        Reason.LOCATION,
        Reason.DISTINCT_INSTANCE,
        Reason.CPU,
    ]


def test_location_is_asked_only_of_tasks_with_an_interface() -> None:
    assert find_refusal(requirements(), instance(zone="anywhere")) is None


def test_what_there_is_room_for_is_placed_and_the_rest_refused_by_each_instance() -> None:
    full, other = instance("i-2", room=SMALL), instance("i-3", agent_connected=False)
    placement = place(11, other, full, instance("i-1"))
    assert placement.placed == ("i-1",) * 7  # 3,800 MiB hold seven times 512
    assert placement.unplaced == 4
    assert [(refusal.instance, refusal.reason) for refusal in placement.refusals] == [
        ("i-1", Reason.MEMORY),
        ("i-2", Reason.CPU),
        ("i-3", Reason.AGENT),
    ]


def test_nobody_is_blamed_when_all_are_placed() -> None:
    assert place(1, instance("i-1"), instance("i-2", room=SMALL)) == Placement(("i-1",), 0, ())


def test_no_instances_no_refusals() -> None:
    assert place(1) == Placement((), 1, ())


def test_a_type_with_two_interfaces_to_spare_takes_two_tasks() -> None:
    placement = place(3, instance(), demand=Demand(cpu=10, memory_mib=10, interfaces=1))
    assert len(placement.placed) == 2
    assert [refusal.reason for refusal in placement.refusals] == [Reason.ENI]


def test_a_fixed_port_is_given_once_per_instance() -> None:
    placement = place(3, instance("i-1"), instance("i-2"), demand=Demand(ports=frozenset({80})))
    assert sorted(placement.placed) == ["i-1", "i-2"]
    assert {refusal.reason for refusal in placement.refusals} == {Reason.PORTS}


def test_distinct_tasks_see_one_another_and_not_other_groups() -> None:
    instances = (instance("i-1", tasks={"family:db": 1}), instance("i-2"), instance("i-3", tasks={GROUP: 1}))
    placement = place(3, *instances, constraints=(DistinctInstance(),))
    assert (sorted(placement.placed), placement.unplaced) == (["i-1", "i-2"], 1)
    assert {refusal.reason for refusal in placement.refusals} == {Reason.DISTINCT_INSTANCE}


def test_expressions_see_the_tasks_that_were_just_placed() -> None:
    apart = place(3, instance("i-1"), instance("i-2"), constraints=(member_of(f"not(task:group == {GROUP})"),))
    assert sorted(apart.placed) == ["i-1", "i-2"]
    together = place(
        2,
        instance("i-1"),
        instance("i-2", tasks={GROUP: 1}),
        constraints=(member_of(f"task:group == {GROUP}"),),
    )
    assert together.placed == ("i-2", "i-2")


def test_tasks_go_over_the_zones_unless_told_otherwise() -> None:
    zones = {"i-1": "a", "i-2": "a", "i-3": "a", "i-4": "b"}
    placement = place(4, *(instance(name, zone=zone) for name, zone in zones.items()))
    assert Counter(zones[name] for name in placement.placed) == {"a": 2, "b": 2}
    assert Counter(placement.placed) == {"i-1": 1, "i-2": 1, "i-4": 2}


def test_spreading_counts_tasks_of_the_group_where_no_more_fit_too() -> None:
    crowded = instance("i-1", zone="a", room=SMALL, tasks={GROUP: 3})
    free, other = instance("i-2", zone="a"), instance("i-3", zone="b", tasks={"family:db": 9})
    zone = Spread("attribute:ecs.availability-zone")
    assert place(3, crowded, free, other, strategies=(zone,)).placed == ("i-3",) * 3


@pytest.mark.parametrize("field", ["instanceId", "host"])
def test_spreading_over_instances(field: str) -> None:
    instances = [instance("i-1", tasks={GROUP: 2}), instance("i-2"), instance("i-3")]
    placement = place(5, *instances, strategies=(Spread(field),))
    assert Counter(placement.placed) == {"i-1": 1, "i-2": 2, "i-3": 2}


def test_instances_without_the_attribute_are_one_place_to_spread_over() -> None:
    instances = [instance("i-1", attributes={"rack": "1"}), instance("i-2"), instance("i-3")]
    placement = place(4, *instances, strategies=(Spread("attribute:rack"),))
    assert Counter(placement.placed) == {"i-1": 2, "i-2": 1, "i-3": 1}


@pytest.mark.parametrize(("field", "order"), [("cpu", ("i-2", "i-2", "i-1")), ("memory", ("i-1", "i-2", "i-2"))])
def test_packing_fills_the_fullest_that_still_has_room(field: str, order: tuple[str, ...]) -> None:
    tight = instance("i-1", room=Room(cpu=1024, memory_mib=600))
    roomy = instance("i-2", room=Room(cpu=512, memory_mib=2048))
    empty = instance("i-3")
    assert place(3, empty, tight, roomy, strategies=(Binpack(field),)).placed == order


def test_strategies_are_applied_in_order() -> None:
    instances = [
        instance("i-1", zone="a"),
        instance("i-2", zone="a", room=Room(cpu=1024, memory_mib=2048)),
        instance("i-3", zone="b"),
    ]
    chain: tuple[Strategy, ...] = (Spread("attribute:ecs.availability-zone"), Binpack("memory"))
    assert place(4, *instances, strategies=chain).placed == ("i-2", "i-3", "i-2", "i-3")
    assert place(4, *instances, strategies=chain[::-1]).placed == ("i-2",) * 4


def test_random_takes_any_instance_in_time() -> None:
    instances = [instance(f"i-{number}") for number in range(5)]
    placement = place(30, *instances, strategies=(Random(),))
    assert set(placement.placed) == {one.arn for one in instances}
    assert place(30, *instances[::-1], strategies=(Random(),)) == placement


def test_requirements_are_read_from_a_definition() -> None:
    definition = complete(
        {
            "family": "web",
            "networkMode": "awsvpc",
            "containerDefinitions": [{"name": "web", "image": "web", "memory": 64}],
            "placementConstraints": [{"type": "memberOf", "expression": "attribute:stack == prod"}],
        }
    )
    network = Network("vpc-1", frozenset({"us-east-1a"}))
    required = requirements_of(definition, GROUP, network, [DistinctInstance()])
    assert required.demand == Demand(memory_mib=64, interfaces=1)
    assert required.attributes == {
        "com.amazonaws.ecs.capability.docker-remote-api.1.18": "",
        "ecs.capability.task-eni": "",
    }
    assert (required.group, required.network) == (GROUP, network)
    own, given = required.constraints
    assert isinstance(own, MemberOf)
    assert own.expression.text == "attribute:stack == prod"
    assert given == DistinctInstance()
