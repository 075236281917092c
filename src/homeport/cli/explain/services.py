"""What a service does now and what it waits for: sentences out of the planner's own plan.  Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from homeport.cli.deploy.reading import Answers, Document
from homeport.cli.deploy.seen import failures_to_start, seconds, service_of
from homeport.services.ecs.deployments import breaker
from homeport.services.ecs.deployments.health import Verdict, failing_target
from homeport.services.ecs.deployments.model import (
    Action,
    Advance,
    Complete,
    Fail,
    Health,
    Rollout,
    Service,
    Shift,
    Start,
    Stop,
    Strategy,
    Wait,
)
from homeport.services.ecs.deployments.plan import plan
from homeport.services.ecs.deployments.view import Judged, View, look

Item = TypeVar("Item")

#: How many events, and how many tasks of a kind, are worth reading here.
_FEW = 3


def explain_service(answers: Answers, now: float) -> Iterator[str]:
    """Yield the sentences, the most important first."""
    shown = answers.service
    name, cluster = shown["serviceName"], shown["clusterArn"].rpartition("/")[2]
    if shown["status"] == "INACTIVE":
        yield f"The service {name} of the cluster {cluster} was deleted."
        return
    yield (
        f"The service {name} of the cluster {cluster} is {shown['status']}: of {shown['desiredCount']} desired tasks,"
        f" {shown['runningCount']} are RUNNING and {shown['pendingCount']} are starting."
    )
    if shown["status"] == "DRAINING":
        yield "It is being deleted, and is gone when its last task has stopped."
        return
    service = service_of(answers)
    view = look(service, now)
    planned = plan(service, now)
    yield from _deployments(shown["deployments"], view)
    yield from _health(view)
    yield from _plan(planned.actions, planned.waits, now)
    yield from _failures(answers.tasks, service.primary.id)
    yield from _events(shown["events"], now)


def _deployments(shown: Sequence[Document], view: View) -> Iterator[str]:
    primary, *others = shown
    yield f"Its deployment {primary['id']} ({_definition(primary)}) is {primary.get('rolloutState', 'IN_PROGRESS')}."
    for other in others:
        left = other["runningCount"] + other["pendingCount"]
        yield f"It replaces {other['id']} ({_definition(other)}), which has {_counted(left, 'task')} left."
    if view.primary.rollout is Rollout.COMPLETED and not view.old:
        return
    service = view.service
    if service.strategy.kind is not Strategy.ROLLING:
        yield from _stage(view)
        yield from _breaker(service, view)
        return
    yield (
        f"{view.floor} tasks must stay healthy (minimumHealthyPercent {service.minimum_healthy_percent}) and there may"
        f" be {view.ceiling} at a time (maximumPercent {service.maximum_percent}): {view.healthy} are healthy, and"
        f" there are {len(view.present) + view.leaving}."
    )
    yield from _breaker(service, view)


def _stage(view: View) -> Iterator[str]:
    primary, service = view.primary, view.service
    share = service.production.get(primary.revision, 0.0)
    yield f"It is in the stage {primary.stage} ({service.strategy.kind}): {share:g} % of production traffic is on it."


def _breaker(service: Service, view: View) -> Iterator[str]:
    failed = service.primary.failed_tasks
    if service.breaker is None:
        if failed:
            yield f"{_counted(failed, 'task')} of it failed in a row; no circuit breaker ends that."
        return
    if service.primary.rollout is Rollout.IN_PROGRESS:
        end = "rolled back" if service.breaker.rollback else "given up"
        limit = breaker.threshold(service.breaker, view.desired)
        yield f"{_counted(failed, 'task')} of it failed in a row: at {limit} it is {end}."


def _health(view: View) -> Iterator[str]:
    for one in _first([one for one in view.present if one.verdict is Verdict.UNHEALTHY]):
        yield f"The task {one.task.id} is unhealthy: {_illness(one)}"


def _illness(one: Judged) -> str:
    target = failing_target(one.task)
    if one.task.container_health is Health.UNHEALTHY or target is None:
        return "the health check of a container fails."
    reason = target.reason or "health checks fail"
    return f"{reason}, in the target group {target.group.rpartition(':')[2]}, port {target.port}."


def _plan(actions: Sequence[Action], waits: Sequence[Wait], now: float) -> Iterator[str]:
    steps = list(_steps(actions))
    yield from steps
    if not waits and not steps:
        yield "It waits for nothing: all is as desired."
    for wait in waits:
        when = f" In {max(1, round(wait.until - now))} seconds that changes." if wait.until is not None else ""
        yield f"It waits: {wait.sentence}{when}"


def _steps(actions: Sequence[Action]) -> Iterator[str]:
    """Say what comes next: what the plan does that the API does not show yet."""
    started = sum(action.count for action in actions if isinstance(action, Start))
    if started:
        yield f"Next it starts {_counted(started, 'task')}."
    causes: dict[str, int] = {}
    for action in actions:
        if isinstance(action, Stop):
            causes[action.cause] = causes.get(action.cause, 0) + 1
    for cause, number in causes.items():
        yield f"Next it stops {_counted(number, 'task')}: {_CAUSES[cause]}."
    for action in actions:
        if isinstance(action, Complete):
            yield f"Next {action.deployment} is complete."
        elif isinstance(action, Fail):
            yield f"Next {action.deployment} has failed."
        elif isinstance(action, Advance):
            yield f"Next it enters the stage {action.stage}."
        elif isinstance(action, Shift):
            yield f"Next {action.listener.lower()} traffic is shifted."


_CAUSES: Mapping[str, str] = {
    "DEPLOYMENT": "of what is being replaced",
    "SCALE_IN": "there are more than desired",
    "UNHEALTHY": "not healthy",
    "MISPLACED": "where none belongs any more",
    "REBALANCING": "in a zone that has too many",
}


def _failures(tasks: Sequence[Document], primary: str) -> Iterator[str]:
    for task in _first(failures_to_start(tasks, primary)):
        reasons = [task.get("stoppedReason", ""), *(each.get("reason", "") for each in task["containers"])]
        said = ". ".join(dict.fromkeys(reason.rstrip(".") for reason in reasons if reason))
        yield f"The task {task['taskArn'].rpartition('/')[2]} failed to start: {said}."


def _events(events: Sequence[Document], now: float) -> Iterator[str]:
    for event in _first(events):
        yield f"{_ago(now - seconds(event['createdAt']))} ago: {event['message']}"


def _first(items: Sequence[Item]) -> Sequence[Item]:
    return items[:_FEW]


def _ago(passed: float) -> str:
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if passed >= size:
            return _counted(int(passed // size), unit)
    return _counted(max(0, int(passed)), "second")


def _definition(shown: Document) -> str:
    return str(shown["taskDefinition"]).rpartition("/")[2]


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
