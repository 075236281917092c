"""
Instances registered and deregistered, for the API and for those services of Homeport that register their own.

Whoever calls has checked what is registered; all of it happens in the caller's transaction.  After it has been committed
the caller wakes `route53.names`.
"""

from dataclasses import replace

from homeport.db.database import Tx
from homeport.services.servicediscovery import publishing, store
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
    registered = replace(instance, health=health)
    await store.put_instance(tx, region, service.id, registered)
    await store.count_instances(tx, region, service, 1 if there is None else 0, now)
    await publishing.follow(tx, region, namespace, service, before=there, after=registered, now=now)


async def deregister(
    tx: Tx, region: str, namespace: Namespace, service: DiscoverableService, instance: Instance, now: float
) -> None:
    """Take *instance*, which is registered, away from *service*."""
    await store.remove_instance(tx, region, service.id, instance.id)
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
