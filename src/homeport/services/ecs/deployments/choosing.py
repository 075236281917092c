"""
Which tasks go first when some must (reference, 4.8 and 4.11).

AWS documents that tasks of replaced deployments go before those of the PRIMARY and that availability zones
stay balanced.  That what serves nothing goes before what does, and the youngest before the oldest, is
unconfirmed.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import groupby

from homeport.services.ecs.deployments.health import Verdict
from homeport.services.ecs.deployments.view import Judged

_WORTH = {Verdict.UNHEALTHY: 0, Verdict.STARTING: 1, Verdict.SETTLING: 2, Verdict.HEALTHY: 3}


def in_order(tasks: Sequence[Judged]) -> list[Judged]:
    """
    Return *tasks* in the order in which to stop them, those that are protected last.

    Of tasks that are worth the same, the next to go is one of the zone, then of the instance, that has most of
    those that would be left.
    """
    zones = Counter(one.task.zone for one in tasks)
    instances = Counter(one.task.instance for one in tasks)
    order: list[Judged] = []
    for _, alike in groupby(sorted(tasks, key=_worth), key=_worth):
        places: dict[tuple[str, str], list[Judged]] = defaultdict(list)
        for one in sorted(alike, key=_youth, reverse=True):
            places[one.task.zone, one.task.instance].append(one)
        while places:
            place = min(places, key=lambda at: (-zones[at[0]], -instances[at[1]], _youth(places[at][-1])))
            order.append(places[place].pop())
            if not places[place]:
                del places[place]
            for counts, name in zip((zones, instances), place, strict=True):
                counts[name] -= 1
    return order


def _worth(one: Judged) -> tuple[bool, bool, int]:
    return one.current, one.task.protected, _WORTH[one.verdict]


def _youth(one: Judged) -> tuple[float, str]:
    return -one.task.created_at, one.task.id
