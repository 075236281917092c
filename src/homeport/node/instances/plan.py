"""
Decide what to do for an instance now.

Pure, and by levels: the same state always gives the same plan, whatever led to it, so that continuing after a
crash is ordinary planning.
"""

from homeport.node.instances.model import InstanceState, Plan, System, Verb

STOP_SECONDS = 5.0  # that the system container has to end of its own accord
RESTART_SECONDS = 1.0  # from an end that nobody asked for to the next start


def plan(state: InstanceState, now: float, *, wanted: bool, occupied: bool) -> Plan:
    """
    Return what shall be under way, for a state that `advance` has settled.

    *wanted* says whether it is meant to run, *occupied* whether tasks on it still have something in its namespace or
    control group: these stay until the tasks have let go of them.
    """
    if state.removed:
        return Plan(())
    if state.ending:
        return _ending(state, now, occupied=occupied)
    if wanted:
        return _starting(state, now)
    return Plan((Verb.REMOVE,)) if state.dropped else Plan(())


def _starting(state: InstanceState, now: float) -> Plan:
    actions: list[Verb] = []
    if not state.prepared:
        actions.append(Verb.PREPARE)
    if not state.networked:
        actions.append(Verb.MAKE_NETWORK)
    if not state.grouped:
        actions.append(Verb.MAKE_GROUP)
    if actions:
        return Plan(tuple(actions))
    match state.system:
        case System.NEW:
            return Plan((Verb.CREATE,))
        case System.ENDED if state.ended_at is not None and now < state.ended_at + RESTART_SECONDS:
            return Plan((), state.ended_at + RESTART_SECONDS)
        case System.CREATED | System.ENDED:
            return Plan((Verb.START,))
        case System.RUNNING:
            return Plan((Verb.WATCH,) if state.booted else (Verb.WATCH, Verb.AWAIT_BOOT))


def _ending(state: InstanceState, now: float, *, occupied: bool) -> Plan:
    if state.system is System.RUNNING:
        if state.stop_sent_at is None:
            return Plan((Verb.WATCH, Verb.STOP))
        if state.killed:
            return Plan((Verb.WATCH,))
        deadline = state.stop_sent_at + STOP_SECONDS
        return Plan((Verb.WATCH, Verb.KILL)) if now >= deadline else Plan((Verb.WATCH,), deadline)
    if occupied:
        return Plan(())
    return Plan((Verb.REMOVE_NETWORK if state.ungrouped else Verb.REMOVE_GROUP,))
