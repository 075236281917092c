"""
When a container may start, when it never will, and when it may be stopped.

The conditions and texts are those of the ECS agent's dependency graph.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from homeport.node.tasks.model import ContainerState, Health, Stage, TaskState
from homeport.wire.messages import Container, Dependency, Task

LINKED = "LINKED"  # the condition of a link: the other container runs

_PREFIX = "CannotStartContainerError: dependency graph: "


@dataclass(frozen=True, slots=True)
class Link:
    """Another container of the task, and by what name it is to be found."""

    container: str
    alias: str


def links(container: Container) -> tuple[Link, ...]:
    """Return the container's links."""
    parts = (link.partition(":") for link in container.links)
    return tuple(Link(name, alias or name) for name, _, alias in parts)


def _needs(container: Container) -> tuple[Dependency, ...]:
    """Return what the container waits for, declared or because of a link."""
    linked = (Dependency(container=link.container, condition=LINKED) for link in links(container))
    return (*container.depends_on, *linked)


def unmet(container: Container, states: Mapping[str, ContainerState]) -> list[Dependency]:
    """Return the dependencies that do not hold yet; a container that waits for none may start."""
    return [d for d in _needs(container) if not _holds(d.condition, states[d.container])]


def _holds(condition: str, state: ContainerState) -> bool:
    match condition:
        case "START":
            return state.ever_started
        case "COMPLETE":
            return state.stage is Stage.STOPPED and state.ever_started
        case "SUCCESS":
            return state.stage is Stage.STOPPED and state.ever_started and state.exit_code == 0
        case "HEALTHY":
            return state.stage is Stage.RUNNING and state.health.status is Health.HEALTHY
        case condition if condition == LINKED:
            return state.stage is Stage.RUNNING
    raise AssertionError(f"no such condition: {condition}")


def failure(container: Container, task: Task, state: TaskState, now: float) -> str:
    """Return why *container* can never start, or nothing while it still may."""
    if namespace_lost(container, task, state):
        return "CannotCreateContainerError: the container whose PID namespace it shares has ended"
    for dependency in unmet(container, state.containers):
        other = state.containers[dependency.container]
        about = f"container ordering dependency [{dependency.container}] for target [{container.name}]"
        if (deadline := _deadline(dependency, task, other)) is not None and now >= deadline:
            return f"{_PREFIX}{about} has timed out."
        if other.stage is not Stage.STOPPED:
            continue
        if dependency.condition == "SUCCESS":
            return f"{_PREFIX}failed to resolve {about} as dependency did not exit successfully."
        return f"{_PREFIX}failed to resolve {about} because dependency will never start"
    return ""


def next_deadline(container: Container, task: Task, state: TaskState) -> float | None:
    """Return when the first of the container's unmet dependencies times out."""
    deadlines = (_deadline(d, task, state.containers[d.container]) for d in unmet(container, state.containers))
    return min((d for d in deadlines if d is not None), default=None)


def _deadline(dependency: Dependency, task: Task, other: ContainerState) -> float | None:
    """A start timeout belongs to the dependency, runs from its own start, and never concerns START."""
    timeout = next(c.start_timeout for c in task.containers if c.name == dependency.container)
    if dependency.condition in ("START", LINKED) or timeout <= 0:
        return None
    if other.started_at is None or other.stage is Stage.STOPPED:
        return None
    return other.started_at + timeout


def dependents(task: Task) -> dict[str, tuple[str, ...]]:
    """Return, by container, which others depend on it: they must be stopped before it is."""
    found = {
        container.name: tuple(
            other.name for other in task.containers if any(d.container == container.name for d in other.depends_on)
        )
        for container in task.containers
    }
    if task.pid_mode == "task":  # with the first process of a PID namespace the kernel ends all others
        owner = pid_namespace_owner(task)
        found[owner] = tuple(container.name for container in task.containers if container.name != owner)
    return found


def pid_namespace_owner(task: Task) -> str:
    """Return the container whose PID namespace the others share: the first that waits for no other."""
    return next(container.name for container in task.containers if not _needs(container))


def namespace_lost(container: Container, task: Task, state: TaskState) -> bool:
    """Say whether the PID namespace that *container* was to share has ended before it was made."""
    if task.pid_mode != "task" or state.containers[container.name].stage not in (Stage.NEW, Stage.PULLED):
        return False
    owner = pid_namespace_owner(task)
    return container.name != owner and state.containers[owner].stage is Stage.STOPPED
