"""
The planner keeps its promises for any task, in any order of events, with a crash at any moment.

`simulation` checks with every action it carries out: nothing starts before its dependencies hold,
nothing starts once the task stops, nothing is stopped before what depends on it, and nothing is
started twice but by its restart policy.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.node.simulation import Machine, tasks

from homeport.node.tasks.model import Stage
from homeport.node.tasks.observe import phase
from homeport.wire.messages import Binding, StopCause, TaskPhase

PHASES = list(TaskPhase)

move = st.one_of(
    st.tuples(st.just("act"), st.integers(0, 5)),
    st.tuples(st.just("act untold"), st.integers(0, 5)),
    st.tuples(st.just("act and stop"), st.integers(0, 5)),
    st.tuples(st.just("time"), st.sampled_from((0.5, 3.0, 16.0, 70.0))),
    st.tuples(st.just("crash"), st.none()),
    st.tuples(st.just("stop"), st.none()),
    st.tuples(st.just("drop"), st.none()),
    st.tuples(st.just("lose host"), st.none()),
)


@pytest.mark.slow
@settings(max_examples=600)
@given(tasks(), st.lists(move, max_size=40))
def test_any_order_of_events_is_safe_and_ends(task, moves):
    machine = Machine(*task)
    reached = TaskPhase.ACCEPTED
    claims: dict[str, tuple[str, tuple[Binding, ...]]] = {}
    for kind, value in moves:
        actions = machine.actions()
        match kind:
            case "act" if actions:
                machine.perform(actions[value % len(actions)])
            case "act untold" if actions:
                machine.perform(actions[value % len(actions)], told=False)
                machine.crash()  # the only way not to be told
            case "act and stop" if actions:
                machine.perform(actions[value % len(actions)], stop_meanwhile=True)
            case "time":
                machine.pass_time(value)
            case "crash":
                machine.crash()
            case "stop":
                machine.stop()
            case "drop":
                machine.drop()
            case "lose host":
                machine.lose_host()
        assert not claims or machine.claims() == claims, "what was chosen stays"
        claims = machine.claims()
        now = phase(machine.state)
        assert PHASES.index(now) >= PHASES.index(reached), f"{reached} went back to {now}"
        reached = now
    machine.drop()
    machine.live(200)
    assert phase(machine.state) is TaskPhase.GONE
    assert not machine.real
    assert not machine.group
    assert not machine.sandboxes
    assert not machine.actions()


@pytest.mark.slow
@settings(max_examples=300)
@given(tasks(), st.sampled_from((10.0, 40.0, 200.0)))
def test_interrupted_after_any_action_it_comes_to_the_same_end(task, seconds):
    undisturbed = Machine(*task)
    undisturbed.live(seconds)
    undisturbed.stop()
    undisturbed.live(300)
    for interrupted in range(0, len(undisturbed.performed), 1 + len(undisturbed.performed) // 12):
        for told in (True, False):
            machine = Machine(*task)
            before = machine.now
            for _ in range(interrupted):
                if not machine.step():
                    break
            if machine.actions():
                machine.step(told=told)
                machine.crash()
            machine.live(seconds - (machine.now - before))
            machine.stop()
            machine.live(300)
            assert machine.summary() == undisturbed.summary()


@pytest.mark.slow
@settings(max_examples=300)
@given(tasks())
def test_a_task_left_alone_runs_or_ends(task):
    machine = Machine(*task)
    machine.live(3000)
    state = machine.state
    if state.stop is not None:
        assert phase(state) is TaskPhase.STOPPED
        return
    for container in machine.spec.containers:
        own = state.containers[container.name]
        if own.stage in (Stage.RUNNING, Stage.STOPPED):
            continue
        # What still waits, waits for something that can still happen.
        assert own.stage is Stage.CREATED
        waits_for = {*(d.container for d in container.depends_on), *container.links}
        assert any(state.containers[name].stage in (Stage.CREATED, Stage.RUNNING) for name in waits_for)


@pytest.mark.slow
@settings(max_examples=300)
@given(tasks(), st.integers(0, 40), st.booleans())
def test_a_lost_host_ends_its_task_at_once_whatever_it_was_doing(task, steps, told):
    machine = Machine(*task)
    for _ in range(steps):
        if not machine.step():
            break
    if machine.actions():
        machine.step(told=told)
        if not told:
            machine.crash()
    stopping = machine.state.stop is not None
    machine.lose_host()
    machine.settle()
    if not machine.spec.instance:
        assert machine.state.stop is None or machine.state.stop.cause is not StopCause.HOST_LOST
        return
    assert phase(machine.state) is TaskPhase.STOPPED  # and no time has passed
    assert machine.state.stop is not None
    assert stopping or machine.state.stop.cause is StopCause.HOST_LOST
    assert not machine.real
    assert not machine.sandboxes
