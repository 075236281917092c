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
        sentence = f"The deployment {primary.id} has failed: it starts no more tasks until the service is updated."
        waits.append(Wait(Why.FAILED, sentence))
    waits += _tasks(view)
    waits += _balance(view)
    if throttled:
        sentence = f"{primary.launch_failures} tasks in a row have ended before they were RUNNING."
        waits.append(Wait(Why.THROTTLE, sentence, throttle.free_at(primary, view.desired)))
    elif moves.missing:
        sentence = (
            f"{moves.missing} more tasks must be started, and there is no room for them:"
            f" maximumPercent {view.service.maximum_percent} allows {view.ceiling} tasks at a time."
        )
        waits.append(Wait(Why.CEILING, sentence))
    if moves.protected:
        waits.append(Wait(Why.PROTECTION, f"{moves.protected} tasks are protected and cannot be stopped."))
    if moves.unneeded > moves.protected:
        sentence = (
            f"{moves.unneeded - moves.protected} more tasks are to be stopped, and"
            f" minimumHealthyPercent {view.service.minimum_healthy_percent} asks for {view.floor} healthy tasks:"
            f" there are {view.healthy}."
        )
        waits.append(Wait(Why.FLOOR, sentence))
    if is_stuck(view, moves) and not throttled and not moves.protected:
        sentence = "Nothing can move: minimumHealthyPercent or maximumPercent must be changed."
        waits.append(Wait(Why.STUCK, sentence))
    return tuple(waits)


def _tasks(view: View) -> list[Wait]:
    waits = []
    if starting := count(view.current, Verdict.STARTING):
        waits.append(Wait(Why.STARTING, f"{starting} tasks of {view.primary.id} are not yet RUNNING."))
    settling = [one for one in view.current if one.verdict is Verdict.SETTLING]
    if settling:
        waits.append(_health(view, settling))
    if view.leaving:
        waits.append(Wait(Why.DRAINING, f"{view.leaving} tasks are being stopped and still take up their places."))
    return waits


def _balance(view: View) -> list[Wait]:
    if not applies(view) or is_balanced(counts := zones_of(view)):
        return []
    spread = ", ".join(f"{number} in {zone}" for zone, number in counts.items())
    return [Wait(Why.BALANCE, f"Tasks are moved to the zones that have too few of them: {spread}.")]


def _health(view: View, settling: list[Judged]) -> Wait:
    number = len(settling)
    dues = [due for one in settling if (due := changes_at(one.task, view.service.grace_seconds, view.now))]
    if not any(is_checked(one.task) for one in settling):
        sentence = f"{number} tasks are RUNNING for less than {SETTLING_SECONDS:.0f} seconds and have no health check."
    elif failing := sum(fails(one.task) for one in settling):
        sentence = f"{number} tasks are not healthy yet, {failing} of them within the health check grace period."
    else:
        sentence = f"{number} tasks are RUNNING and their health checks have yet to pass."
    return Wait(Why.HEALTH, sentence, min(dues, default=None))
