"""
Instances in the hosted zone of their namespace.

An instance that its custom health check calls unhealthy is not published, unless no instance of its service is healthy:
then all are, as Route 53 answers when all health checks fail.

What is taken out of the zone is taken away from the nodes in the same transaction.  An address is lent to somebody else in
a later one, and nodes do as they are told in that order: no name leads to an address that somebody else has been given.
"""

from collections.abc import Iterable, Iterator, Sequence

from homeport.db.database import Tx
from homeport.fleet import assignments
from homeport.kit.ids import RandomIds
from homeport.services.route53 import keeping, projection
from homeport.services.route53.model import Key, RecordSet
from homeport.services.servicediscovery import store
from homeport.services.servicediscovery.model import HEALTHY, UNHEALTHY, DiscoverableService, Instance, Namespace
from homeport.services.servicediscovery.records import record_sets

_NO_COMMENT = "by Cloud Map"


async def follow(
    tx: Tx,
    region: str,
    namespace: Namespace,
    service: DiscoverableService,
    *,
    before: Instance | None,
    after: Instance | None,
    now: float,
) -> None:
    """
    Make the zone say what it must now that one instance, of which the store has been told, came, changed or went.

    *before* and *after* are None where it was not or is not there.
    """
    if service.document.dns is None:
        return
    touched = [(before, after)]
    was_open = is_open = False
    changed = before or after
    if service.document.custom_health and changed is not None:
        others = [each for each in await store.instances_of(tx, region, service.id) if each.id != changed.id]
        healthy = any(other.health == HEALTHY for other in others)
        was_open, is_open = not healthy and not _is_healthy(before), not healthy and not _is_healthy(after)
        if was_open != is_open:
            touched += [(other, other) for other in others]
    gone: set[Key] = set()
    puts: dict[Key, RecordSet] = {}
    for one_before, one_after in touched:
        gone |= {record_set.key for record_set in _published(namespace, service, one_before, everybody=was_open)}
        puts |= {each.key: each for each in _published(namespace, service, one_after, everybody=is_open)}
    await write(tx, namespace, puts.values(), gone - puts.keys(), now)


def _is_healthy(instance: Instance | None) -> bool:
    return instance is not None and instance.health == HEALTHY


def _published(
    namespace: Namespace, service: DiscoverableService, instance: Instance | None, *, everybody: bool
) -> Iterator[RecordSet]:
    """Yield the record sets of an instance, none if there is none or it is left out."""
    if instance is not None and (everybody or instance.health != UNHEALTHY):
        yield from record_sets(namespace, service, instance)


async def follow_service(
    tx: Tx,
    namespace: Namespace,
    *,
    before: DiscoverableService,
    after: DiscoverableService,
    instances: Sequence[tuple[Instance, Instance]],
    now: float,
) -> None:
    """Make the zone say what it must now that a service's records are others; *instances* as they were and as they are."""
    everybody = not any(instance.health != UNHEALTHY for _, instance in instances)
    gone: set[Key] = set()
    puts: dict[Key, RecordSet] = {}
    for was, is_ in instances:
        gone |= {each.key for each in _published(namespace, before, was, everybody=everybody)}
        puts |= {each.key: each for each in _published(namespace, after, is_, everybody=everybody)}
    await write(tx, namespace, puts.values(), gone - puts.keys(), now)


async def write(tx: Tx, namespace: Namespace, puts: Iterable[RecordSet], gone: Iterable[Key], now: float) -> None:
    """Put record sets into a namespace's zone, and take some out of it and away from all nodes."""
    puts, gone = list(puts), sorted(gone, key=lambda key: (key.name, key.kind, key.set_identifier))
    if not puts and not gone:
        return
    zone = await keeping.get_zone(tx, namespace.document.hosted_zone)
    change = await keeping.start_change(tx, RandomIds(), now, _NO_COMMENT)  # nobody is told its id
    await keeping.put_records(tx, zone, puts, gone, change)
    for node in await assignments.nodes(tx) if gone else ():
        for key in gone:
            await assignments.drop(tx, node.name, "RecordSet", projection.record_set_id(zone.id, key))
