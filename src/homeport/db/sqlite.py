"""
SQLite as the store: WAL, synchronous=FULL, and group commit.

One connection writes.  Each transaction is a savepoint inside a larger SQLite transaction (a
*batch*); the batch is committed on a thread while the next requests queue, so that requests that
arrive together share one fsync.  A transaction is acknowledged only after its batch is on disk.
Readers have connections of their own and see the last committed batch.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import resources
from pathlib import Path

from homeport.db.database import Row, Tx, Value

log = logging.getLogger(__name__)


class SqliteTx:
    """Statements on one connection, inside a transaction that somebody else begins and ends."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def execute(self, sql: str, *values: Value) -> int:
        return self._connection.execute(sql, values).rowcount

    async def fetch(self, sql: str, *values: Value) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()

    async def fetch_one(self, sql: str, *values: Value) -> Row | None:
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        self._connection.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK TO attempt")
            raise
        finally:
            self._connection.execute("RELEASE attempt")


class _Batch:
    """The transactions that will share one commit."""

    def __init__(self) -> None:
        self.committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Nobody may be waiting when a commit fails during shutdown; the failure is logged then.
        self.committed.add_done_callback(lambda future: future.cancelled() or future.exception())


class SqliteDatabase:
    """A store in one SQLite file; see the module's docstring for its guarantees."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = self._connect()
        _migrate(self._writer)
        self._turn = asyncio.Lock()  # held by the transaction that is running statements
        self._batch: _Batch | None = None
        self._committer: asyncio.Task[None] | None = None
        self._readers: list[sqlite3.Connection] = []
        self._closed = False

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, cached_statements=512, timeout=10
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -65536")
        return connection

    def transaction(self) -> AbstractAsyncContextManager[Tx]:
        return self._transaction()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Tx]:
        async with self._turn:
            if self._closed:
                raise RuntimeError("the database is closed")
            if self._batch is None:
                self._writer.execute("BEGIN IMMEDIATE")
                self._batch = _Batch()
            batch = self._batch
            self._writer.execute("SAVEPOINT request")
            try:
                yield SqliteTx(self._writer)
            except BaseException:
                self._writer.execute("ROLLBACK TO request")
                self._writer.execute("RELEASE request")
                self._start_committing()
                raise
            self._writer.execute("RELEASE request")
            self._start_committing()
        # Shielded: a client that goes away must not undo what its neighbours in the batch were promised.
        await asyncio.shield(batch.committed)

    def _start_committing(self) -> None:
        if self._committer is None:
            self._committer = asyncio.create_task(self._commit(), name="sqlite commit")

    async def _commit(self) -> None:
        """Commit the open batch once every transaction that already queues for it has had its turn."""
        async with self._turn:
            batch, self._batch, self._committer = self._batch, None, None
            if batch is None:
                return
            try:
                await asyncio.to_thread(self._writer.execute, "COMMIT")
            except sqlite3.Error as error:
                log.exception("commit failed")
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                batch.committed.set_exception(error)
            else:
                batch.committed.set_result(None)

    def snapshot(self) -> AbstractAsyncContextManager[Tx]:
        return self._snapshot()

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[Tx]:
        reader = self._readers.pop() if self._readers else self._open_reader()
        reader.execute("BEGIN")
        try:
            yield SqliteTx(reader)
        finally:
            reader.execute("ROLLBACK")
            self._readers.append(reader)

    def _open_reader(self) -> sqlite3.Connection:
        reader = self._connect()
        reader.execute("PRAGMA query_only = ON")
        return reader

    async def close(self) -> None:
        while self._committer is not None:
            await asyncio.wait([self._committer])
        async with self._turn:
            self._closed = True
            self._writer.close()
            for reader in self._readers:
                reader.close()
            self._readers.clear()


def _migrate(connection: sqlite3.Connection) -> None:
    """Run the migrations this file has not seen, each in a transaction of its own, in the order of their names."""
    connection.execute("CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY)")
    done = {name for (name,) in connection.execute("SELECT name FROM schema_migrations")}
    folder = resources.files("homeport.db") / "migrations"
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".sql") or file.name in done:
            continue
        connection.execute("BEGIN IMMEDIATE")
        for statement in file.read_text(encoding="utf-8").split(";\n"):
            if statement.strip():
                connection.execute(statement)
        connection.execute("INSERT INTO schema_migrations (name) VALUES (?)", (file.name,))
        connection.execute("COMMIT")
