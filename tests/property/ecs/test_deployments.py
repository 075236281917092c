"""Whatever happens to a service, and wherever its plans are cut short: it keeps its limits and arrives."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tests.property.ecs.service_world import World, new_world

from homeport.services.ecs.deployments.breaker import threshold
from homeport.services.ecs.deployments.model import (
    Breaker,
    Fail,
    Phase,
    Rollout,
    Scheduling,
    Shifting,
    Start,
    Strategy,
    ThresholdType,
    Why,
)
from homeport.services.ecs.deployments.texts import stuck

percents = st.tuples(st.sampled_from([0, 25, 50, 75, 90, 100]), st.sampled_from([100, 125, 150, 200]))
cuts = st.lists(st.integers(0, 3), max_size=30)
breakers = st.builds(
    Breaker,
    rollback=st.booleans(),
    reset_on_healthy_task=st.booleans(),
    threshold_type=st.sampled_from(ThresholdType),
    threshold_value=st.integers(1, 100),
)
#: Numbers that make few steps, and times that pass while a world behaves.
strategies = st.one_of(
    st.builds(Shifting, st.just(Strategy.BLUE_GREEN), st.sampled_from([0.0, 300.0])),
    st.builds(
        Shifting,
        st.sampled_from([Strategy.LINEAR, Strategy.CANARY]),
        st.just(0.0),
        st.sampled_from([25.0, 33.3, 100.0]),
        st.sampled_from([0.0, 300.0]),
    ),
)


class Services(RuleBasedStateMachine):
    """Users and the environment do as they like; the world checks each action that a plan has."""

    world: World

    @initialize(
        desired=st.integers(0, 6),
        limits=percents,
        breaker=st.none() | breakers,
        daemon=st.booleans(),
        checks=st.tuples(st.booleans(), st.booleans()),
        grace=st.sampled_from([0.0, 90.0]),
        rebalancing=st.booleans(),
        crowding=st.booleans(),
        strategy=st.none() | st.none() | strategies,
    )
    def begin(self, desired, limits, breaker, daemon, checks, grace, rebalancing, crowding, strategy) -> None:
        minimum, maximum = limits
        self.world = new_world(
            desired,
            minimum=minimum,
            maximum=100 if daemon else maximum,
            breaker=breaker,
            daemon=daemon,
            containers_checked=checks[0],
            balanced=checks[1],
            grace_seconds=grace,
            rebalancing=rebalancing,
            strategy=None if daemon else strategy,
        )
        self.world.crowding = crowding

    def pick(self, data, *phases: Phase):
        """Draw a task in one of *phases*, or None."""
        among = sorted(task.id for task in self.world.live if task.phase in phases)
        return data.draw(st.sampled_from(among)) if among else None

    @rule(most=st.none() | st.integers(0, 4))
    def plans(self, most) -> None:
        self.world.step(most)

    @rule(data=st.data())
    def a_task_runs(self, data) -> None:
        if task := self.pick(data, Phase.PENDING):
            self.world.run(task)

    @rule(data=st.data(), healthy=st.booleans())
    def a_task_is_checked(self, data, healthy) -> None:
        if task := self.pick(data, Phase.RUNNING):
            self.world.check(task, healthy=healthy)

    @rule(data=st.data())
    def a_task_fails_its_checks_for_good(self, data) -> None:
        if task := self.pick(data, Phase.RUNNING):
            self.world.sick.add(task)
            self.world.check(task, healthy=False)

    @rule(data=st.data())
    def a_task_ends(self, data) -> None:
        if task := self.pick(data, Phase.PENDING, Phase.RUNNING, Phase.STOPPING):
            self.world.end(task)

    @rule(data=st.data(), protected=st.booleans())
    def a_task_is_protected(self, data, protected) -> None:
        if task := self.pick(data, Phase.RUNNING):
            self.world.change(task, protected=protected)

    @rule(seconds=st.sampled_from([1.0, 39.0, 41.0, 600.0]))
    def time_passes(self, seconds) -> None:
        self.world.now += seconds

    @rule()
    def all_behave(self) -> None:
        self.world.step()
        self.world.behave()

    @rule()
    def the_service_is_updated(self) -> None:
        self.world.deploy()

    @rule(desired=st.integers(0, 6))
    def the_service_is_scaled(self, desired) -> None:
        if self.world.service.scheduling is Scheduling.DAEMON:
            instances = tuple(f"i-{number}" for number in range(6 - desired, 6))
            self.world.service = replace(self.world.service, instances=instances)
        else:
            self.world.service = replace(self.world.service, desired=desired)

    @rule(cut=cuts)
    def all_goes_well_in_the_end(self, cut) -> None:
        for task in self.world.live:
            self.world.change(task.id, protected=False)
        world = self.world
        if not world.movable:
            world.service = replace(world.service, minimum_healthy_percent=0)
        world.settle(cut, insist=True)
        stays_as_it_is(world)


def stays_as_it_is(world: World) -> None:
    """Assert that a service that has converged does nothing and says nothing until it repeats itself."""
    planned = world.plan()
    assert planned.actions == ()
    assert {wait.why for wait in planned.waits} <= ({Why.BALANCE} if not world.balanced_over_zones else set())
    assert planned.events == ()
    until = planned.again_at
    assert until is not None
    for moment in (world.now + 1.0, until - 1.0):
        later = replace(world, now=moment).plan()
        assert (later.actions, later.events, later.standing) == ((), (), planned.standing)
    again = replace(world, now=until).plan()
    assert again.actions == ()
    assert set(again.events) <= planned.standing.keys()


Services.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestServices = Services.TestCase


@given(desired=st.integers(1, 8), limits=percents, daemon=st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_deployment_arrives_or_says_that_nothing_can_move(desired, limits, daemon) -> None:
    minimum, maximum = limits
    world = new_world(desired, minimum=minimum, maximum=100 if daemon else maximum, daemon=daemon)
    world.settle()
    world.deploy()
    if world.movable:
        world.settle()
        assert stuck("web") not in world.events
        return
    for _ in range(5):
        world.step()
        world.behave()
    assert len(world.live) == world.healthy == desired
    assert all(task.revision == "revision/1" for task in world.live)
    assert world.events.count(stuck("web")) == 1
    assert Why.STUCK in {wait.why for wait in world.plan().waits}


@given(desired=st.integers(1, 12), limits=percents, breaker=breakers, first=st.booleans(), cut=cuts)
@settings(max_examples=200, deadline=None)
def test_a_broken_deployment_fails_at_exactly_the_threshold(desired, limits, breaker, first, cut) -> None:
    minimum, maximum = limits
    world = new_world(desired, minimum=minimum, maximum=maximum, breaker=breaker)
    if not world.movable:
        return
    if not first:
        world.settle()
        world.deploy()
    primary = world.service.primary
    rest = iter(cut)
    limit = threshold(breaker, desired)
    for _ in range(200 + 20 * limit):
        planned = world.step(next(rest, None))
        failed = [action for action in planned.actions if isinstance(action, Fail)]
        if failed or world.service.deployments[0].id != primary.id:
            break
        assert world.failures[primary.id] < limit
        # One task fails at a time, so that none can fail beyond the threshold unseen.
        pending = [task for task in world.live if task.phase is Phase.PENDING]
        if pending:
            world.end(pending[0].id)
        for task in world.live:
            if task.phase is Phase.STOPPING:
                world.end(task.id)
        due = world.plan().again_at
        world.now = world.now + 1.0 if pending or due is None else max(world.now + 1.0, due)
    world.step()
    assert world.failures[primary.id] == limit
    # Those that had been started already are let go on or stopped; no more are started.
    assert world.started[primary.id] <= limit + desired * 2
    if breaker.rollback and not first:
        assert world.service.primary.rollback
        world.settle()
        assert {task.revision for task in world.live} == {"revision/1"}
        stays_as_it_is(world)
    else:
        assert world.service.primary.rollout is Rollout.FAILED
        for _ in range(5):
            assert not any(isinstance(action, Start) for action in world.step().actions)
            world.behave()
        assert Why.FAILED in {wait.why for wait in world.plan().waits}


@given(desired=st.integers(2, 9), maximum=st.sampled_from([134, 150, 200]), data=st.data())
@settings(max_examples=100, deadline=None)
def test_tasks_are_spread_over_their_zones_again_without_ever_being_too_few(desired, maximum, data) -> None:
    world = new_world(desired, maximum=maximum, rebalancing=True)
    world.crowding = True
    if world.ceiling == world.desired:
        return
    fewest = []
    for _ in range(12 * desired):
        world.step(data.draw(st.none() | st.integers(0, 2)))
        world.behave()
        fewest.append(world.healthy)
        if world.converged and world.balanced_over_zones:
            break
    assert world.balanced_over_zones
    assert min(fewest[fewest.index(desired) :]) == desired
    world.settle()
    assert any(" is not AZ balanced with " in event for event in world.events)
    assert sum(" is AZ balanced with " in event for event in world.events) == 1
    stays_as_it_is(world)


@given(desired=st.integers(1, 8), limits=percents, breaker=breakers, first=st.booleans(), balanced=st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_deployment_of_unhealthy_tasks_fails_at_the_threshold(desired, limits, breaker, first, balanced) -> None:
    minimum, maximum = limits
    world = new_world(
        desired,
        minimum=minimum,
        maximum=maximum,
        breaker=breaker,
        balanced=balanced,
        containers_checked=not balanced,
    )
    if not world.movable:
        return
    if not first:
        world.settle()
        world.deploy()
    primary = world.service.primary
    world.sick.add(primary.revision)
    limit = threshold(breaker, desired)
    for _ in range(20 + 10 * limit):
        before = world.failures[primary.id]
        planned = world.step()
        if any(isinstance(action, Fail) for action in planned.actions):
            break
        assert world.failures[primary.id] < limit
        world.behave()
    # Several are stopped at a time where there may be; the last of these reach the threshold.
    assert before < limit <= world.failures[primary.id]
    assert world.service.primary.rollback == (breaker.rollback and not first)
    if world.service.primary.rollback:
        world.settle()
        assert {task.revision for task in world.live} == {"revision/1"}


@given(desired=st.integers(1, 6), limits=percents, strategy=st.none() | strategies)
@settings(max_examples=100, deadline=None)
def test_tasks_that_never_run_are_started_ever_more_rarely(desired, limits, strategy) -> None:
    minimum, maximum = limits
    world = new_world(desired, minimum=minimum, maximum=maximum, strategy=strategy)
    world.broken.add("revision/1")
    waited: list[float] = []
    for _ in range(200):
        planned = world.step()
        for task in world.live:
            world.end(task.id)
        if not planned.actions:
            assert planned.again_at is not None
            waited.append(planned.again_at - world.now)
            world.now = planned.again_at
    assert waited == sorted(waited)
    assert waited[-1] == 27 * 60.0
    # A new deployment is not made to wait for what the old one did.
    world.deploy()
    began = world.now
    while not world.started[world.service.primary.id]:
        world.step()
        world.now += 1.0
    assert world.now - began <= 10.0
    world.settle()
