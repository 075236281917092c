"""
One step of a service: what it does now, what it says about it, and what it waits for.

The plan is computed from nothing but the service and the time.  It may be cut short anywhere; what is left of
it is found again by the next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from homeport.services.ecs.deployments import breaker, texts, throttle
from homeport.services.ecs.deployments.announcing import REPEAT_SECONDS, announce
from homeport.services.ecs.deployments.daemon import plan_daemons
from homeport.services.ecs.deployments.health import changes_at
from homeport.services.ecs.deployments.model import (
    Account,
    Action,
    Cause,
    ClearLaunchFailures,
    Complete,
    Deployment,
    Fail,
    Phase,
    Plan,
    Prove,
    Retire,
    Rollout,
    Scheduling,
    Service,
    Strategy,
)
from homeport.services.ecs.deployments.rolling import Moves, plan_replicas, plan_surplus
from homeport.services.ecs.deployments.shifting import Course, plan_shift
from homeport.services.ecs.deployments.view import View, look
from homeport.services.ecs.deployments.waiting import waits_for


def plan(service: Service, now: float) -> Plan:
    """Decide what *service* does at the moment *now*."""
    view = look(service, now)
    facts: list[Account | Prove] = [*breaker.account(view), *breaker.prove(view)]
    service = replace(service, deployments=tuple(_noted(each, facts) for each in service.deployments))
    primary = service.primary
    notes: list[Action] = list(facts)
    if primary.launch_failures and _has_succeeded_since(view, primary):
        notes.append(ClearLaunchFailures(primary.id))
        primary = replace(primary, launch_failures=0)
        service = replace(service, deployments=(primary, *service.deployments[1:]))
    view = replace(view, service=service)
    throttled = throttle.free_at(primary, view.desired) > now
    course = _course(view, may_start=not throttled)
    moves = course.moves
    failures = primary.failed_tasks + sum(stop.failed for stop in moves.stops if stop.deployment == primary.id)
    ending: list[Action] = list(course.steps)
    if breaker.trips(service, view.desired, failures):
        moves = replace(moves, starts=(), missing=0)
        ending = [_fail(service)]
    elif course.over and view.settled and primary.rollout is Rollout.IN_PROGRESS:
        ending = [Complete(primary.id, texts.COMPLETED.format(primary.id))]
    retired = [
        Retire(old.id) for old in service.deployments[1:] if old.id not in course.kept and not _has_tasks(view, old)
    ]
    actions: tuple[Action, ...] = (*notes, *moves.starts, *moves.stops, *retired, *ending)
    events, standing = announce(view, primary, moves, ending, throttled=throttled)
    due = _due(view, primary, standing, course, throttled=throttled)
    waits = waits_for(view, primary, moves, throttled=throttled)
    waits = waits if course.wait is None else (*waits, course.wait)
    # There may be more to do at once: another stage, or tasks that have to change zones.
    again = bool(course.steps) or (bool(ending) and service.rebalancing)
    return Plan(actions=actions, events=events, waits=waits, standing=standing, again_at=now if again else due)


def _course(view: View, *, may_start: bool) -> Course:
    if view.service.strategy.kind is not Strategy.ROLLING and view.primary.rollout is not Rollout.COMPLETED:
        return plan_shift(view)
    return Course(_move(view, may_start=may_start), over=True)


def _move(view: View, *, may_start: bool) -> Moves:
    if view.primary.rollout is Rollout.FAILED:
        return _after_failure(view)
    if view.service.scheduling is Scheduling.DAEMON:
        return plan_daemons(view, may_start=may_start)
    return plan_replicas(view, may_start=may_start)


def _after_failure(view: View) -> Moves:
    """A failed deployment starts nothing and replaces nothing; there may still be more tasks than are desired."""
    if view.service.scheduling is Scheduling.DAEMON:
        moves = plan_daemons(view, may_start=False)
        return Moves(stops=tuple(stop for stop in moves.stops if stop.cause is Cause.MISPLACED))
    return plan_surplus(view)


def _noted(deployment: Deployment, notes: Sequence[Account | Prove]) -> Deployment:
    """Return a deployment as it is once *notes* are taken."""
    for note in notes:
        if note.deployment != deployment.id:
            continue
        if isinstance(note, Prove):
            deployment = replace(deployment, failed_tasks=0) if note.reset else deployment
        elif note.failed:
            deployment = replace(
                deployment,
                failed_tasks=deployment.failed_tasks + 1,
                launch_failures=deployment.launch_failures + 1,
                last_failure_at=note.at,
            )
    return deployment


def _has_succeeded_since(view: View, primary: Deployment) -> bool:
    """Whether a task that began after the last failure is healthy: one that only runs may be about to end, too."""
    return any(
        one.healthy and one.task.running_since is not None and one.task.running_since >= primary.last_failure_at
        for one in view.current
    )


def _has_tasks(view: View, old: Deployment) -> bool:
    """Whether a replaced deployment still has tasks, on their way out or not, that are not the PRIMARY's now."""
    return any(
        task.deployment == old.id and task.revision != view.primary.revision and task.phase is not Phase.STOPPED
        for task in view.service.tasks
    )


def _fail(service: Service) -> Fail:
    """Give the PRIMARY deployment up; a rollback that fails is not rolled back in its turn."""
    primary = service.primary
    back = service.rollback_to if service.breaker is not None and service.breaker.rollback else ""
    if primary.rollback or back == primary.revision:
        back = ""
    return Fail(primary.id, texts.BREAKER_FAILED, back)


def _due(
    view: View, primary: Deployment, standing: Mapping[str, float], course: Course, *, throttled: bool
) -> float | None:
    """Return when time alone changes what is to be done."""
    times = [due for one in view.present if (due := changes_at(one.task, view.service.grace_seconds, view.now))]
    if throttled:
        times.append(throttle.free_at(primary, view.desired))
    times += [said + REPEAT_SECONDS for said in standing.values()]
    of_course = (course.again_at, None if course.wait is None else course.wait.until)
    return min((*times, *(time for time in of_course if time is not None)), default=None)
