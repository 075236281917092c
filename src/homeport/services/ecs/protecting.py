"""
Protection of tasks of services from scaling in and deployments, whoever asks for it.

The API's callers name tasks; a task that asks for itself does so through its node.
"""

from homeport.aws.errors import AwsError
from homeport.db.database import Tx
from homeport.services.ecs.errors import InvalidParameter
from homeport.services.ecs.model.tasks import Desired, TaskRecord
from homeport.services.ecs.store import services
from homeport.services.ecs.store import tasks as store
from homeport.wire.messages import ProtectionAnswer, ProtectionRequest

_DEFAULT_MINUTES, _LONGEST_MINUTES = 120, 2880


def protection_end(now: float, enabled: bool, minutes: int | None) -> float | None:
    """Return until when to protect, None for no longer, or refuse what nobody may ask for."""
    if minutes is not None and not 1 <= minutes <= _LONGEST_MINUTES:
        raise InvalidParameter(f"expiresInMinutes must be between 1 and {_LONGEST_MINUTES}.")
    if minutes is not None and not enabled:
        raise InvalidParameter("expiresInMinutes can only be given when protection is enabled.")  # unconfirmed
    return now + 60.0 * (minutes or _DEFAULT_MINUTES) if enabled else None


def can_be_protected(record: TaskRecord) -> bool:
    """Say whether the task belongs to a service and is meant to run."""
    return bool(record.launch.service) and record.task.desired_status is Desired.RUNNING


async def protect(tx: Tx, record: TaskRecord, until: float | None, now: float) -> bool:
    """Protect the task until then, or no longer, unless as many are protected as the service shall have."""
    if until is not None and await _blocks(tx, record, now):
        return False
    await store.protect(tx, record.task.id, until)
    await services.mark_due(tx, record.launch.service)
    return True


async def answer_task(tx: Tx, node: str, request: ProtectionRequest, now: float) -> ProtectionAnswer:
    """Do what a task of *node* asks for itself, and say how it is protected then."""
    record = await store.find(tx, request.task)
    if record is None or record.node != node:
        return ProtectionAnswer(request=request.id, failure="MISSING")
    try:
        until = record.protected_until
        if request.enabled is not None:
            until = protection_end(now, request.enabled, request.minutes)
    except AwsError as error:
        return ProtectionAnswer(request=request.id, error=error.code, message=error.message, status=error.status)
    if not can_be_protected(record):
        return ProtectionAnswer(request=request.id, failure="TASK_NOT_VALID")
    if request.enabled is not None and not await protect(tx, record, until, now):
        return ProtectionAnswer(request=request.id, failure="DEPLOYMENT_BLOCKED")
    return ProtectionAnswer(request=request.id, until=until if until is not None and until > now else None)


async def _blocks(tx: Tx, record: TaskRecord, now: float) -> bool:
    """Say whether with this one more tasks would be protected than the service shall have."""
    service = await services.find(tx, record.launch.service)
    others = [
        each
        for each in await store.watched(tx, record.launch.service)
        if (each.protected_until or 0.0) > now and each.task.id != record.task.id
    ]
    return service is None or len(others) >= service.declared.desired_count
