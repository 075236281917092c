"""What a service waits for, in words: computed from what the plan was computed from, so the two cannot differ."""

from homeport.services.ecs.deployments import throttle
from homeport.services.ecs.deployments.health import SETTLING_SECONDS, Verdict, changes_at, fails, is_checked
from homeport.services.ecs.deployments.model import Deployment, Rollout, Wait, Why
from homeport.services.ecs.deployments.rebalancing import applies, is_balanced, zones_of
from homeport.services.ecs.deployments.rolling import Moves
from homeport.services.ecs.deployments.view import Judged, View, count


def is_stuck(view: View, moves: Moves) -> bool:
    """Whether something is left to be done, and no task that starts, settles or leaves will make it possible."""
    if not moves.pending or moves.starts or moves.stops or view.primary.rollout is Rollout.FAILED:
        return False
    return not view.leaving and all(one.verdict is Verdict.HEALTHY for one in view.present)


def waits_for(view: View, primary: Deployment, moves: Moves, *, throttled: bool) -> tuple[Wait, ...]:
    """Say what the service waits for; nothing if all is as desired."""
    waits = []
    if primary.rollout is Rollout.FAILED:
        sentence = f"{primary.id} has failed and starts no more tasks until the service is updated."
        waits.append(Wait(Why.FAILED, sentence))
    waits += _tasks(view)
    waits += _balance(view)
    if throttled:
        sentence = f"{_counted(primary.launch_failures)} in a row ended without having been RUNNING."
        waits.append(Wait(Why.THROTTLE, sentence, throttle.free_at(primary, view.desired)))
    elif moves.missing:
        sentence = (
            f"there is no room to start {_counted(moves.missing, 'more')}:"
            f" maximumPercent {view.service.maximum_percent} allows {view.ceiling} at a time."
        )
        waits.append(Wait(Why.CEILING, sentence))
    if moves.protected:
        waits.append(Wait(Why.PROTECTION, f"{_counted(moves.protected)} to be stopped, but protected."))
    if moves.unneeded > moves.protected:
        sentence = (
            f"{_counted(moves.unneeded - moves.protected, 'more')} to be stopped, but minimumHealthyPercent"
            f" {view.service.minimum_healthy_percent} asks for {view.floor} healthy ones: there are {view.healthy}."
        )
        waits.append(Wait(Why.FLOOR, sentence))
    if is_stuck(view, moves) and not throttled and not moves.protected:
        sentence = "nothing can move until minimumHealthyPercent or maximumPercent is changed."
        waits.append(Wait(Why.STUCK, sentence))
    return tuple(waits)


def _tasks(view: View) -> list[Wait]:
    waits = []
    if starting := count(view.current, Verdict.STARTING):
        waits.append(Wait(Why.STARTING, f"{_counted(starting)} of {view.primary.id} not yet RUNNING."))
    settling = [one for one in view.current if one.verdict is Verdict.SETTLING]
    if settling:
        waits.append(_health(view, settling))
    if view.leaving:
        waits.append(Wait(Why.DRAINING, f"{_counted(view.leaving)} on the way out, taking up room until stopped."))
    return waits


def _balance(view: View) -> list[Wait]:
    if not applies(view) or is_balanced(counts := zones_of(view)):
        return []
    spread = ", ".join(f"{number} in {zone}" for zone, number in counts.items())
    return [Wait(Why.BALANCE, f"tasks have yet to move to the zones with too few: {spread}.")]


def _health(view: View, settling: list[Judged]) -> Wait:
    number = _counted(len(settling))
    dues = [due for one in settling if (due := changes_at(one.task, view.service.grace_seconds, view.now))]
    if not any(is_checked(one.task) for one in settling):
        sentence = f"{number} RUNNING for less than {SETTLING_SECONDS:.0f} seconds, without a health check."
    elif failing := sum(fails(one.task) for one in settling):
        sentence = f"{number} RUNNING, {failing} of which failing health checks within the grace period."
    else:
        sentence = f"{number} RUNNING whose health checks have yet to pass."
    return Wait(Why.HEALTH, sentence, min(dues, default=None))


def _counted(number: int, what: str = "") -> str:
    return " ".join(word for word in (str(number), what, "task" if number == 1 else "tasks") if word)
