"""What a watch takes for new."""

from tests.unit.cli.service_documents import ago, answers, deployment, task

from homeport.cli.deploy.watching import Counts, Watch


def event(number: int, seconds: float) -> dict[str, object]:
    return {"id": str(number), "createdAt": ago(seconds), "message": f"event {number}"}


def test_events_of_earlier_deployments_are_not_told_and_no_event_twice() -> None:
    primary = [deployment(2, createdAt=ago(60))]
    events = [event(3, 10), event(2, 50), event(1, 70)]
    watch, first = Watch().look(answers(deployments=primary, events=events, currentServiceRevisions=[]), 0.0)
    assert [each["id"] for each in first.events] == ["2", "3"]
    events = [event(5, 1), event(4, 2), *events]
    watch, then = watch.look(answers(deployments=primary, events=events, currentServiceRevisions=[]), 0.0)
    assert [each["id"] for each in then.events] == ["4", "5"]
    _, again = watch.look(answers(deployments=primary, events=events, currentServiceRevisions=[]), 0.0)
    assert again.events == ()


def test_numbers_name_only_what_there_is() -> None:
    assert str(Counts(3, 3, 0, 0, 0, 0, 0)) == "3 of 3 healthy"
    assert str(Counts(3, 0, 1, 2, 3, 4, 5)) == "0 of 3 healthy, 1 settling, 2 starting, 3 unhealthy, 4 old, 5 leaving"


def test_lines_repeat_no_numbers() -> None:
    shown = answers(task("a"), deployments=[deployment(2, createdAt=ago(60))], currentServiceRevisions=[])
    watch, seen = Watch().look(shown, ago(0).timestamp())
    watch, lines = watch.lines(seen)
    assert lines == ["ecs-svc/2: 1 of 2 healthy"]
    assert watch.lines(seen)[1] == []
