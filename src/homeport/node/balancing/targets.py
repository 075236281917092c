"""The targets of one load balancer: what was last seen of each, and what of it the server has recorded."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec.structs import replace

from homeport.node.balancing.admin import Seen, ServerSeen
from homeport.node.balancing.model import Desired, Placed, backend_of, groups_of, open_backend_of, server_of
from homeport.node.balancing.observe import CHECKING, DRAINED, DRAINING, REGISTERING, Health, health
from homeport.node.balancing.records import TargetRecord
from homeport.node.reports import Ledger
from homeport.wire.messages import Target, TargetObserved, TargetState

TargetReports = Ledger[TargetRecord]

_UNSETTLED = (TargetState.INITIAL, TargetState.DRAINING)


class Entry:
    """One target."""

    def __init__(self, record: TargetRecord) -> None:
        self._record: TargetRecord | None = record

    def record(self) -> TargetRecord | None:
        return self._record

    @property
    def observed(self) -> TargetObserved:
        assert self._record is not None, "who has forgotten it does not ask"
        return self._record.observed

    @property
    def health(self) -> Health:
        return Health(self.observed.state, self.observed.reason, self.observed.description)

    @property
    def acked(self) -> bool:
        return self._record is None or self._record.acked >= self._record.observed.sequence

    def put(self, record: TargetRecord | None) -> None:
        self._record = record

    def ack(self, sequence: int) -> bool:
        """Take the server's word; says whether it was news."""
        if self._record is None or sequence <= self._record.acked:
            return False
        self._record = replace(self._record, acked=sequence)
        return True


class Targets:
    """All of them, by id."""

    def __init__(self, balancer: str, reports: TargetReports, records: Iterable[TargetRecord]) -> None:
        self._balancer = balancer
        self._reports = reports
        self._entries = {record.observed.target: Entry(record) for record in records}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    @property
    def unsettled(self) -> bool:
        """Whether one of them waits for its first check or for its last connection to end."""
        return any(entry.observed.state in _UNSETTLED for entry in self._entries.values())

    def states(self) -> dict[str, TargetState]:
        return {id_: entry.observed.state for id_, entry in self._entries.items()}

    def begun(self, desired: Desired) -> frozenset[str]:
        """Name the targets that are known in their present registration."""
        return frozenset(
            id_
            for id_, entry in self._entries.items()
            if (target := desired.targets.get(id_)) is not None
            and entry.observed.registration == target.registration
            and entry.observed.state not in (TargetState.DRAINING, TargetState.DRAINED)
        )

    def placed(self, desired: Desired) -> list[Placed]:
        """Return the targets as a proxy that is started takes them over."""
        begun, states = self.begun(desired), self.states()
        return [
            Placed(
                target,
                TargetState.DRAINING if target.draining else states[id_] if id_ in begun else TargetState.INITIAL,
            )
            for id_, target in desired.targets.items()
        ]

    def look(self, desired: Desired, seen: Seen, now: float, busy: Callable[[Target], bool]) -> None:
        """Take what a process has seen; *busy* tells whether another, which finishes, may still need a target."""
        servers = {(server.backend, server.name): server for server in seen.servers}
        served = groups_of(desired.balancer)
        begun = self.begun(desired)
        wanted = {id_: target for id_, target in desired.targets.items() if target.target_group in served}
        for id_, target in wanted.items():
            if target.draining:
                delay = desired.groups[target.target_group].deregistration_delay
                over = now >= target.draining_since + delay
                self._put(target, DRAINED if over or not (_held(target, servers) or busy(target)) else DRAINING)
            else:
                before = self._entries[id_].health if id_ in begun else CHECKING
                server = servers.get((backend_of(target.target_group), server_of(target)))
                self._put(target, REGISTERING if server is None and id_ not in begun else health(server, before))
        for id_ in self._entries.keys() - wanted.keys():
            self._forget(id_)

    def _put(self, target: Target, seen: Health) -> None:
        entry = self._entries.get(target.id)
        if entry is not None and (entry.observed.registration, entry.health) == (target.registration, seen):
            return
        observed = TargetObserved(
            target=target.id,
            registration=target.registration,
            balancer=self._balancer,
            sequence=entry.observed.sequence + 1 if entry is not None else 1,
            state=seen.state,
            reason=seen.reason,
            description=seen.description,
        )
        record = entry.record() if entry is not None else None
        if entry is None or record is None:
            entry = self._entries[target.id] = Entry(TargetRecord(observed=observed))
        else:
            entry.put(replace(record, observed=observed))
        self._reports.note(target.id, entry, tell=True)

    def ack(self, target: str, sequence: int) -> None:
        if (entry := self._entries.get(target)) is not None and entry.ack(sequence):
            self._reports.note(target, entry, tell=False)

    def forget_all(self) -> None:
        for id_ in list(self._entries):
            self._forget(id_)

    def _forget(self, id_: str) -> None:
        entry = self._entries.pop(id_)
        entry.put(None)
        self._reports.note(id_, entry, tell=False)


def _held(target: Target, servers: Mapping[tuple[str, str], ServerSeen]) -> bool:
    """Tell whether requests to a target are under way, or it could be given some."""
    both = [servers.get((backend(target.target_group), server_of(target))) for backend in (backend_of, open_backend_of)]
    return any(server is not None and (server.sessions or not server.status.startswith("MAINT")) for server in both)
