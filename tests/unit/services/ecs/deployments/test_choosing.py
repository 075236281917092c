"""Which tasks go first."""

from collections.abc import Iterable
from dataclasses import replace

from tests.unit.services.ecs.deployments.services import NOW, OLD, service, tasks

from homeport.services.ecs.deployments.choosing import in_order
from homeport.services.ecs.deployments.model import Health, Phase, Task
from homeport.services.ecs.deployments.view import look


def order(*groups: Iterable[Task]) -> list[str]:
    return [one.task.id for one in in_order(look(service(1, *groups), NOW).present)]


def test_the_replaced_go_before_the_new_and_the_useless_before_the_useful() -> None:
    assert order(
        tasks(1, prefix="healthy"),
        tasks(1, prefix="settling", age=1.0),
        tasks(1, phase=Phase.PENDING, prefix="starting"),
        tasks(1, prefix="sick", container_health=Health.UNHEALTHY),
        tasks(1, OLD, prefix="old"),
        tasks(1, OLD, prefix="old-sick", container_health=Health.UNHEALTHY),
    ) == ["old-sick0", "old0", "sick0", "starting0", "settling0", "healthy0"]


def test_zones_stay_balanced_and_then_instances() -> None:
    crowd = tasks(3, zone="a", prefix="a", instance="1")
    two = tasks(2, zone="b", prefix="b", instance="2")
    assert order(two, crowd)[:3] == ["a0", "a1", "b0"]
    on_one = tasks(2, zone="a", instance="1", prefix="x")
    alone = tasks(1, zone="a", instance="2", prefix="a")
    assert order(alone, on_one)[0] == "x0"


def test_the_youngest_goes_first() -> None:
    first, second = tasks(2)
    assert order((first, replace(second, created_at=5.0))) == ["2r1", "2r0"]
