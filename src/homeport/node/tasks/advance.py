"""
What an event makes of a task's state, and what follows from it.

Pure: time is an argument.  `advance` first records the event, then draws every conclusion that
needs no action (`settle`): a dependency that can never hold, an essential container that has
ended, a stop that was asked for.
"""

from typing import TypeVar

import msgspec

from homeport.node.tasks import dependencies
from homeport.node.tasks.model import (
    REASON_LIMIT,
    Allocated,
    Cleaned,
    ContainerFailed,
    ContainerState,
    Created,
    Drained,
    Dropped,
    Event,
    Exited,
    Health,
    HealthChecked,
    HealthState,
    HostLost,
    HostReady,
    HostStage,
    NetworkFailed,
    NetworkMade,
    NetworkStage,
    Passed,
    Prepared,
    PrepareFailed,
    PullBegan,
    Pulled,
    Released,
    Removed,
    Signalled,
    Stage,
    Started,
    Starting,
    Stop,
    TaskState,
)
from homeport.wire.messages import Container, StopCause, Task

OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
ESSENTIAL_EXITED = "Essential container in task exited"

_HEALTH_OUTPUT_LIMIT = 4096
_NOT_STARTED = (Stage.NEW, Stage.PULLED, Stage.CREATED)

_S = TypeVar("_S", bound=msgspec.Struct)


def _with(struct: _S, **changes: object) -> _S:
    return msgspec.structs.replace(struct, **changes)


def _put(state: TaskState, name: str, container: ContainerState) -> TaskState:
    return _with(state, containers={**state.containers, name: container})


def advance(spec: Task, state: TaskState, event: Event, now: float) -> TaskState:
    """Return the state after *event*, with everything settled that follows from it."""
    return settle(spec, _record(spec, state, event, now), now)


def _record(spec: Task, state: TaskState, event: Event, now: float) -> TaskState:
    match event:
        case HostReady():
            return _with(state, host=HostStage.READY) if state.host is HostStage.PENDING else state
        case HostLost():
            return _host_lost(state, now)
        case Allocated():
            return _allocated(state, event)
        case NetworkMade():
            return _with(state, network=NetworkStage.READY)
        case NetworkFailed(reason):
            return _failed_to_start(_with(state, network=NetworkStage.FAILED), reason, now)
        case Prepared():
            return _with(state, prepared=True)
        case PrepareFailed(reason):
            return _failed_to_start(state, reason, now)
        case PullBegan():
            return state if state.pull_started_at is not None else _with(state, pull_started_at=now)
        case Drained():
            return _with(state, drained=True)
        case Cleaned():
            return _with(state, cleaned=True)
        case Released():
            return _with(state, released=True)
        case Dropped():
            return _with(state, dropped=True)
        case Passed():
            return state
        case ContainerFailed():
            return _container_failed(spec, state, event, now)
        case Exited():
            return _exited(spec, state, event)
        case _:
            return _put(state, event.container, _container(state.containers[event.container], event, spec, now))


def _host_lost(state: TaskState, now: float) -> TaskState:
    stop = state.stop if state.stop is not None else Stop(at=now, cause=StopCause.HOST_LOST)
    return _with(state, host=HostStage.LOST, stop=stop)


def _allocated(state: TaskState, event: Allocated) -> TaskState:
    """Take what was chosen, once, for something may have been made there."""
    if state.allocated:
        return state
    for name, claim in event.claims.items():
        placed = _with(state.containers[name], address=claim.address, bindings=claim.bindings)
        state = _put(state, name, placed)
    return _with(state, allocated=True)


def _container(
    old: ContainerState,
    event: Pulled | Created | Starting | Started | Signalled | HealthChecked | Removed,
    spec: Task,
    now: float,
) -> ContainerState:
    match event:
        case Pulled(_, image_id, digest, stop_signal):
            return _with(
                old,
                stage=_forward(old.stage, Stage.PULLED),
                image_id=image_id,
                image_digest=digest,
                stop_signal=stop_signal,
            )
        case Created():
            return _with(old, stage=_forward(old.stage, Stage.CREATED), created_at=now)
        case Starting():
            assert old.stage is Stage.CREATED, f"a container is started once it is created, not when {old.stage}"
            return _with(old, stage=Stage.STARTING)
        case Started(_, started_at):
            assert old.stage in (Stage.STARTING, Stage.CREATED), f"a {old.stage} container cannot have started"
            return _with(
                old,
                stage=Stage.RUNNING,
                started_at=started_at,
                finished_at=None,
                exit_code=None,
                reason="",
                restarts=old.restarts + (1 if old.ever_started else 0),
                health=HealthState(),
            )
        case Signalled(_, killed):
            return _with(old, stop_sent_at=old.stop_sent_at if old.stop_sent_at is not None else now, killed=killed)
        case HealthChecked():
            return _with(old, health=_health(old, event, _declared(spec, event.container), now))
        case Removed():
            return _with(old, stage=Stage.STOPPED, removed=True)


def _forward(old: Stage, new: Stage) -> Stage:
    """Return the later of two stages: what has been stopped meanwhile stays stopped."""
    order = list(Stage)
    return max(old, new, key=order.index)


def _declared(spec: Task, name: str) -> Container:
    return next(container for container in spec.containers if container.name == name)


def _container_failed(spec: Task, state: TaskState, event: ContainerFailed, now: float) -> TaskState:
    old = state.containers[event.container]
    if old.stage is Stage.STOPPED:
        return state
    reason = event.reason[:REASON_LIMIT]
    if old.ever_started:  # a restart in place that failed: the container ended as it had ended before
        return _put(state, event.container, _with(old, stage=Stage.STOPPED, reason=reason))
    state = _put(state, event.container, _with(old, stage=Stage.STOPPED, reason=reason))
    if event.ends_task or _declared(spec, event.container).essential:
        return _failed_to_start(state, reason, now)
    return state


def _failed_to_start(state: TaskState, reason: str, now: float) -> TaskState:
    if state.stop is not None:
        return state
    return _with(state, stop=Stop(at=now, cause=StopCause.FAILED_TO_START, reason=reason[:REASON_LIMIT]))


def _exited(spec: Task, state: TaskState, event: Exited) -> TaskState:
    old = state.containers[event.container]
    if old.stage is Stage.STOPPED:
        return state
    reason = OUT_OF_MEMORY if event.out_of_memory else event.reason[:REASON_LIMIT]
    ended = _with(old, finished_at=event.finished_at, exit_code=event.code, reason=reason)
    again = (
        state.stop is None
        and not (spec.stop or state.dropped)
        and event.restartable
        and _restarts(_declared(spec, event.container), old, event)
    )
    return _put(state, event.container, _with(ended, stage=Stage.CREATED if again else Stage.STOPPED))


def _restarts(container: Container, state: ContainerState, event: Exited) -> bool:
    policy = container.restart_policy
    if policy is None or event.code is None or state.started_at is None:
        return False
    return event.code not in policy.ignored_exit_codes and event.finished_at - state.started_at >= policy.period


def _health(state: ContainerState, event: HealthChecked, container: Container, now: float) -> HealthState:
    """
    Judge one check as Docker does.

    Failures in the start period do not count; a success ends it.
    """
    old, check = state.health, container.health_check
    if check is None or state.stage is not Stage.RUNNING or state.started_at is None:
        return old
    status, failures = old.status, old.failures
    if event.code == 0:
        status, failures = Health.HEALTHY, 0
    elif status is not Health.UNKNOWN or now - state.started_at >= check.start_period:
        failures += 1
        if failures >= check.retries:
            status = Health.UNHEALTHY
    return HealthState(
        status=status,
        since=now if status is not old.status or old.since is None else old.since,
        failures=failures,
        checked_at=now,
        code=event.code,
        output=event.output[:_HEALTH_OUTPUT_LIMIT],
    )


def settle(spec: Task, state: TaskState, now: float) -> TaskState:
    """Return the state with every conclusion drawn that needs no action."""
    if state.stop is None and (spec.stop or state.dropped):
        state = _with(state, stop=Stop(at=now))
    if state.stop is None:
        state = _settle_dependencies(spec, state, now)
    if state.stop is None:
        state = _settle_essential(spec, state, now)
    if state.stop is not None:
        state = _settle_stopping(state, now)
    if state.pull_started_at is not None and state.pull_stopped_at is None and _pulled(state):
        state = _with(state, pull_stopped_at=now)
    if state.started_at is None and state.stop is None and all_begun(state):
        state = _with(state, started_at=now)
    return state


def _settle_dependencies(spec: Task, state: TaskState, now: float) -> TaskState:
    """Mark stopped what can never start; that may make others unstartable, so until nothing changes."""
    changed = True
    while changed:
        changed = False
        for container in spec.containers:
            old = state.containers[container.name]
            if old.stage not in _NOT_STARTED or old.ever_started:
                continue
            if reason := dependencies.failure(container, spec, state, now):
                # 143 though it never ran: the code the ECS agent gives it.
                ended = _with(old, stage=Stage.STOPPED, exit_code=143, reason=reason[:REASON_LIMIT])
                state, changed = _put(state, container.name, ended), True
    return state


def _settle_essential(spec: Task, state: TaskState, now: float) -> TaskState:
    ended = [c for c in spec.containers if state.containers[c.name].stage is Stage.STOPPED]
    if any(c.essential for c in ended) or len(ended) == len(spec.containers):
        return _with(state, stop=Stop(at=now, cause=StopCause.ESSENTIAL_EXITED, reason=ESSENTIAL_EXITED))
    return state


def _settle_stopping(state: TaskState, now: float) -> TaskState:
    """Nothing starts any more: what has not started has ended."""
    for name, old in state.containers.items():
        if old.stage in _NOT_STARTED:
            state = _put(state, name, _with(old, stage=Stage.STOPPED))
    stopped = all(c.stage is Stage.STOPPED for c in state.containers.values())
    if stopped and state.execution_stopped_at is None:
        state = _with(state, execution_stopped_at=now)
    return state


def _pulled(state: TaskState) -> bool:
    return all(c.stage is not Stage.NEW for c in state.containers.values())


def all_begun(state: TaskState) -> bool:
    """Say whether every container has been started, or has ended without ending the task."""
    return all(c.ever_started or c.stage is Stage.STOPPED for c in state.containers.values())
