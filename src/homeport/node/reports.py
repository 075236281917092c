"""
What the node has to tell of its tasks, written down before it is said.

Changes of one turn of the event loop share a transaction; a report leaves only after it, so that
its sequence number is never used twice.  A report is kept until the server has recorded it.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from homeport.node.store import NodeStore, TaskRecord
from homeport.wire.messages import Observed


class Source(Protocol):
    """Whoever knows the current record of a task."""

    def record(self) -> TaskRecord | None:
        """Return the task's record, or None once it is forgotten."""


class Reports:
    """Writes and sends the records of tasks that have changed."""

    def __init__(self, store: NodeStore, send: Callable[[Observed], None]) -> None:
        self._store = store
        self._send = send
        self._changed: dict[str, tuple[Source, bool]] = {}

    def note(self, task: str, source: Source, *, tell: bool) -> None:
        """Write the task's record at the end of this turn, and with *tell* send its observation."""
        if not self._changed:
            asyncio.get_running_loop().call_soon(self.flush)
        _, told = self._changed.get(task, (source, False))
        self._changed[task] = (source, tell or told)

    def flush(self) -> None:
        """Write everything noted until now, then send it."""
        changed, self._changed = self._changed, {}
        records = {task: source.record() for task, (source, _) in changed.items()}
        if not records:
            return
        self._store.save_tasks(records)
        for task, (_, tell) in changed.items():
            record = records[task]
            if tell and record is not None:
                self._send(record.observed)
