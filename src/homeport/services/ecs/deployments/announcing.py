"""
What a plan says in the service's events.

What is done is said each time.  What goes on being true is said once, and again after six hours; when it has
ended and comes back, it is said anew (reference, 4.1).
"""

from collections.abc import Mapping, Sequence

from homeport.services.ecs.deployments import texts, throttle
from homeport.services.ecs.deployments.health import Verdict, failing_target
from homeport.services.ecs.deployments.model import Action, Cause, Complete, Deployment, Fail, Health, Phase, Rollout
from homeport.services.ecs.deployments.rebalancing import applies, is_balanced, zones_of
from homeport.services.ecs.deployments.rolling import Moves
from homeport.services.ecs.deployments.view import View
from homeport.services.ecs.deployments.waiting import is_stuck

#: After how many seconds a sentence that is still true is said again.
REPEAT_SECONDS = 6 * 3600.0


def announce(
    view: View, primary: Deployment, moves: Moves, ending: Sequence[Action], *, throttled: bool
) -> tuple[tuple[str, ...], Mapping[str, float]]:
    """Return the events of a plan, and when each sentence that goes on being true was last said."""
    said: list[str] = []
    standing: dict[str, float] = {}

    def stand(sentence: str) -> None:
        before = view.service.standing.get(sentence)
        due = before is None or view.now >= before + REPEAT_SECONDS
        if due:
            said.append(sentence)
        standing[sentence] = view.now if before is None or due else before

    for sentence in _illnesses(view):
        stand(sentence)
    said += _stops(view, moves)
    said += _balance(view)
    for action in ending:
        if isinstance(action, Complete):
            said.append(texts.completed(view.service.name, action.deployment))
        elif isinstance(action, Fail):
            said.append(texts.failed(view.service.name, action.deployment))
    for sentence in _conditions(view, primary, moves, ending, throttled=throttled):
        stand(sentence)
    return tuple(said), standing


def _stops(view: View, moves: Moves) -> list[str]:
    phases = {one.task.id: one.task.phase for one in view.present}
    running = [stop for stop in moves.stops if phases[stop.task] is Phase.RUNNING]
    pending = len(moves.stops) - len(running)
    said = [texts.stopped_pending(view.service.name, pending)] if pending else []
    others = [stop.task for stop in running if stop.cause is not Cause.REBALANCING]
    if others:
        said.append(texts.stopped_running(view.service.name, others))
    zones = {one.task.id: one.task.zone for one in view.present}
    by_zone: dict[str, list[str]] = {}
    for stop in running:
        if stop.cause is Cause.REBALANCING:
            by_zone.setdefault(zones[stop.task], []).append(stop.task)
    return [*said, *(texts.stopped_in_zone(view.service.name, zone, ids) for zone, ids in by_zone.items())]


def _was_unbalanced(view: View) -> list[str]:
    beginning = texts.UNBALANCED.format(view.service.name)
    return [sentence for sentence in view.service.standing if sentence.startswith(beginning)]


def _balance(view: View) -> list[str]:
    """Say once that the service is balanced, if it was not."""
    counts = zones_of(view)
    done = applies(view) and is_balanced(counts) and _was_unbalanced(view)
    return [texts.balanced(view.service.name, counts)] if done else []


def _illnesses(view: View) -> list[str]:
    sentences = []
    for one in view.present:
        if one.verdict is not Verdict.UNHEALTHY:
            continue
        if one.task.container_health is Health.UNHEALTHY:
            sentences.append(texts.failed_container_health(view.service.name, one.task.id))
        if (target := failing_target(one.task)) is not None:
            reason = target.reason or "Health checks failed"
            sentences.append(texts.unhealthy_target(view.service.name, one.task.id, target.port, target.group, reason))
    return sentences


def _conditions(
    view: View, primary: Deployment, moves: Moves, ending: Sequence[Action], *, throttled: bool
) -> list[str]:
    name = view.service.name
    sentences = []
    done = primary.rollout is Rollout.COMPLETED or any(isinstance(action, Complete) for action in ending)
    if view.settled and done:
        sentences.append(texts.steady(name))
    if applies(view):
        counts = zones_of(view)
        sentences += [] if is_balanced(counts) else [texts.unbalanced(name, counts)]
    elif view.service.rebalancing:
        # While tasks come and go for it, what was said of it stands.
        sentences += _was_unbalanced(view)
    if throttled and throttle.rounds(primary, view.desired) >= throttle.IMPAIRED_ROUNDS:
        sentences.append(texts.impaired(name))
    if moves.protected:
        # The text names the task set that could not be scaled in.
        sentences.append(texts.protected(name, primary.id, moves.protected))
    elif not throttled and not ending and is_stuck(view, moves):
        sentences.append(texts.stuck(name))
    return sentences
