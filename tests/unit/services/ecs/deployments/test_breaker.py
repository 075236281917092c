"""When a deployment is given up, and how long failing tasks are waited for."""

from dataclasses import replace

import pytest
from tests.unit.services.ecs.deployments.services import NEW, NOW, OLD, service, tasks

from homeport.services.ecs.deployments import throttle
from homeport.services.ecs.deployments.breaker import threshold
from homeport.services.ecs.deployments.model import (
    Account,
    Breaker,
    ClearLaunchFailures,
    Deployment,
    Fail,
    Health,
    Phase,
    Prove,
    Service,
    Start,
    Stop,
    ThresholdType,
    Why,
)
from homeport.services.ecs.deployments.plan import plan

DEFAULT = Breaker(rollback=True)


@pytest.mark.parametrize(("desired", "failures"), [(1, 3), (25, 13), (400, 200), (800, 200), (0, 3)])
def test_the_default_threshold_is_half_the_desired_tasks_within_bounds(desired: int, failures: int) -> None:
    assert threshold(DEFAULT, desired) == failures


@pytest.mark.parametrize(
    ("kind", "value", "desired", "failures"),
    [
        (ThresholdType.COUNT, 7, 400, 7),
        (ThresholdType.COUNT, 1, 400, 1),
        (ThresholdType.BOUNDED_PERCENT, 10, 100, 10),
        (ThresholdType.BOUNDED_PERCENT, 10, 10, 3),
        (ThresholdType.UNBOUNDED_PERCENT, 10, 10, 1),
        (ThresholdType.UNBOUNDED_PERCENT, 100, 800, 800),
        (ThresholdType.UNBOUNDED_PERCENT, 10, 0, 1),
    ],
)
def test_a_threshold_is_a_count_or_a_percentage(kind: ThresholdType, value: int, desired: int, failures: int) -> None:
    assert threshold(Breaker(threshold_type=kind, threshold_value=value), desired) == failures


def failed(count: int, *ended: Phase, breaker: Breaker | None = DEFAULT, **more: object) -> Service:
    """A service of one task whose deployment has *count* failures, and one more for each of *ended*."""
    new = replace(NEW, failed_tasks=count)
    over = tasks(len(ended), phase=Phase.STOPPED, proven=False)
    facts = {"deployments": (new, OLD), "breaker": breaker, "rollback_to": OLD.revision} | more
    return service(1, tasks(1, OLD), over, **facts)


def test_the_task_that_reaches_the_threshold_fails_the_deployment() -> None:
    assert [type(action) for action in plan(failed(1, Phase.STOPPED), NOW).actions] == [Account]
    planned = plan(failed(2, Phase.STOPPED), NOW)
    assert planned.actions == (
        Account("2s0", NEW.id, failed=True, at=NOW),
        Fail(NEW.id, "ECS deployment circuit breaker: tasks failed to start.", roll_back_to=OLD.revision),
    )
    assert planned.events == ("(service web) (deployment ecs-svc/2) deployment failed: tasks failed to start.",)


def test_a_plan_cut_short_after_the_last_failure_still_fails_the_deployment() -> None:
    assert [type(action) for action in plan(failed(3), NOW).actions] == [Fail]


def test_without_a_breaker_no_deployment_fails() -> None:
    planned = plan(failed(100, breaker=None), NOW)
    assert [type(action) for action in planned.actions] == [Start]


def test_there_may_be_nothing_to_roll_back_to() -> None:
    for service_ in (
        failed(3, rollback_to=""),
        failed(3, breaker=Breaker(rollback=False)),
        failed(3, deployments=(replace(NEW, failed_tasks=3, rollback=True), OLD)),
    ):
        assert plan(service_, NOW).actions == (Fail(NEW.id, "ECS deployment circuit breaker: tasks failed to start."),)


def test_an_unhealthy_task_counts_when_it_is_stopped() -> None:
    new = replace(NEW, failed_tasks=2)
    sick = tasks(1, container_health=Health.UNHEALTHY)
    planned = plan(service(1, tasks(1, OLD), sick, deployments=(new, OLD), breaker=DEFAULT), NOW)
    assert [type(action) for action in planned.actions] == [Stop, Fail]
    assert planned.events[0] == "(service web) (task 2r0) failed container health checks."


def test_tasks_that_were_told_to_stop_or_have_run_are_no_failures() -> None:
    for ended in (
        tasks(1, phase=Phase.STOPPED, told=True),
        tasks(1, phase=Phase.STOPPED, running_since=NOW - 5, proven=True),
    ):
        assert plan(service(0, ended), NOW).actions[0] == Account(ended[0].id, NEW.id, False, NOW)


def test_a_task_that_runs_and_ends_before_it_was_healthy_is_a_failure() -> None:
    ended = tasks(1, phase=Phase.STOPPED, running_since=NOW - 5)
    planned = plan(service(1, ended, breaker=DEFAULT), NOW)
    assert planned.actions[0] == Account(ended[0].id, NEW.id, failed=True, at=NOW)


def test_a_task_that_crashes_is_not_replaced_many_times_a_second() -> None:
    ended = tasks(1, phase=Phase.STOPPED, running_since=NOW - 5)
    planned = plan(service(1, ended), NOW)
    assert [type(action) for action in planned.actions] == [Account]
    assert planned.again_at == NOW + throttle.FIRST_SECONDS


@pytest.mark.parametrize(("reset", "fails"), [(True, False), (False, True)])
def test_a_healthy_task_ends_a_row_of_failures_if_so_configured(reset: bool, fails: bool) -> None:
    new = replace(NEW, failed_tasks=3)
    breaker = replace(DEFAULT, reset_on_healthy_task=reset)
    planned = plan(service(2, tasks(1, proven=False), deployments=(new,), breaker=breaker), NOW)
    assert planned.actions[0] == Prove("2r0", NEW.id, reset)
    assert any(isinstance(action, Fail) for action in planned.actions) == fails


def test_a_task_that_was_healthy_before_resets_nothing() -> None:
    new = replace(NEW, failed_tasks=3)
    planned = plan(service(2, tasks(1), deployments=(new,), breaker=DEFAULT), NOW)
    assert [type(action) for action in planned.actions] == [Fail]


def test_delays_double_with_each_round_up_to_the_longest() -> None:
    def delay(failures: int, desired: int) -> float:
        return throttle.delay(Deployment("", "", launch_failures=failures), desired)

    assert [delay(failures, 1) for failures in range(5)] == [0.0, 5.0, 10.0, 20.0, 40.0]
    assert delay(10, 10) == 5.0
    assert delay(11, 10) == 10.0
    assert delay(1000, 1) == 27 * 60.0
    assert delay(1, 0) == 5.0


def test_nothing_is_started_before_the_delay_is_over() -> None:
    new = replace(NEW, launch_failures=6, failed_tasks=6, last_failure_at=NOW - 10)
    planned = plan(service(2, deployments=(new,)), NOW)
    assert planned.actions == ()
    assert planned.again_at == NOW + 10
    assert planned.events == (
        (
            "(service web) is unable to consistently start tasks successfully. For more information, see the"
            " Troubleshooting section of the Amazon ECS Developer Guide."
        ),
    )
    assert [(wait.why, wait.until) for wait in planned.waits] == [(Why.THROTTLE, NOW + 10)]
    assert plan(service(2, deployments=(new,)), NOW + 10).actions == (Start(NEW.id, 2),)


def test_a_task_that_has_started_since_ends_the_delay() -> None:
    new = replace(NEW, launch_failures=10, last_failure_at=NOW - 50)
    before = plan(service(2, tasks(1, age=60.0), deployments=(new,)), NOW)
    assert before.actions == ()
    after = plan(service(2, tasks(1, age=40.0), deployments=(new,)), NOW)
    assert after.actions == (ClearLaunchFailures(NEW.id), Start(NEW.id, 1))
