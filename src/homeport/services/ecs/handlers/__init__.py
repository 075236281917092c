"""The operations of ECS, one module to a resource; importing this package registers them all."""

from homeport.services.ecs.handlers import (
    account_settings,
    attributes,
    capacity_providers,
    clusters,
    container_instances,
    run_task,
    service_deployments,
    services,
    start_task,
    tags,
    task_definitions,
    task_protection,
    tasks,
)

__all__ = [
    "account_settings",
    "attributes",
    "capacity_providers",
    "clusters",
    "container_instances",
    "run_task",
    "service_deployments",
    "services",
    "start_task",
    "tags",
    "task_definitions",
    "task_protection",
    "tasks",
]
