"""Task protection: tasks of services that neither scaling in nor a deployment may end for a while."""

from collections.abc import Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.services.ecs.errors import InvalidParameter
from homeport.services.ecs.lookup import get_cluster, place_of
from homeport.services.ecs.model.clusters import Cluster
from homeport.services.ecs.model.tasks import Desired, TaskRecord
from homeport.services.ecs.service import ecs
from homeport.services.ecs.service_views import when
from homeport.services.ecs.store import services
from homeport.services.ecs.store import tasks as store
from homeport.services.ecs.views import failure_view

_MOST_ASKED, _MOST_CHANGED = 100, 10
_DEFAULT_MINUTES, _LONGEST_MINUTES = 120, 2880


@ecs.operation("GetTaskProtection", reads=True)
async def get_task_protection(call: Call, *, cluster: str, tasks: Sequence[str]) -> dict[str, Any]:
    place = await get_cluster(call, cluster)
    found, failures = await _find(call, place, tasks, _MOST_ASKED)
    return {
        "protectedTasks": [_view(record, record.protected_until, call.now()) for record in found],
        "failures": failures,
    }


@ecs.operation("UpdateTaskProtection")
async def update_task_protection(
    call: Call, *, cluster: str, tasks: Sequence[str], protection_enabled: bool, expires_in_minutes: int | None = None
) -> dict[str, Any]:
    if expires_in_minutes is not None and not 1 <= expires_in_minutes <= _LONGEST_MINUTES:
        raise InvalidParameter(f"expiresInMinutes must be between 1 and {_LONGEST_MINUTES}.")
    if expires_in_minutes is not None and not protection_enabled:
        raise InvalidParameter("expiresInMinutes can only be given when protection is enabled.")  # unconfirmed
    place = await get_cluster(call, cluster)
    found, failures = await _find(call, place, tasks, _MOST_CHANGED)
    until = call.now() + 60.0 * (expires_in_minutes or _DEFAULT_MINUTES) if protection_enabled else None
    shown = []
    for record in found:
        if until is not None and await _blocks(call, record):
            failures.append(failure_view(record.task.task_arn, "DEPLOYMENT_BLOCKED"))
            continue
        await store.protect(call.tx, record.task.id, until)
        await services.mark_due(call.tx, record.launch.service)
        shown.append(_view(record, until, call.now()))
    call.wake("ecs.services")
    return {"protectedTasks": shown, "failures": failures}


async def _blocks(call: Call, record: TaskRecord) -> bool:
    """Say whether with this one more tasks would be protected than the service shall have."""
    service = await services.find(call.tx, record.launch.service)
    now = call.now()
    others = [
        each
        for each in await store.watched(call.tx, record.launch.service)
        if (each.protected_until or 0.0) > now and each.task.id != record.task.id
    ]
    return service is None or len(others) >= service.declared.desired_count


async def _find(
    call: Call, cluster: Cluster, given: Sequence[str], most: int
) -> tuple[list[TaskRecord], list[dict[str, str]]]:
    """Return those of the tasks that belong to services and are meant to run, and why the others will not do."""
    if not 1 <= len(given) <= most:
        raise InvalidParameter(f"The number of tasks must be between 1 and {most}.")
    found, failures = [], []
    for each in dict.fromkeys(given):
        task_id = place_of(call).task_id(each, cluster.name)
        record = await store.find(call.tx, task_id) if task_id else None
        arn = each if each.startswith("arn:") else place_of(call).arn(f"task/{cluster.name}/{each}")
        if record is None or record.task.cluster_arn != cluster.arn:
            failures.append(failure_view(arn, "MISSING"))
        elif not record.launch.service or record.task.desired_status is not Desired.RUNNING:
            failures.append(failure_view(arn, "TASK_NOT_VALID"))
        else:
            found.append(record)
    return found, failures


def _view(record: TaskRecord, until: float | None, now: float) -> dict[str, Any]:
    view: dict[str, Any] = {"taskArn": record.task.task_arn, "protectionEnabled": until is not None and until > now}
    return view | {"expirationDate": when(until)} if until is not None and until > now else view
