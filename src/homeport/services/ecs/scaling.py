"""What scales services may know of one, and do to it."""

from dataclasses import dataclass, replace

import msgspec

from homeport.db.database import Tx
from homeport.services.ecs.deployments.model import Rollout
from homeport.services.ecs.model.services import ServiceEvent, ServiceRecord, ServiceStatus
from homeport.services.ecs.store import deployments, service_events, services, tasks

#: Whom to wake after a desired count was set.
WAKE = "ecs.services"


@dataclass(frozen=True, slots=True)
class Scale:
    """A service's desired and running tasks, and whether a deployment is under way."""

    desired: int
    running: int
    deploying: bool


async def find_scale(tx: Tx, region: str, account: str, cluster: str, name: str) -> Scale | None:
    """Return what there is of an active service, or None if there is none of that name, or one that is no REPLICA."""
    service = await _find(tx, region, account, cluster, name)
    if service is None:
        return None
    live = await deployments.of_service(tx, service.arn)
    counts = await tasks.counts_of_service(tx, service.arn)
    deploying = any(each.rollout is Rollout.IN_PROGRESS for each in live)
    return Scale(service.declared.desired_count, counts.running(), deploying)


async def set_desired_count(tx: Tx, region: str, account: str, cluster: str, name: str, count: int) -> bool:
    """Declare how many tasks an active service shall have, as UpdateService does; False if there is none."""
    service = await _find(tx, region, account, cluster, name)
    if service is None:
        return False
    declared = msgspec.structs.replace(service.declared, desired_count=count)
    await services.put(tx, replace(service, declared=declared))
    return True


async def say(tx: Tx, region: str, account: str, cluster: str, name: str, event: ServiceEvent) -> None:
    """Add *event* to an active service's, if there is one."""
    service = await _find(tx, region, account, cluster, name)
    if service is not None:
        await service_events.add(tx, service.arn, event)


async def _find(tx: Tx, region: str, account: str, cluster: str, name: str) -> ServiceRecord | None:
    service = await services.find(tx, f"arn:aws:ecs:{region}:{account}:service/{cluster}/{name}")
    if service is None or service.status is not ServiceStatus.ACTIVE or service.scheduling_strategy != "REPLICA":
        return None
    return service
