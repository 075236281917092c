"""
What an event makes of an instance's state, and what follows from it.

Pure: time is an argument.
"""

from typing import TypeVar

import msgspec

from homeport.node.instances.model import (
    REASON_LIMIT,
    Begun,
    Booted,
    Created,
    Dropped,
    Ended,
    Event,
    Failed,
    Grouped,
    InstanceState,
    NetworkGone,
    NetworkMade,
    Passed,
    Prepared,
    Removed,
    Signalled,
    Started,
    System,
    Ungrouped,
)

_S = TypeVar("_S", bound=msgspec.Struct)


def _with(struct: _S, **changes: object) -> _S:
    return msgspec.structs.replace(struct, **changes)


def advance(state: InstanceState, event: Event, now: float, *, running: bool) -> InstanceState:
    """Return the state after *event*, with what follows from it and from whether the instance is meant to be *running*."""
    after = _record(state, event, now)
    if after.begun and not after.ending and not (running and not after.dropped):
        return _with(after, ending=True)  # never taken back: only what has ended starts again
    return after


def _record(state: InstanceState, event: Event, now: float) -> InstanceState:
    match event:
        case Begun():
            return state if state.begun else _with(state, begun=True)
        case Prepared():
            return _with(state, prepared=True, failure="")
        case NetworkMade():
            return _with(state, networked=True, failure="")
        case Grouped():
            return _with(state, grouped=True, failure="")
        case Created():
            # What had been created before must not be taken for new: its disk may hold something.
            return _with(state, system=System.CREATED if state.system is System.NEW else state.system, failure="")
        case Started(at):
            return _with(state, system=System.RUNNING, started_at=at, failure="")
        case Ended(at):
            return _with(state, system=System.ENDED, ended_at=at)
        case Booted(agent, reason):
            return _with(state, booted=True, agent=agent, boot_reason=reason[:REASON_LIMIT], failure="")
        case Signalled(killed):
            return _with(
                state,
                stop_sent_at=state.stop_sent_at if state.stop_sent_at is not None else now,
                killed=state.killed or killed,
            )
        case Ungrouped():
            return _with(state, ungrouped=True)
        case NetworkGone():
            return _stopped(state)
        case Removed():
            return _with(state, removed=True)
        case Failed(reason):
            return _with(state, failure=reason[:REASON_LIMIT])
        case Dropped():
            return _with(state, dropped=True)
        case Passed():
            return state


def _stopped(state: InstanceState) -> InstanceState:
    """Nothing of it runs any more: what is left is its disk, and the next boot begins from there."""
    return _with(
        state,
        begun=False,
        networked=False,
        grouped=False,
        ended_at=None,
        booted=False,
        agent={},
        boot_reason="",
        failure="",
        ending=False,
        stop_sent_at=None,
        killed=False,
        ungrouped=False,
    )
