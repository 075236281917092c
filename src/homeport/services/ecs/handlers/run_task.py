"""RunTask: everything is checked before anything is written, so no half-made task can be."""

import hashlib
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from homeport.aws.call import Call
from homeport.aws.errors import AwsError
from homeport.services.ec2 import store as ec2
from homeport.services.ec2.model import Subnet
from homeport.services.ecs import overrides as overriding
from homeport.services.ecs.errors import Client, Conflict, InvalidParameter, UnsupportedFeature
from homeport.services.ecs.launching import Order, build
from homeport.services.ecs.lookup import DEFAULT_CLUSTER, get_cluster, get_definition
from homeport.services.ecs.model.clusters import Cluster
from homeport.services.ecs.model.task_definitions import ACTIVE, TaskDefinition
from homeport.services.ecs.runnable import cpu_architecture, unsupported
from homeport.services.ecs.service import ecs
from homeport.services.ecs.store import client_tokens, tasks
from homeport.services.ecs.strategies import distribute, parse_strategy
from homeport.services.ecs.tags import merge_tags, parse_tags
from homeport.services.ecs.validation import launch, placement
from homeport.services.ecs.views import task_view

_MACHINE = platform.machine()


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
    definition = await get_definition(call, task_definition)
    if definition.status != ACTIVE:
        raise Client("TaskDefinition is inactive")
    digest = _digest(
        definition.revision, task_definition, capacity_provider_strategy, count, enable_ecs_managed_tags, group,
        launch_type, network_configuration, overrides, placement_constraints, placement_strategy, platform_version,
        propagate_tags, started_by, tags,
    )  # fmt: skip
    if client_token is not None and (earlier := await _earlier(call, place, client_token, digest)) is not None:
        return earlier
    document = definition.parsed()
    placement.parse_constraints(placement_constraints, document["placementConstraints"])
    placement.parse_strategies(placement_strategy)
    providers = _providers(place, document, launch_type, capacity_provider_strategy, count, platform_version)
    launch.check_fargate_placement(placement_constraints, placement_strategy)
    launch.check_platform(platform_version or "LATEST")
    if enable_execute_command:
        raise UnsupportedFeature("enableExecuteCommand is not supported.")
    awsvpc = launch.check_network(document.get("networkMode"), network_configuration, "FARGATE")
    if missing := unsupported(document, _MACHINE):
        raise UnsupportedFeature(f"The task definition cannot be run, not supported: {', '.join(missing)}.")
    overriding.check(document, overrides or {})
    order = Order(
        account=call.account,
        region=call.region,
        cluster=place,
        definition=definition,
        applied=overriding.apply(document, overrides or {}),
        overrides=overriding.echo(document, overrides or {}),
        subnets=await _subnets(call, awsvpc),
        groups=awsvpc.get("securityGroups", ()),
        public_address=awsvpc.get("assignPublicIp") == "ENABLED",
        architecture=cpu_architecture(document, _MACHINE),
        group=group,
        started_by=started_by,
        now=call.now(),
        turn=int(call.ids.hex(8), 16),
        tags=_tags(parse_tags(tags), definition, place, propagate_tags, managed=enable_ecs_managed_tags),
    )
    records = [build(order, provider, index, call.ids) for index, provider in enumerate(providers)]
    shown = [task_view(await tasks.insert(call.tx, record), record.tags) for record in records]
    if client_token is not None:
        ids = [record.task.id for record in records]
        await client_tokens.put(call.tx, place.arn, client_token, digest, ids, call.now())
    call.wake("ecs.placement")
    return {"tasks": shown, "failures": []}


def _digest(*request: Any) -> str:
    """Sum up a request, so that a client token can be held to what it first came with."""
    return hashlib.sha256(msgspec.json.encode(request, order="deterministic")).hexdigest()


async def _earlier(call: Call, cluster: Cluster, token: str, digest: str) -> dict[str, Any] | None:
    """Return the answer to an earlier request with that token, if there was one and it is the same request."""
    use = await client_tokens.find(call.tx, cluster.arn, token)
    if use is None:
        return None
    if use.request != digest:
        arns = [call.arn("ecs", f"task/{cluster.name}/{task_id}") for task_id in use.tasks]
        raise Conflict("The client token was already used with different parameters.", resourceIds=arns)
    found = await tasks.documents(call.tx, cluster.arn, use.tasks)
    return {"tasks": [task_view(*found[task_id]) for task_id in use.tasks if task_id in found], "failures": []}


def _providers(
    cluster: Cluster,
    definition: Mapping[str, Any],
    launch_type: str | None,
    strategy: Sequence[Mapping[str, Any]],
    count: int,
    platform_version: str | None,
) -> list[str | None]:
    """Name the capacity provider of each task: None where the launch type alone says FARGATE."""
    if launch_type is not None and strategy:
        raise InvalidParameter(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again."
        )
    items = parse_strategy(strategy, cluster.document.capacity_providers)
    if launch_type is None and not items:
        items = cluster.document.default_capacity_provider_strategy
    chosen = "FARGATE" if items else launch_type or "EC2"
    if chosen != "FARGATE" and platform_version is not None:
        raise InvalidParameter(f"The platform version must be null when specifying an {chosen} launch type.")
    launch.check_compatible(definition, chosen)
    if chosen != "FARGATE":
        raise InvalidParameter("No Container Instances were found in your cluster.")
    return list(distribute(items, count)) if items else [None] * count


async def _subnets(call: Call, awsvpc: Mapping[str, Any]) -> Sequence[Subnet]:
    """Return the subnets of the request, all of one VPC and together with its security groups."""
    ids, groups = awsvpc["subnets"], awsvpc.get("securityGroups", ())
    subnets: list[Subnet] = await _found("subnet", ids, ec2.get_subnets(call.tx, call.region, ids))
    vpcs = {subnet.vpc for subnet in subnets}
    if len(vpcs) > 1:
        raise InvalidParameter("All subnets must belong to the same VPC.")
    if groups:
        for group in await _found("security group", groups, ec2.get_security_groups(call.tx, call.region, groups)):
            if group.vpc not in vpcs:
                raise InvalidParameter(
                    f"Security Group {group.id} does not appear to belong to the same VPC as the input subnets."
                )
    return subnets


async def _found(kind: str, ids: Sequence[str], looking: Any) -> Any:
    """Await EC2's look-up, and say of its error what ECS says of it."""
    try:
        return await looking
    except AwsError as error:
        raise InvalidParameter(
            f"Error retrieving {kind} information for [{', '.join(ids)}]: {error.message} (ErrorCode: {error.code})"
        ) from error


def _tags(
    own: Mapping[str, str], definition: TaskDefinition, cluster: Cluster, propagate: str, *, managed: bool
) -> dict[str, str]:
    """Return the tags of new tasks: those of the request count more than the definition's."""
    if propagate == "SERVICE":
        raise InvalidParameter("Tags of a service can only be propagated to tasks that the service starts.")
    inherited = definition.tags if propagate == "TASK_DEFINITION" else {}
    return merge_tags(inherited, own) | ({"aws:ecs:clusterName": cluster.name} if managed else {})
