"""
The rolling update: new tasks while there is room, old ones while enough stay healthy (reference, 4.2).

The same arithmetic scales a service and replaces its unhealthy tasks.  Of what is not healthy, a task is
stopped once enough others are, or when a new one needs its place; so a deployment never waits for a task that
nobody needs, and what still serves something is not stopped for nothing.
"""

from dataclasses import dataclass

from homeport.services.ecs.deployments import texts
from homeport.services.ecs.deployments.choosing import in_order
from homeport.services.ecs.deployments.health import Verdict, failing_target
from homeport.services.ecs.deployments.model import Cause, Health, Start, Stop
from homeport.services.ecs.deployments.rebalancing import is_finishing, plan_rebalancing, under_way
from homeport.services.ecs.deployments.view import Judged, View, count


@dataclass(frozen=True, slots=True)
class Moves:
    """What starts and stops now, and what could not."""

    starts: tuple[Start, ...] = ()
    stops: tuple[Stop, ...] = ()
    missing: int = 0  # tasks that must still be started, those in *starts* not among them
    unneeded: int = 0  # tasks that must still be stopped, those in *stops* not among them
    protected: int = 0  # of those, the ones that only their protection keeps

    @property
    def pending(self) -> bool:
        """Whether anything is left to be done later."""
        return bool(self.missing or self.unneeded)


def plan_replicas(view: View, *, may_start: bool = True) -> Moves:
    """Move the service's tasks one step towards as many of the PRIMARY deployment as are desired."""
    good = [one for one in view.current if one.verdict is not Verdict.UNHEALTHY]
    bad = [one for one in view.current if one.verdict is Verdict.UNHEALTHY]
    missing = max(0, view.desired - len(good))
    starting = min(missing, view.room) if may_start else 0
    too_many = max(0, len(good) - view.desired - under_way(view))
    surplus = in_order(good)[:too_many] if too_many else []
    unneeded = [*in_order(view.old), *surplus]
    going = _stoppable(view, unneeded)
    # Those being replaced go when their replacements are there; protection is not for them.
    if not missing and view.healthy >= view.floor:
        going += bad
    if may_start:
        going += _in_the_way(view, [*unneeded, *bad], going, missing - starting)
    gone = {one.task.id for one in going}
    kept = [one for one in unneeded if one.task.id not in gone]
    replaced = min(starting, len(bad))
    starts = (Start(view.primary.id, starting, replaced),) if starting else ()
    return Moves(
        starts=starts or (plan_rebalancing(view) if may_start else ()),
        stops=tuple(stop(view, one) for one in going),
        missing=missing - starting,
        unneeded=len(kept),
        protected=sum(one.task.protected for one in kept),
    )


def plan_surplus(view: View) -> Moves:
    """Stop what is more than desired, of whichever deployment, and least of all what is healthy."""
    order = sorted(in_order(view.present), key=lambda one: one.verdict is Verdict.HEALTHY)
    surplus = order[: max(0, len(order) - view.desired)]
    going = _stoppable(view, surplus)
    return Moves(
        stops=tuple(stop(view, one) for one in going),
        unneeded=len(surplus) - len(going),
        protected=sum(one.task.protected for one in surplus),
    )


def _stoppable(view: View, unneeded: list[Judged]) -> list[Judged]:
    """Return those of *unneeded* whose end takes nothing that the service needs."""
    spare = view.healthy - view.floor
    going = []
    for one in unneeded:
        if one.task.protected:
            continue
        if one.healthy:
            if spare <= 0:
                continue
            spare -= 1
        elif one.started and spare < 0:
            continue
        going.append(one)
    return going


def _in_the_way(view: View, candidates: list[Judged], going: list[Judged], missing: int) -> list[Judged]:
    """
    Return tasks to stop only because their place is needed, for *missing* tasks that there is no room for.

    Healthy tasks never, and nothing while there may be more room or health without: as long as anything starts,
    settles or leaves.  As many tasks as the floor asks for go on running, healthy or not, but one may always go.
    """
    waiting = view.leaving + len(going) + count(view.current, Verdict.STARTING, Verdict.SETTLING)
    waiting += count(view.old, Verdict.SETTLING)
    if waiting or view.room or not missing:
        return []
    running = count(view.present, Verdict.UNHEALTHY, Verdict.HEALTHY)
    unhealthy = [one for one in candidates if one.verdict is Verdict.UNHEALTHY]
    return unhealthy[: min(missing, max(1, running - view.floor))]


def stop(view: View, one: Judged) -> Stop:
    """Stop a task, for its health if that is why; which then counts as a failure."""
    deployment = view.counts_for(one.task)
    if one.current and one.verdict is Verdict.UNHEALTHY:
        return Stop(one.task.id, deployment, Cause.UNHEALTHY, _illness(one), failed=True)
    cause = (Cause.REBALANCING if is_finishing(view) else Cause.SCALE_IN) if one.current else Cause.DEPLOYMENT
    # The deployment named is the one that started the task: unconfirmed.
    return Stop(one.task.id, deployment, cause, texts.SCALING.format(one.task.deployment))


def _illness(one: Judged) -> str:
    target = failing_target(one.task)
    if one.task.container_health is Health.UNHEALTHY or target is None:
        return texts.CONTAINER_HEALTH
    return texts.TARGET_HEALTH.format(target.group)
