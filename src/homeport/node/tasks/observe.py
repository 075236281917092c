"""Put a task's state into the words of the wire protocol."""

from homeport.node.tasks.advance import all_begun
from homeport.node.tasks.model import ContainerState, NetworkStage, Stage, TaskState
from homeport.wire.messages import ContainerObserved, Observed, StopCause, Task, TaskPhase


def phase(state: TaskState) -> TaskPhase:
    """Return how far the task has come; only ever forward."""
    if state.released:
        return TaskPhase.GONE
    if state.stop is not None:
        gone = all(c.removed for c in state.containers.values()) and state.drained and state.cleaned
        return TaskPhase.STOPPED if gone else TaskPhase.STOPPING
    if all_begun(state):
        return TaskPhase.RUNNING
    return TaskPhase.NETWORK_READY if state.network is NetworkStage.READY else TaskPhase.ACCEPTED


def observed(spec: Task, state: TaskState, sequence: int) -> Observed:
    """Return the whole task as the server shall see it."""
    return Observed(
        task=spec.id,
        sequence=sequence,
        phase=phase(state),
        containers=tuple(_container(c.name, state.containers[c.name]) for c in spec.containers),
        cause=state.stop.cause if state.stop is not None else StopCause.NONE,
        reason=state.stop.reason if state.stop is not None else "",
        pull_started_at=state.pull_started_at,
        pull_stopped_at=state.pull_stopped_at,
        started_at=state.started_at,
        execution_stopped_at=state.execution_stopped_at,
    )


def _container(name: str, state: ContainerState) -> ContainerObserved:
    # A container between two runs of its restart policy does not pass through STOPPED.
    running = state.ever_started and state.stage is not Stage.STOPPED
    stopped = state.stage is Stage.STOPPED
    return ContainerObserved(
        name=name,
        status="RUNNING" if running else "STOPPED" if stopped else "PENDING",
        exit_code=state.exit_code if stopped else None,
        reason=state.reason if stopped else "",
        image_digest=state.image_digest,
        health=state.health.status.value,
        started_at=state.started_at,
        finished_at=state.finished_at,
        restarts=state.restarts,
        bindings=state.bindings if state.ever_started else (),
    )
