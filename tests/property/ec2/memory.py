"""A store in memory that can be interrupted at any statement, and work on it without a loop."""

import sqlite3
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any

from homeport.db.database import Row, Value
from homeport.db.sqlite import SqliteTx


class Interrupted(Exception):
    """The process has died here."""


class MemoryStore(SqliteTx):
    """SQLite in memory with the whole schema; *patience* is how many statements may still run, None for all."""

    def __init__(self) -> None:
        super().__init__(sqlite3.connect(":memory:", isolation_level=None))
        self._connection.execute("PRAGMA foreign_keys = ON")
        for file in sorted((resources.files("homeport.db") / "migrations").iterdir(), key=lambda entry: entry.name):
            if file.name.endswith(".sql"):
                self._connection.executescript(file.read_text(encoding="utf-8"))
        self.patience: int | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["MemoryStore"]:
        self._connection.execute("BEGIN")
        try:
            yield self
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["MemoryStore"]:
        yield self  # nobody else writes

    def _spend(self) -> None:
        if self.patience is not None:
            if self.patience == 0:
                raise Interrupted
            self.patience -= 1

    async def execute(self, sql: str, *values: Value) -> int:
        self._spend()
        return await super().execute(sql, *values)

    async def fetch(self, sql: str, *values: Value) -> list[Row]:
        self._spend()
        return await super().fetch(sql, *values)

    async def fetch_one(self, sql: str, *values: Value) -> Row | None:
        self._spend()
        return await super().fetch_one(sql, *values)

    async def close(self) -> None:
        self._connection.close()


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run *work* without a loop: nothing in it waits."""
    try:
        work.send(None)
    except StopIteration as finished:
        return finished.value
    raise AssertionError("work on a store in memory never waits")
