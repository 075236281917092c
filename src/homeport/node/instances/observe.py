"""Put an instance's state into the words of the wire protocol."""

from homeport.node.instances.model import InstanceState
from homeport.wire.messages import InstanceObserved, InstancePhase


def phase(state: InstanceState, *, wanted: bool) -> InstancePhase:
    """Return how far the instance has come."""
    if state.removed:
        return InstancePhase.GONE
    if state.ending or state.dropped:
        return InstancePhase.STOPPING
    if not wanted:
        return InstancePhase.STOPPED
    return InstancePhase.RUNNING if state.booted else InstancePhase.PENDING


def observed(instance: str, state: InstanceState, sequence: int, *, wanted: bool) -> InstanceObserved:
    """Return the whole instance as the server shall see it."""
    return InstanceObserved(
        instance=instance,
        sequence=sequence,
        phase=phase(state, wanted=wanted),
        agent=state.agent,
        reason=state.failure or state.boot_reason,
    )
