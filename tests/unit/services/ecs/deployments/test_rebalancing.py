"""Tasks change zones, one started before another goes."""

from typing import Any

from tests.unit.services.ecs.deployments.services import NEW, NOW, completed, service, tasks

from homeport.services.ecs.deployments.model import Cause, Phase, Service, Start, Stop, Task, Why
from homeport.services.ecs.deployments.plan import plan

ZONES = ("eu-1a", "eu-1b", "eu-1c")


def spread(a: int, b: int, c: int, *more: Task, **facts: object) -> Service:
    there = [task for zone, number in zip(ZONES, (a, b, c), strict=True) for task in in_zone(zone, number)]
    return completed(a + b + c, there, more, **{"zones": ZONES, "rebalancing": True} | facts)


def in_zone(zone: str, number: int, *, prefix: str = "", **facts: Any) -> tuple[Task, ...]:
    return tasks(number, zone=zone, prefix=prefix or f"{zone}-", **facts)


def test_a_task_is_started_in_the_zone_that_has_too_few() -> None:
    planned = plan(spread(3, 1, 1), NOW)
    assert planned.actions == (Start(NEW.id, 1, zones=("eu-1b",)),)
    assert planned.events[-1] == (
        "(service web) is not AZ balanced with 3 tasks in eu-1a, 1 tasks in eu-1b, 1 tasks in eu-1c."
        " AZ Rebalancing in progress."
    )
    assert [wait.why for wait in planned.waits] == [Why.BALANCE]


def test_no_more_are_started_than_there_is_room_for() -> None:
    assert plan(spread(6, 0, 0), NOW).actions == (Start(NEW.id, 4, zones=("eu-1b", "eu-1c", "eu-1b", "eu-1c")),)
    assert plan(spread(6, 0, 0, maximum_percent=120), NOW).actions == (Start(NEW.id, 1, zones=("eu-1b",)),)
    assert plan(spread(6, 0, 0, maximum_percent=100), NOW).actions == ()


def test_the_crowded_zone_keeps_its_task_until_the_other_is_healthy() -> None:
    first = plan(spread(3, 1, 1), NOW)
    for waiting in (
        tasks(1, phase=Phase.PENDING, zone="eu-1b", rebalances=True),
        in_zone("eu-1b", 1, age=5.0, rebalances=True, prefix="x"),
    ):
        between = plan(spread(3, 1, 1, *waiting, standing=first.standing), NOW)
        assert (between.actions, between.events) == ((), ())
    there = in_zone("eu-1b", 1, rebalances=True, proven=False, prefix="new")
    planned = plan(spread(3, 1, 1, *there, standing=first.standing), NOW)
    stops = [action for action in planned.actions if isinstance(action, Stop)]
    assert [(stop.task, stop.cause) for stop in stops] == [("eu-1a-0", Cause.REBALANCING)]
    assert planned.events == (
        "(service web) has stopped 1 running tasks in eu-1a due to AZ rebalancing: (task eu-1a-0).",
    )
    balanced = plan(spread(2, 2, 1, standing=planned.standing), NOW)
    assert balanced.actions == ()
    assert balanced.events == (
        "(service web) is AZ balanced with 2 tasks in eu-1a, 2 tasks in eu-1b, 1 tasks in eu-1c.",
        "(service web) has reached a steady state.",
    )
    assert plan(spread(2, 2, 1, standing=balanced.standing), NOW).events == ()


def test_a_zone_whose_tasks_are_all_protected_gives_none_away() -> None:
    kept = in_zone("eu-1a", 3, protected=True)
    assert plan(completed(3, kept, zones=ZONES, rebalancing=True), NOW).actions == ()


def test_only_a_steady_service_is_rebalanced_and_only_if_it_shall_be() -> None:
    assert plan(spread(3, 0, 0, rebalancing=False), NOW).actions == ()
    underway = service(3, in_zone("eu-1a", 3, age=1.0), zones=ZONES, rebalancing=True)
    assert plan(underway, NOW).actions == ()
    done = service(3, in_zone("eu-1a", 3), zones=ZONES, rebalancing=True)
    assert plan(done, NOW).again_at == NOW
