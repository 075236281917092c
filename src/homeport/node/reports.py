"""
What the node has to tell of its tasks and instances, written down before it is said.

Changes of one turn of the event loop share a transaction; a report leaves only after it, so that
its sequence number is never used twice.  A report is kept until the server has recorded it.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from homeport.node.store import InstanceRecord, TaskRecord

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Source(Protocol[R_co]):
    """Whoever knows the current record of a task or an instance."""

    def record(self) -> R_co | None:
        """Return the record, or None once it is forgotten."""


class Ledger(Generic[R]):
    """Writes and sends the records that have changed; *written* is called when they have been."""

    def __init__(
        self,
        save: Callable[[Mapping[str, R | None]], None],
        send: Callable[[R], None],
        written: Callable[[], None] = lambda: None,
    ) -> None:
        self._save = save
        self._send = send
        self._written = written
        self._changed: dict[str, tuple[Source[R], bool]] = {}

    def note(self, id_: str, source: Source[R], *, tell: bool) -> None:
        """Write the record at the end of this turn, and with *tell* send its observation."""
        if not self._changed:
            asyncio.get_running_loop().call_soon(self.flush)
        _, told = self._changed.get(id_, (source, False))
        self._changed[id_] = (source, tell or told)

    def flush(self) -> None:
        """Write everything noted until now, then send it."""
        changed, self._changed = self._changed, {}
        records = {id_: source.record() for id_, (source, _) in changed.items()}
        if not records:
            return
        self._save(records)
        for id_, (_, tell) in changed.items():
            record = records[id_]
            if tell and record is not None:
                self._send(record)
        self._written()


Reports = Ledger[TaskRecord]
InstanceReports = Ledger[InstanceRecord]
