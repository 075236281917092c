"""Tags of clusters, container instances, services, task definitions and tasks."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from homeport.aws.call import Call
from homeport.aws.tags import tags_view
from homeport.services.ecs.errors import ClusterNotFound, InvalidParameter, ResourceNotFound
from homeport.services.ecs.lookup import place_of
from homeport.services.ecs.model.container_instances import Status
from homeport.services.ecs.model.services import ServiceStatus
from homeport.services.ecs.service import ecs
from homeport.services.ecs.store import clusters, container_instances, services, task_definitions, tasks
from homeport.services.ecs.tags import merge_tags, parse_tags

_MISSING = "The specified resource is not found. Specify a valid resource and try again."


@dataclass(frozen=True, slots=True)
class _Tagged:
    """A resource's tags and how to write them back."""

    tags: Mapping[str, str]
    write: Callable[[Mapping[str, str]], Awaitable[None]]


@ecs.operation("TagResource")
async def tag_resource(call: Call, *, resource_arn: str, tags: Sequence[Mapping[str, str]]) -> None:
    added = parse_tags(tags)
    resource = await _resource(call, resource_arn)
    await resource.write(merge_tags(resource.tags, added))


@ecs.operation("UntagResource")
async def untag_resource(call: Call, *, resource_arn: str, tag_keys: Sequence[str]) -> None:
    if any(key.lower().startswith("aws:") for key in tag_keys):
        raise InvalidParameter("Tag keys starting with 'aws:' are reserved for AWS use.")
    resource = await _resource(call, resource_arn)
    await resource.write({key: value for key, value in resource.tags.items() if key not in tag_keys})


@ecs.operation("ListTagsForResource", reads=True)
async def list_tags_for_resource(call: Call, *, resource_arn: str) -> dict[str, Any]:
    return {"tags": tags_view((await _resource(call, resource_arn)).tags)}


async def _resource(call: Call, arn: str) -> _Tagged:
    kind, _, rest = place_of(call).resource(arn).partition("/")
    if kind == "cluster":
        return await _cluster(call, arn)
    if kind == "task-definition":
        return await _definition(call, arn)
    if kind == "task":
        return await _task(call, rest)
    if kind == "service":
        return await _service(call, arn, rest)
    if kind == "container-instance":
        return await _container_instance(call, arn)
    if arn.startswith("arn:") and kind:
        raise ResourceNotFound(_MISSING)
    raise InvalidParameter("Long ARN format must be used for tagging operations")


async def _cluster(call: Call, arn: str) -> _Tagged:
    found = await clusters.find(call.tx, arn)
    if found is None or found.status != "ACTIVE":
        raise ClusterNotFound

    async def write(tags: Mapping[str, str]) -> None:
        await clusters.put(call.tx, replace(found, tags=tags), region=call.region)

    return _Tagged(found.tags, write)


async def _definition(call: Call, arn: str) -> _Tagged:
    family, revision = place_of(call).definition(arn)
    found = None if revision is None else await task_definitions.find(call.tx, call.region, family, revision)
    if found is None:
        raise InvalidParameter(
            "The specified task definition does not exist. Specify a valid task definition and try again."
        )

    async def write(tags: Mapping[str, str]) -> None:
        await task_definitions.put_tags(call.tx, found, tags)

    return _Tagged(found.tags, write)


async def _container_instance(call: Call, arn: str) -> _Tagged:
    found = await container_instances.find(call.tx, arn.rpartition("/")[2])
    if found is None or found.arn != arn or found.status is Status.INACTIVE:
        raise InvalidParameter("The specified container instance is not found. Specify a valid one and try again.")

    async def write(tags: Mapping[str, str]) -> None:
        await container_instances.update(call.tx, replace(found, tags=tags))

    return _Tagged(found.tags, write)


async def _service(call: Call, arn: str, rest: str) -> _Tagged:
    if "/" not in rest:
        raise InvalidParameter("Long ARN format must be used for tagging operations")
    found = await services.find(call.tx, arn)
    if found is None or found.status is ServiceStatus.INACTIVE:
        raise ResourceNotFound(_MISSING)

    async def write(tags: Mapping[str, str]) -> None:
        await services.put_tags(call.tx, arn, tags)

    return _Tagged(found.tags, write)


async def _task(call: Call, rest: str) -> _Tagged:
    cluster, slash, task_id = rest.rpartition("/")
    if not slash:
        raise InvalidParameter("Long ARN format must be used for tagging operations")
    tags = await tasks.find_tags(call.tx, place_of(call).cluster_arn(cluster), task_id)
    if tags is None:
        raise InvalidParameter("The specified task is not found. Specify a valid task and try again.")

    async def write(tags: Mapping[str, str]) -> None:
        await tasks.put_tags(call.tx, task_id, tags)

    return _Tagged(tags, write)
