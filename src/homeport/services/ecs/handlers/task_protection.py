"""Task protection: tasks of services that neither scaling in nor a deployment may end for a while."""

from collections.abc import Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.services.ecs.errors import InvalidParameter
from homeport.services.ecs.lookup import get_cluster, place_of
from homeport.services.ecs.model.clusters import Cluster
from homeport.services.ecs.model.tasks import TaskRecord
from homeport.services.ecs.protecting import can_be_protected, protect, protection_end
from homeport.services.ecs.service import ecs
from homeport.services.ecs.service_views import when
from homeport.services.ecs.store import tasks as store
from homeport.services.ecs.views import failure_view

_MOST_ASKED, _MOST_CHANGED = 100, 10


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
    now = call.now()
    until = protection_end(now, protection_enabled, expires_in_minutes)
    place = await get_cluster(call, cluster)
    found, failures = await _find(call, place, tasks, _MOST_CHANGED)
    shown = []
    for record in found:
        if await protect(call.tx, record, until, now):
            shown.append(_view(record, until, now))
        else:
            failures.append(failure_view(record.task.task_arn, "DEPLOYMENT_BLOCKED"))
    call.wake("ecs.services")
    return {"protectedTasks": shown, "failures": failures}


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
        elif not can_be_protected(record):
            failures.append(failure_view(arn, "TASK_NOT_VALID"))
        else:
            found.append(record)
    return found, failures


def _view(record: TaskRecord, until: float | None, now: float) -> dict[str, Any]:
    view: dict[str, Any] = {"taskArn": record.task.task_arn, "protectionEnabled": until is not None and until > now}
    return view | {"expirationDate": when(until)} if until is not None and until > now else view
