"""
Which tasks go first when some must (reference, 4.8 and 4.11).

AWS documents that tasks of replaced deployments go before those of the PRIMARY and that availability zones
stay balanced.  That what serves nothing goes before what does, and the youngest before the oldest, is
unconfirmed.
"""

from collections import Counter
from collections.abc import Sequence

from homeport.services.ecs.deployments.health import Verdict
from homeport.services.ecs.deployments.view import Judged

_WORTH = {Verdict.UNHEALTHY: 0, Verdict.STARTING: 1, Verdict.SETTLING: 2, Verdict.HEALTHY: 3}


def in_order(tasks: Sequence[Judged]) -> list[Judged]:
    """
    Return *tasks* in the order in which to stop them.

    Of tasks that are worth the same, the next to go is one of the zone, then of the instance, that has most of
    those that would be left.
    """
    left = list(tasks)
    zones = Counter(one.task.zone for one in tasks)
    instances = Counter(one.task.instance for one in tasks)

    def rank(one: Judged) -> tuple[bool, int, int, int, float, str]:
        task = one.task
        crowd = (-zones[task.zone], -instances[task.instance])
        return (one.current, _WORTH[one.verdict], *crowd, -task.created_at, task.id)

    order = []
    while left:
        first = min(left, key=rank)
        left.remove(first)
        zones[first.task.zone] -= 1
        instances[first.task.instance] -= 1
        order.append(first)
    return order
