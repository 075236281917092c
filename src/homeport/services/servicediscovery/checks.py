"""
Route 53 health checks of instances: one for each, made, replaced and deleted with it.

Nodes do them, as those that users make; what they find is the instance's health, and decides in DNS.
"""

from collections.abc import Sequence
from dataclasses import replace

from homeport.db.database import Tx
from homeport.kit.ids import RandomIds
from homeport.services.ec2.model import PUBLIC_POOL
from homeport.services.ec2.store import addresses
from homeport.services.route53 import health, keeping
from homeport.services.route53.store import changes, health_checks
from homeport.services.route53.store.changes import Untold
from homeport.services.servicediscovery.errors import InvalidInput
from homeport.services.servicediscovery.model import (
    ALIAS_DNS_NAME,
    HEALTHY,
    IPV4,
    IPV6,
    PORT,
    UNHEALTHY,
    DiscoverableService,
    Instance,
)


async def make(tx: Tx, service: DiscoverableService, instance: Instance, now: float) -> str:
    """
    Make the health check of an instance and return its id, empty where it has none.

    Raises InvalidInput, before anything is written, where the instance cannot be checked.
    """
    wanted, attributes = service.document.endpoint_check, instance.attributes
    if wanted is None or ALIAS_DNS_NAME in attributes:
        return ""
    address = attributes.get(IPV4) or attributes.get(IPV6)
    if not address or PORT not in attributes:
        raise InvalidInput(f"The service has a health check, which needs the attributes {PORT} and {IPV4} or {IPV6}.")
    config = health.CheckConfig(
        kind=wanted.type,
        address=address,
        port=int(attributes[PORT]),
        path=wanted.path,
        threshold=wanted.threshold,
    )
    health.check_config(config, await addresses.pool_range(tx, PUBLIC_POOL))
    id_ = RandomIds().uuid()
    await health_checks.insert(tx, health.HealthCheck(id_, f"Cloud Map {id_}", 1, config))
    await _mark(tx, id_, now)
    return id_


async def delete(tx: Tx, instance: Instance, now: float) -> None:
    """Delete the health check of an instance, if it has one."""
    if instance.document.health_check:
        await health_checks.delete(tx, instance.document.health_check)
        await _mark(tx, instance.document.health_check, now)


async def _mark(tx: Tx, check: str, now: float) -> None:
    change = await keeping.start_change(tx, RandomIds(), now)  # nobody is told its id
    await changes.mark(tx, change, [Untold.of_check(check)])


async def with_health(tx: Tx, service: DiscoverableService, instances: Sequence[Instance]) -> list[Instance]:
    """Return *instances* with the health that their checks have found, where these are Route 53's."""
    if service.document.endpoint_check is None:
        return list(instances)
    return [replace(each, health=await _found(tx, each)) for each in instances]


async def _found(tx: Tx, instance: Instance) -> str:
    """Return what the nodes say, HEALTHY if one does; nothing as long as none has said anything."""
    if not instance.document.health_check:
        return ""
    found = await health_checks.observations(tx, instance.document.health_check)
    if not found:
        return ""
    return HEALTHY if any(each.healthy for each in found) else UNHEALTHY
