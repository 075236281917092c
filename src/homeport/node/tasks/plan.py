"""
Decide what to do for a task now.

Pure, and by levels: the same state always gives the same plan, whatever led to it, so that
continuing after a crash is ordinary planning.  The plan names everything that shall be under way;
the runner does what is not yet.
"""

from homeport.node.tasks import dependencies
from homeport.node.tasks.model import (
    Action,
    ContainerState,
    HostStage,
    NetworkStage,
    Plan,
    Stage,
    TaskState,
    Verb,
)
from homeport.wire.messages import Container, NetworkMode, Task


def plan(spec: Task, state: TaskState, now: float) -> Plan:
    """
    Return what shall be under way, for a state that `advance` has settled.

    Nothing is started before what it depends on, nothing at all once the task stops; containers are
    stopped only after those that depend on them.  On an instance nothing is done before it runs, and once it is
    lost everything is killed, in no order and without a stop timeout: a host that dies asks nobody.
    """
    if state.released or (spec.instance and state.stop is None and state.host is HostStage.PENDING):
        return Plan(())
    return _stopping(spec, state, now) if state.stop is not None else _running(spec, state, now)


def _running(spec: Task, state: TaskState, now: float) -> Plan:
    actions: list[Action] = []
    wakes: list[float] = []
    if state.network is NetworkStage.PENDING:
        placed = spec.network_mode is not NetworkMode.BRIDGE or state.allocated
        actions.append(Action(Verb.MAKE_NETWORK if placed else Verb.ALLOCATE))
    if not state.prepared:
        actions.append(Action(Verb.PREPARE))
    ready = state.network is NetworkStage.READY and state.prepared
    for container in spec.containers:
        own = state.containers[container.name]
        match own.stage:
            case Stage.NEW:
                actions.append(Action(Verb.PULL, container.name))
            case Stage.PULLED if ready and _may_create(spec, container, state):
                actions.append(Action(Verb.CREATE, container.name))
            case Stage.CREATED if own.ever_started or not dependencies.unmet(container, state.containers):
                actions.append(Action(Verb.START, container.name))
            case Stage.RUNNING:
                actions.append(Action(Verb.WATCH, container.name))
                _plan_health(container, own, now, actions, wakes)
            case _:
                pass
        if not own.ever_started and own.stage is not Stage.STOPPED:
            deadline = dependencies.next_deadline(container, spec, state)
            wakes += [deadline] if deadline is not None else []
    return Plan(tuple(actions), min(wakes, default=None))


def _may_create(spec: Task, container: Container, state: TaskState) -> bool:
    """
    Say whether nothing but dependencies keeps the container from being made.

    With a shared PID namespace the first container is the namespace, so the others wait until it runs.  A link
    tells of the image at its other end.
    """
    if any(state.containers[link.container].stage is Stage.NEW for link in dependencies.links(container)):
        return False
    if spec.pid_mode != "task":
        return True
    first = dependencies.pid_namespace_owner(spec)
    return container.name == first or state.containers[first].stage is Stage.RUNNING


def _plan_health(
    container: Container, own: ContainerState, now: float, actions: list[Action], wakes: list[float]
) -> None:
    check = container.health_check
    if check is None or own.started_at is None:
        return
    last = own.health.checked_at if own.health.checked_at is not None else own.started_at
    if now >= last + check.interval:
        actions.append(Action(Verb.CHECK_HEALTH, container.name))
    else:
        wakes.append(last + check.interval)


def _stopping(spec: Task, state: TaskState, now: float) -> Plan:
    actions: list[Action] = []
    wakes: list[float] = []
    waits_for = dependencies.dependents(spec)
    for container in spec.containers:
        own = state.containers[container.name]
        if own.stage is Stage.RUNNING:
            actions.append(Action(Verb.WATCH, container.name))
            if state.host is HostStage.LOST:
                actions += [] if own.killed else [Action(Verb.KILL, container.name)]
            elif all(state.containers[name].stage is Stage.STOPPED for name in waits_for[container.name]):
                _plan_end(container, own, now, actions, wakes)
        elif own.stage is Stage.STOPPED and not own.removed:
            actions.append(Action(Verb.REMOVE, container.name))
    if all(own.removed for own in state.containers.values()):
        actions += _epilogue(state)
    return Plan(tuple(actions), min(wakes, default=None))


def _plan_end(container: Container, own: ContainerState, now: float, actions: list[Action], wakes: list[float]) -> None:
    if own.stop_sent_at is None:
        actions.append(Action(Verb.STOP, container.name))
    elif not own.killed:
        if now >= own.stop_sent_at + container.stop_timeout:
            actions.append(Action(Verb.KILL, container.name))
        else:
            wakes.append(own.stop_sent_at + container.stop_timeout)


def _epilogue(state: TaskState) -> list[Action]:
    actions = []
    if not state.drained:
        actions.append(Action(Verb.DRAIN))
    if not state.cleaned:
        actions.append(Action(Verb.CLEAN))
    if state.dropped and not actions:
        actions.append(Action(Verb.RELEASE))
    return actions
