"""
Do for one task what its plan says.

Every action runs on its own; what it brings comes back as an event, the event changes the state,
the new state is planned again.  A container's pull, create, start and removal never overlap, so a
stop that arrives during a start waits for its outcome; a pull or a health check that is no longer
wanted is cancelled.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace as _replace

from homeport.kit.clock import Clock
from homeport.kit.supervise import Tasks
from homeport.node.pacing import Pacing
from homeport.node.reports import Reports
from homeport.node.store import TaskRecord
from homeport.node.tasks.advance import advance
from homeport.node.tasks.hosts import Host
from homeport.node.tasks.model import (
    Action,
    Dropped,
    Event,
    HostLost,
    HostReady,
    HostStage,
    Passed,
    TaskState,
    Verb,
)
from homeport.node.tasks.observe import observed
from homeport.node.tasks.perform import Performer
from homeport.node.tasks.plan import plan
from homeport.wire.messages import Eni, Observed, Task, TaskPhase, Vpc

log = logging.getLogger(__name__)

_LANES = {
    Verb.PULL: "main",
    Verb.CREATE: "main",
    Verb.START: "main",
    Verb.REMOVE: "main",
    Verb.STOP: "signal",
    Verb.KILL: "signal",
    Verb.ALLOCATE: "network",
    Verb.MAKE_NETWORK: "network",
    Verb.PREPARE: "task",
    Verb.CLEAN: "task",
    Verb.RELEASE: "task",
}
_CANCELLED_WHEN_UNWANTED = frozenset({Verb.PULL, Verb.CHECK_HEALTH, Verb.MAKE_NETWORK, Verb.WATCH})


@dataclass(slots=True)
class _UnderWay:
    action: Action
    task: "asyncio.Task[tuple[Event, ...]]"


class Runner:
    """One task on this node, from its arrival until nothing is left of it."""

    def __init__(self, record: TaskRecord, performer: Performer, reports: Reports, clock: Clock, work: Tasks) -> None:
        self._record = record
        self._performer = performer
        self._reports = reports
        self._clock = clock
        self._work = work
        self._lanes: dict[tuple[str, str], _UnderWay] = {}
        self._pacing = Pacing[Action](self._look)
        self._forgotten = False
        self._closed = False

    # --- What others ask

    @property
    def spec(self) -> Task:
        return self._record.spec

    @property
    def state(self) -> TaskState:
        return self._record.state

    @property
    def eni(self) -> Eni | None:
        return self._record.eni

    @property
    def vpc(self) -> Vpc | None:
        return self._record.vpc

    @property
    def on_instance(self) -> bool:
        """Whether anything of the task may still be on its instance: processes, namespaces, ports."""
        return bool(self.spec.instance) and not self.state.cleaned

    @property
    def gone(self) -> bool:
        return self._record.observed.phase is TaskPhase.GONE

    @property
    def acked(self) -> bool:
        """Whether the server has recorded the latest observation."""
        return self._record.acked >= self._record.observed.sequence

    @property
    def observed(self) -> Observed:
        return self._record.observed

    def record(self) -> TaskRecord | None:
        return None if self._forgotten else self._record

    # --- What happens from outside

    def go_on(self) -> None:
        """After a restart of ours, keep what the task has."""
        self._performer.go_on(self._record)

    def begin(self, events: Iterable[Event] = ()) -> None:
        """Start, or go on after a restart of ours with what was found on the machine."""
        self._reports.note(self.spec.id, self, tell=True)
        self.take(*events, Passed())

    def update(self, spec: Task, eni: Eni | None, vpc: Vpc | None) -> None:
        """Take a change of what is declared: a stop, or new settings of the interface."""
        old = self._record
        if (spec, eni, vpc) == (old.spec, old.eni, old.vpc):
            return
        stop = spec.stop or old.spec.stop  # never taken back
        self._record = _replace(old, spec=_replace(spec, stop=stop), eni=eni or old.eni, vpc=vpc or old.vpc)
        self._performer.moved(self._record)
        self._reports.note(self.spec.id, self, tell=False)
        self.take(Passed())

    def look_at(self, host: Host | None) -> None:
        """Take what the task's instance is like now; a node without that instance has lost it."""
        if host is None or not host.wanted:
            if self.state.host is not HostStage.LOST and not self.state.cleaned:
                self.take(HostLost())
        elif host.running and self.state.host is HostStage.PENDING:
            self.take(HostReady())

    def drop(self) -> None:
        """The server wants nothing of the task to remain."""
        if not self.state.dropped:
            self.take(Dropped())

    def ack(self, sequence: int) -> None:
        """The server has recorded an observation."""
        if sequence > self._record.acked:
            self._record = _replace(self._record, acked=sequence)
            self._reports.note(self.spec.id, self, tell=False)

    def forget(self) -> None:
        """Leave no memory of the task."""
        assert self.gone, "a task is forgotten when nothing is left of it"
        self._forgotten = True
        self._reports.note(self.spec.id, self, tell=False)

    def close(self) -> None:
        """Begin nothing more; what is under way is its owner's to cancel.  The containers live on."""
        self._closed = True
        self._pacing.look_in(None)

    # --- The loop of events and plans

    def take(self, *events: Event) -> None:
        """Change the state by *events* in their order and do what follows."""
        now = self._clock.now()
        before = self._record
        state = before.state
        for event in events:
            state = advance(self.spec, state, event, now)
        if state != before.state:
            self._record = self._with_state(state)
            told = self._record.observed is not before.observed
            self._reports.note(self.spec.id, self, tell=told)
        self._follow_plan(now)

    def _with_state(self, state: TaskState) -> TaskRecord:
        old = self._record.observed
        seen = observed(self.spec, state, old.sequence)
        seen = old if seen == old else _replace(seen, sequence=old.sequence + 1)
        return _replace(self._record, state=state, observed=seen)

    def _follow_plan(self, now: float) -> None:
        wanted = plan(self.spec, self.state, now)
        self._cancel_unwanted(wanted.actions)
        for action in wanted.actions:
            lane = (_LANES.get(action.verb, action.verb), action.container)
            if lane not in self._lanes and not self._pacing.holds(action):
                self._launch(lane, action, now)
        self._pacing.look_in(None if wanted.wake_at is None else wanted.wake_at - now)

    def _cancel_unwanted(self, wanted: tuple[Action, ...]) -> None:
        for under_way in self._lanes.values():
            if under_way.action.verb in _CANCELLED_WHEN_UNWANTED and under_way.action not in wanted:
                under_way.task.cancel()

    def _launch(self, lane: tuple[str, str], action: Action, now: float) -> None:
        if (intent := self._performer.intent(action)) is not None:
            # Written before the runtime is asked; the plan that is being followed already counts on it.
            self._record = self._with_state(advance(self.spec, self.state, intent, now))
            self._reports.note(self.spec.id, self, tell=True)
        name = f"{action.verb} {self.spec.id} {action.container}".rstrip()
        task = self._work.spawn(self._perform(action), name=name)
        self._lanes[lane] = _UnderWay(action, task)
        task.add_done_callback(lambda task: self._ended(lane, task))

    async def _perform(self, action: Action) -> tuple[Event, ...]:
        try:
            events = await self._performer.perform(action, self._record)
        except Exception as error:  # the supervisor: one failed action must not leave the task hanging
            log.exception("%s of task %s failed", action.verb, self.spec.id)
            events = self._performer.failure(self.spec, action, error)
            if not events:
                self._pacing.failed(action)  # removing and cleaning have no failure that could be final
        else:
            self._pacing.succeeded(action)
        return events

    def _ended(self, lane: tuple[str, str], task: "asyncio.Task[tuple[Event, ...]]") -> None:
        del self._lanes[lane]
        if not self._closed:
            self.take(*(() if task.cancelled() else task.result()), Passed())

    def _look(self) -> None:
        if not self._closed:
            self.take(Passed())
