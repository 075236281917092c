"""
Which of several record sets of one name and type answer.

Health comes first, as Route 53 has it: the unhealthy are left out unless that leaves nobody, and then all count.
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-how-route-53-chooses-records.html
"""

from collections.abc import Callable, Sequence
from random import Random

from homeport.node.naming.places import Place, distance, place_of
from homeport.node.naming.zones import Records

#: How many sets a multivalue answer is made of at the most.
MULTIVALUE_LIMIT = 8

Healthy = Callable[[Records], bool]


def choose(sets: Sequence[Records], healthy: Healthy, asker: Place, chance: Random) -> Sequence[Records]:
    """Return the sets that answer: usually one, several of multivalue sets, none where nobody is meant to be answered."""
    first = sets[0].item
    if not first.set_identifier:
        return sets
    if first.failover:
        return [_failover(sets, healthy)]
    if first.geography is not None:
        return _geolocation(sets, healthy, asker)
    usable = [records for records in sets if healthy(records)] or sets
    if first.multivalue:
        return chance.sample(list(usable), min(len(usable), MULTIVALUE_LIMIT))
    if first.region:
        return [min(usable, key=lambda records: distance(asker, place_of(records.item.region)))]
    return [_weighted(sets, healthy, chance)]


def _failover(sets: Sequence[Records], healthy: Healthy) -> Records:
    """The primary, unless it alone is unhealthy."""
    by_role = {records.item.failover: records for records in sets}
    primary, secondary = by_role.get("PRIMARY"), by_role.get("SECONDARY")
    if primary is None or secondary is None:
        return sets[0]
    return secondary if not healthy(primary) and healthy(secondary) else primary


def _geolocation(sets: Sequence[Records], healthy: Healthy, asker: Place) -> Sequence[Records]:
    """The set for the smallest area around who asks; a larger one if that is unhealthy, nobody outside of all."""
    matching = sorted((records for records in sets if _reach(records, asker)), key=lambda each: _reach(each, asker))
    return [records for records in matching if healthy(records)][:1] or matching[:1]


def _reach(records: Records, asker: Place) -> int:
    """Say how large the area is that a set is for: from 1, a subdivision, to 4, everywhere; 0 if the asker is outside."""
    where = records.item.geography
    if where is None:
        return 0
    if where.country == "*":
        return 4
    if where.continent:
        return 3 if where.continent == asker.continent else 0
    if where.country != asker.country:
        return 0
    if not where.subdivision:
        return 2
    return 1 if where.subdivision == asker.subdivision else 0


def _weighted(sets: Sequence[Records], healthy: Healthy, chance: Random) -> Records:
    """
    One set, each as likely as its weight says.

    Sets of weight 0 answer only when no other healthy one does, or when all have it: then evenly.
    """
    weighty = [records for records in sets if records.item.weight]
    if not weighty:
        weighty = list(sets)
    usable = [records for records in weighty if healthy(records)]
    if not usable:
        usable = [records for records in sets if healthy(records)] or weighty
    weights = [records.item.weight or 0 for records in usable]
    return chance.choices(usable, weights if any(weights) else None)[0]
