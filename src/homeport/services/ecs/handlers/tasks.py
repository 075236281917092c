"""Tasks that exist: described, listed, stopped."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from homeport.aws.call import Call
from homeport.aws.paging import cut_page
from homeport.services.ecs import lifecycle
from homeport.services.ecs.assigning import assign_again
from homeport.services.ecs.errors import InvalidParameter, ServiceNotFound
from homeport.services.ecs.handlers.container_instances import get_container_instance
from homeport.services.ecs.lookup import DEFAULT_CLUSTER, get_cluster, place_of
from homeport.services.ecs.model.tasks import Desired
from homeport.services.ecs.moving import FOLLOWERS, move
from homeport.services.ecs.paging import after, page_size
from homeport.services.ecs.service import ecs
from homeport.services.ecs.store import services
from homeport.services.ecs.store import tasks as store
from homeport.services.ecs.views import failure_view, task_view

_MOST_DESCRIBED = 100
_LONGEST_REASON = 255


@ecs.operation("DescribeTasks", reads=True)
async def describe_tasks(
    call: Call, *, tasks: Sequence[str], cluster: str = DEFAULT_CLUSTER, include: Sequence[str] = ()
) -> dict[str, Any]:
    if not tasks:
        raise InvalidParameter("Tasks cannot be empty.")
    if len(tasks) > _MOST_DESCRIBED:
        raise InvalidParameter(f"At most {_MOST_DESCRIBED} tasks can be described at once.")
    place = await get_cluster(call, cluster)
    asked = {given: place_of(call).task_id(given, place.name) for given in tasks}
    ids = list(dict.fromkeys(task_id for task_id in asked.values() if task_id))
    found = await store.documents(call.tx, place.arn, ids) if ids else {}
    with_tags = "TAGS" in include
    return {
        "tasks": [
            task_view(found[task_id][0], found[task_id][1] if with_tags else "[]")
            for task_id in ids
            if task_id in found
        ],
        "failures": [
            failure_view(
                given if given.startswith("arn:") else place_of(call).arn(f"task/{place.name}/{given}"), "MISSING"
            )
            for given, task_id in asked.items()
            if task_id not in found
        ],
    }


@ecs.operation("ListTasks", reads=True)
async def list_tasks(
    call: Call,
    *,
    cluster: str = DEFAULT_CLUSTER,
    container_instance: str | None = None,
    family: str | None = None,
    next_token: str | None = None,
    max_results: int | None = None,
    started_by: str | None = None,
    service_name: str | None = None,
    desired_status: str = "RUNNING",
    launch_type: str | None = None,
) -> dict[str, Any]:
    place = await get_cluster(call, cluster)
    given = {"family": family, "started_by": started_by, "launch_type": launch_type}
    if service_name is not None:
        service = await services.find(call.tx, place_of(call).service_arn(service_name, place.name))
        if service is None or service.cluster != place.arn:
            raise ServiceNotFound
        given["service"] = service.arn
    if desired_status == "PENDING":
        return {"taskArns": []}  # accepted, and as on AWS no task is ever meant to be pending
    if container_instance is not None:
        given["container_instance"] = (await get_container_instance(call, place, container_instance)).id
    size = page_size(max_results)
    rows = await store.page(
        call.tx,
        place.arn,
        Desired(desired_status),
        after=(after(next_token, str) or ("",))[0],
        limit=size + 1,
        filters={column: value for column, value in given.items() if value is not None},
    )
    page = cut_page(rows, size, key=lambda row: row[:1])
    return page.with_token({"taskArns": [call.arn("ecs", f"task/{place.name}/{task_id}") for _, task_id in page.items]})


@ecs.operation("StopTask")
async def stop_task(call: Call, *, task: str, cluster: str = DEFAULT_CLUSTER, reason: str = "") -> dict[str, Any]:
    if len(reason) > _LONGEST_REASON:
        raise InvalidParameter(f"The reason must be at most {_LONGEST_REASON} characters long.")
    place = await get_cluster(call, cluster)
    task_id = place_of(call).task_id(task, place.name)
    record = await store.find(call.tx, task_id) if task_id else None
    if record is None or record.task.cluster_arn != place.arn:
        raise InvalidParameter("The referenced task was not found.")
    stopped = replace(record, task=lifecycle.stopped_by_user(record.task, reason, call.now()))
    moved = await move(call.tx, record, stopped, call.now())
    if record.waiting:
        call.wake("ecs.placement")  # no node has it: placement ends it
    elif stopped.task is not record.task:
        await assign_again(call.tx, moved.record)
        call.wake("fleet.sessions")
    if record.launch.service:
        call.wake("ecs.services")
        for name in FOLLOWERS:
            call.wake(name)
    return {"task": task_view(moved.document)}
