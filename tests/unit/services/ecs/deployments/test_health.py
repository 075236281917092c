"""When a task counts as healthy."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.services.ecs.deployments.services import NOW, tasks

from homeport.services.ecs.deployments.health import Verdict, changes_at, judge
from homeport.services.ecs.deployments.model import Health, Phase, Target, TargetHealth, Task

HEALTHY, INITIAL, UNHEALTHY = (
    Target("arn:tg", state) for state in (TargetHealth.HEALTHY, TargetHealth.INITIAL, TargetHealth.UNHEALTHY)
)


def running(age: float, **more: Any) -> Task:
    return tasks(1, age=age, **more)[0]


@pytest.mark.parametrize(
    ("task", "verdict"),
    [
        (running(39.9), Verdict.SETTLING),
        (running(40.0), Verdict.HEALTHY),
        (running(1.0, container_health=Health.HEALTHY), Verdict.HEALTHY),
        (running(400.0, container_health=Health.UNKNOWN), Verdict.SETTLING),
        (running(1.0, container_health=Health.UNHEALTHY), Verdict.UNHEALTHY),
        (running(1.0, targets=(HEALTHY,)), Verdict.HEALTHY),
        (running(400.0, targets=(HEALTHY, INITIAL)), Verdict.SETTLING),
        (running(1.0, targets=(HEALTHY, UNHEALTHY)), Verdict.UNHEALTHY),
        (running(1.0, targets=(HEALTHY,), container_health=Health.UNKNOWN), Verdict.SETTLING),
        (running(1.0, targets=(HEALTHY,), container_health=Health.UNHEALTHY), Verdict.UNHEALTHY),
        (running(1.0, targets=(HEALTHY,), container_health=Health.HEALTHY), Verdict.HEALTHY),
    ],
)
def test_every_check_there_is_must_pass(task: Task, verdict: Verdict) -> None:
    assert judge(task, 0.0, NOW) is verdict


def test_only_a_running_task_is_healthy() -> None:
    healthy = running(100.0)
    verdicts = {phase: judge(replace(healthy, phase=phase), 0.0, NOW) for phase in Phase}
    assert verdicts == {
        Phase.PENDING: Verdict.STARTING,
        Phase.RUNNING: Verdict.HEALTHY,
        Phase.STOPPING: Verdict.LEAVING,
        Phase.STOPPED: Verdict.GONE,
    }


def test_the_grace_period_spares_the_failing_and_does_not_delay_the_healthy() -> None:
    assert judge(running(59.0, targets=(UNHEALTHY,)), 60.0, NOW) is Verdict.SETTLING
    assert judge(running(60.0, targets=(UNHEALTHY,)), 60.0, NOW) is Verdict.UNHEALTHY
    assert judge(running(1.0, targets=(HEALTHY,)), 60.0, NOW) is Verdict.HEALTHY


def test_the_next_change_of_verdict_by_time_alone_is_known() -> None:
    assert changes_at(running(10.0), 0.0, NOW) == NOW + 30.0
    assert changes_at(running(40.0), 0.0, NOW) is None
    assert changes_at(running(10.0, targets=(UNHEALTHY,)), 60.0, NOW) == NOW + 50.0
    assert changes_at(running(10.0, targets=(INITIAL,)), 60.0, NOW) is None
