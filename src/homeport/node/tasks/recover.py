"""
Compare what is remembered of a task with what is on the machine.

Pure.  The result is a state and events as if no time had been lost: whatever ran without us runs
on, whatever ended is seen to have ended, and nothing that may have run is started a second time.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from homeport.node.tasks.model import ContainerState, Event, Exited, Stage, Started, TaskState
from homeport.runtime.protocol import Existing, Exit, Running

VANISHED = "ContainerVanishedError: No container matching saved ID found"
_SAME_MOMENT = 0.001  # seconds; times are read back from files


@dataclass(frozen=True, slots=True)
class Recovery:
    """The task's state to go on from, what has happened since, and half-made containers to remove first."""

    state: TaskState
    events: tuple[Event, ...]
    remove: tuple[str, ...]


def recover(state: TaskState, found: Mapping[str, Existing], now: float) -> Recovery:
    """Return how to go on with a task whose containers, by name, are *found* on the machine."""
    containers: dict[str, ContainerState] = {}
    events: list[Event] = []
    remove: list[str] = []
    for name, old in state.containers.items():
        existing = found.get(name)
        new, happened = _recover_container(name, old, existing, now)
        containers[name] = new
        events += happened
        if existing is not None and new.stage is Stage.NEW:
            remove.append(name)
    return Recovery(replace(state, containers=containers), tuple(events), tuple(remove))


def _recover_container(
    name: str, old: ContainerState, existing: Existing | None, now: float
) -> tuple[ContainerState, list[Event]]:
    if old.stage is Stage.STOPPED:
        return old, []
    found = existing.state if existing is not None else None
    if old.stage is Stage.RUNNING:
        return (old, []) if found is not None else (old, [_vanished(name, now)])
    match found:
        case Running(_, started_at):
            return replace(old, stage=Stage.STARTING), [Started(name, started_at)]
        case Exit() if _is_known_end(old, found):
            return replace(old, stage=Stage.CREATED), []  # its restart was decided but not begun
        case Exit():
            started_at = old.finished_at or old.created_at or found.finished_at
            return replace(old, stage=Stage.STARTING), [Started(name, started_at)]  # watching it will find its end
    if old.stage is Stage.STARTING or old.ever_started:
        if existing is not None and not old.ever_started:
            return replace(old, stage=Stage.CREATED), []  # still waiting for its first instruction
        return replace(old, stage=Stage.STARTING), [Started(name, old.started_at or now), _vanished(name, now)]
    if old.stage is Stage.CREATED and existing is not None:
        return old, []
    return replace(old, stage=Stage.NEW), []


def _is_known_end(old: ContainerState, found: Exit) -> bool:
    return old.finished_at is not None and found.finished_at <= old.finished_at + _SAME_MOMENT


def _vanished(name: str, now: float) -> Exited:
    return Exited(name, None, now, reason=VANISHED, restartable=False)
