"""
One task on each instance where one belongs (reference, 4.8).

A daemon's successor needs its place, so it is stopped first; as many as minimumHealthyPercent asks for stay.
"""

from homeport.services.ecs.deployments.health import Verdict
from homeport.services.ecs.deployments.model import Cause, Phase, Start, Stop
from homeport.services.ecs.deployments.rolling import Moves, stop
from homeport.services.ecs.deployments.view import Judged, View


def plan_daemons(view: View, *, may_start: bool = True) -> Moves:
    """Move the service one step towards one task of the PRIMARY deployment on each instance."""
    belongs = frozenset(view.service.instances)
    occupied = {task.instance for task in view.service.tasks if task.phase is not Phase.STOPPED}
    missing = [instance for instance in view.service.instances if instance not in occupied]
    starting = tuple(missing[: view.room]) if may_start else ()
    stops: list[Stop] = []
    spare = view.healthy - view.floor
    unneeded = protected = 0
    for one, misplaced in _unneeded(view, belongs):
        free = misplaced or one.verdict in {Verdict.UNHEALTHY, Verdict.STARTING}
        if one.task.protected and not misplaced and one.verdict is not Verdict.UNHEALTHY:
            protected += 1
        elif free or spare > 0 or (not one.healthy and spare >= 0):
            stops.append(_stop(view, one, misplaced=misplaced))
            spare -= one.healthy
            continue
        unneeded += 1
    starts = (Start(view.primary.id, len(starting), instances=starting),) if starting else ()
    return Moves(starts, tuple(stops), len(missing) - len(starting), unneeded, protected)


def _unneeded(view: View, belongs: frozenset[str]) -> list[tuple[Judged, bool]]:
    """Return the tasks that must go, and whether it is for where they are; those that serve nothing first."""
    found = []
    taken: set[str] = set()
    for one in sorted(view.present, key=lambda one: (not one.current, not one.healthy, one.task.id)):
        misplaced = one.task.instance not in belongs or one.task.instance in taken
        if misplaced or not one.current or one.verdict is Verdict.UNHEALTHY:
            found.append((one, misplaced))
        taken.add(one.task.instance)
    return sorted(found, key=lambda entry: entry[0].healthy)


def _stop(view: View, one: Judged, *, misplaced: bool) -> Stop:
    if not misplaced:
        return stop(view, one)
    reason = stop(view, one).reason
    return Stop(one.task.id, view.counts_for(one.task), Cause.MISPLACED, reason)
