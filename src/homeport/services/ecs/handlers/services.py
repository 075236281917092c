"""Services: declared here, kept by the reconciler `ecs.services`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from homeport.aws.call import Call
from homeport.aws.paging import cut_page
from homeport.services.ecs import service_views as views
from homeport.services.ecs.compute import choose_compute
from homeport.services.ecs.declaring import (
    changed_compute,
    check_startable,
    check_strategy,
    declared_anew,
    differs,
    documents,
    first_fronts,
    make_revision,
    next_fronts,
)
from homeport.services.ecs.deploying import Beginning, abandon, begin
from homeport.services.ecs.errors import InvalidParameter, ServiceNotActive, ServiceNotFound
from homeport.services.ecs.lookup import DEFAULT_CLUSTER, get_cluster, get_definition, place_of
from homeport.services.ecs.model.clusters import Cluster
from homeport.services.ecs.model.services import Declared, Deployment, Revision, ServiceRecord, ServiceStatus
from homeport.services.ecs.moving import FOLLOWERS
from homeport.services.ecs.ordering import digest_of, get_active
from homeport.services.ecs.paging import after, page_size
from homeport.services.ecs.service import ecs
from homeport.services.ecs.store import client_tokens, deployments, service_events, tasks
from homeport.services.ecs.store import services as store
from homeport.services.ecs.tags import parse_tags
from homeport.services.ecs.validation import services as validation
from homeport.services.ecs.views import failure_view

_MOST_DESCRIBED = 10
_LISTED = 10
_NAME = "ecs.services"
_NOT_IDEMPOTENT = "Creation of service was not idempotent."


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
    count, task_definition = validation.check_needed(scheduling_strategy, desired_count, task_definition)
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
    declared = Declared(
        desired_count=count,
        configuration=configuration,
        placement_constraints=documents(placement_constraints),
        placement_strategy=documents(placement_strategy),
        grace_seconds=health_check_grace_period_seconds,
        propagate_tags=propagate_tags,
        managed_tags=enable_ecs_managed_tags,
        rebalancing=validation.parse_rebalancing(
            availability_zone_rebalancing, scheduling_strategy, placement_strategy, configuration
        ),
        created_by=call.principal.arn,
        request=digest,
    )
    made = _new_service(call, place, service_name, declared, scheduling_strategy, parse_tags(tags))
    compute = choose_compute(place, definition.parsed(), launch_type, capacity_provider_strategy, platform_version)
    validation.check_scheduling(scheduling_strategy, desired_count, compute.launch_type, placement_strategy)
    made = replace(made, launch_type=compute.launch_type)
    fronts = await first_fronts(call, definition, load_balancers, service_registries)
    revision = make_revision(call, made, definition, compute, platform_version, network_configuration, fronts)
    await check_startable(call, place, made, definition, revision)
    await _write(call, made, revision, client_token)
    return await _answer(call, made)


def _new_service(
    call: Call, cluster: Cluster, name: str, declared: Declared, scheduling: str, tags: Mapping[str, str]
) -> ServiceRecord:
    return ServiceRecord(
        arn=place_of(call).service_arn(name, cluster.name),
        region=call.region,
        cluster=cluster.arn,
        name=name,
        declared=declared,
        scheduling_strategy=scheduling,
        created_at=call.now(),
        tags=tags,
    )


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
    await store.put(call.tx, made)
    await _deploy(call, made, revision, ())
    if token is not None and await client_tokens.find(call.tx, made.cluster, _token(token)) is None:
        await client_tokens.put(call.tx, made.cluster, _token(token), made.declared.request, [made.arn], call.now())
    call.wake(_NAME)


async def _deploy(call: Call, service: ServiceRecord, revision: Revision, live: Sequence[Deployment]) -> None:
    """Begin the deployment of a new revision."""
    await begin(Beginning(call.tx, call.ids, call.now()), service, revision, live)
    for follower in FOLLOWERS if revision.load_balancers else ():
        call.wake(follower)


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
    changed = declared_anew(
        found,
        availability_zone_rebalancing,
        configuration=validation.parse_configuration(
            deployment_configuration, found.declared.configuration, found.scheduling_strategy
        ),
        desired_count=desired_count,
        placement_constraints=None if placement_constraints is None else documents(placement_constraints),
        placement_strategy=None if placement_strategy is None else documents(placement_strategy),
        grace_seconds=health_check_grace_period_seconds,
        propagate_tags=propagate_tags,
        managed_tags=enable_ecs_managed_tags,
    )
    live = await deployments.of_service(call.tx, found.arn)
    current = (await deployments.revisions(call.tx, [live[0].revision]))[live[0].revision]
    definition = await (
        get_definition(call, current.task_definition) if task_definition is None else get_active(call, task_definition)
    )
    compute = changed_compute(place, definition, current, capacity_provider_strategy, platform_version)
    fronts = await next_fronts(call, found, current, definition, load_balancers, service_registries)
    platform = platform_version or current.platform_version or None
    network = current.network if network_configuration is None else network_configuration
    revision = make_revision(call, changed, definition, compute, platform, network, fronts)
    await check_strategy(call, found, changed, current)
    await check_startable(call, place, changed, definition, revision)
    changed = replace(changed, launch_type=compute.launch_type)
    await store.put(call.tx, changed)
    if force_new_deployment or differs(revision, current):
        await _deploy(call, changed, revision, live)
    call.wake(_NAME)
    return await _answer(call, changed)


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
        await abandon(Beginning(call.tx, call.ids, call.now()), found)
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
