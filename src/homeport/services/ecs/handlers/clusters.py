"""Clusters."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from homeport.aws.call import Call
from homeport.aws.paging import cut_page
from homeport.db.database import Tx
from homeport.services.ecs.errors import (
    ClusterContainsContainerInstances,
    ClusterContainsServices,
    ClusterContainsTasks,
    ClusterNotFound,
    InvalidParameter,
    ResourceInUse,
    UnsupportedFeature,
)
from homeport.services.ecs.lookup import DEFAULT_CLUSTER, get_cluster, place_of
from homeport.services.ecs.model.clusters import Cluster, ClusterDocument, Counts
from homeport.services.ecs.paging import after, page_size
from homeport.services.ecs.service import ecs
from homeport.services.ecs.settings import effective
from homeport.services.ecs.store import clusters as store
from homeport.services.ecs.store import container_instances, services, tasks
from homeport.services.ecs.strategies import PROVIDERS, check_providers, parse_strategy
from homeport.services.ecs.tags import parse_tags
from homeport.services.ecs.validation.names import check_cluster
from homeport.services.ecs.views import cluster_view, failure_view

_INSIGHTS = ("enabled", "enhanced", "disabled")
_MOST_DESCRIBED = 100


async def ensure_default_cluster(tx: Tx, account: str, region: str) -> None:
    """Make the cluster called default, with Fargate, so that a first RunTask needs no other call."""
    arn = store.arn_of(account, region, DEFAULT_CLUSTER)
    if await store.find(tx, arn) is None:
        document = ClusterDocument(capacity_providers=PROVIDERS)
        await store.put(tx, Cluster(arn, DEFAULT_CLUSTER, document=document), region=region)


@ecs.operation("CreateCluster")
async def create_cluster(
    call: Call,
    *,
    cluster_name: str = DEFAULT_CLUSTER,
    tags: Sequence[Mapping[str, str]] = (),
    settings: Sequence[Mapping[str, str]] = (),
    configuration: Mapping[str, Any] | None = None,
    capacity_providers: Sequence[str] = (),
    default_capacity_provider_strategy: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    check_cluster(cluster_name)
    check_providers(capacity_providers)
    insights = (await effective(call, call.principal.arn))["containerInsights"]
    document = ClusterDocument(
        capacity_providers=tuple(capacity_providers),
        default_capacity_provider_strategy=parse_strategy(default_capacity_provider_strategy, capacity_providers),
        container_insights=_insights(settings, insights),
        execute_command=_execute_command(configuration),
    )
    wanted = Cluster(place_of(call).cluster_arn(cluster_name), cluster_name, document=document, tags=parse_tags(tags))
    existing = await store.find(call.tx, wanted.arn)
    if existing is not None and existing.status == "ACTIVE":
        return await _shown(call, existing)
    await store.put(call.tx, wanted, region=call.region)
    return await _shown(call, wanted)


@ecs.operation("DescribeClusters", reads=True)
async def describe_clusters(call: Call, *, clusters: Sequence[str] = (), include: Sequence[str] = ()) -> dict[str, Any]:
    if len(clusters) > _MOST_DESCRIBED:
        raise InvalidParameter(f"At most {_MOST_DESCRIBED} clusters can be described at once.")
    arns = list(dict.fromkeys(place_of(call).cluster_arn(given) for given in clusters or (DEFAULT_CLUSTER,)))
    found = await store.among(call.tx, arns)
    return {
        "clusters": [cluster_view(found[arn], await _counts(call, arn), include) for arn in arns if arn in found],
        "failures": [failure_view(arn, "MISSING") for arn in arns if arn not in found],
    }


@ecs.operation("ListClusters", reads=True)
async def list_clusters(call: Call, *, next_token: str | None = None, max_results: int | None = None) -> dict[str, Any]:
    size = page_size(max_results)
    rows = await store.page(call.tx, call.region, after=(after(next_token, str) or ("",))[0], limit=size + 1)
    page = cut_page(rows, size, key=lambda row: row[:1])
    return page.with_token({"clusterArns": [arn for _, arn in page.items]})


@ecs.operation("UpdateCluster")
async def update_cluster(
    call: Call,
    *,
    cluster: str,
    settings: Sequence[Mapping[str, str]] = (),
    configuration: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    found = await get_cluster(call, cluster)
    command = found.document.execute_command if configuration is None else _execute_command(configuration)
    return await _changed(
        call,
        found,
        container_insights=_insights(settings, found.document.container_insights),
        execute_command=command,
    )


@ecs.operation("UpdateClusterSettings")
async def update_cluster_settings(call: Call, *, cluster: str, settings: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    found = await get_cluster(call, cluster)
    return await _changed(call, found, container_insights=_insights(settings, found.document.container_insights))


@ecs.operation("PutClusterCapacityProviders")
async def put_cluster_capacity_providers(
    call: Call,
    *,
    cluster: str,
    capacity_providers: Sequence[str],
    default_capacity_provider_strategy: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    found = await get_cluster(call, cluster)
    check_providers(capacity_providers)
    removed = set(found.document.capacity_providers) - set(capacity_providers)
    if removed and await tasks.any_of_providers(call.tx, found.arn, removed):
        raise ResourceInUse("The specified capacity provider is in use and cannot be removed.")
    return await _changed(
        call,
        found,
        capacity_providers=tuple(capacity_providers),
        default_capacity_provider_strategy=parse_strategy(default_capacity_provider_strategy, capacity_providers),
    )


@ecs.operation("DeleteCluster")
async def delete_cluster(call: Call, *, cluster: str) -> dict[str, Any]:
    found = await store.find(call.tx, place_of(call).cluster_arn(cluster))
    if found is None:
        raise ClusterNotFound
    if found.status == "ACTIVE":
        if await container_instances.count(call.tx, found.arn):
            raise ClusterContainsContainerInstances(
                "The Cluster cannot be deleted while Container Instances are active or draining."
            )
        if await services.counts(call.tx, found.arn):
            raise ClusterContainsServices("The Cluster cannot be deleted while Services are active.")
        if (await tasks.counts(call.tx, found.arn)).tasks:
            raise ClusterContainsTasks("The Cluster cannot be deleted while Tasks are active.")
        found = replace(found, status="INACTIVE")
        await store.put(call.tx, found, region=call.region, inactive_since=call.now())
    return {"cluster": cluster_view(found, Counts(), {"SETTINGS", "TAGS", "CONFIGURATIONS"})}


async def _changed(call: Call, cluster: Cluster, **members: Any) -> dict[str, Any]:
    changed = replace(cluster, document=msgspec.structs.replace(cluster.document, **members))
    await store.put(call.tx, changed, region=call.region)
    return await _shown(call, changed)


async def _counts(call: Call, cluster: str) -> Counts:
    counted = await tasks.counts(call.tx, cluster)
    return replace(
        counted,
        container_instances=await container_instances.count(call.tx, cluster),
        services=await services.counts(call.tx, cluster),
    )


async def _shown(call: Call, cluster: Cluster) -> dict[str, Any]:
    counts = await _counts(call, cluster.arn)
    return {"cluster": cluster_view(cluster, counts, {"SETTINGS", "TAGS", "CONFIGURATIONS"})}


def _insights(settings: Sequence[Mapping[str, str]], otherwise: str) -> str:
    """Return the value of the one setting that clusters have."""
    value = otherwise
    for setting in settings:
        value = setting.get("value", "")
        if setting.get("name") != "containerInsights" or value not in _INSIGHTS:
            raise InvalidParameter(f"Invalid cluster setting value specified: {value}")
    return value


def _execute_command(configuration: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the declared ECS Exec configuration; storage that is encrypted with a key of its own is not offered."""
    if configuration is None:
        return None
    if configuration.get("managedStorageConfiguration"):
        raise UnsupportedFeature("managedStorageConfiguration is not supported: volumes are not encrypted here.")
    declared = configuration.get("executeCommandConfiguration")
    if declared is None:
        return None
    target = declared.get("logConfiguration") or {}
    if declared.get("logging") == "OVERRIDE":
        if not (target.get("cloudWatchLogGroupName") or target.get("s3BucketName")):
            raise InvalidParameter(
                "A CloudWatch log group name or S3 bucket name is required when logging is set to OVERRIDE."
            )
    elif target:
        raise InvalidParameter("A log configuration is only allowed when logging is set to OVERRIDE.")
    return dict(declared)
