"""
Compare what is remembered of an instance with what is on the machine.

Pure.  Nothing of an instance is harmed by being asked for twice: where its system container does not run, the machine may
have been started anew, and its namespace and control group are asked for again.
"""

from msgspec.structs import replace

from homeport.node.instances.model import InstanceState, System
from homeport.runtime.protocol import Existing, Exit, Running


def recover(state: InstanceState, found: Existing | None) -> InstanceState:
    """Return the state to go on from, for an instance whose system container is *found* on the machine."""
    if found is not None and isinstance(found.state, Running):
        return replace(state, system=System.RUNNING, started_at=found.state.started_at)
    state = replace(state, networked=False, grouped=False)
    match found.state if found is not None else None:
        case Exit(finished_at=at):
            return replace(state, system=System.ENDED, ended_at=at)
        case _ if found is None or state.system is System.NEW:
            return replace(state, system=System.NEW)  # half made, perhaps: it is made again
    return replace(state, system=System.CREATED)
