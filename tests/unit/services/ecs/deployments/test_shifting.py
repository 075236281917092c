"""A deployment that shifts traffic, stage by stage."""

from dataclasses import replace

from tests.unit.services.ecs.deployments.services import NEW, NOW, OLD, service, tasks

from homeport.services.ecs.deployments.model import (
    Advance,
    Deployment,
    Listener,
    Phase,
    Plan,
    Retire,
    Rollout,
    Service,
    Shift,
    Shifting,
    Stage,
    Start,
    Stop,
    Strategy,
    Task,
    Why,
)
from homeport.services.ecs.deployments.plan import plan

BLUE = replace(OLD, rollout=Rollout.COMPLETED)
BLUE_GREEN = Shifting(Strategy.BLUE_GREEN, bake_seconds=300.0)
CANARY = Shifting(Strategy.CANARY, 0.0, 10.0, 600.0)
ALL_BLUE = {OLD.revision: 100.0}


def shifting(stage: Stage, *groups: tuple[Task, ...], since: float = NOW, **more: object) -> Service:
    """A service of two tasks in that stage, which has blue tasks."""
    green = replace(NEW, stage=stage, stage_since=since)
    facts = {
        "deployments": (green, BLUE),
        "strategy": BLUE_GREEN,
        "production": ALL_BLUE,
        "rollback_to": OLD.revision,
    } | more
    return service(2, *groups, **facts)


def shifts(planned: Plan) -> list[Shift]:
    return [action for action in planned.actions if isinstance(action, Shift)]


def stopped(planned: Plan) -> list[str]:
    return [action.task for action in planned.actions if isinstance(action, Stop)]


def test_green_starts_in_its_stage_and_goes_on_when_all_of_it_is_healthy() -> None:
    assert plan(shifting(Stage.PRE_SCALE_UP, tasks(2, OLD)), NOW).actions == (Advance(NEW.id, Stage.SCALE_UP),)
    assert plan(shifting(Stage.SCALE_UP, tasks(2, OLD)), NOW).actions == (Start(NEW.id, 2),)
    one = shifting(Stage.SCALE_UP, tasks(2, OLD), tasks(1), tasks(1, age=5.0, prefix="young"))
    assert plan(one, NOW).actions == ()
    assert plan(one, NOW + 35.0).actions == (Advance(NEW.id, Stage.POST_SCALE_UP),)


def test_each_revision_has_the_ceiling_for_itself() -> None:
    tight = shifting(Stage.SCALE_UP, tasks(2, OLD), maximum_percent=100, minimum_healthy_percent=50)
    assert plan(tight, NOW).actions == (Start(NEW.id, 2),)


def test_blue_tasks_that_die_are_replaced_until_they_are_not_needed() -> None:
    for stage in (Stage.SCALE_UP, Stage.BAKE_TIME):
        planned = plan(shifting(stage, tasks(1, OLD), tasks(2)), NOW)
        assert Start(OLD.id, 1) in planned.actions
    assert plan(
        shifting(Stage.CLEAN_UP, tasks(2), deployments=(replace(NEW, stage=Stage.CLEAN_UP), BLUE)), NOW
    ).actions[0] == Retire(OLD.id)


def test_test_traffic_moves_first_and_all_at_once() -> None:
    whole = (tasks(2, OLD), tasks(2))
    planned = plan(shifting(Stage.TEST_TRAFFIC_SHIFT, *whole, strategy=CANARY), NOW)
    assert shifts(planned) == [Shift(NEW.id, Listener.TEST, ((NEW.revision, 100.0),))]
    assert planned.again_at == NOW


def test_a_canary_waits_with_its_share() -> None:
    whole = (tasks(2, OLD), tasks(2))
    first = plan(shifting(Stage.PRODUCTION_TRAFFIC_SHIFT, *whole, strategy=CANARY), NOW)
    assert shifts(first) == [Shift(NEW.id, Listener.PRODUCTION, ((NEW.revision, 10.0), (OLD.revision, 90.0)))]
    shared = {NEW.revision: 10.0, OLD.revision: 90.0}
    waiting = plan(shifting(Stage.PRODUCTION_TRAFFIC_SHIFT, *whole, strategy=CANARY, production=shared), NOW + 599.0)
    assert waiting.actions == ()
    assert waiting.again_at == NOW + 600.0
    assert [wait.why for wait in waiting.waits] == [Why.BAKE]
    then = plan(shifting(Stage.PRODUCTION_TRAFFIC_SHIFT, *whole, strategy=CANARY, production=shared), NOW + 600.0)
    assert shifts(then) == [Shift(NEW.id, Listener.PRODUCTION, ((NEW.revision, 100.0),))]


def test_no_traffic_moves_to_tasks_that_are_not_healthy() -> None:
    sick = shifting(Stage.PRODUCTION_TRAFFIC_SHIFT, tasks(2, OLD), tasks(1), tasks(1, age=5.0, prefix="young"))
    assert shifts(plan(sick, NOW)) == []


def test_a_rollback_takes_all_traffic_back_at_once_and_does_not_bake() -> None:
    back = Deployment("ecs-svc/3", OLD.revision, rollback=True, stage_since=NOW)
    failed = replace(NEW, rollout=Rollout.FAILED)
    shared = {NEW.revision: 10.0, OLD.revision: 90.0}

    def in_stage(stage: Stage, production: dict[str, float]) -> Plan:
        deployments = (replace(back, stage=stage), failed, BLUE)
        whole = (tasks(2, OLD), tasks(2))
        return plan(shifting(stage, *whole, deployments=deployments, strategy=CANARY, production=production), NOW)

    assert shifts(in_stage(Stage.PRODUCTION_TRAFFIC_SHIFT, shared)) == [
        Shift(back.id, Listener.PRODUCTION, ((OLD.revision, 100.0),))
    ]
    baking = replace(CANARY, bake_seconds=300.0)
    deployments = (replace(back, stage=Stage.BAKE_TIME), failed, BLUE)
    during = shifting(Stage.BAKE_TIME, tasks(2, OLD), tasks(2), deployments=deployments, strategy=baking)
    assert plan(during, NOW + 9.9).actions == (Retire(OLD.id),), "load balancers may not have heard of it yet"
    assert Advance(back.id, Stage.CLEAN_UP) in plan(during, NOW + 10.0).actions


def test_one_that_is_overtaken_gives_its_share_to_what_serves_most() -> None:
    last = Deployment("ecs-svc/3", "revision/3")
    shared = {NEW.revision: 10.0, OLD.revision: 90.0}
    whole = (tasks(2, OLD), tasks(2))
    planned = plan(shifting(Stage.RECONCILE_SERVICE, *whole, deployments=(last, NEW, BLUE), production=shared), NOW)
    assert shifts(planned) == [Shift(last.id, Listener.PRODUCTION, ((OLD.revision, 100.0),))]
    assert stopped(planned) == []
    last = replace(last, stage_since=NOW)
    moved = shifting(Stage.RECONCILE_SERVICE, *whole, deployments=(last, NEW, BLUE))
    assert stopped(plan(moved, NOW + 9.9)) == []
    assert stopped(plan(moved, NOW + 10.0)) == ["2r0", "2r1"]
    leaving = tasks(1, phase=Phase.STOPPING)
    waiting = plan(shifting(Stage.RECONCILE_SERVICE, tasks(2, OLD), leaving, deployments=(last, NEW, BLUE)), NOW)
    assert waiting.actions == ()


def test_protected_blue_tasks_stay_until_their_protection_ends() -> None:
    kept = shifting(Stage.CLEAN_UP, tasks(1, OLD, protected=True), tasks(1, OLD, prefix="free"), tasks(2))
    planned = plan(kept, NOW)
    assert stopped(planned) == ["free0"]
    assert any("1 tasks under protection" in event for event in planned.events)


def test_nothing_more_is_started_in_the_very_step_that_learns_of_a_failure() -> None:
    ended = tasks(2, phase=Phase.STOPPED, proven=False)
    learnt = plan(shifting(Stage.SCALE_UP, tasks(2, OLD), ended), NOW)
    assert not any(isinstance(action, Start) for action in learnt.actions)
    assert learnt.again_at == NOW + 5.0


def test_a_deployment_that_serves_is_not_forgotten_for_having_no_tasks() -> None:
    planned = plan(replace(shifting(Stage.SCALE_UP), desired=0), NOW)
    assert not any(isinstance(action, Retire) for action in planned.actions)


def test_blue_tasks_that_fail_are_started_again_when_their_pause_is_over() -> None:
    waiting = tasks(2, phase=Phase.PENDING)
    ended = tasks(1, OLD, phase=Phase.STOPPED, proven=False)
    learnt = plan(shifting(Stage.SCALE_UP, tasks(1, OLD), ended, waiting), NOW)
    assert not any(isinstance(action, Start) for action in learnt.actions)
    assert learnt.again_at == NOW + 5.0
    failed = replace(BLUE, failed_tasks=1, launch_failures=1, last_failure_at=NOW)
    paused = shifting(Stage.SCALE_UP, tasks(1, OLD), waiting, deployments=(replace(NEW, stage=Stage.SCALE_UP), failed))
    assert Start(OLD.id, 1) in plan(paused, NOW + 5.0).actions
