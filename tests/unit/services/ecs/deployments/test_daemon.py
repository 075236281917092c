"""One task on each instance."""

from typing import Any

from tests.unit.services.ecs.deployments.services import NEW, NOW, OLD, service, tasks

from homeport.services.ecs.deployments.model import (
    Cause,
    Deployment,
    Health,
    Phase,
    Plan,
    Scheduling,
    Service,
    Start,
    Stop,
    Task,
)
from homeport.services.ecs.deployments.plan import plan


def on(instance: str, deployment: Deployment = NEW, phase: Phase = Phase.RUNNING, **more: Any) -> Task:
    return tasks(1, deployment, phase, instance=instance, prefix=f"on-{instance}-", **more)[0]


def daemon(instances: str, *there: Task, minimum: int = 0) -> Service:
    return service(
        0,
        there,
        scheduling=Scheduling.DAEMON,
        instances=tuple(instances),
        minimum_healthy_percent=minimum,
        maximum_percent=100,
    )


def stops(planned: Plan) -> list[tuple[str, Cause]]:
    return [(action.task, action.cause) for action in planned.actions if isinstance(action, Stop)]


def test_each_instance_gets_one() -> None:
    planned = plan(daemon("abc", on("b", NEW, Phase.PENDING)), NOW)
    assert planned.actions == (Start(NEW.id, 2, instances=("a", "c")),)


def test_an_old_one_goes_before_its_successor_comes() -> None:
    planned = plan(daemon("abcd", *(on(name, OLD) for name in "abcd"), minimum=50), NOW)
    assert [type(action) for action in planned.actions] == [Stop, Stop]
    leaving = [on("a", OLD, Phase.STOPPING), on("b", OLD, Phase.STOPPING)]
    planned = plan(daemon("abcd", *leaving, on("c", OLD), on("d", OLD), minimum=50), NOW)
    assert planned.actions == ()
    planned = plan(daemon("abcd", on("c", OLD), on("d", OLD), minimum=50), NOW)
    assert planned.actions == (Start(NEW.id, 2, instances=("a", "b")),)


def test_an_unhealthy_one_is_replaced_even_if_all_must_be_healthy() -> None:
    sick = on("a", container_health=Health.UNHEALTHY)
    planned = plan(daemon("ab", sick, on("b"), minimum=100), NOW)
    assert stops(planned) == [(sick.id, Cause.UNHEALTHY)]


def test_one_goes_from_where_none_belongs() -> None:
    stray = on("z", protected=True)
    assert stops(plan(daemon("a", on("a"), stray, minimum=100), NOW)) == [(stray.id, Cause.MISPLACED)]


def test_of_two_on_an_instance_one_goes() -> None:
    young, grown = on("a", age=1.0), tasks(1, instance="a")[0]
    assert stops(plan(daemon("a", young, grown, minimum=100), NOW)) == [(young.id, Cause.MISPLACED)]
