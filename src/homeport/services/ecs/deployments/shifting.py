"""
Blue/green, linear and canary deployments: the new tasks stand beside the old ones before any traffic moves.

A deployment goes through AWS's lifecycle stages in their order (reference, 4.6), one at each plan; what a stage is for
is done when the deployment enters it, and it is left when that has come true.  Until the last stage both revisions
are kept at the desired number of tasks, each for itself, so that traffic can go back at any moment.  A rollback is such
a deployment, too, of the revision that is still there: it moves all traffic at once and waits for no bake time.

How stages that belong to no lifecycle hook are passed is not documented; here they take no time (unconfirmed).
"""

from dataclasses import dataclass, replace

from homeport.services.ecs.deployments import texts, throttle
from homeport.services.ecs.deployments.model import (
    Action,
    Advance,
    Cause,
    Deployment,
    Listener,
    Rollout,
    Service,
    Shift,
    Stage,
    Stop,
    Strategy,
    Wait,
    Why,
)
from homeport.services.ecs.deployments.rolling import Moves, plan_replicas, plan_surplus
from homeport.services.ecs.deployments.view import View, look

#: How long load balancers may take to go by a shift, and to end what they began before it, in seconds.
SETTLING_SECONDS = 10.0

_ORDER = tuple(Stage)


@dataclass(frozen=True, slots=True)
class Course:
    """What a deployment that shifts traffic does now, and what it waits for if not for tasks."""

    moves: Moves
    steps: tuple[Action, ...] = ()
    wait: Wait | None = None
    over: bool = False  # all traffic has moved, and the old tasks go
    kept: frozenset[str] = frozenset()  # other deployments that go on, with or without tasks
    again_at: float | None = None  # when a revision that is kept may start tasks again, after some that failed


def plan_shift(view: View) -> Course:
    """Take the next step of the PRIMARY deployment of a service whose strategy is not ROLLING."""
    primary, stage = view.primary, view.primary.stage
    if primary.rollout is Rollout.FAILED:
        sides = _sides(view)
        kept = frozenset(side.primary.id for side in sides)
        return Course(_together([plan_surplus(side) for side in sides]), kept=kept)
    new, blue, dead = _side(view, primary), _blue(view), _dead(view)
    if stage is Stage.CLEAN_UP:
        gone = dead if blue is None else [*dead, blue]
        return Course(_together([_keep(new), *(_clear(side) for side in gone)]), over=True)
    beside = [] if blue is None else [blue]
    if _ORDER.index(stage) >= _ORDER.index(Stage.SCALE_UP) or view.service.production.get(primary.revision, 0.0) > 0:
        beside.append(new)
    course = _pass_stage(view, _together([_keep(side) for side in beside]), new, blue, dead)
    return replace(course, kept=frozenset(side.primary.id for side in beside), again_at=_free_at(beside, view.now))


def _free_at(sides: list[View], now: float) -> float | None:
    """Return when the first of these revisions may start tasks again that may not now."""
    times = [throttle.free_at(side.primary, side.desired) for side in sides]
    return min((time for time in times if time > now), default=None)


def _pass_stage(view: View, moves: Moves, new: View, blue: View | None, dead: list[View]) -> Course:
    primary, stage = view.primary, view.primary.stage
    match stage:
        case Stage.RECONCILE_SERVICE:
            if steps := _take_back(view, blue, dead):
                return Course(moves, steps=steps)
            ready = not any(side.present or side.leaving for side in dead)
            due = primary.stage_since + SETTLING_SECONDS
            if not ready and due > view.now:
                sentence = "traffic has yet to leave tasks that are to go."
                return Course(moves, wait=Wait(Why.BAKE, sentence, due))
            moves = _together([moves, *(_clear(side) for side in dead)])
        case Stage.SCALE_UP:
            ready = new.healthy >= view.desired
        case Stage.TEST_TRAFFIC_SHIFT:
            return _shift(view, moves, Listener.TEST, blue)
        case Stage.PRODUCTION_TRAFFIC_SHIFT:
            return _shift(view, moves, Listener.PRODUCTION, blue) if _may_shift(new) else Course(moves)
        case Stage.BAKE_TIME:
            return _bake(view, moves, blue) if _may_shift(new) else Course(moves)
        case _:
            ready = True
    return Course(moves, steps=(_advance(primary),) if ready else ())


def _take_back(view: View, blue: View | None, dead: list[View]) -> tuple[Action, ...]:
    """Take from what earlier deployments left whatever traffic it got; it stays with those that serve already."""
    primary, service = view.primary, view.service
    heir = primary.revision if blue is None else blue.primary.revision
    steps: list[Action] = []
    for listener, shares in ((Listener.TEST, service.test), (Listener.PRODUCTION, service.production)):
        if not any(shares.get(side.primary.revision, 0.0) > 0 for side in dead):
            continue
        own = shares.get(primary.revision, 0.0)
        weights = (
            {heir: 100.0} if heir == primary.revision or not own else {primary.revision: own, heir: round(100 - own, 1)}
        )
        steps.append(Shift(primary.id, listener, tuple(weights.items())))
    return tuple(steps)


def _advance(primary: Deployment) -> Advance:
    return Advance(primary.id, _ORDER[_ORDER.index(primary.stage) + 1])


def _may_shift(new: View) -> bool:
    """Whether the new tasks can take traffic: a rollback gives it back whatever they are worth."""
    return new.healthy >= new.floor or new.primary.rollback


def _shift(view: View, moves: Moves, listener: Listener, blue: View | None) -> Course:
    """Move the next share of a listener's traffic to the PRIMARY deployment, or go on if it has all."""
    primary, service = view.primary, view.service
    shares = service.test if listener is Listener.TEST else service.production
    share = shares.get(primary.revision, 0.0)
    if share >= 100:
        return Course(moves, steps=(_advance(primary),))
    due = _due(view, share)
    if listener is Listener.PRODUCTION and due > view.now:
        sentence = f"{share:g} % of the traffic is on {primary.id}, and the next share follows."
        return Course(moves, wait=Wait(Why.BAKE, sentence, due))
    to = 100.0 if listener is Listener.TEST or blue is None else _next_share(view, share)
    weights = {primary.revision: to}
    if blue is not None and to < 100:
        weights[blue.primary.revision] = round(100 - to, 1)
    return Course(moves, steps=(Shift(primary.id, listener, tuple(weights.items())),))


def _due(view: View, share: float) -> float:
    """Return when the next share of traffic may move: the first at once, and all of a rollback's."""
    strategy = view.service.strategy
    if not share or view.primary.rollback or strategy.kind is Strategy.BLUE_GREEN:
        return view.now
    return view.primary.stage_since + strategy.step_bake_seconds


def _next_share(view: View, share: float) -> float:
    strategy = view.service.strategy
    if view.primary.rollback or strategy.kind is Strategy.BLUE_GREEN:
        return 100.0
    if strategy.kind is Strategy.CANARY:
        return 100.0 if share else strategy.step_percent
    return min(100.0, round(share + strategy.step_percent, 1))


def _bake(view: View, moves: Moves, blue: View | None) -> Course:
    """Keep the old tasks for as long as was asked for, and until no request can still be on its way to them."""
    primary = view.primary
    asked = 0.0 if blue is None or primary.rollback else view.service.strategy.bake_seconds
    due = primary.stage_since + max(asked, SETTLING_SECONDS)
    if not _others(view) or due <= view.now:
        return Course(moves, steps=(_advance(primary),))
    sentence = f"all traffic is on {primary.id}, and the old tasks stay until the bake time is over."
    return Course(moves, wait=Wait(Why.BAKE, sentence, due))


# --- The revisions of a service, each for itself


def _side(view: View, deployment: Deployment) -> View:
    """Return the service as if the tasks of that deployment's revision were all it had."""
    service = view.service
    tasks = tuple(task for task in service.tasks if task.revision == deployment.revision)
    return look(replace(service, deployments=(deployment,), tasks=tasks, rebalancing=False), view.now)


def _others(view: View) -> list[Deployment]:
    """Return one deployment of each revision other than the PRIMARY's, the newest first."""
    found: dict[str, Deployment] = {}
    for deployment in view.service.deployments[1:]:
        if deployment.revision != view.primary.revision:
            found.setdefault(deployment.revision, deployment)
    return list(found.values())


def _blue_of(service: Service, others: list[Deployment]) -> Deployment | None:
    """Return the deployment that serves until the PRIMARY does: that with most traffic, or the last that completed."""
    shares = service.production
    served = [each for each in others if shares.get(each.revision, 0.0) > 0]
    if served:
        return max(served, key=lambda each: shares[each.revision])
    return next((each for each in others if each.revision == service.rollback_to), None)


def _blue(view: View) -> View | None:
    found = _blue_of(view.service, _others(view))
    return _side(view, found) if found is not None else None


def _dead(view: View) -> list[View]:
    """Return what earlier deployments left that never came to serve."""
    others = _others(view)
    blue = _blue_of(view.service, others)
    return [_side(view, each) for each in others if blue is None or each.id != blue.id]


def _sides(view: View) -> list[View]:
    return [_side(view, each) for each in (view.primary, *_others(view))]


def _keep(side: View) -> Moves:
    """Keep a revision at the desired number of tasks; of one that has failed no more are started."""
    if side.primary.rollout is Rollout.FAILED:
        return plan_replicas(side, may_start=False)
    proven = any(
        one.healthy and (one.task.running_since or 0.0) >= side.primary.last_failure_at for one in side.current
    )
    return plan_replicas(side, may_start=proven or throttle.free_at(side.primary, side.desired) <= side.now)


def _clear(side: View) -> Moves:
    """Stop all tasks of a revision, but for those that are protected."""
    present = [one.task for one in side.present]
    stops = tuple(
        Stop(task.id, side.primary.id, Cause.DEPLOYMENT, texts.SCALING.format(task.deployment))
        for task in present
        if not task.protected
    )
    kept = len(present) - len(stops)
    return Moves(stops=stops, unneeded=kept, protected=kept)


def _together(parts: list[Moves]) -> Moves:
    return Moves(
        starts=tuple(start for part in parts for start in part.starts),
        stops=tuple(stop for part in parts for stop in part.stops),
        missing=sum(part.missing for part in parts),
        unneeded=sum(part.unneeded for part in parts),
        protected=sum(part.protected for part in parts),
    )
