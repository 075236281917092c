"""
Keep one load balancer as it is wanted.

One pass looks at everything, does what is missing and reports what it saw; it is made again when something has changed, and
soon in any case, as the proxy itself says nothing.  After a crash of ours the first pass is like any other.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from homeport.kit.clock import Clock
from homeport.kit.supervise import Tasks
from homeport.network import desired as network
from homeport.network.protocol import NetworkDriver, NetworkError
from homeport.node.access.spool import Spool
from homeport.node.balancing import access
from homeport.node.balancing.admin import AdminError
from homeport.node.balancing.config import fingerprint, render
from homeport.node.balancing.counters import Counters, Tally
from homeport.node.balancing.model import Desired, groups_of, namespace_of
from homeport.node.balancing.process import Process, Proxy, ProxyFailed
from homeport.node.balancing.recorder import Recorder
from homeport.node.balancing.records import BalancerRecord, TargetRecord
from homeport.node.balancing.sync import commands
from homeport.node.balancing.targets import TargetReports, Targets
from homeport.node.interfaces import Interfaces
from homeport.node.reports import Ledger
from homeport.wire.messages import BalancerObserved, BalancerState, Eni, Target, TargetObserved, Vpc

log = logging.getLogger(__name__)

BalancerReports = Ledger[BalancerRecord]

_CALM_SECONDS = 1.0  # between two looks at a proxy where nothing is about to happen
_EAGER_SECONDS = 0.1  # and where a target waits for its first check, or for its last connection to end
_ROUNDS = 2  # of telling and looking: what is seen of a target can ask for more to be told
_RETRY_SECONDS = (0.05, 0.2, 1.0, 5.0)


@dataclass(frozen=True, slots=True)
class BalancingMachine:
    """What load balancers are made with; *directory* is where their proxies' files lie."""

    network: NetworkDriver
    interfaces: Interfaces
    directory: Path
    spool: Spool
    program: str = "haproxy"


class BalancerRunner:
    """One load balancer on this node, from its arrival until nothing is left of it."""

    def __init__(
        self,
        record: BalancerRecord,
        targets: Iterable[TargetRecord],
        machine: BalancingMachine,
        reports: tuple[BalancerReports, TargetReports],
        clock: Clock,
        work: Tasks,
        gone: Callable[["BalancerRunner"], None],
    ) -> None:
        self._record = record
        self._machine = machine
        self._reports, target_reports = reports
        self._clock = clock
        self._work = work
        self._gone = gone  # called when nothing is left and the server has recorded it
        self._namespace = namespace_of(record.spec.id)
        self._proxy = Proxy(
            machine.directory / record.spec.id.rpartition("/")[2],
            lambda: machine.network.namespace(self._namespace),
            machine.program,
        )
        self._recorder = Recorder(
            record.spec.id,
            machine.spool,
            lambda: machine.network.namespace(self._namespace),
            lambda: machine.network.listen(self._namespace, access.ADDRESS, access.PORT, socket.SOCK_DGRAM),
        )
        self.targets = Targets(record.spec.id, target_reports, targets)
        self._desired = Desired(record.spec)
        self._fingerprint = ""
        self._tally = Tally()
        self._wake = asyncio.Event()
        self._dropped = False
        self._forgotten = False
        self._networked: tuple[tuple[Eni, ...], Vpc | None] | None = None
        self._current: Process | None = None
        self._finishing: dict[Process, float] = {}  # and since when
        self._watched: set[Process] = set()
        self.restarts = 0  # of proxies that ended without being asked to

    # --- What others ask

    @property
    def id(self) -> str:
        return self._record.spec.id

    @property
    def observed(self) -> BalancerObserved:
        return self._record.observed

    @property
    def gone(self) -> bool:
        return self.observed.state is BalancerState.GONE

    @property
    def acked(self) -> bool:
        return self._record.acked >= self.observed.sequence

    @property
    def counters(self) -> Counters:
        """What was counted since the node began; the source of the load balancer's metrics."""
        return self._tally.counters(groups_of(self._desired.balancer))

    def unacked(self) -> list[BalancerObserved | TargetObserved]:
        """Return what the server has not recorded yet."""
        own = [] if self.acked else [self.observed]
        return [*own, *(entry.observed for entry in self.targets if not entry.acked)]

    def record(self) -> BalancerRecord | None:
        return None if self._forgotten else self._record

    # --- What happens from outside

    def hold(self) -> None:
        """Keep what may be in the kernel from being taken away, after a restart of ours."""
        if not self.gone and self._record.vpc is not None and self._record.enis:
            attached = [(eni, number) for number, eni in enumerate(self._record.enis)]
            host = network.Host(id=self._namespace, bridge="")
            self._machine.interfaces.hold_host(host, attached, self._record.vpc)

    def begin(self) -> None:
        """Start, or go on after a restart of ours."""
        self._reports.note(self.id, self, tell=True)
        self._work.spawn(self._run(), name=f"load balancer {self.id}")

    def update(self, desired: Desired, enis: tuple[Eni, ...], vpc: Vpc | None) -> None:
        """Take what is wanted now."""
        old = self._record
        self._record = replace(old, spec=desired.balancer, enis=enis, vpc=vpc or old.vpc)
        if self._record != old:
            self._reports.note(self.id, self, tell=False)
        if desired != self._desired or not self._fingerprint:
            self._desired, self._fingerprint = desired, fingerprint(desired)
        self._recorder.take(desired.balancer, enis)
        self._wake.set()

    def drop(self) -> None:
        """The server wants nothing of it to remain."""
        if not self._dropped:
            self._dropped = True
            self._wake.set()
        self._forget_if_done()

    def ack(self, sequence: int) -> None:
        """The server has recorded an observation."""
        if sequence > self._record.acked:
            self._record = replace(self._record, acked=sequence)
            self._reports.note(self.id, self, tell=False)
        self._forget_if_done()

    def close(self) -> None:
        """Let go of what is open; the load balancer serves on."""
        self._recorder.hang_up()

    def _forget_if_done(self) -> None:
        if self._dropped and self.gone and self.acked and not self._forgotten:
            self._forgotten = True
            self._reports.note(self.id, self, tell=False)
            self._gone(self)

    # --- The loop

    async def _run(self) -> None:
        failures = 0
        while not self.gone:
            self._wake.clear()  # before looking: a change during the pass must start another
            try:
                await self._pass()
                failures = 0
                pause = _EAGER_SECONDS if self.targets.unsettled or self._finishing else _CALM_SECONDS
            except AdminError as error:
                # it has ended, most likely, or another has taken its place: the next pass finds out
                log.info("load balancer %s: %s", self.id, error)
                self._current, pause = None, _RETRY_SECONDS[0]
            except Exception as error:  # the supervisor: what went wrong must be tried again
                if not isinstance(error, ProxyFailed | NetworkError):
                    log.exception("load balancer %s failed", self.id)
                failures += 1
                pause = _RETRY_SECONDS[min(failures, len(_RETRY_SECONDS)) - 1]
                self._tell(BalancerState.FAILED, str(error) or type(error).__name__)
            await self._rest(pause)

    async def _rest(self, pause: float) -> None:
        try:
            async with asyncio.timeout(pause):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _pass(self) -> None:
        if self._dropped:
            await self._remove()
            return
        await self._make_network()
        self._recorder.listen()
        process = await self._ensure()
        self._recorder.settled()
        await self._settle(process)
        self._tell(BalancerState.ACTIVE)

    def _tell(self, state: BalancerState, reason: str = "") -> None:
        seen = self.observed
        if (seen.state, seen.reason) != (state, reason):
            if state is BalancerState.FAILED:
                log.error("load balancer %s: %s", self.id, reason)
            told = BalancerObserved(balancer=self.id, sequence=seen.sequence + 1, state=state, reason=reason)
            self._record = replace(self._record, observed=told)
            self._reports.note(self.id, self, tell=True)

    async def _make_network(self) -> None:
        record = self._record
        known = {eni.id for eni in record.enis}
        if record.vpc is None or not known or known != set(record.spec.enis):
            missing = ", ".join(sorted(set(record.spec.enis) - known)) or record.spec.vpc
            raise NetworkError(f"not known yet: {missing}")
        wanted = (record.enis, record.vpc)
        if self._networked != wanted:
            self.hold()
            if reason := await self._machine.interfaces.host_made(self._namespace):
                raise NetworkError(reason)
            self._networked = wanted

    async def _remove(self) -> None:
        await self._proxy.destroy()
        self._recorder.close()
        await self._machine.interfaces.release_host(self._namespace)
        self.targets.forget_all()
        self._tell(BalancerState.GONE)

    # --- The process

    async def _ensure(self) -> Process:
        if self._current is not None and self._current.fingerprint == self._fingerprint:
            return self._current
        running = await asyncio.to_thread(self._proxy.processes)
        last = running[-1] if running else None
        if last is not None and await self._proxy.serves(last):
            if last.fingerprint != self._fingerprint:
                last = await self._start(running, last)
        else:
            if last is not None:
                log.warning("load balancer %s: process %d does not answer", self.id, last.pid)
                await self._proxy.end(last)
            last = await self._start(running[:-1], None)
        self._take(last, [each for each in running if each != last])
        return last

    async def _start(self, before: list[Process], taken: Process | None) -> Process:
        desired = self._desired
        placed = self.targets.placed(desired)
        return await self._proxy.start(self._fingerprint, lambda place: render(desired, placed, place), before, taken)

    def _take(self, process: Process, finishing: Iterable[Process]) -> None:
        now = self._clock.now()
        for each in finishing:
            if each not in self._finishing and self._proxy.runs(each):
                self._finishing[each] = now
                self._watch(each)
        self._watch(process)
        self._current = process

    def _watch(self, process: Process) -> None:
        if process not in self._watched:
            self._watched.add(process)
            self._work.spawn(self._await_end(process), name=f"proxy {process.pid} of {self.id}")

    async def _await_end(self, process: Process) -> None:
        await self._proxy.ended(process)
        self._watched.discard(process)
        if self._finishing.pop(process, None) is None and not self._dropped:
            self.restarts += 1
            log.warning("load balancer %s: process %d ended", self.id, process.pid)
        if self._current == process:
            self._current = None
        self._wake.set()

    # --- The targets

    async def _settle(self, process: Process) -> None:
        """Have the process know the targets, and take note of what it has seen of them."""
        desired, admin = self._desired, self._proxy.admin(process)
        seen = await admin.look()
        for _ in range(_ROUNDS):
            if told := commands(desired, seen, self.targets.states(), self.targets.begun(desired)):
                await admin.tell(told)
                seen = await admin.look()
            self.targets.look(desired, seen, self._clock.now(), self._busy)
        self._tally.take(process.run, seen)

    def _busy(self, target: Target) -> bool:
        """
        Tell whether a process that finishes may still need a target.

        It does not hear of changes any more.  A client that it keeps may send one request more, until the time for
        which clients are kept is over; what is then under way is known by its connection.
        """
        now, idle = self._clock.now(), self._desired.balancer.idle_timeout
        return any(
            now < since + idle + 1 or self._proxy.reaches(process, target.address, target.port)
            for process, since in self._finishing.items()
        )
