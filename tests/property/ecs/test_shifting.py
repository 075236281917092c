"""Deployments that shift traffic, cut short anywhere: nobody's traffic meets tasks that are not there."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.ecs.service_world import ORDER, World, new_world
from tests.property.ecs.test_deployments import cuts, percents, stays_as_it_is, strategies

from homeport.services.ecs.deployments.model import Breaker, Phase, Rollout, Shifting, Stage, Strategy, Why

desired = st.integers(1, 6)


def settled(
    count: int, strategy: Shifting, limits: tuple[int, int], breaker: Breaker | None = None, *, balanced: bool = False
) -> World:
    minimum, maximum = limits
    world = new_world(count, minimum=minimum, maximum=maximum, strategy=strategy, breaker=breaker, balanced=balanced)
    world.settle()
    assert world.service.production == {"revision/1": 100.0}
    return world


@given(count=desired, limits=percents, strategy=strategies, cut=cuts)
@settings(max_examples=150, deadline=None)
def test_a_deployment_goes_through_all_stages_in_their_order(count, limits, strategy, cut) -> None:
    world = settled(count, strategy, limits)
    world.deploy()
    world.settle(cut)
    assert world.stages == list(ORDER[1:])
    assert world.service.production == world.service.test == {"revision/2": 100.0}
    stays_as_it_is(world)


@given(count=desired, limits=percents, percent=st.integers(30, 1000), pause=st.sampled_from([0.0, 600.0]))
@settings(max_examples=60, deadline=None)
def test_traffic_moves_in_the_steps_that_were_asked_for(count, limits, percent, pause) -> None:
    step = percent / 10
    for kind in (Strategy.LINEAR, Strategy.CANARY):
        world = settled(count, Shifting(kind, 0.0, step, pause), limits)
        world.deploy()
        for _ in range(150):
            if not world.step().actions:
                world.behave()
                world.now += pause
            if world.service.primary.rollout is Rollout.COMPLETED:
                break
        shares = [share for _, share in world.shares]
        if kind is Strategy.CANARY:
            assert shares == ([step, 100.0] if step < 100 else [100.0])
        else:
            assert shares == [min(100.0, round(step * (number + 1), 1)) for number in range(len(shares))]
            assert shares[-1] == 100.0
            assert len(shares) == 1 or shares[-2] < 100.0
        times = [at for at, _ in world.shares]
        assert all(later - earlier >= pause for earlier, later in pairwise(times))


@given(count=desired, limits=percents, minutes=st.integers(1, 20))
@settings(max_examples=80, deadline=None)
def test_both_revisions_are_whole_until_the_bake_time_is_over(count, limits, minutes) -> None:
    world = settled(count, Shifting(Strategy.BLUE_GREEN, minutes * 60.0), limits)
    world.deploy()
    shifted = 0.0
    for _ in range(200):
        planned = world.step()
        if world.service.primary.stage is Stage.BAKE_TIME:
            shifted = shifted or world.service.primary.stage_since
            assert [wait.until for wait in planned.waits if wait.why is Why.BAKE] in ([], [shifted + minutes * 60.0])
        if world.service.primary.stage is Stage.CLEAN_UP:
            break
        assert world.healthy_of("revision/1") == count
        if planned.actions:
            continue
        world.behave()
        world.now = min(world.now, shifted + minutes * 60.0) if shifted else world.now
    assert world.now >= shifted + minutes * 60.0
    assert world.healthy_of("revision/2") == count
    world.settle()


@given(count=desired, limits=percents, strategy=strategies, steps=st.integers(0, 40), cut=cuts)
@settings(max_examples=150, deadline=None)
def test_a_deployment_that_fails_gives_all_traffic_back(count, limits, strategy, steps, cut) -> None:
    world = settled(count, strategy, limits, Breaker(rollback=True), balanced=True)
    world.deploy()
    failing = world.service.primary.id
    for _ in range(steps):
        world.step()
        world.behave()
    world.sick.add("revision/2")
    if world.service.primary.stage is Stage.CLEAN_UP or world.service.primary.rollout is not Rollout.IN_PROGRESS:
        return
    for _ in range(200):
        world.step()
        if world.service.primary.id != failing:
            break
        world.behave()
    if not world.service.primary.rollback:  # it was through before its tasks were found out
        assert world.service.production == {"revision/2": 100.0}
        return
    world.settle(cut)
    assert world.service.production == {"revision/1": 100.0}
    assert {task.revision for task in world.live} == {"revision/1"}
    stays_as_it_is(world)


@given(count=desired, limits=percents, strategy=strategies, steps=st.integers(0, 30))
@settings(max_examples=100, deadline=None)
def test_without_rollback_a_failed_deployment_leaves_everything_where_it_is(count, limits, strategy, steps) -> None:
    world = settled(count, strategy, limits, Breaker(rollback=False), balanced=True)
    world.deploy()
    world.broken.add("revision/2")
    for _ in range(steps + 100):
        due = world.step().again_at
        if world.service.primary.rollout is Rollout.FAILED:
            break
        world.behave()
        world.now = max(world.now, due or 0.0)
    for _ in range(3):
        world.step()
        world.behave()
    assert world.service.primary.rollout is Rollout.FAILED
    assert world.service.production == {"revision/1": 100.0}
    running = [task for task in world.live if task.phase is Phase.RUNNING]
    assert [task.revision for task in running] == ["revision/1"] * count


@given(count=desired, limits=percents, strategy=strategies, updates=st.lists(st.integers(0, 12), max_size=4))
@settings(max_examples=100, deadline=None)
def test_a_deployment_that_is_overtaken_leaves_nothing_behind(count, limits, strategy, updates) -> None:
    world = settled(count, strategy, limits)
    for steps in updates:
        world.deploy()
        for _ in range(steps):
            world.step()
            world.behave()
    world.settle()
    assert world.service.production == {world.service.primary.revision: 100.0}
    stays_as_it_is(world)
