"""
Do for one instance what its plan says.

Every action runs on its own; what it brings comes back as an event, the event changes the state, the new state is
planned again.  What makes and what takes away never overlap.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from msgspec.structs import replace as _replace

from homeport.kit.clock import Clock
from homeport.kit.supervise import Tasks
from homeport.node.instances.advance import advance
from homeport.node.instances.model import Begun, Dropped, Event, Failed, InstanceState, Passed, Verb
from homeport.node.instances.observe import observed
from homeport.node.instances.perform import Performer
from homeport.node.instances.plan import plan
from homeport.node.pacing import Pacing
from homeport.node.reports import InstanceReports
from homeport.node.store import InstanceRecord
from homeport.wire.messages import Eni, Instance, InstanceObserved, InstancePhase, Vpc

log = logging.getLogger(__name__)

_LANES = {Verb.WATCH: "watch", Verb.AWAIT_BOOT: "boot", Verb.STOP: "signal", Verb.KILL: "signal"}
_MAIN = "main"
_CANCELLED_WHEN_UNWANTED = frozenset({Verb.MAKE_NETWORK, Verb.WATCH, Verb.AWAIT_BOOT})
_REACHES_THE_KERNEL = frozenset({Verb.MAKE_NETWORK, Verb.MAKE_GROUP, Verb.CREATE, Verb.START})


class InstanceRunner:
    """One instance on this node, from its arrival until nothing is left of it."""

    def __init__(
        self,
        record: InstanceRecord,
        performer: Performer,
        reports: InstanceReports,
        clock: Clock,
        work: Tasks,
        occupied: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        self._record = record
        self._performer = performer
        self._reports = reports
        self._clock = clock
        self._work = work
        self._occupied = occupied  # whether tasks on it still have something in the kernel
        self._changed = changed  # told when `running` or `wanted` has changed
        self._under_way: dict[str, tuple[Verb, asyncio.Task[tuple[Event, ...]]]] = {}
        self._pacing = Pacing[Verb](self._look)
        self._forgotten = False
        self._closed = False

    # --- What others ask

    @property
    def id(self) -> str:
        return self._record.spec.id

    @property
    def spec(self) -> Instance:
        return self._record.spec

    @property
    def state(self) -> InstanceState:
        return self._record.state

    @property
    def running(self) -> bool:
        """Whether tasks can run on it: its namespace and control group exist, and its first boot is finished."""
        return all(self._serves(self._record))

    @property
    def wanted(self) -> bool:
        """Whether it is assigned and meant to run; an end that has begun is gone through with first."""
        return self._desired and not self.state.ending

    @property
    def _desired(self) -> bool:
        return self.spec.running and not self.state.dropped

    @property
    def eni(self) -> Eni | None:
        """The primary interface."""
        return next((eni for eni in self.enis if eni.id == self.spec.interface), None)

    @property
    def enis(self) -> tuple[Eni, ...]:
        """The interfaces attached to it, by device number."""
        return self._record.enis

    @property
    def address(self) -> str:
        """The primary private address; empty while its interface is not known."""
        return self.eni.address if self.eni is not None else ""

    @property
    def agent(self) -> Mapping[str, str]:
        """What user data has left in /etc/ecs/ecs.config; empty until it runs."""
        return self.state.agent

    @property
    def vpc(self) -> Vpc:
        """The VPC it lies in; only of an instance whose interface is known."""
        assert self._record.vpc is not None, f"the interface of {self.id} is not known yet"
        return self._record.vpc

    @property
    def namespace(self) -> Path:
        """The path of its network namespace."""
        return self._performer.namespace

    @property
    def gone(self) -> bool:
        return self._record.observed.phase is InstancePhase.GONE

    @property
    def acked(self) -> bool:
        """Whether the server has recorded the latest observation."""
        return self._record.acked >= self._record.observed.sequence

    @property
    def observed(self) -> InstanceObserved:
        return self._record.observed

    def record(self) -> InstanceRecord | None:
        return None if self._forgotten else self._record

    # --- What happens from outside

    def begin(self, events: Iterable[Event] = ()) -> None:
        """Start, or go on after a restart of ours with what was found on the machine."""
        self._reports.note(self.id, self, tell=True)
        self.take(*events, Passed())

    def hold(self) -> None:
        """Keep what may be in the kernel from being taken away, after a restart of ours."""
        if self.state.begun and not self.state.removed:
            self._performer.hold(self._record)

    def update(self, spec: Instance, enis: tuple[Eni, ...], vpc: Vpc | None) -> None:
        """Take a change of what is declared: a stop, a start, interfaces that come and go, new metadata."""
        old = self._record
        if (spec, enis, vpc) == (old.spec, old.enis, old.vpc):
            return
        self._record = _replace(old, spec=spec, enis=enis, vpc=vpc or old.vpc)
        if (enis, vpc) != (old.enis, old.vpc) and self.state.begun and self.wanted:
            self._performer.hold(self._record)
        self._pacing.release()  # what failed may have lacked just this
        self._reports.note(self.id, self, tell=False)
        self.take(Passed(), before=old)

    def drop(self) -> None:
        """The server wants nothing of the instance to remain."""
        if not self.state.dropped:
            self.take(Dropped())

    def look_again(self) -> None:
        """The tasks on it have changed."""
        if self.state.ending:
            self.take(Passed())

    def ack(self, sequence: int) -> None:
        """The server has recorded an observation."""
        if sequence > self._record.acked:
            self._record = _replace(self._record, acked=sequence)
            self._reports.note(self.id, self, tell=False)

    def forget(self) -> None:
        """Leave no memory of the instance."""
        assert self.gone, "an instance is forgotten when nothing is left of it"
        self._forgotten = True
        self._reports.note(self.id, self, tell=False)

    def close(self) -> None:
        """Begin nothing more; what is under way is its owner's to cancel.  What runs lives on."""
        self._closed = True
        self._pacing.look_in(None)

    # --- The loop of events and plans

    def take(self, *events: Event, before: InstanceRecord | None = None) -> None:
        """Change the state by *events* in their order and do what follows; *before* is the record if it has changed already."""
        now = self._clock.now()
        old = before or self._record
        seen = self._serves(old)
        state = self.state
        for event in events:
            state = advance(state, event, now, running=self.spec.running)
        self._put(state)
        self._follow_plan(now)
        if self._serves(self._record) != seen:
            self._changed()

    def _serves(self, record: InstanceRecord) -> tuple[bool, bool]:
        wanted = record.spec.running and not record.state.dropped and not record.state.ending
        return wanted, record.state.booted and record.state.networked and record.state.grouped

    def _put(self, state: InstanceState) -> None:
        old = self._record
        wanted = old.spec.running and not state.dropped
        seen = observed(self.id, state, old.observed.sequence, wanted=wanted)
        told = seen != old.observed
        if state == old.state and not told:
            return
        seen = _replace(seen, sequence=old.observed.sequence + 1) if told else old.observed
        self._record = _replace(old, state=state, observed=seen)
        self._reports.note(self.id, self, tell=told)

    def _follow_plan(self, now: float) -> None:
        wanted = plan(self.state, now, wanted=self._desired, occupied=self.state.ending and self._occupied())
        for verb, task in self._under_way.values():
            if verb in _CANCELLED_WHEN_UNWANTED and verb not in wanted.actions:
                task.cancel()
        for verb in wanted.actions:
            lane = _LANES.get(verb, _MAIN)
            if lane not in self._under_way and not self._pacing.holds(verb):
                self._launch(lane, verb, now)
        self._pacing.look_in(None if wanted.wake_at is None else wanted.wake_at - now)

    def _launch(self, lane: str, verb: Verb, now: float) -> None:
        if verb in _REACHES_THE_KERNEL:
            # Written before the kernel is asked; the plan that is being followed already counts on it.
            self._put(advance(self.state, Begun(), now, running=self.spec.running))
        task = self._work.spawn(self._perform(verb), name=f"{verb} {self.id}")
        self._under_way[lane] = (verb, task)
        task.add_done_callback(lambda task: self._ended(lane, task))

    async def _perform(self, verb: Verb) -> tuple[Event, ...]:
        try:
            events = await self._performer.perform(verb, self._record)
        except Exception as error:  # the supervisor: one failed action must not leave the instance hanging
            log.exception("%s of instance %s failed", verb, self.id)
            self._pacing.failed(verb)  # nothing that an instance needs has a failure that could be final
            return (Failed(str(error) or type(error).__name__),)
        self._pacing.succeeded(verb)
        return events

    def _ended(self, lane: str, task: "asyncio.Task[tuple[Event, ...]]") -> None:
        del self._under_way[lane]
        if not self._closed:
            self.take(*(() if task.cancelled() else task.result()), Passed())

    def _look(self) -> None:
        if not self._closed:
            self.take(Passed())
