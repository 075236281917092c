"""RunTask: everything is checked before anything is written, so no half-made task can be."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from homeport.aws.call import Call
from homeport.services.ecs.compute import Compute, choose_compute
from homeport.services.ecs.errors import InvalidParameter, UnsupportedFeature
from homeport.services.ecs.launching import Order, build, build_on, group_of
from homeport.services.ecs.lookup import DEFAULT_CLUSTER, get_cluster
from homeport.services.ecs.model.container_instances import Status
from homeport.services.ecs.model.tasks import TaskRecord
from homeport.services.ecs.ordering import Asked, digest_of, earlier, get_active, make_order, network_of
from homeport.services.ecs.placement.filters import Constraint, requirements_of
from homeport.services.ecs.placement.plan import plan_placement
from homeport.services.ecs.placement.strategies import Strategy
from homeport.services.ecs.service import ecs
from homeport.services.ecs.store import client_tokens, container_instances, tasks
from homeport.services.ecs.strategies import distribute
from homeport.services.ecs.validation import launch, placement
from homeport.services.ecs.views import failure_view, task_view


@ecs.operation("RunTask", ignores=("referenceId",))
async def run_task(
    call: Call,
    *,
    task_definition: str,
    capacity_provider_strategy: Sequence[Mapping[str, Any]] = (),
    cluster: str = DEFAULT_CLUSTER,
    count: int = 1,
    enable_ecs_managed_tags: bool = False,
    enable_execute_command: bool = False,
    group: str = "",
    launch_type: str | None = None,
    network_configuration: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
    placement_constraints: Sequence[Mapping[str, Any]] = (),
    placement_strategy: Sequence[Mapping[str, Any]] = (),
    platform_version: str | None = None,
    propagate_tags: str = "NONE",
    started_by: str = "",
    tags: Sequence[Mapping[str, str]] = (),
    client_token: str | None = None,
) -> dict[str, Any]:
    launch.check_count(count)
    launch.check_labels(group, started_by)
    place = await get_cluster(call, cluster)
    definition = await get_active(call, task_definition)
    digest = digest_of(
        definition.revision, task_definition, capacity_provider_strategy, count, enable_ecs_managed_tags, group,
        launch_type, network_configuration, overrides, placement_constraints, placement_strategy, platform_version,
        propagate_tags, started_by, tags,
    )  # fmt: skip
    if client_token is not None and (answer := await earlier(call, place, client_token, digest)) is not None:
        return answer
    document = definition.parsed()
    constraints = placement.parse_constraints(placement_constraints, document["placementConstraints"])
    strategies = placement.parse_strategies(placement_strategy)
    compute = choose_compute(place, document, launch_type, capacity_provider_strategy, platform_version)
    if compute.launch_type == "FARGATE":
        launch.check_fargate_placement(placement_constraints, placement_strategy)
        launch.check_platform(platform_version or "LATEST")
    if enable_execute_command:
        raise UnsupportedFeature("enableExecuteCommand is not supported.")
    asked = Asked(
        launch_type=compute.launch_type,
        group=group,
        started_by=started_by,
        network_configuration=network_configuration,
        overrides=overrides,
        tags=tags,
        propagate_tags=propagate_tags,
        managed_tags=enable_ecs_managed_tags,
    )
    order = await make_order(call, place, definition, asked)
    records, failures = await _build(call, order, compute, constraints, strategies, count)
    shown = [task_view(await tasks.insert(call.tx, record), record.tags) for record in records]
    if client_token is not None:
        ids = [record.task.id for record in records]
        await client_tokens.put(call.tx, place.arn, client_token, digest, ids, call.now())
    call.wake("ecs.placement")
    return {"tasks": shown, "failures": failures}


async def _build(
    call: Call,
    order: Order,
    compute: Compute,
    constraints: Sequence[Constraint],
    strategies: Sequence[Strategy],
    count: int,
) -> tuple[list[TaskRecord], list[dict[str, str]]]:
    """Return the tasks that can be, and why there are not more."""
    if compute.launch_type != "FARGATE":
        return await _place(call, order, constraints, strategies, count)
    providers = distribute(compute.strategy, count) if compute.strategy else [None] * count
    return [build(order, provider, index, call.ids) for index, provider in enumerate(providers)], []


async def _place(
    call: Call, order: Order, constraints: Sequence[Constraint], strategies: Sequence[Strategy], count: int
) -> tuple[list[TaskRecord], list[dict[str, str]]]:
    """Find an instance for each task, and say for which instance why it takes none of those that are left."""
    found = await container_instances.in_cluster(call.tx, order.cluster.arn, Status.ACTIVE)
    if not found:
        raise InvalidParameter("No Container Instances were found in your cluster.")
    requirements = requirements_of(order.applied, group_of(order), network_of(order), constraints)
    chance = Random(order.turn)  # noqa: S311 - spreads tasks, no secret
    decided = plan_placement(requirements, [each.for_placement() for each in found], strategies, count, chance)
    by_arn = {each.arn: each for each in found}
    records = [build_on(order, by_arn[arn], index, call.ids) for index, arn in enumerate(decided.placed)]
    failures = [failure_view(each.instance, each.reason.value, each.sentence) for each in decided.refusals]
    return records, failures
