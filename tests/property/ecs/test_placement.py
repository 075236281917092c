"""Whatever the cluster and the request: no plan breaks a rule, wastes room or says too little."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from random import Random as RandomSource

from hypothesis import given
from hypothesis import strategies as st

from homeport.services.ecs.placement.filters import (
    Constraint,
    DistinctInstance,
    MemberOf,
    Network,
    Reason,
    Requirements,
    find_refusal,
)
from homeport.services.ecs.placement.instance import Instance
from homeport.services.ecs.placement.plan import Placement, plan_placement
from homeport.services.ecs.placement.query import parse_expression
from homeport.services.ecs.placement.resources import Demand, Room
from homeport.services.ecs.placement.strategies import Binpack, Random, Spread, Strategy

GROUP = "family:web"
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")
numbers = st.sampled_from([22, 53, 80, 443, 8080])
#: Small numbers, so that what fits exactly and what is one too much are met often.
amounts = st.integers(0, 4)
left_over = st.integers(4, 20) | st.integers(-1, 20)
#: Mostly none: a task with a fixed port fits once per instance, and then all else is idle.
fixed = st.sampled_from([frozenset()] * 4 + [frozenset({22}), frozenset({80, 443})])
demands = st.builds(
    Demand,
    cpu=amounts,
    memory_mib=amounts,
    ports=fixed,
    udp_ports=fixed,
    interfaces=st.integers(0, 1),
)
rooms = st.builds(
    Room,
    cpu=left_over,
    memory_mib=left_over,
    ports=st.frozensets(numbers, max_size=1),
    udp_ports=st.frozensets(numbers, max_size=1),
    interfaces=st.integers(1, 4) | st.integers(-1, 0),
)
attributes = st.fixed_dictionaries(
    {"ecs.availability-zone": st.sampled_from(ZONES), "ecs.vpc-id": st.sampled_from(["vpc-1"] * 4 + ["vpc-2"])},
    optional={"stack": st.sampled_from(["prod", "prod", "test", ""]), "gpu": st.just("")},
)
clusters = st.lists(
    st.builds(
        Instance,
        arn=st.integers(0, 99).map(str),
        room=rooms,
        status=st.sampled_from(["ACTIVE"] * 7 + ["DRAINING"]),
        agent_connected=st.sampled_from([True] * 7 + [False]),
        running_tasks=st.integers(0, 3),
        tasks=st.dictionaries(st.sampled_from([GROUP, "family:db"]), st.integers(0, 3)),
        attributes=attributes,
    ),
    min_size=2,
    max_size=8,
    unique_by=lambda instance: instance.arn,
)
#: None of these depends on what the plan itself does.
lasting: st.SearchStrategy[Constraint] = st.sampled_from(
    [
        MemberOf(parse_expression("attribute:stack == prod")),
        MemberOf(parse_expression("attribute:stack !exists or runningTasksCount < 2")),
        MemberOf(parse_expression("not(task:group =~ 'family:d.*')")),
    ]
)
changing: st.SearchStrategy[Constraint] = st.sampled_from(
    [DistinctInstance(), MemberOf(parse_expression(f"task:group != {GROUP}"))]
)


def requirements_with(constraints: st.SearchStrategy[Constraint]) -> st.SearchStrategy[Requirements]:
    return st.builds(
        Requirements,
        demand=demands,
        group=st.just(GROUP),
        attributes=st.sampled_from([{}] * 4 + [{"gpu": ""}, {"stack": ""}, {"stack": "prod"}]),
        network=st.none() | st.builds(Network, st.just("vpc-1"), st.frozensets(st.sampled_from(ZONES), min_size=2)),
        constraints=st.just(()) | st.lists(constraints, min_size=1, max_size=2).map(tuple),
    )


requirements = requirements_with(lasting | changing)
chains = st.lists(
    st.one_of(
        st.just(Random()),
        st.sampled_from(["cpu", "memory"]).map(Binpack),
        st.sampled_from(["instanceId", "host", "attribute:ecs.availability-zone", "attribute:stack"]).map(Spread),
    ),
    max_size=3,
)
counts = st.integers(1, 12)
seeds = st.integers(0, 2**32)


def plan(
    required: Requirements, cluster: Iterable[Instance], count: int, chain: Iterable[Strategy] = (), seed: int = 0
) -> Placement:
    return plan_placement(required, tuple(cluster), tuple(chain), count, RandomSource(seed))


def after(required: Requirements, cluster: Iterable[Instance], placed: Iterable[str]) -> dict[str, Instance]:
    """Return the instances as they are with the tasks that were placed."""
    current = {instance.arn: instance for instance in cluster}
    for arn in placed:
        current[arn] = current[arn].with_task(required.demand, required.group)
    return current


@given(requirements, clusters, counts, chains, seeds)
def test_no_resource_is_committed_beyond_what_is_left(
    required: Requirements, cluster: list[Instance], count: int, chain: list[Strategy], seed: int
) -> None:
    demand, times = required.demand, Counter(plan(required, cluster, count, chain, seed).placed)
    for instance in cluster:
        number, room = times[instance.arn], instance.room
        for needed, left in (
            (demand.cpu, room.cpu),
            (demand.memory_mib, room.memory_mib),
            (demand.interfaces, room.interfaces),
        ):
            assert number * needed <= max(left, 0)
        if number:
            assert not demand.ports & room.ports
            assert not demand.udp_ports & room.udp_ports
        if demand.ports or demand.udp_ports:
            assert number <= 1


@given(requirements, clusters, counts, chains, seeds)
def test_every_task_meets_every_requirement_when_its_turn_comes(
    required: Requirements, cluster: list[Instance], count: int, chain: list[Strategy], seed: int
) -> None:
    current = {instance.arn: instance for instance in cluster}
    for arn in plan(required, cluster, count, chain, seed).placed:
        instance = current[arn]
        assert instance.agent_connected
        assert instance.status == "ACTIVE"
        assert all(
            name in instance.attributes and value in {"", instance.attributes[name]}
            for name, value in required.attributes.items()
        )
        if required.network is not None:
            assert instance.attributes["ecs.vpc-id"] == required.network.vpc
            assert instance.attributes["ecs.availability-zone"] in required.network.zones
        for constraint in required.constraints:
            if isinstance(constraint, DistinctInstance):
                assert instance.tasks_of(GROUP) == 0
            else:
                assert constraint.expression.matches(instance)
        current[arn] = instance.with_task(required.demand, GROUP)


@given(requirements, clusters, counts, chains, seeds)
def test_what_is_not_placed_is_refused_by_every_instance_for_a_reason_that_holds(
    required: Requirements, cluster: list[Instance], count: int, chain: list[Strategy], seed: int
) -> None:
    placement = plan(required, cluster, count, chain, seed)
    assert len(placement.placed) + placement.unplaced == count
    if not placement.unplaced:
        assert placement.refusals == ()
        return
    current = after(required, cluster, placement.placed)
    assert [refusal.instance for refusal in placement.refusals] == sorted(current)
    for refusal in placement.refusals:
        assert find_refusal(required, current[refusal.instance]) == refusal
        assert refusal.sentence.endswith(".")


@given(requirements_with(lasting), clusters, counts, chains, seeds)
def test_as_many_are_placed_as_each_instance_by_itself_could_take(
    required: Requirements, cluster: list[Instance], count: int, chain: list[Strategy], seed: int
) -> None:
    room = sum(len(plan(required, [instance], count).placed) for instance in cluster)
    assert len(plan(required, cluster, count, chain, seed).placed) == min(count, room)


@given(demands, rooms, st.integers(1, 5), st.integers(0, 30), chains)
def test_instances_that_are_alike_are_filled_to_the_last(
    demand: Demand, room: Room, size: int, count: int, chain: list[Strategy]
) -> None:
    pairs = [
        (room.cpu, demand.cpu),
        (room.memory_mib, demand.memory_mib),
        (room.interfaces, demand.interfaces),
    ]
    each = min((max(left, 0) // needed for left, needed in pairs if needed), default=count)
    if demand.ports or demand.udp_ports:
        each = min(each, 0 if demand.ports & room.ports or demand.udp_ports & room.udp_ports else 1)
    cluster = [Instance(str(number), room) for number in range(size)]
    placed = plan(Requirements(demand, GROUP), cluster, count, chain).placed
    assert len(placed) == min(count, each * size)


@given(st.lists(st.sampled_from(ZONES), min_size=1, max_size=7), counts, st.sampled_from(["instanceId", "zone"]))
def test_spreading_leaves_a_difference_of_at_most_one(zones: list[str], count: int, over: str) -> None:
    cluster = [
        Instance(str(number), Room(9999, 9999), attributes={"ecs.availability-zone": zone})
        for number, zone in enumerate(zones)
    ]
    field = "attribute:ecs.availability-zone" if over == "zone" else over
    placed = plan(Requirements(Demand(10, 10), GROUP), cluster, count, [Spread(field)]).placed
    assert len(placed) == count
    places = zones if over == "zone" else [str(number) for number in range(len(zones))]
    tally = Counter(dict.fromkeys(places, 0))
    tally.update(places[int(arn)] for arn in placed)
    assert max(tally.values()) - min(tally.values()) <= 1


@given(requirements, clusters, st.sampled_from(["instanceId", "attribute:ecs.availability-zone"]))
def test_spreading_takes_from_where_the_fewest_are(required: Requirements, cluster: list[Instance], field: str) -> None:
    def place(instance: Instance) -> str:
        return instance.arn if field == "instanceId" else instance.attributes["ecs.availability-zone"]

    tally = Counter({place(instance): 0 for instance in cluster})
    for instance in cluster:
        tally[place(instance)] += instance.tasks_of(GROUP)
    fitting = [instance for instance in cluster if find_refusal(required, instance) is None]
    placed = plan(required, cluster, 1, [Spread(field)]).placed
    assert len(placed) == (1 if fitting else 0)
    for chosen in (instance for instance in cluster if instance.arn in placed):
        assert tally[place(chosen)] == min(tally[place(instance)] for instance in fitting)


@given(requirements_with(st.just(DistinctInstance())), clusters, counts, chains, seeds)
def test_distinct_tasks_never_meet(
    required: Requirements, cluster: list[Instance], count: int, chain: list[Strategy], seed: int
) -> None:
    kept_apart = replace(required, constraints=(DistinctInstance(), *required.constraints))
    placement = plan(kept_apart, cluster, count, chain, seed)
    assert len(set(placement.placed)) == len(placement.placed)
    occupied = {instance.arn for instance in cluster if instance.tasks_of(GROUP)}
    assert not occupied & set(placement.placed)
    assert all(
        refusal.reason is not Reason.DISTINCT_INSTANCE or refusal.instance in occupied | set(placement.placed)
        for refusal in placement.refusals
    )


@given(requirements, clusters, counts, st.sampled_from(["cpu", "memory"]))
def test_packing_takes_the_fullest_that_fits(
    required: Requirements, cluster: list[Instance], count: int, field: str
) -> None:
    def left(instance: Instance) -> int:
        return instance.room.cpu if field == "cpu" else instance.room.memory_mib

    current = {instance.arn: instance for instance in cluster}
    for arn in plan(required, cluster, count, [Binpack(field)]).placed:
        fitting = [instance for instance in current.values() if find_refusal(required, instance) is None]
        assert left(current[arn]) == min(left(instance) for instance in fitting)
        current[arn] = current[arn].with_task(required.demand, GROUP)


@given(requirements, clusters, counts, chains, seeds, st.randoms())
def test_the_random_source_alone_decides_what_chance_decides(
    required: Requirements,
    cluster: list[Instance],
    count: int,
    chain: list[Strategy],
    seed: int,
    shuffler: RandomSource,
) -> None:
    shuffled = list(cluster)
    shuffler.shuffle(shuffled)
    assert plan(required, cluster, count, chain, seed) == plan(required, shuffled, count, chain, seed)
    if Random() not in chain:
        assert plan(required, cluster, count, chain, seed) == plan(required, cluster, count, chain, seed + 1)


@given(requirements, clusters, counts, counts, chains)
def test_asking_for_more_changes_nothing_about_the_first(
    required: Requirements, cluster: list[Instance], count: int, more: int, chain: list[Strategy]
) -> None:
    first = plan(required, cluster, count, chain).placed
    assert plan(required, cluster, count + more, chain).placed[: len(first)] == first
