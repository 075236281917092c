"""What is remembered and what exists, put together: nothing runs twice, nothing is forgotten."""

from typing import Literal

import pytest

from homeport.node.tasks.model import ContainerState, Exited, Stage, Started, TaskState
from homeport.node.tasks.recover import VANISHED, recover
from homeport.runtime.protocol import Existing, Exit, Running

RUNNING = Running(7, 100.0)
ENDED = Exit(3, False, 120.0)


def go_on(remembered: ContainerState, found: Running | Exit | Literal["nothing"] | None):
    existing = {} if found == "nothing" else {"app": Existing("app", "t", found)}
    return recover(TaskState(containers={"app": remembered}), existing, 200.0)


@pytest.mark.parametrize(
    ("remembered", "found", "stage", "events"),
    [
        (ContainerState(stage=Stage.PULLED), "nothing", Stage.NEW, ()),
        (ContainerState(stage=Stage.CREATED), "nothing", Stage.NEW, ()),
        (ContainerState(stage=Stage.CREATED), None, Stage.CREATED, ()),
        (ContainerState(stage=Stage.CREATED), RUNNING, Stage.STARTING, (Started("app", 100.0),)),
        (ContainerState(stage=Stage.STARTING), None, Stage.CREATED, ()),
        (ContainerState(stage=Stage.STARTING), RUNNING, Stage.STARTING, (Started("app", 100.0),)),
        (ContainerState(stage=Stage.STARTING, created_at=90.0), ENDED, Stage.STARTING, (Started("app", 90.0),)),
        (ContainerState(stage=Stage.RUNNING, started_at=100.0), RUNNING, Stage.RUNNING, ()),
        (ContainerState(stage=Stage.RUNNING, started_at=100.0), ENDED, Stage.RUNNING, ()),
        (ContainerState(stage=Stage.STOPPED), "nothing", Stage.STOPPED, ()),
    ],
)
def test_recovery_goes_on_where_the_machine_is(remembered, found, stage, events):
    result = go_on(remembered, found)
    assert result.state.containers["app"].stage is stage
    assert result.events == events
    assert result.remove == ()


def test_half_made_container_is_made_again():
    result = go_on(ContainerState(stage=Stage.PULLED), None)
    assert result.state.containers["app"].stage is Stage.NEW
    assert result.remove == ("app",)


def test_decided_restart_is_still_to_be_done_when_the_known_end_is_the_last():
    waiting = ContainerState(stage=Stage.CREATED, started_at=100.0, finished_at=120.0, exit_code=3)
    result = go_on(waiting, ENDED)
    assert result.state.containers["app"].stage is Stage.CREATED
    assert result.events == ()


def test_begun_restart_that_ended_again_is_seen_as_a_second_run():
    waiting = ContainerState(stage=Stage.STARTING, started_at=100.0, finished_at=110.0, exit_code=3)
    result = go_on(waiting, ENDED)
    assert result.events == (Started("app", 110.0),)


@pytest.mark.parametrize("stage", [Stage.STARTING, Stage.RUNNING])
def test_vanished_container_has_ended_and_nobody_knows_how(stage):
    events = go_on(ContainerState(stage=stage, started_at=100.0), "nothing").events
    assert events[-1] == Exited("app", None, 200.0, reason=VANISHED, restartable=False)
