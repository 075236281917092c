"""
How a task's document changes: pure, and only ever forward.

Nodes report levels, not edges: a report may repeat an older one or leave several steps out, and
every function here must make a right document of it all the same.  What has once been said stays
said: a status never goes back, a time once set stays, and the first stop code is the one that counts.
"""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from homeport.services.ecs.model.tasks import (
    RANK,
    Attachment,
    Container,
    ContainerInterface,
    ContainerLaunch,
    Desired,
    NetworkBinding,
    Pair,
    Status,
    StopCode,
    Task,
)
from homeport.wire.messages import Binding, ContainerObserved, Observed, StopCause, TaskPhase

_PHASES = {phase: rank for rank, phase in enumerate(TaskPhase)}
_CONTAINER_RANK = {"PENDING": 0, "RUNNING": 1, "STOPPED": 2}
_ATTACHMENT_RANK = {"PRECREATED": 0, "ATTACHING": 1, "ATTACHED": 2, "DETACHING": 3, "DELETED": 4}
_LONGEST_REASON = 1024

_STATUS_OF = {
    TaskPhase.ACCEPTED: Status.PROVISIONING,
    TaskPhase.NETWORK_READY: Status.PENDING,
    TaskPhase.RUNNING: Status.RUNNING,
    TaskPhase.STOPPING: Status.STOPPING,
    TaskPhase.STOPPED: Status.DEPROVISIONING,
    TaskPhase.GONE: Status.STOPPED,
}
_ATTACHMENT_OF = {
    TaskPhase.ACCEPTED: "ATTACHING",
    TaskPhase.NETWORK_READY: "ATTACHED",
    TaskPhase.RUNNING: "ATTACHED",
    TaskPhase.STOPPING: "ATTACHED",
    TaskPhase.STOPPED: "DETACHING",
    TaskPhase.GONE: "DELETED",
}


def stopped_by_user(task: Task, reason: str, now: float) -> Task:
    """Ask for the task's end.  A task that is ending already keeps its own reason."""
    if task.desired_status is Desired.STOPPED:
        return task
    return _next(task, _stop(task, StopCode.USER, reason or "Task stopped by user", now))


def stopped_with(task: Task, code: StopCode, reason: str, now: float) -> Task:
    """Ask for the task's end for a reason of ECS's own, unless it is ending already."""
    return _next(task, _stop(task, code, reason, now))


def deactivating(task: Task) -> Task:
    """Say of a task that was RUNNING that its load balancers take leave of it before it is stopped."""
    if task.last_status is not Status.RUNNING:
        return task
    return _next(task, msgspec.structs.replace(task, last_status=Status.DEACTIVATING))


def attaching(task: Task, zone: str, details: Sequence[tuple[str, str]]) -> Task:
    """Give the task the interface that was allocated for it."""
    attachment = msgspec.structs.replace(
        task.attachments[0],
        status="ATTACHING",
        details=tuple(Pair(name=name, value=value) for name, value in details),
    )
    return _next(task, msgspec.structs.replace(task, attachments=(attachment,), availability_zone=zone))


def never_placed(task: Task, reason: str, now: float) -> Task:
    """End a task that no node ever had, for *reason* unless it has a stop code already."""
    ended = _stop(task, StopCode.FAILED_TO_START, reason, now)
    return _next(task, _ended(ended, now))


def is_news(task: Task, recorded: int, observed: Observed) -> bool:
    """
    Say whether a report may hold more than the one numbered *recorded*.

    A node that has lost its memory counts from one again: what moves the task on is news all the same.
    """
    return observed.sequence > recorded or RANK[_status(task, observed.phase)] > RANK[task.last_status]


def _status(task: Task, phase: TaskPhase) -> Status:
    """Return what a phase means; a task without an interface has nothing to provision."""
    status = _STATUS_OF[phase]
    if task.attachments:
        return status
    return {Status.PROVISIONING: Status.PENDING, Status.DEPROVISIONING: Status.STOPPING}.get(status, status)


def advance(task: Task, parts: Sequence[ContainerLaunch], observed: Observed, now: float) -> Task:
    """
    Return the task as it is after a report of its node; the same object if that says nothing new.

    No report of whatever phase takes anything back; what may change either way is a container's health.
    """
    if task.last_status is Status.STOPPED:
        return task
    phase = observed.phase
    changed = _with_times(task, observed, now)
    if _PHASES[phase] >= _PHASES[TaskPhase.STOPPING]:
        changed = _stop(changed, *_why(changed, observed), now)
    changed = msgspec.structs.replace(
        changed,
        last_status=max(task.last_status, _status(task, phase), key=RANK.__getitem__),
        attachments=_attachments(task.attachments, _ATTACHMENT_OF[phase]),
    )
    if _PHASES[phase] >= _PHASES[TaskPhase.NETWORK_READY]:
        changed = _connected(changed, now)
        changed = _with_containers(changed, parts, observed.containers)
    if phase is TaskPhase.GONE:
        changed = _ended(changed, now)
    return _next(task, changed)


def task_health(containers: Sequence[Container], parts: Sequence[ContainerLaunch]) -> str:
    """Judge a task by its essential containers that have a health check; without any it is unknown."""
    counts = {part.name for part in parts if part.essential and part.checked}
    states = {container.health_status for container in containers if container.name in counts}
    if "UNHEALTHY" in states:
        return "UNHEALTHY"
    return "HEALTHY" if states == {"HEALTHY"} else "UNKNOWN"


def _with_times(task: Task, observed: Observed, now: float) -> Task:
    """
    Take over the times that are not known yet, each kept between its neighbours in the task's life.

    So neither a node's skewed clock nor a late report can reorder its steps.
    """
    running = now if observed.phase is TaskPhase.RUNNING else None
    ended = now if _PHASES[observed.phase] >= _PHASES[TaskPhase.STOPPED] else None
    said = [
        task.created_at,
        observed.pull_started_at,
        observed.pull_stopped_at,
        observed.started_at if observed.started_at is not None else running,
        observed.execution_stopped_at if ended is not None and observed.execution_stopped_at is not None else ended,
    ]
    times = [
        task.created_at,
        task.pull_started_at,
        task.pull_stopped_at,
        task.started_at,
        task.execution_stopped_at,
    ]
    for step, time in enumerate(said):
        if times[step] is UNSET and time is not None:
            earliest = max(_set(*times[:step]))
            latest = min([now, *_set(*times[step:])])
            times[step] = max(earliest, min(time, latest))
    return msgspec.structs.replace(
        task,
        pull_started_at=times[1],
        pull_stopped_at=times[2],
        started_at=times[3],
        execution_stopped_at=times[4],
    )


def _why(task: Task, observed: Observed) -> tuple[StopCode, str]:
    """Name the stop code and reason that a report of an ending task speaks for."""
    if observed.cause is StopCause.HOST_LOST:
        return StopCode.TERMINATION_NOTICE, observed.reason or "Host EC2 stopped."
    if observed.cause is StopCause.FAILED_TO_START:
        return StopCode.FAILED_TO_START, observed.reason or "Task failed to start"
    if observed.cause is StopCause.ESSENTIAL_EXITED or task.started_at is not UNSET:
        return StopCode.ESSENTIAL_EXITED, observed.reason or "Essential container in task exited"
    return StopCode.FAILED_TO_START, observed.reason or "Task failed to start"


def _stop(task: Task, code: StopCode, reason: str, now: float) -> Task:
    """Set desired status, stop code, reason and time unless they are set already."""
    if task.stop_code is not UNSET:
        return task
    return msgspec.structs.replace(
        task,
        desired_status=Desired.STOPPED,
        stop_code=code,
        stopped_reason=reason[:_LONGEST_REASON],
        stopping_at=max([now, task.created_at, *_set(task.started_at, task.pull_stopped_at)]),
    )


def _ended(task: Task, now: float) -> Task:
    """Close the task's document: nothing of it is left anywhere."""
    return msgspec.structs.replace(
        task,
        last_status=Status.STOPPED,
        stopped_at=max([now, task.created_at, *_set(task.started_at, task.stopping_at, task.execution_stopped_at)]),
        attachments=_attachments(task.attachments, "DELETED"),
        containers=tuple(msgspec.structs.replace(container, last_status="STOPPED") for container in task.containers),
    )


def _set(*times: float | UnsetType) -> list[float]:
    return [time for time in times if time is not UNSET]


def _connected(task: Task, now: float) -> Task:
    if task.connectivity is not UNSET:
        return task
    return msgspec.structs.replace(task, connectivity="CONNECTED", connectivity_at=max(now, task.created_at))


def _attachments(attachments: tuple[Attachment, ...], status: str) -> tuple[Attachment, ...]:
    return tuple(
        msgspec.structs.replace(attachment, status=status)
        if _ATTACHMENT_RANK[attachment.status] < _ATTACHMENT_RANK[status]
        else attachment
        for attachment in attachments
    )


def _with_containers(task: Task, parts: Sequence[ContainerLaunch], reports: Sequence[ContainerObserved]) -> Task:
    """Bring the containers up to their reports, and the task's health with them."""
    by_name = {report.name: report for report in reports}
    by_part = {part.name: part for part in parts}
    interfaces = tuple(
        ContainerInterface(attachment_id=attachment.id, private_ipv4_address=attachment.detail("privateIPv4Address"))
        for attachment in task.attachments
    )
    containers = tuple(
        _container(container, by_name.get(container.name), by_part[container.name], interfaces)
        for container in task.containers
    )
    return msgspec.structs.replace(task, containers=containers, health_status=task_health(containers, parts))


def _container(
    known: Container,
    report: ContainerObserved | None,
    part: ContainerLaunch,
    interfaces: tuple[ContainerInterface, ...],
) -> Container:
    health = known.health_status if known.health_status is not UNSET else "UNKNOWN"
    if report is None:
        bindings = known.network_bindings or ()
        return msgspec.structs.replace(
            known, network_interfaces=interfaces, network_bindings=bindings, health_status=health
        )
    status = max(known.last_status, report.status, key=_CONTAINER_RANK.__getitem__)
    ran = report.started_at is not None or report.status == "RUNNING"
    ended = known.last_status == "STOPPED"  # what it ended with stands
    return msgspec.structs.replace(
        known,
        last_status=status,
        runtime_id=part.runtime_id if ran else known.runtime_id,
        image_digest=report.image_digest or known.image_digest,
        exit_code=report.exit_code
        if status == "STOPPED" and report.exit_code is not None and known.exit_code is UNSET
        else known.exit_code,
        reason=report.reason[:_LONGEST_REASON] if report.reason and known.reason is UNSET else known.reason,
        health_status=health if ended else report.health,
        network_interfaces=interfaces,
        network_bindings=tuple(_binding(each) for each in report.bindings)
        or (part.host_ports if ran else ())
        or known.network_bindings
        or (),
    )


def _binding(binding: Binding) -> NetworkBinding:
    if not binding.last_port:
        return NetworkBinding(
            bind_ip=binding.address,
            container_port=binding.container_port,
            host_port=binding.host_port,
            protocol=binding.protocol,
        )
    return NetworkBinding(
        bind_ip=binding.address,
        protocol=binding.protocol,
        container_port_range=f"{binding.container_port}-{binding.last_port}",
        host_port_range=f"{binding.host_port}-{binding.last_host_port}",
    )


def _next(task: Task, changed: Task) -> Task:
    """Number the document anew if anything visible in it changed."""
    return task if changed == task else msgspec.structs.replace(changed, version=task.version + 1)
