"""An instance's plans, interrupted after every step: whatever happens, they come to what is wanted, in a safe order."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.node.instances.advance import advance
from homeport.node.instances.model import (
    Begun,
    Booted,
    Created,
    Dropped,
    Ended,
    Event,
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
    Verb,
)
from homeport.node.instances.observe import phase
from homeport.node.instances.plan import plan
from homeport.node.instances.recover import recover
from homeport.runtime.protocol import Existing, Exit, Running
from homeport.wire.messages import InstancePhase

_KERNEL = (Verb.MAKE_NETWORK, Verb.MAKE_GROUP, Verb.CREATE, Verb.START)


@dataclass
class Machine:
    """What is really there, and the rules that no plan may break."""

    now: float = 0.0
    files: bool = False
    network: bool = False
    group: bool = False
    container: Existing | None = None
    occupied: bool = False
    done: list[Verb] = field(default_factory=list)

    def perform(self, verb: Verb) -> Event:
        self.now += 1.0
        self.done.append(verb)
        match verb:
            case Verb.PREPARE:
                assert self.container is None, "files that a container has seen are never written again"
                self.files = True
                return Prepared()
            case Verb.MAKE_NETWORK:
                self.network = True
                return NetworkMade()
            case Verb.MAKE_GROUP:
                self.group = True
                return Grouped()
            case Verb.CREATE:
                assert self.files
                assert self.network
                assert self.group
                self.container = self.container or Existing("s", "i", None)
                return Created()
            case Verb.START:
                assert self.container is not None
                assert self.network
                assert self.group
                self.container = Existing("s", "i", Running(1, self.now))
                return Started(self.now)
            case Verb.STOP | Verb.KILL:
                self._end()
                return Signalled(killed=verb is Verb.KILL)
            case Verb.AWAIT_BOOT:
                assert self.container is not None
                assert isinstance(self.container.state, Running)
                return Booted({"ECS_CLUSTER": "c"})
            case Verb.REMOVE_GROUP:
                assert not self.occupied, "tasks are in it"
                self.group = False
                self._end()
                return Ungrouped()
            case Verb.REMOVE_NETWORK:
                assert not self.occupied, "tasks are in it"
                assert not self.group, "what runs in a namespace is gone before it"
                self.network = False
                return NetworkGone()
            case Verb.REMOVE:
                assert not self.network
                self.container, self.files = None, False
                return Removed()
        raise AssertionError(f"{verb} brings nothing by itself")

    def _end(self) -> None:
        if self.container is not None and isinstance(self.container.state, Running):
            self.container = Existing("s", "i", Exit(0, False, self.now))


@dataclass
class Life:
    machine: Machine = field(default_factory=Machine)
    state: InstanceState = field(default_factory=InstanceState)
    running: bool = True

    @property
    def wanted(self) -> bool:
        return self.running and not self.state.dropped

    def take(self, event: Event) -> None:
        self.state = advance(self.state, event, self.machine.now, running=self.running)

    def step(self, *, lost: bool = False) -> bool:
        """Do the first thing that is planned; with *lost* we are killed before we hear of it."""
        self.take(Passed())
        wanted = plan(self.state, self.machine.now, wanted=self.wanted, occupied=self.machine.occupied)
        actions = [verb for verb in wanted.actions if verb is not Verb.WATCH]
        container = self.machine.container
        if Verb.WATCH in wanted.actions and container is not None and isinstance(container.state, Exit):
            self.take(Ended(container.state.finished_at))
            return True
        if not actions:
            if wanted.wake_at is not None:
                self.machine.now = max(self.machine.now, wanted.wake_at)
            return wanted.wake_at is not None
        if actions[0] in _KERNEL:
            self.take(Begun())
        event = self.machine.perform(actions[0])
        if lost:
            self.state = recover(self.state, self.machine.container)
        else:
            self.take(event)
        return True

    def settle(self) -> None:
        for _ in range(60):
            if not self.step():
                return
        raise AssertionError(f"it does not come to rest: {self.state}")


def phase_of(life: Life) -> InstancePhase:
    return phase(life.state, wanted=life.wanted)


def check_gone(machine: Machine) -> None:
    assert (machine.files, machine.network, machine.group, machine.container) == (False, False, False, None)


@pytest.mark.parametrize("lost_at", range(12))
def test_interrupted_launch_comes_to_a_running_instance(lost_at: int):
    life = Life()
    for number in range(lost_at + 1):
        life.step(lost=number == lost_at)
    life.settle()
    assert phase_of(life) is InstancePhase.RUNNING
    assert life.state.agent == {"ECS_CLUSTER": "c"}


@pytest.mark.parametrize("begun", range(8))
@pytest.mark.parametrize("lost_at", range(8))
def test_end_may_come_at_any_moment_and_be_interrupted(begun: int, lost_at: int):
    life = Life()
    for _ in range(begun):
        life.step()
    life.take(Dropped())
    for number in range(lost_at + 1):
        life.step(lost=number == lost_at)
    life.settle()
    assert phase_of(life) is InstancePhase.GONE
    check_gone(life.machine)


@pytest.mark.parametrize("begun", range(8))
def test_stopped_instance_keeps_its_disk_and_starts_again(begun: int):
    life = Life()
    for _ in range(begun):
        life.step()
    had = life.machine.container is not None
    life.running = False
    life.settle()
    assert phase_of(life) is InstancePhase.STOPPED
    assert (life.machine.network, life.machine.group) == (False, False)
    assert (life.machine.container is not None) == had
    life.running = True
    life.settle()
    assert phase_of(life) is InstancePhase.RUNNING
    assert life.machine.done.count(Verb.PREPARE) == 1


def test_end_waits_for_the_tasks_and_is_not_taken_back():
    life = Life()
    life.settle()
    life.machine.occupied = True
    life.running = False
    life.settle()
    assert phase_of(life) is InstancePhase.STOPPING
    assert (life.machine.network, life.machine.group) == (True, True)
    life.running = True
    life.settle()
    assert phase_of(life) is InstancePhase.STOPPING
    life.machine.occupied = False
    life.settle()
    assert phase_of(life) is InstancePhase.RUNNING
    assert life.machine.done.count(Verb.START) == 2


@given(st.lists(st.sampled_from(["step", "lost", "stop", "start", "die", "occupy", "leave", "drop"]), max_size=40))
def test_whatever_happens_it_comes_to_what_is_wanted(moments: list[str]):
    life = Life()
    for moment in moments:
        match moment:
            case "step" | "lost":
                life.step(lost=moment == "lost")
            case "stop" | "start":
                life.running = moment == "start"
            case "die":
                life.machine._end()
            case "occupy":
                life.machine.occupied = life.machine.network and life.machine.group and not life.state.ending
            case "leave":
                life.machine.occupied = False
            case "drop":
                life.take(Dropped())
    life.machine.occupied = False
    life.settle()
    dropped = life.state.dropped
    wanted = InstancePhase.GONE if dropped else InstancePhase.RUNNING if life.running else InstancePhase.STOPPED
    assert phase_of(life) is wanted
    if dropped:
        check_gone(life.machine)


def test_recovered_container_is_what_it_is():
    state = InstanceState(begun=True, system=System.CREATED)
    assert recover(state, Existing("s", "i", Running(1, 5.0))).started_at == 5.0
    assert recover(state, Existing("s", "i", Exit(1, False, 6.0))).system is System.ENDED
    assert recover(state, Existing("s", "i", None)).system is System.CREATED
    assert recover(state, None).system is System.NEW
    assert recover(InstanceState(), Existing("s", "i", None)).system is System.NEW
