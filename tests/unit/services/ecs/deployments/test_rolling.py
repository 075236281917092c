"""What a service starts and stops: the documented examples, and each rule by itself."""

import pytest
from tests.unit.services.ecs.deployments.services import NEW, NOW, OLD, completed, service, tasks

from homeport.services.ecs.deployments.model import (
    Cause,
    Health,
    Phase,
    Plan,
    Service,
    Start,
    Stop,
    Target,
    TargetHealth,
    Why,
)
from homeport.services.ecs.deployments.plan import plan

UNABLE = (
    "(service web) was unable to stop or start tasks during a deployment because of the service deployment"
    " configuration. Update the minimumHealthyPercent or maximumPercent value and try again."
)


def started(planned: Plan) -> int:
    return sum(action.count for action in planned.actions if isinstance(action, Start))


def stopped(planned: Plan) -> list[str]:
    return [action.task for action in planned.actions if isinstance(action, Stop)]


@pytest.mark.parametrize(
    ("desired", "minimum", "maximum", "starts", "stops"),
    [
        (4, 50, 100, 0, 2),
        (2, 75, 200, 2, 0),
        (3, 100, 125, 0, 0),
        (4, 100, 200, 4, 0),
        (4, 50, 200, 4, 2),
        (10, 90, 110, 1, 1),
        (1, 0, 100, 0, 1),
    ],
)
def test_a_deployment_begins_within_its_percentages(
    desired: int, minimum: int, maximum: int, starts: int, stops: int
) -> None:
    before = service(desired, tasks(desired, OLD), minimum_healthy_percent=minimum, maximum_percent=maximum)
    planned = plan(before, NOW)
    assert (started(planned), len(stopped(planned))) == (starts, stops)


def test_old_tasks_stop_once_new_ones_are_healthy() -> None:
    settling = service(2, tasks(2, OLD), tasks(2, age=39.9))
    assert stopped(plan(settling, NOW)) == []
    assert plan(settling, NOW).again_at == pytest.approx(NOW + 0.1)
    healthy = plan(service(2, tasks(2, OLD), tasks(2, age=40.0)), NOW)
    assert stopped(healthy) == ["1r0", "1r1"]
    assert healthy.actions[0] == Stop(
        "1r0", OLD.id, Cause.DEPLOYMENT, "Scaling activity initiated by (deployment ecs-svc/1)"
    )
    assert healthy.events == ("(service web) has stopped 2 running tasks: (task 1r0) (task 1r1).",)


def test_tasks_on_their_way_out_take_up_room() -> None:
    planned = plan(service(2, tasks(2, OLD, Phase.STOPPING), tasks(1), maximum_percent=150), NOW)
    assert started(planned) == 0
    assert {wait.why for wait in planned.waits} == {Why.DRAINING, Why.CEILING}
    assert started(plan(service(2, tasks(1, OLD, Phase.STOPPING), tasks(1), maximum_percent=150), NOW)) == 1


def test_old_tasks_that_serve_nothing_yet_are_stopped_at_once() -> None:
    planned = plan(service(2, tasks(2, OLD, Phase.PENDING)), NOW)
    assert stopped(planned) == ["1p0", "1p1"]
    assert planned.events == ("(service web) stopped 2 pending tasks.",)


def test_nothing_can_move_and_the_event_says_so_once() -> None:
    before = service(2, tasks(2, OLD), minimum_healthy_percent=100, maximum_percent=100)
    planned = plan(before, NOW)
    assert planned.actions == ()
    assert planned.events == (UNABLE,)
    assert Why.STUCK in {wait.why for wait in planned.waits}
    again = service(2, tasks(2, OLD), minimum_healthy_percent=100, maximum_percent=100, standing=planned.standing)
    assert plan(again, NOW + 6 * 3600 - 1).events == ()
    assert plan(again, NOW + 6 * 3600).events == (UNABLE,)


def test_a_deployment_completes_when_only_its_healthy_tasks_are_left() -> None:
    draining = plan(service(2, tasks(1, OLD, Phase.STOPPING), tasks(2)), NOW)
    assert draining.actions == ()
    planned = plan(Service("web", 2, (NEW, OLD), tasks(2)), NOW)
    assert [type(action).__name__ for action in planned.actions] == ["Retire", "Complete"]
    assert planned.events == (
        "(service web) (deployment ecs-svc/2) deployment completed.",
        "(service web) has reached a steady state.",
    )
    assert planned.waits == ()


def test_a_steady_service_says_so_once_in_six_hours() -> None:
    first = plan(completed(2, tasks(2)), NOW)
    assert (first.actions, first.events) == ((), ("(service web) has reached a steady state.",))
    assert first.again_at == NOW + 6 * 3600
    again = completed(2, tasks(2), standing=first.standing)
    assert plan(again, NOW + 100) == Plan(standing=first.standing, again_at=NOW + 6 * 3600)
    assert plan(again, NOW + 6 * 3600).events == first.events


def test_more_are_started_and_fewer_kept_as_desired() -> None:
    assert started(plan(completed(5, tasks(2)), NOW)) == 3
    assert len(stopped(plan(completed(2, tasks(5)), NOW))) == 3
    assert len(stopped(plan(completed(0, tasks(5)), NOW))) == 5


FAILING = (Target("arn:tg", TargetHealth.UNHEALTHY, 80, "Health checks failed with these codes: [503]"),)


def test_an_unhealthy_task_is_replaced_before_it_is_stopped() -> None:
    sick = tasks(1, targets=FAILING, prefix="sick")
    well = tasks(1, targets=(Target("arn:tg", TargetHealth.HEALTHY),))
    first = plan(service(2, sick, well), NOW)
    assert first.actions == (Start(NEW.id, 1, replaced=1),)
    assert first.events == (
        (
            "(service web) (task sick0) (port 80) is unhealthy in (target-group arn:tg)"
            " due to (reason Health checks failed with these codes: [503])."
        ),
    )
    replacement = tasks(1, phase=Phase.PENDING)
    assert plan(service(2, sick, well, replacement, standing=first.standing), NOW).actions == ()
    replacement = tasks(1, targets=(Target("arn:tg", TargetHealth.HEALTHY),), prefix="new")
    assert plan(service(2, sick, well, replacement), NOW).actions[0] == Stop(
        "sick0", NEW.id, Cause.UNHEALTHY, "Task failed ELB health checks in (target-group arn:tg)", failed=True
    )


def test_without_room_unhealthy_tasks_are_stopped_one_by_one() -> None:
    sick = tasks(3, container_health=Health.UNHEALTHY)
    planned = plan(service(3, sick, maximum_percent=100), NOW)
    assert [action.reason for action in planned.actions if isinstance(action, Stop)] == [
        "Task failed container health checks"
    ]
    assert len(stopped(plan(service(3, sick, maximum_percent=100, minimum_healthy_percent=50), NOW))) == 1
    assert len(stopped(plan(service(3, sick, maximum_percent=100, minimum_healthy_percent=0), NOW))) == 3
    leaving = (*sick[1:], *tasks(1, phase=Phase.STOPPING))
    assert stopped(plan(service(3, leaving, maximum_percent=100), NOW)) == []


def test_within_the_grace_period_failing_checks_are_not_listened_to() -> None:
    sick = tasks(1, targets=FAILING, age=59.0)
    planned = plan(service(1, sick, grace_seconds=60.0), NOW)
    assert (planned.actions, planned.again_at) == ((), NOW + 1.0)
    assert started(plan(service(1, sick, grace_seconds=60.0), NOW + 1.0)) == 1


def test_of_too_many_tasks_those_that_are_not_protected_go() -> None:
    planned = plan(completed(1, tasks(1, protected=True), tasks(2, prefix="free")), NOW)
    assert stopped(planned) == ["free0", "free1"]


def test_protected_tasks_are_spared_and_said_to_be_in_the_way() -> None:
    planned = plan(completed(1, tasks(1)), NOW)
    assert planned.waits == ()
    kept = service(1, tasks(1), tasks(2, OLD, protected=True))
    planned = plan(kept, NOW)
    assert planned.actions == ()
    assert planned.events == (
        (
            "(service web) was unable to reach steady state because (taskSet ecs-svc/2) was unable to scale in"
            " due to (reason 2 tasks under protection)"
        ),
    )
