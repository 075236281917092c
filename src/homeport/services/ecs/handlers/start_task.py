"""StartTask: tasks on container instances that the request names."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.services.ecs.errors import InvalidParameter, UnsupportedFeature
from homeport.services.ecs.launching import Order, build_on, group_of
from homeport.services.ecs.lookup import DEFAULT_CLUSTER, get_cluster, place_of
from homeport.services.ecs.model.container_instances import ContainerInstance
from homeport.services.ecs.model.tasks import TaskRecord
from homeport.services.ecs.ordering import Asked, get_active, make_order, network_of
from homeport.services.ecs.placement.filters import Refusal, find_refusal, requirements_of
from homeport.services.ecs.service import ecs
from homeport.services.ecs.store import container_instances as store
from homeport.services.ecs.store import tasks
from homeport.services.ecs.validation import launch
from homeport.services.ecs.views import failure_view, task_view

_MOST = 10


@ecs.operation("StartTask", ignores=("referenceId",))
async def start_task(
    call: Call,
    *,
    container_instances: Sequence[str],
    task_definition: str,
    cluster: str = DEFAULT_CLUSTER,
    enable_ecs_managed_tags: bool = False,
    enable_execute_command: bool = False,
    group: str = "",
    network_configuration: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
    propagate_tags: str = "NONE",
    started_by: str = "",
    tags: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    if not 1 <= len(container_instances) <= _MOST:
        raise InvalidParameter(f"The number of container instances must be between 1 and {_MOST}.")
    launch.check_labels(group, started_by)
    place = await get_cluster(call, cluster)
    definition = await get_active(call, task_definition)
    launch.check_compatible(definition.parsed(), "EC2")
    if enable_execute_command:
        raise UnsupportedFeature("enableExecuteCommand is not supported.")
    asked = Asked(
        launch_type="EC2",
        group=group,
        started_by=started_by,
        network_configuration=network_configuration,
        overrides=overrides,
        tags=tags,
        propagate_tags=propagate_tags,
        managed_tags=enable_ecs_managed_tags,
    )
    order = await make_order(call, place, definition, asked)
    shown, failures = [], []
    for index, given in enumerate(container_instances):
        outcome = await _start_on(call, order, given, index)
        if isinstance(outcome, TaskRecord):
            shown.append(task_view(await tasks.insert(call.tx, outcome), outcome.tags))
        else:
            failures.append(outcome)
    call.wake("ecs.placement")
    return {"tasks": shown, "failures": failures}


async def _start_on(call: Call, order: Order, given: str, index: int) -> TaskRecord | dict[str, str]:
    """Return the task for one instance, or why that does not take it.  Placement constraints do not count."""
    arn = given if given.startswith("arn:") else place_of(call).arn(f"container-instance/{order.cluster.name}/{given}")
    found = await store.find(call.tx, arn.rpartition("/")[2])
    if found is None or found.arn != arn or found.cluster != order.cluster.arn:
        return failure_view(arn, "MISSING")
    if (refusal := _refusal(order, found)) is not None:
        return failure_view(arn, refusal.reason.value, refusal.sentence)
    return build_on(order, found, index, call.ids)


def _refusal(order: Order, instance: ContainerInstance) -> Refusal | None:
    unconstrained = {**order.applied, "placementConstraints": []}
    requirements = requirements_of(unconstrained, group_of(order), network_of(order))
    return find_refusal(requirements, instance.for_placement())
