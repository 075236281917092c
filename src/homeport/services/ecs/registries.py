"""
Service registries: a service's running tasks as instances of a Cloud Map service.

A task is listed from when it is RUNNING until it is meant to stop or ends, in the very transaction that says so: long before
its address is free for somebody else.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.fields import Fields
from homeport.db.database import Tx
from homeport.services.ecs.errors import InvalidParameter
from homeport.services.ecs.model.tasks import Desired, Launch, Registry, Status, Task, TaskRecord
from homeport.services.ecs.reaching import address_of, host_port
from homeport.services.ecs.store import tasks
from homeport.services.servicediscovery import registries
from homeport.services.servicediscovery import tasks as names
from homeport.services.servicediscovery.model import HEALTHY, UNHEALTHY

log = logging.getLogger(__name__)

#: Whom to wake after a commit in which tasks may have moved.
NAMES = names.NAMES


async def checked(
    tx: Tx, region: str, given: Sequence[Mapping[str, Any]], definition: Mapping[str, Any]
) -> tuple[dict[str, Any], ...]:
    """Return the serviceRegistries of a service with that task definition, or refuse them."""
    if len(given) > 1:
        raise InvalidParameter("service registries can have at most 1 items")
    for document in given:
        with Fields(document, "serviceRegistries[0]") as fields:
            registry = registries.Registry(
                arn=fields.take("registryArn", str, ""),
                container_name=fields.take("containerName", str, ""),
                container_port=fields.take("containerPort", int, None),
                port=fields.take("port", int, None),
            )
        service = await names.find_registry(tx, region, registry.arn)
        if service is None:  # unconfirmed
            raise InvalidParameter(f"The service registry '{registry.arn}' does not exist.")
        ports = {
            container["name"]: [port["containerPort"] for port in container["portMappings"] if "containerPort" in port]
            for container in definition["containerDefinitions"]
        }
        mode = definition.get("networkMode", "bridge")
        try:
            registries.check_registry(registry, service, network_mode=mode, ports=ports)
        except registries.Unfit as problem:
            raise InvalidParameter(str(problem)) from None
    return tuple(dict(document) for document in given)


def registry_of(service_name: str, declared: Sequence[Mapping[str, Any]]) -> Registry | None:
    """Return what a task of a service must know of its registry, if that has one."""
    for document in declared:
        return Registry(
            arn=document["registryArn"],
            service=service_name,
            container=document.get("containerName", ""),
            container_port=document.get("containerPort"),
            port=document.get("port"),
        )
    return None


async def move(tx: Tx, before: TaskRecord, after: TaskRecord, now: float) -> str:
    """Write a task that has moved on, with its registry; return its document as it was written."""
    document = await tasks.update(tx, after)
    registry = after.launch.registry
    if registry is None:
        return document
    region, was, is_ = after.task.region, _is_listed(before.task), _is_listed(after.task)
    if was and not is_:
        await names.deregister(tx, region, registry.arn, after.task.id, now)
    elif is_ and not was:
        problem = await names.register(tx, region, registry.arn, await _instance(tx, after, registry), now)
        if problem:
            log.warning("the task %s has no name: %s", after.task.id, problem)
    elif is_ and (health := _health(after.task, after.launch)) != _health(before.task, before.launch):
        await names.set_health(tx, region, registry.arn, after.task.id, health, now)
    return document


def _is_listed(task: Task) -> bool:
    return task.desired_status is Desired.RUNNING and task.last_status is Status.RUNNING


def _health(task: Task, launch: Launch) -> str:
    """Say what Cloud Map shows of a task's health: as long as its checks say nothing it is not healthy."""
    if not any(part.essential and part.checked for part in launch.containers):
        return HEALTHY
    return HEALTHY if task.health_status == HEALTHY else UNHEALTHY


async def _instance(tx: Tx, record: TaskRecord, registry: Registry) -> names.TaskInstance:
    task, launch = record.task, record.launch
    return names.TaskInstance(
        id=task.id,
        address=await address_of(tx, record),
        port=_port(record, registry),
        zone=task.availability_zone,
        cluster=task.cluster_arn.rpartition("/")[2],
        service=registry.service,
        family=launch.family,
        ec2_instance=launch.ec2_instance,
        health=_health(task, launch),
    )


def _port(record: TaskRecord, registry: Registry) -> int | None:
    """Return the registry's port, as it is reached from outside the task."""
    if registry.container_port is None:
        return registry.port
    return host_port(record, registry.container, registry.container_port)
