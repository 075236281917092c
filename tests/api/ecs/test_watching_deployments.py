"""What `homeport deploy watch` shows, from the API's own answers, while the test plays the node."""

import io
from typing import Any

import pytest
from rich.console import Console

from homeport.cli.deploy.reading import Asker, NotThere
from homeport.cli.deploy.table import render
from homeport.cli.deploy.watching import Look, Outcome, Watch

from .services import Service

BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


class Watcher:
    """Looks at the service as the command does."""

    def __init__(self, ecs: Any) -> None:
        self.ecs = ecs
        self.asker = Asker(ecs.client, None, "default", "web")
        self.watch = Watch()
        self.told = Watch()

    def look(self) -> Look:
        self.watch, seen = self.watch.look(self.asker.ask(), self.ecs.clock.now())
        return seen

    def lines(self) -> list[str]:
        self.told, lines = self.told.lines(self.look())
        return lines

    def drawn(self) -> str:
        seen = self.look()
        drawn = io.StringIO()
        Console(file=drawn, width=200).print(render(seen, seen.events))
        return drawn.getvalue()


def test_a_deployment_is_told_line_by_line_until_it_has_completed(ecs: Any) -> None:
    service = Service(ecs, desiredCount=1)
    service.become_steady()
    service.update(taskDefinition=ecs.register())
    id_ = service.shown()["deployments"][0]["id"]
    watcher = Watcher(ecs)
    *_, started, numbers = watcher.lines()
    assert started == service.events()[-1]
    assert numbers == f"{id_}: 0 of 1 healthy, 1 starting, 1 old"
    assert watcher.lines() == []
    service.start()
    assert watcher.lines() == [f"{id_}: 0 of 1 healthy, 1 settling, 1 old"]
    service.settle()
    assert watcher.lines()[-1] == f"{id_}: 1 of 1 healthy, 1 leaving"
    assert watcher.look().outcome is Outcome.UNDERWAY
    service.finish()
    assert watcher.look().outcome is Outcome.COMPLETED


def test_a_picture_has_tasks_old_and_new_what_is_waited_for_and_events(ecs: Any) -> None:
    service = Service(ecs, desiredCount=1)
    service.become_steady()
    (old,) = service.ids()
    service.update(taskDefinition=ecs.register())
    (new,) = service.ids() - {old}
    service.start()
    drawn = Watcher(ecs).drawn().splitlines()
    primary, replaced = (each["id"] for each in service.shown()["deployments"])
    assert drawn[0] == f"web  in progress  {primary} web:2  replaces {replaced} web:1"
    assert drawn[1].endswith("  0 of 1 healthy, 1 settling, 1 old")
    rows = {line.split()[0]: line.split()[1:] for line in drawn if line[:12] in {old[:12], new[:12]}}
    zone = ecs.subnets[0].zone
    assert rows == {
        new[:12]: ["new", "web:2", zone, "RUNNING", "settling"],
        old[:12]: ["old", "web:1", zone, "RUNNING", "healthy"],
    }
    waiting = drawn[drawn.index("Waiting") + 1]
    assert waiting.startswith("  1 task RUNNING for less than 40 seconds, without a health check (")
    assert drawn[-1].endswith(service.events()[-1])


def test_a_rollback_is_remembered_when_it_is_complete(ecs: Any) -> None:
    service = Service(ecs, desiredCount=1, deploymentConfiguration=BREAKER)
    service.become_steady()
    service.update(taskDefinition=ecs.register())
    watcher = Watcher(ecs)
    assert watcher.look().outcome is Outcome.UNDERWAY
    for _ in range(3):
        service.fail(passes=1)
        watcher.look()
        ecs.clock.advance(1700)
        ecs.keep()
    service.become_steady()
    assert watcher.look().outcome is Outcome.ROLLED_BACK
    assert Watcher(ecs).look().outcome is Outcome.COMPLETED


def test_a_deployment_that_failed_and_a_service_that_goes_are_ends(ecs: Any) -> None:
    service = Service(
        ecs, desiredCount=1, deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
    )
    watcher = Watcher(ecs)
    for _ in range(3):
        service.fail()
        ecs.clock.advance(1700)
        ecs.keep()
    assert watcher.look().outcome is Outcome.FAILED
    assert "web  failed  ecs-svc/" in watcher.drawn()
    service.update(desiredCount=0)
    ecs.client.delete_service(service="web", force=True)
    assert watcher.look().outcome is Outcome.GONE
    ecs.keep()
    with pytest.raises(NotThere, match="the service web was deleted"):
        watcher.look()
