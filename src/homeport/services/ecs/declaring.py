"""
What CreateService and UpdateService make of a request: the service as declared, and the revision of its tasks.

The answers are values, or the request is refused; nothing is written here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from homeport.aws.call import Call
from homeport.services.ecs import balancing, registries
from homeport.services.ecs.compute import Compute, choose_compute
from homeport.services.ecs.deploying import asked_by, number, of_service
from homeport.services.ecs.errors import InvalidParameter
from homeport.services.ecs.model.clusters import Cluster
from homeport.services.ecs.model.services import UNDERWAY, Declared, Revision, ServiceRecord
from homeport.services.ecs.model.task_definitions import TaskDefinition
from homeport.services.ecs.ordering import make_order
from homeport.services.ecs.store import deployments
from homeport.services.ecs.validation import launch, placement
from homeport.services.ecs.validation import services as validation

Documents = Sequence[Mapping[str, Any]]


def documents(given: Documents) -> tuple[dict[str, Any], ...]:
    return tuple(dict(each) for each in given)


def declared_anew(service: ServiceRecord, rebalancing: str | None, **given: object) -> ServiceRecord:
    """Return a service with what is *given* of its declaration; of what is None, all stays as it is."""
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    declared: Declared = msgspec.structs.replace(service.declared, **changes)
    # Whether asked for or kept, rebalancing must go with all the rest.
    wanted = rebalancing or ("ENABLED" if declared.rebalancing else "DISABLED")
    spread = validation.parse_rebalancing(
        wanted, service.scheduling_strategy, declared.placement_strategy, declared.configuration
    )
    return replace(service, declared=msgspec.structs.replace(declared, rebalancing=spread))


async def check_strategy(call: Call, before: ServiceRecord, after: ServiceRecord, current: Revision) -> None:
    """Refuse another strategy while it would leave traffic where a deployment moved it that has not come to its end."""
    if before.declared.configuration.strategy is after.declared.configuration.strategy:
        return
    latest = await deployments.latest_move(call.tx, before.arn)
    if latest is not None and latest.status in UNDERWAY:
        raise InvalidParameter(  # unconfirmed
            "The deployment strategy cannot be changed while a deployment is in progress."
        )
    production, test = before.progress.production, before.progress.test
    if current.load_balancers and (len(production) > 1 or test != production):
        raise InvalidParameter(  # unconfirmed
            "The deployment strategy cannot be changed while a failed deployment has part of the traffic."
        )


# --- By what tasks are found


@dataclass(frozen=True, slots=True)
class Fronts:
    """By what a service's tasks are found: its loadBalancers and serviceRegistries."""

    load_balancers: tuple[dict[str, Any], ...] = ()
    registries: tuple[dict[str, Any], ...] = ()
    serving: Revision | None = None  # the revision whose target groups get the traffic now


async def first_fronts(
    call: Call, definition: TaskDefinition, load_balancers: Documents, service_registries: Documents
) -> Fronts:
    """Return the load balancers and registries of a new service."""
    document = definition.parsed()
    return Fronts(
        await balancing.checked(call.tx, call.region, load_balancers, document),
        await registries.checked(call.tx, call.region, service_registries, document),
    )


async def next_fronts(
    call: Call,
    service: ServiceRecord,
    current: Revision,
    definition: TaskDefinition,
    load_balancers: Documents | None,
    service_registries: Documents | None,
) -> Fronts:
    """Return the load balancers and registries of a service from now on; what is not given stays."""
    document = definition.parsed()
    # What stays is not looked up again: a service must scale although its target group or its registry is gone.
    balanced, listed = current.load_balancers, current.registries
    if load_balancers is None:
        balancing.check_containers(balanced, document)
    else:
        balanced = await balancing.checked(call.tx, call.region, load_balancers, document)
    if service_registries is not None:
        listed = await registries.checked(call.tx, call.region, service_registries, document)
    return Fronts(balanced, listed, await _serving(call, service, current))


async def _serving(call: Call, service: ServiceRecord, current: Revision) -> Revision:
    """Return the revision that most of the traffic goes to; the current one where nothing shifts it."""
    shares = service.progress.production
    if not shares:
        return current
    most = max(shares, key=lambda arn: shares[arn])
    return (await deployments.revisions(call.tx, [most])).get(most, current)


# --- Revisions


def changed_compute(
    cluster: Cluster,
    definition: TaskDefinition,
    current: Revision,
    strategy: Documents | None,
    platform_version: str | None,
) -> Compute:
    """Return where the tasks shall run from now on; an empty strategy means the cluster's default."""
    document = definition.parsed()
    if strategy is not None:
        return choose_compute(cluster, document, None, strategy, platform_version)
    kept = [msgspec.to_builtins(item) for item in current.strategy]
    return choose_compute(cluster, document, current.launch_type or None, kept, platform_version)


def make_revision(
    call: Call,
    service: ServiceRecord,
    definition: TaskDefinition,
    compute: Compute,
    platform_version: str | None,
    network: Mapping[str, Any] | None,
    fronts: Fronts,
) -> Revision:
    """Return a new revision of *service*."""
    on_fargate = compute.launch_type == "FARGATE"
    return Revision(
        arn=of_service("service-revision", service.arn, number(call.ids)),
        service=service.arn,
        created_at=call.now(),
        task_definition=call.arn("ecs", f"task-definition/{definition.family}:{definition.revision}"),
        launch_type="" if compute.strategy else compute.launch_type,
        strategy=compute.strategy,
        platform_version=(platform_version or "LATEST") if on_fargate else "",
        network=_network(network),
        load_balancers=fronts.load_balancers,
        groups=balancing.groups_beside(fronts.load_balancers, fronts.serving, service.declared.configuration.strategy),
        registries=fronts.registries,
    )


def _network(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a network configuration with its defaults, as it is shown."""
    awsvpc = (given or {}).get("awsvpcConfiguration")
    if awsvpc is None:
        return None
    return {"awsvpcConfiguration": {"securityGroups": [], "assignPublicIp": "DISABLED", **awsvpc}}


def differs(revision: Revision, current: Revision) -> bool:
    """Say whether tasks of the new revision would be other tasks."""
    same = msgspec.structs.replace(revision, arn=current.arn, created_at=current.created_at, groups=current.groups)
    return same != current


async def check_startable(
    call: Call, cluster: Cluster, service: ServiceRecord, definition: TaskDefinition, revision: Revision
) -> None:
    """Refuse a service whose tasks could never be started as they are declared."""
    document, declared = definition.parsed(), service.declared
    balancing.check_shifting(revision.load_balancers, declared.configuration.strategy)
    placement.parse_constraints(declared.placement_constraints, document["placementConstraints"])
    placement.parse_strategies(declared.placement_strategy)
    if revision.on_fargate:
        launch.check_fargate_placement(declared.placement_constraints, declared.placement_strategy)
        launch.check_platform(revision.platform_version)
    await make_order(call, cluster, definition, asked_by(service, revision))
