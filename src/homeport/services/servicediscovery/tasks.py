"""
ECS tasks as instances of services: what ECS calls to keep a service registry true.

Whoever registers, deregisters or says health wakes NAMES after the commit.  A task's instance has the task's id and the attributes that ECS gives it on AWS.  Whoever releases a task's address takes
its instance away in the same transaction or before (`deregister`): then no name leads to an address that somebody
else has been given.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from homeport.aws.arn import find_arn
from homeport.aws.errors import AwsError
from homeport.db.database import Tx
from homeport.services.route53.service import NAMES
from homeport.services.servicediscovery import instances, store
from homeport.services.servicediscovery.model import (
    HEALTHY,
    INIT_HEALTH,
    IPV4,
    PORT,
    DiscoverableService,
    Instance,
    InstanceDocument,
    Namespace,
)

__all__ = [
    "NAMES",
    "TaskInstance",
    "attributes_of",
    "deregister",
    "find_registry",
    "register",
    "registered",
    "set_health",
]


@dataclass(frozen=True, slots=True)
class TaskInstance:
    """
    A task as its service registry shows it.

    *port* is where the named container listens, on the task's interface or on the instance's; None where the registry
    names none.  *ec2_instance* is empty on Fargate.  *health* is HEALTHY or UNHEALTHY, which only services with a custom
    health check keep.
    """

    id: str
    address: str
    port: int | None
    zone: str
    cluster: str  # its name
    service: str  # the ECS service's name
    family: str
    ec2_instance: str = ""
    health: str = HEALTHY


def attributes_of(task: TaskInstance, region: str, *, health_kept: bool) -> dict[str, str]:
    """Return the attributes that ECS registers a task with."""
    attributes = {
        IPV4: task.address,
        "AVAILABILITY_ZONE": task.zone,
        "REGION": region,
        "ECS_CLUSTER_NAME": task.cluster,
        "ECS_SERVICE_NAME": task.service,
        "ECS_TASK_DEFINITION_FAMILY": task.family,
    }
    if task.port is not None:
        attributes[PORT] = str(task.port)
    if task.ec2_instance:
        attributes["EC2_INSTANCE_ID"] = task.ec2_instance
    if health_kept:
        attributes[INIT_HEALTH] = task.health
    return attributes


async def find_registry(tx: Tx, region: str, service_arn: str) -> DiscoverableService | None:
    """Return the service of that ARN, or None where there is none in the region."""
    arn = find_arn(service_arn)
    if arn is None or arn.service != "servicediscovery" or arn.region != region or arn.resource_type != "service":
        return None
    return await store.find_service(tx, region, arn.resource_id)


async def register(tx: Tx, region: str, service_arn: str, task: TaskInstance, now: float) -> str:
    """
    Register *task* with the service, again if it was registered; return why that cannot be, or nothing.

    It cannot be where the service has been deleted or is full: the task runs on without a name, as on AWS.
    """
    found = await _named(tx, region, service_arn)
    if found is None:
        return f"the service {service_arn} does not exist"
    service, namespace = found
    attributes = attributes_of(task, region, health_kept=service.document.custom_health)
    instance = Instance(task.id, InstanceDocument(attributes=attributes))
    try:
        await instances.register(tx, region, namespace, service, instance, now)
    except AwsError as problem:  # raised before anything is written
        return problem.message
    return ""


async def deregister(tx: Tx, region: str, service_arn: str, task_id: str, now: float) -> None:
    """Take a task's instance away, if it is there."""
    found = await _named(tx, region, service_arn)
    if found is None:
        return
    service, namespace = found
    instance = await store.find_instance(tx, region, service.id, task_id)
    if instance is not None:
        await instances.deregister(tx, region, namespace, service, instance, now)


async def set_health(tx: Tx, region: str, service_arn: str, task_id: str, health: str, now: float) -> None:
    """Say that a registered task is HEALTHY or UNHEALTHY, where its service keeps that."""
    found = await _named(tx, region, service_arn)
    if found is None or not found[0].document.custom_health:
        return
    service, namespace = found
    instance = await store.find_instance(tx, region, service.id, task_id)
    if instance is not None and instance.health != health:
        await instances.set_health(tx, region, namespace, service, instance, health, now)


async def registered(tx: Tx, region: str, service_arn: str) -> Mapping[str, str]:
    """Return the health of the service's instances by id, empty where it keeps none; for looking whether all is true."""
    service = await find_registry(tx, region, service_arn)
    if service is None:
        return {}
    return {instance.id: instance.health for instance in await store.instances_of(tx, region, service.id)}


async def _named(tx: Tx, region: str, service_arn: str) -> tuple[DiscoverableService, Namespace] | None:
    service = await find_registry(tx, region, service_arn)
    namespace = None if service is None else await store.find_namespace(tx, region, service.namespace_id)
    if service is None or namespace is None:
        return None
    return service, namespace
