"""Container instances: described, listed, drained, deregistered."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from homeport.aws.call import Call
from homeport.aws.paging import cut_page
from homeport.services.ec2 import store as ec2
from homeport.services.ecs import lifecycle
from homeport.services.ecs.assigning import assign_again
from homeport.services.ecs.errors import Client, InvalidParameter, NoUpdateAvailable
from homeport.services.ecs.instance_views import container_instance_view
from homeport.services.ecs.lookup import DEFAULT_CLUSTER, get_cluster, place_of
from homeport.services.ecs.model.clusters import Cluster
from homeport.services.ecs.model.container_instances import ContainerInstance, Status
from homeport.services.ecs.model.tasks import StopCode
from homeport.services.ecs.moving import FOLLOWERS, move
from homeport.services.ecs.paging import after, page_size
from homeport.services.ecs.placement.query import InvalidExpression, parse_expression
from homeport.services.ecs.registering import cluster_of
from homeport.services.ecs.service import ecs
from homeport.services.ecs.store import container_instances as store
from homeport.services.ecs.store import tasks
from homeport.services.ecs.views import failure_view

_MOST_DESCRIBED = 100
_MOST_UPDATED = 10
_FORCED = "Container instance deregistration forced by user"


def container_instance_arn(call: Call, cluster: Cluster, given: str) -> str:
    """Return the ARN of the container instance that *given*, an id or an ARN, speaks of."""
    return given if given.startswith("arn:") else place_of(call).arn(f"container-instance/{cluster.name}/{given}")


async def find_container_instance(call: Call, cluster: Cluster, given: str) -> ContainerInstance | None:
    """Return a container instance of the cluster, whatever its status."""
    arn = container_instance_arn(call, cluster, given)
    found = await store.find(call.tx, arn.rpartition("/")[2])
    return found if found is not None and found.arn == arn and found.cluster == cluster.arn else None


async def get_container_instance(call: Call, cluster: Cluster, given: str) -> ContainerInstance:
    found = await find_container_instance(call, cluster, given)
    if found is None or found.status is Status.INACTIVE:
        raise InvalidParameter("The referenced container instance was not found.")
    return found


@ecs.operation("DescribeContainerInstances", reads=True)
async def describe_container_instances(
    call: Call, *, container_instances: Sequence[str], cluster: str = DEFAULT_CLUSTER, include: Sequence[str] = ()
) -> dict[str, Any]:
    if not container_instances:
        raise InvalidParameter("Container instances cannot be empty.")
    if len(container_instances) > _MOST_DESCRIBED:
        raise InvalidParameter(f"At most {_MOST_DESCRIBED} container instances can be described at once.")
    place = await get_cluster(call, cluster)
    shown, failures = [], []
    for given in dict.fromkeys(container_instance_arn(call, place, each) for each in container_instances):
        found = await find_container_instance(call, place, given)
        if found is None:
            failures.append(failure_view(container_instance_arn(call, place, given), "MISSING"))
        else:
            shown.append(container_instance_view(found, include))
    return {"containerInstances": shown, "failures": failures}


@ecs.operation("ListContainerInstances", reads=True)
async def list_container_instances(
    call: Call,
    *,
    cluster: str = DEFAULT_CLUSTER,
    filter: str | None = None,  # noqa: A002 - the member's own name
    next_token: str | None = None,
    max_results: int | None = None,
    status: str | None = None,
) -> dict[str, Any]:
    place = await get_cluster(call, cluster)
    try:
        expression = parse_expression(filter) if filter else None
    except InvalidExpression as problem:
        raise InvalidParameter(f"Invalid filter: {problem}.") from problem
    statuses = (Status(status),) if status is not None else (Status.ACTIVE, Status.DRAINING)
    (last,) = after(next_token, str) or ("",)
    found = [
        each
        for each in await store.in_cluster(call.tx, place.arn, *statuses)
        if each.id > last and (expression is None or expression.matches(each.for_placement()))
    ]
    page = cut_page(found, page_size(max_results), key=lambda each: (each.id,))
    return page.with_token({"containerInstanceArns": [each.arn for each in page.items]})


@ecs.operation("UpdateContainerInstancesState")
async def update_container_instances_state(
    call: Call, *, container_instances: Sequence[str], status: str, cluster: str = DEFAULT_CLUSTER
) -> dict[str, Any]:
    if not 1 <= len(container_instances) <= _MOST_UPDATED:
        raise InvalidParameter(f"The number of container instances must be between 1 and {_MOST_UPDATED}.")
    if status not in {Status.ACTIVE, Status.DRAINING}:
        raise InvalidParameter("Container instances can be set to ACTIVE or DRAINING only.")
    place = await get_cluster(call, cluster)
    shown, failures = [], []
    for given in dict.fromkeys(container_instance_arn(call, place, each) for each in container_instances):
        found = await find_container_instance(call, place, given)
        if found is None or found.status not in {Status.ACTIVE, Status.DRAINING}:
            reason = "MISSING" if found is None else "INACTIVE"
            failures.append(failure_view(container_instance_arn(call, place, given), reason))
            continue
        changed = replace(found, status=Status(status))
        await store.update(call.tx, changed)
        shown.append(container_instance_view(changed))
    return {"containerInstances": shown, "failures": failures}


@ecs.operation("DeregisterContainerInstance")
async def deregister_container_instance(
    call: Call, *, container_instance: str, cluster: str = DEFAULT_CLUSTER, force: bool = False
) -> dict[str, Any]:
    place = await get_cluster(call, cluster)
    found = await get_container_instance(call, place, container_instance)
    live = await tasks.live_on_instance(call.tx, found.id)
    if live and not force:
        raise InvalidParameter("Found running tasks on the instance.")
    for record in live:
        stopped = replace(record, task=lifecycle.stopped_with(record.task, StopCode.USER, _FORCED, call.now()))
        moved = await move(call.tx, record, stopped, call.now())
        await assign_again(call.tx, moved.record)
    gone = replace(found, status=Status.INACTIVE)
    await store.update(call.tx, gone, inactive_since=call.now())
    call.wake("fleet.sessions")
    call.wake("ecs.placement")
    for name in FOLLOWERS:
        call.wake(name)
    return {"containerInstance": container_instance_view(gone)}


@ecs.operation("UpdateContainerAgent")
async def update_container_agent(
    call: Call, *, container_instance: str, cluster: str = DEFAULT_CLUSTER
) -> dict[str, Any]:
    await get_container_instance(call, await get_cluster(call, cluster), container_instance)
    raise NoUpdateAvailable("There is no update available for your container agent.")


@ecs.operation("RegisterContainerInstance")
async def register_container_instance(
    call: Call,
    *,
    cluster: str = DEFAULT_CLUSTER,
    instance_identity_document: str | None = None,
    instance_identity_document_signature: str | None = None,
    container_instance_arn: str | None = None,
    tags: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """
    Return the container instance that a machine of ours is.

    Machines register by themselves; what an agent would say of its size is known, and refused.
    """
    place = await get_cluster(call, cluster)
    machine = _machine(instance_identity_document, instance_identity_document_signature)
    instance = await ec2.find_instance(call.tx, machine)
    if instance is None or instance.region != call.region:
        raise Client("The instance identity document is not that of an instance of this account and Region.")
    registered = [each for each in await store.of_machine(call.tx, machine) if each.status is not Status.INACTIVE]
    if not registered:
        raise Client(
            f"The instance {machine} registers by itself once it runs, with the cluster {cluster_of(instance)}."
        )
    found = registered[-1]
    if found.cluster != place.arn or container_instance_arn not in {None, found.arn}:
        raise Client(f"The instance {machine} is registered already, as {found.arn}.")
    if tags:
        raise InvalidParameter("Tags of a container instance that is registered are set with TagResource.")
    return {"containerInstance": container_instance_view(found)}


def _machine(document: str | None, signature: str | None) -> str:
    """Return the id of the instance that an identity document names."""
    if not document or not signature:
        raise Client("An instance identity document and its signature are needed to register a container instance.")
    try:
        named = json.loads(document)
    except ValueError:
        named = None
    if not isinstance(named, dict) or not isinstance(named.get("instanceId"), str):
        raise Client("The instance identity document cannot be read.")
    return str(named["instanceId"])
