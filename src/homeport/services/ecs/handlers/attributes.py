"""Attributes of container instances: those that users give, beside those of the agent and of ECS."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.aws.paging import cut_page
from homeport.services.ecs.errors import AttributeLimitExceeded, InvalidParameter, TargetNotFound
from homeport.services.ecs.handlers.container_instances import find_container_instance
from homeport.services.ecs.instance_views import attribute_view
from homeport.services.ecs.lookup import DEFAULT_CLUSTER, get_cluster
from homeport.services.ecs.model.clusters import Cluster
from homeport.services.ecs.model.container_instances import ContainerInstance, Status
from homeport.services.ecs.paging import after, page_size
from homeport.services.ecs.service import ecs
from homeport.services.ecs.store import container_instances as store
from homeport.services.ecs.store import services

_MOST = 10  # in a request, and of a user's on an instance
_NAME = re.compile(r"[\w./\\-]{1,128}", re.ASCII)
_VALUE = re.compile(r"[\w./\\:@ -]{1,128}", re.ASCII)
_RESERVED = ("ecs.", "com.amazonaws.")


@ecs.operation("PutAttributes")
async def put_attributes(
    call: Call, *, attributes: Sequence[Mapping[str, Any]], cluster: str = DEFAULT_CLUSTER
) -> dict[str, Any]:
    place = await get_cluster(call, cluster)
    for given in _checked(attributes):
        name, value = given["name"], given.get("value", "")
        if value and (not _VALUE.fullmatch(value) or value != value.strip()):
            raise InvalidParameter(f"The value of the attribute {name} is invalid.")
        target = await _target(call, place, given)
        if name not in target.custom and len(target.custom) >= _MOST:
            raise AttributeLimitExceeded(f"A container instance can have at most {_MOST} custom attributes.")
        await store.put_attribute(call.tx, target.id, name, value)
    await services.mark_cluster_due(call.tx, place.arn)
    return {"attributes": [dict(given) for given in attributes]}


@ecs.operation("DeleteAttributes")
async def delete_attributes(
    call: Call, *, attributes: Sequence[Mapping[str, Any]], cluster: str = DEFAULT_CLUSTER
) -> dict[str, Any]:
    place = await get_cluster(call, cluster)
    for given in _checked(attributes):
        target = await _target(call, place, given)
        await store.delete_attribute(call.tx, target.id, given["name"])
    await services.mark_cluster_due(call.tx, place.arn)
    return {"attributes": [dict(given) for given in attributes]}


@ecs.operation("ListAttributes", reads=True)
async def list_attributes(
    call: Call,
    *,
    target_type: str,
    cluster: str = DEFAULT_CLUSTER,
    attribute_name: str | None = None,
    attribute_value: str | None = None,
    next_token: str | None = None,
    max_results: int | None = None,
) -> dict[str, Any]:
    del target_type  # the model knows one only
    if attribute_value is not None and attribute_name is None:
        raise InvalidParameter("An attribute's value can only be looked for together with its name.")
    place = await get_cluster(call, cluster)
    (last_target, last_name) = after(next_token, str, str) or ("", "")
    found = [
        (instance.arn, name, value)
        for instance in await store.in_cluster(call.tx, place.arn, Status.ACTIVE, Status.DRAINING)
        for name, value in sorted(instance.attributes.items())
        if (instance.arn, name) > (last_target, last_name)
        and attribute_name in {None, name}
        and attribute_value in {None, value}
    ]
    page = cut_page(found, page_size(max_results), key=lambda each: each[:2])
    shown = [attribute_view(name, value) | {"targetId": arn} for arn, name, value in page.items]
    return page.with_token({"attributes": shown})


def _checked(attributes: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    if not 1 <= len(attributes) <= _MOST:
        raise InvalidParameter(f"The number of attributes must be between 1 and {_MOST}.")
    for given in attributes:
        name = given["name"]
        if not _NAME.fullmatch(name) or name.startswith(_RESERVED):
            raise InvalidParameter(f"The attribute name {name} is invalid.")
    return attributes


async def _target(call: Call, cluster: Cluster, given: Mapping[str, Any]) -> ContainerInstance:
    if given.get("targetType", "container-instance") != "container-instance" or not given.get("targetId"):
        raise InvalidParameter("An attribute needs a container instance as its target.")
    found = await find_container_instance(call, cluster, given["targetId"])
    if found is None or found.status is Status.INACTIVE:
        raise TargetNotFound("Could not find targets")
    return found
