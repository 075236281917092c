"""
Compare what is remembered of an instance with what is on the machine.

Pure.  Nothing of an instance is harmed by being asked for twice, so only the system container has to be looked at.
"""

from msgspec.structs import replace

from homeport.node.instances.model import InstanceState, System
from homeport.runtime.protocol import Existing, Exit, Running


def recover(state: InstanceState, found: Existing | None) -> InstanceState:
    """Return the state to go on from, for an instance whose system container is *found* on the machine."""
    if found is None:
        return replace(state, system=System.NEW)
    match found.state:
        case Running(started_at=at):
            return replace(state, system=System.RUNNING, started_at=at)
        case Exit(finished_at=at):
            return replace(state, system=System.ENDED, ended_at=at)
        case None if state.system is System.NEW:
            return state  # half made, perhaps: it is made again
        case None:
            return replace(state, system=System.CREATED)
