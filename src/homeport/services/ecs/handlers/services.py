"""Services: declared here, kept by the reconciler `ecs.services`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from homeport.aws.call import Call
from homeport.aws.paging import cut_page
from homeport.services.ecs import balancing, registries
from homeport.services.ecs import service_views as views
from homeport.services.ecs.compute import Compute, choose_compute
from homeport.services.ecs.deploying import Beginning, asked_by, begin, number, of_service
from homeport.services.ecs.errors import InvalidParameter, ServiceNotActive, ServiceNotFound
from homeport.services.ecs.lookup import DEFAULT_CLUSTER, get_cluster, get_definition, place_of
from homeport.services.ecs.model.clusters import Cluster
from homeport.services.ecs.model.services import UNDERWAY, Declared, Revision, ServiceRecord, ServiceStatus
from homeport.services.ecs.model.task_definitions import TaskDefinition
from homeport.services.ecs.moving import FOLLOWERS
from homeport.services.ecs.ordering import digest_of, get_active, make_order
from homeport.services.ecs.paging import after, page_size
from homeport.services.ecs.service import ecs
from homeport.services.ecs.store import client_tokens, deployments, service_events, tasks
from homeport.services.ecs.store import services as store
from homeport.services.ecs.tags import parse_tags
from homeport.services.ecs.validation import launch, placement
from homeport.services.ecs.validation import services as validation
from homeport.services.ecs.views import failure_view

_MOST_DESCRIBED = 10
_LISTED = 10
_NAME = "ecs.services"
_NOT_IDEMPOTENT = "Creation of service was not idempotent."


@dataclass(frozen=True, slots=True)
class Fronts:
    """By what a service's tasks are found: its loadBalancers and serviceRegistries."""

    load_balancers: tuple[dict[str, Any], ...] = ()
    registries: tuple[dict[str, Any], ...] = ()
    serving: Revision | None = None  # the revision whose target groups get the traffic now


@ecs.operation("CreateService")
async def create_service(
    call: Call,
    *,
    service_name: str,
    task_definition: str | None = None,
    cluster: str = DEFAULT_CLUSTER,
    availability_zone_rebalancing: str | None = None,
    load_balancers: Sequence[Mapping[str, Any]] = (),
    service_registries: Sequence[Mapping[str, Any]] = (),
    desired_count: int | None = None,
    client_token: str | None = None,
    launch_type: str | None = None,
    capacity_provider_strategy: Sequence[Mapping[str, Any]] = (),
    platform_version: str | None = None,
    role: str | None = None,
    deployment_configuration: Mapping[str, Any] | None = None,
    placement_constraints: Sequence[Mapping[str, Any]] = (),
    placement_strategy: Sequence[Mapping[str, Any]] = (),
    network_configuration: Mapping[str, Any] | None = None,
    health_check_grace_period_seconds: int | None = None,
    scheduling_strategy: str = "REPLICA",
    deployment_controller: Mapping[str, Any] | None = None,
    tags: Sequence[Mapping[str, str]] = (),
    enable_ecs_managed_tags: bool = False,
    propagate_tags: str = "NONE",
    enable_execute_command: bool = False,
    service_connect_configuration: Mapping[str, Any] | None = None,
    volume_configurations: Sequence[Mapping[str, Any]] = (),
    vpc_lattice_configurations: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    validation.check_lattice(vpc_lattice_configurations)
    validation.check_name(service_name)
    validation.check_token(client_token)
    validation.check_controller(deployment_controller)
    validation.check_unhonoured(
        execute_command=enable_execute_command, connect=service_connect_configuration, volumes=volume_configurations
    )
    validation.check_role(role, load_balancers)
    validation.check_grace(health_check_grace_period_seconds)
    count = 0 if desired_count is None and scheduling_strategy == "DAEMON" else desired_count
    if count is None or task_definition is None:
        missing = "desiredCount" if count is None else "taskDefinition"
        raise InvalidParameter(f"{missing} is required for a service of this kind.")  # unconfirmed
    validation.check_desired_count(count)
    place = await get_cluster(call, cluster)
    definition = await get_active(call, task_definition)
    digest = digest_of(
        definition.revision, task_definition, desired_count, launch_type, capacity_provider_strategy, platform_version,
        deployment_configuration, placement_constraints, placement_strategy, network_configuration,
        health_check_grace_period_seconds, scheduling_strategy, availability_zone_rebalancing, tags, enable_ecs_managed_tags,
        propagate_tags, service_registries, load_balancers,
    )  # fmt: skip
    arn = place_of(call).service_arn(service_name, place.name)
    if (existing := await _existing(call, arn, client_token, digest)) is not None:
        return await _answer(call, existing)
    configuration = validation.parse_configuration(
        deployment_configuration, validation.DEFAULTS[scheduling_strategy], scheduling_strategy
    )
    made = ServiceRecord(
        arn=arn,
        region=call.region,
        cluster=place.arn,
        name=service_name,
        declared=Declared(
            desired_count=count,
            configuration=configuration,
            placement_constraints=tuple(dict(each) for each in placement_constraints),
            placement_strategy=tuple(dict(each) for each in placement_strategy),
            grace_seconds=health_check_grace_period_seconds,
            propagate_tags=propagate_tags,
            managed_tags=enable_ecs_managed_tags,
            rebalancing=validation.parse_rebalancing(
                availability_zone_rebalancing, scheduling_strategy, placement_strategy, configuration
            ),
            created_by=call.principal.arn,
            request=digest,
        ),
        scheduling_strategy=scheduling_strategy,
        created_at=call.now(),
        tags=parse_tags(tags),
    )
    compute = choose_compute(place, definition.parsed(), launch_type, capacity_provider_strategy, platform_version)
    validation.check_scheduling(scheduling_strategy, desired_count, compute.launch_type, placement_strategy)
    revision = _revision(
        call,
        made,
        definition,
        compute,
        platform_version,
        network_configuration,
        Fronts(
            await balancing.checked(call.tx, call.region, load_balancers, definition.parsed()),
            await registries.checked(call.tx, call.region, service_registries, definition.parsed()),
        ),
    )
    await _check_startable(call, place, made, definition, revision)
    await _write(call, made, revision, client_token)
    return await _answer(call, replace(made, launch_type=compute.launch_type))


async def _existing(call: Call, arn: str, token: str | None, digest: str) -> ServiceRecord | None:
    """Return the service that an equal request has made before; refuse a request that is not equal."""
    found = await store.find(call.tx, arn)
    if token is not None:
        cluster = place_of(call).cluster_arn(arn.split("/")[1])
        use = await client_tokens.find(call.tx, cluster, _token(token))
        if use is not None and (use.request != digest or use.tasks != (arn,)):
            raise InvalidParameter(_NOT_IDEMPOTENT)
    if found is None or found.status is ServiceStatus.INACTIVE:
        return None
    if found.status is ServiceStatus.DRAINING:
        raise InvalidParameter("Unable to Start a service that is still Draining.")
    if found.declared.request != digest:
        raise InvalidParameter(_NOT_IDEMPOTENT)
    return found


def _token(given: str) -> str:
    """Return the row under which a service's token is kept, beside those of RunTask."""
    return f"CreateService {given}"


async def _write(call: Call, made: ServiceRecord, revision: Revision, token: str | None) -> None:
    """Write a new service, in the place of one that was deleted if there was such."""
    for forget in (deployments.remove, service_events.remove, store.remove):
        await forget(call.tx, made.arn)
    await store.put(call.tx, replace(made, launch_type=_listed_type(revision)))
    await begin(Beginning(call.tx, call.ids, call.now()), made, revision, ())
    for follower in FOLLOWERS if revision.load_balancers else ():
        call.wake(follower)
    if token is not None and await client_tokens.find(call.tx, made.cluster, _token(token)) is None:
        await client_tokens.put(call.tx, made.cluster, _token(token), made.declared.request, [made.arn], call.now())
    call.wake(_NAME)


def _listed_type(revision: Revision) -> str:
    return revision.launch_type or "FARGATE"


def _revision(
    call: Call,
    service: ServiceRecord,
    definition: TaskDefinition,
    compute: Compute,
    platform_version: str | None,
    network: Mapping[str, Any] | None,
    fronts: Fronts,
) -> Revision:
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


async def _fronts(
    call: Call,
    service: ServiceRecord,
    current: Revision,
    definition: TaskDefinition,
    load_balancers: Sequence[Mapping[str, Any]] | None,
    service_registries: Sequence[Mapping[str, Any]] | None,
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


def _network(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a network configuration with its defaults, as it is shown."""
    awsvpc = (given or {}).get("awsvpcConfiguration")
    if awsvpc is None:
        return None
    return {"awsvpcConfiguration": {"securityGroups": [], "assignPublicIp": "DISABLED", **awsvpc}}


async def _check_startable(
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


@ecs.operation("UpdateService")
async def update_service(
    call: Call,
    *,
    service: str,
    cluster: str = DEFAULT_CLUSTER,
    desired_count: int | None = None,
    task_definition: str | None = None,
    capacity_provider_strategy: Sequence[Mapping[str, Any]] | None = None,
    deployment_configuration: Mapping[str, Any] | None = None,
    availability_zone_rebalancing: str | None = None,
    network_configuration: Mapping[str, Any] | None = None,
    placement_constraints: Sequence[Mapping[str, Any]] | None = None,
    placement_strategy: Sequence[Mapping[str, Any]] | None = None,
    platform_version: str | None = None,
    force_new_deployment: bool = False,
    health_check_grace_period_seconds: int | None = None,
    deployment_controller: Mapping[str, Any] | None = None,
    enable_execute_command: bool | None = None,
    enable_ecs_managed_tags: bool | None = None,
    load_balancers: Sequence[Mapping[str, Any]] | None = None,
    propagate_tags: str | None = None,
    service_registries: Sequence[Mapping[str, Any]] | None = None,
    service_connect_configuration: Mapping[str, Any] | None = None,
    volume_configurations: Sequence[Mapping[str, Any]] = (),
    vpc_lattice_configurations: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    validation.check_lattice(vpc_lattice_configurations)
    validation.check_controller(deployment_controller)
    validation.check_unhonoured(
        execute_command=enable_execute_command, connect=service_connect_configuration, volumes=volume_configurations
    )
    validation.check_grace(health_check_grace_period_seconds)
    place = await get_cluster(call, cluster)
    found = await _get_active(call, place, service)
    validation.check_scheduling(found.scheduling_strategy, desired_count, found.launch_type, placement_strategy or ())
    if desired_count is not None:
        validation.check_desired_count(desired_count)
    given = {
        "desired_count": desired_count,
        "placement_constraints": _documents(placement_constraints),
        "placement_strategy": _documents(placement_strategy),
        "grace_seconds": health_check_grace_period_seconds,
        "propagate_tags": propagate_tags,
        "managed_tags": enable_ecs_managed_tags,
        "configuration": validation.parse_configuration(
            deployment_configuration, found.declared.configuration, found.scheduling_strategy
        ),
    }
    changes = {name: value for name, value in given.items() if value is not None}
    changed = replace(found, declared=msgspec.structs.replace(found.declared, **changes))
    changed = _rebalanced(changed, availability_zone_rebalancing)
    live = await deployments.of_service(call.tx, found.arn)
    current = (await deployments.revisions(call.tx, [live[0].revision]))[live[0].revision]
    definition = await (
        get_definition(call, current.task_definition) if task_definition is None else get_active(call, task_definition)
    )
    compute = _changed_compute(place, definition, current, capacity_provider_strategy, platform_version)
    revision = _revision(
        call,
        changed,
        definition,
        compute,
        platform_version or current.platform_version or None,
        network_configuration if network_configuration is not None else current.network,
        await _fronts(call, found, current, definition, load_balancers, service_registries),
    )
    await _check_strategy(call, found, changed)
    await _check_startable(call, place, changed, definition, revision)
    changed = replace(changed, launch_type=compute.launch_type)
    await store.put(call.tx, changed)
    if force_new_deployment or _differs(revision, current):
        await begin(Beginning(call.tx, call.ids, call.now()), changed, revision, live)
        for follower in FOLLOWERS if revision.load_balancers else ():
            call.wake(follower)
    call.wake(_NAME)
    return await _answer(call, changed)


async def _check_strategy(call: Call, before: ServiceRecord, after: ServiceRecord) -> None:
    """Refuse another strategy while a deployment is under way: it would leave traffic where the old one moved it."""
    if before.declared.configuration.strategy is after.declared.configuration.strategy:
        return
    latest = await deployments.latest_move(call.tx, before.arn)
    if latest is not None and latest.status in UNDERWAY:
        raise InvalidParameter(  # unconfirmed
            "The deployment strategy cannot be changed while a deployment is in progress."
        )


def _rebalanced(service: ServiceRecord, given: str | None) -> ServiceRecord:
    """Return the service with zone rebalancing as it was or is asked for, which must go with all the rest."""
    declared = service.declared
    wanted = given or ("ENABLED" if declared.rebalancing else "DISABLED")
    rebalancing = validation.parse_rebalancing(
        wanted, service.scheduling_strategy, declared.placement_strategy, declared.configuration
    )
    return replace(service, declared=msgspec.structs.replace(declared, rebalancing=rebalancing))


def _documents(given: Sequence[Mapping[str, Any]] | None) -> tuple[dict[str, Any], ...] | None:
    return None if given is None else tuple(dict(each) for each in given)


def _differs(revision: Revision, current: Revision) -> bool:
    """Say whether tasks of the new revision would be other tasks."""
    same = msgspec.structs.replace(revision, arn=current.arn, created_at=current.created_at, groups=current.groups)
    return same != current


def _changed_compute(
    cluster: Cluster,
    definition: TaskDefinition,
    current: Revision,
    strategy: Sequence[Mapping[str, Any]] | None,
    platform_version: str | None,
) -> Compute:
    """Return where the tasks shall run from now on; an empty strategy means the cluster's default."""
    document = definition.parsed()
    if strategy is not None:
        return choose_compute(cluster, document, None, strategy, platform_version)
    kept = [msgspec.to_builtins(item) for item in current.strategy]
    return choose_compute(cluster, document, current.launch_type or None, kept, platform_version)


@ecs.operation("DeleteService")
async def delete_service(
    call: Call, *, service: str, cluster: str = DEFAULT_CLUSTER, force: bool = False
) -> dict[str, Any]:
    place = await get_cluster(call, cluster)
    found = await _get(call, place, service)
    if found.status is ServiceStatus.ACTIVE:
        if found.declared.desired_count and not force and found.scheduling_strategy == "REPLICA":
            raise InvalidParameter("The service cannot be stopped while it is scaled above 0.")
        declared = msgspec.structs.replace(found.declared, desired_count=0)
        found = replace(found, status=ServiceStatus.DRAINING, declared=declared)
        await store.put(call.tx, found)
        call.wake(_NAME)
    return await _answer(call, found)


@ecs.operation("DescribeServices", reads=True)
async def describe_services(
    call: Call, *, services: Sequence[str], cluster: str = DEFAULT_CLUSTER, include: Sequence[str] = ()
) -> dict[str, Any]:
    if not services:
        raise InvalidParameter("Services cannot be empty.")
    if len(services) > _MOST_DESCRIBED:
        raise InvalidParameter(f"At most {_MOST_DESCRIBED} services can be described at once.")
    place = await get_cluster(call, cluster)
    arns = list(dict.fromkeys(place_of(call).service_arn(given, place.name) for given in services))
    found = await store.among(call.tx, arns)
    shown = [found[arn] for arn in arns if arn in found and found[arn].cluster == place.arn]
    known = {each.arn for each in shown}
    return {
        "services": [views.service_view(await _load(call, each), include) for each in shown],
        "failures": [failure_view(arn, "MISSING") for arn in arns if arn not in known],
    }


@ecs.operation("ListServices", reads=True)
async def list_services(
    call: Call,
    *,
    cluster: str = DEFAULT_CLUSTER,
    next_token: str | None = None,
    max_results: int | None = None,
    launch_type: str | None = None,
    scheduling_strategy: str | None = None,
) -> dict[str, Any]:
    place = await get_cluster(call, cluster)
    given = {"launch_type": launch_type, "scheduling_strategy": scheduling_strategy}
    size = page_size(max_results) if max_results is not None else _LISTED
    rows = await store.page(
        call.tx,
        place.arn,
        after=(after(next_token, str) or ("",))[0],
        limit=size + 1,
        filters={column: value for column, value in given.items() if value is not None},
    )
    page = cut_page(rows, size, key=lambda row: row[:1])
    return page.with_token({"serviceArns": [arn for _, arn in page.items]})


async def _get(call: Call, cluster: Cluster, given: str) -> ServiceRecord:
    found = await store.find(call.tx, place_of(call).service_arn(given, cluster.name))
    if found is None or found.cluster != cluster.arn or found.status is ServiceStatus.INACTIVE:
        raise ServiceNotFound
    return found


async def _get_active(call: Call, cluster: Cluster, given: str) -> ServiceRecord:
    found = await store.find(call.tx, place_of(call).service_arn(given, cluster.name))
    if found is None or found.cluster != cluster.arn:
        raise ServiceNotFound
    if found.status is not ServiceStatus.ACTIVE:
        raise ServiceNotActive
    return found


async def _load(call: Call, service: ServiceRecord) -> views.Shown:
    live = await deployments.of_service(call.tx, service.arn)
    latest = await deployments.latest_move(call.tx, service.arn)
    return views.Shown(
        service=service,
        deployments=live,
        revisions=await deployments.revisions(call.tx, list({each.revision for each in live})),
        counts=await tasks.counts_of_service(call.tx, service.arn),
        events=await service_events.newest(call.tx, service.arn),
        move="" if latest is None else latest.arn,
    )


async def _answer(call: Call, service: ServiceRecord) -> dict[str, Any]:
    return {"service": views.service_view(await _load(call, service), {"TAGS"})}
