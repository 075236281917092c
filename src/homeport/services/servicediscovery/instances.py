"""
Instances registered and deregistered, for the API and for those services of Homeport that register their own.

Whoever calls has checked what is registered; all of it happens in the caller's transaction.  After it has been committed
the caller wakes `route53.names`.
"""

from dataclasses import replace

import msgspec

from homeport.db.database import Tx
from homeport.services.servicediscovery import checks, publishing, store
from homeport.services.servicediscovery.errors import ResourceLimitExceeded
from homeport.services.servicediscovery.model import (
    HEALTHY,
    INIT_HEALTH,
    MAX_INSTANCES_OF_NAMESPACE,
    MAX_INSTANCES_OF_SERVICE,
    DiscoverableService,
    Instance,
    Namespace,
)


async def register(
    tx: Tx, region: str, namespace: Namespace, service: DiscoverableService, instance: Instance, now: float
) -> None:
    """Register *instance* with *service* of *namespace*, in the place of one that has its id."""
    there = await store.find_instance(tx, region, service.id, instance.id)
    if there is None:
        if service.instance_count >= MAX_INSTANCES_OF_SERVICE:
            raise ResourceLimitExceeded(f"A service can have at most {MAX_INSTANCES_OF_SERVICE} instances.")
        if namespace.instance_count >= MAX_INSTANCES_OF_NAMESPACE:
            raise ResourceLimitExceeded(f"A namespace can have at most {MAX_INSTANCES_OF_NAMESPACE} instances.")
    health = instance.attributes.get(INIT_HEALTH, HEALTHY) if service.document.custom_health else ""
    check = await checks.make(tx, service, instance, now)
    if there is not None:
        await checks.delete(tx, there, now)
    document = msgspec.structs.replace(instance.document, health_check=check)
    registered = replace(instance, document=document, health=health)
    await store.put_instance(tx, region, service.id, registered)
    await store.count_instances(tx, region, service, 1 if there is None else 0, now)
    await publishing.follow(tx, region, namespace, service, before=there, after=registered, now=now)


async def deregister(
    tx: Tx, region: str, namespace: Namespace, service: DiscoverableService, instance: Instance, now: float
) -> None:
    """Take *instance*, which is registered, away from *service*."""
    await store.remove_instance(tx, region, service.id, instance.id)
    await checks.delete(tx, instance, now)
    await store.count_instances(tx, region, service, -1, now)
    await publishing.follow(tx, region, namespace, service, before=instance, after=None, now=now)


async def set_health(
    tx: Tx,
    region: str,
    namespace: Namespace,
    service: DiscoverableService,
    instance: Instance,
    health: str,
    now: float,
) -> None:
    """Say of *instance*, whose service has a custom health check, that it is HEALTHY or UNHEALTHY."""
    await store.set_health(tx, region, service.id, instance.id, health)
    changed = replace(instance, health=health)
    await publishing.follow(tx, region, namespace, service, before=instance, after=changed, now=now)


async def check_anew(tx: Tx, region: str, service: DiscoverableService, now: float) -> list[tuple[Instance, Instance]]:
    """Give all instances of *service* the health checks that it has now; return each as it was and as it is."""
    pairs = []
    for before in await store.instances_of(tx, region, service.id):
        check = await checks.make(tx, service, before, now)
        await checks.delete(tx, before, now)
        after = replace(before, document=msgspec.structs.replace(before.document, health_check=check))
        await store.put_instance(tx, region, service.id, after)
        pairs.append((before, after))
    return pairs
