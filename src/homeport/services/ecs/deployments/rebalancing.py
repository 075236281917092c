"""
Spread a steady service's tasks over its availability zones again (reference, 4.7).

A task is started in the zone that has too few; once it is healthy the service has one too many, and scaling in
takes that from the zone that has most.  So the service has all its tasks at any time, and one step needs no memory
but that of which tasks were started for it.
"""

from collections import Counter
from collections.abc import Mapping

from homeport.services.ecs.deployments.health import Verdict
from homeport.services.ecs.deployments.model import Rollout, Scheduling, Start
from homeport.services.ecs.deployments.view import View


def zones_of(view: View) -> Mapping[str, int]:
    """Count the PRIMARY deployment's tasks by zone, the fullest zone first; those that have none are counted, too."""
    counts = Counter(dict.fromkeys(view.service.zones, 0))
    counts.update(one.task.zone for one in view.current)
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


def is_balanced(counts: Mapping[str, int]) -> bool:
    """Whether no zone has two tasks more than another."""
    return not counts or max(counts.values()) - min(counts.values()) <= 1


def applies(view: View) -> bool:
    """Whether the service is one whose tasks are kept spread, and nothing else is to be done with it now."""
    service = view.service
    return (
        service.rebalancing
        and service.scheduling is Scheduling.REPLICA
        and view.primary.rollout is Rollout.COMPLETED
        and view.settled
    )


def plan_rebalancing(view: View) -> tuple[Start, ...]:
    """Start a task in each zone that is short of one, as far as there is room."""
    if not applies(view):
        return ()
    counts = dict(zones_of(view))
    movable = Counter(one.task.zone for one in view.current if not one.task.protected)
    short: list[str] = []
    while len(short) < view.room:
        least = min(counts, key=lambda zone: (counts[zone], zone))
        crowded = [zone for zone in counts if movable[zone] and counts[zone] - counts[least] > 1]
        if not crowded:
            break
        most = max(crowded, key=lambda zone: counts[zone])
        counts[most] -= 1
        movable[most] -= 1
        counts[least] += 1
        short.append(least)
    return (Start(view.primary.id, len(short), zones=tuple(short)),) if short else ()


def under_way(view: View) -> int:
    """Count the tasks started for balance that are not healthy yet: for these, no other has to go already."""
    awaited = {Verdict.STARTING, Verdict.SETTLING}
    return sum(one.task.rebalances and one.verdict in awaited for one in view.current)


def is_finishing(view: View) -> bool:
    """Whether a task started for balance has just become healthy, so that another goes for it."""
    return any(one.task.rebalances and one.healthy and not one.task.proven for one in view.current)
