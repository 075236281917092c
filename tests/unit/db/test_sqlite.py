"""The store's promises: nothing acknowledged is lost, nothing refused is kept, commits are shared."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import resources
from pathlib import Path

import pytest

from homeport.db.sqlite import SqliteDatabase

SCHEMA = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"


@asynccontextmanager
async def database(path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = SqliteDatabase(path)
    try:
        async with opened.transaction() as tx:
            await tx.execute(SCHEMA.replace("TABLE", "TABLE IF NOT EXISTS"))
        yield opened
    finally:
        await opened.close()


async def notes(opened: SqliteDatabase) -> list[str]:
    async with opened.snapshot() as tx:
        return [text for (text,) in await tx.fetch("SELECT text FROM notes ORDER BY id")]


async def test_what_a_transaction_wrote_is_there_after_it(tmp_path: Path) -> None:
    async with database(tmp_path / "db") as opened:
        async with opened.transaction() as tx:
            await tx.execute("INSERT INTO notes (text) VALUES (?)", "kept")
            assert await tx.fetch_one("SELECT text FROM notes") == ("kept",)
        assert await notes(opened) == ["kept"]


async def test_a_failed_transaction_leaves_nothing_and_its_neighbours_everything(tmp_path: Path) -> None:
    async with database(tmp_path / "db") as opened:

        async def write(text: str) -> None:
            async with opened.transaction() as tx:
                await tx.execute("INSERT INTO notes (text) VALUES (?)", text)
                if text == "bad":
                    raise LookupError(text)

        results = await asyncio.gather(write("a"), write("bad"), write("b"), return_exceptions=True)
        assert [type(result) for result in results] == [type(None), LookupError, type(None)]
        assert await notes(opened) == ["a", "b"]


async def test_a_failed_attempt_is_undone_and_the_transaction_goes_on(tmp_path: Path) -> None:
    async with database(tmp_path / "db") as opened:
        async with opened.transaction() as tx:
            await tx.execute("INSERT INTO notes (text) VALUES (?)", "before")
            async with tx.attempt():
                await tx.execute("INSERT INTO notes (text) VALUES (?)", "kept")
                with suppress(LookupError):
                    async with tx.attempt():
                        await tx.execute("INSERT INTO notes (text) VALUES (?)", "undone")
                        raise LookupError
            await tx.execute("INSERT INTO notes (text) VALUES (?)", "after")
        assert await notes(opened) == ["before", "kept", "after"]


async def test_a_reader_sees_only_what_is_committed_and_may_not_write(tmp_path: Path) -> None:
    async with database(tmp_path / "db") as opened:
        async with opened.transaction() as tx:
            await tx.execute("INSERT INTO notes (text) VALUES ('early')")
            assert await notes(opened) == []
        async with opened.snapshot() as tx:
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                await tx.execute("INSERT INTO notes (text) VALUES ('never')")
        assert await notes(opened) == ["early"]


async def test_simultaneous_transactions_share_commits(tmp_path: Path) -> None:
    async with database(tmp_path / "db") as opened:
        commits = 0
        opened._writer.set_trace_callback(lambda sql: count(sql))

        def count(sql: str) -> None:
            nonlocal commits
            commits += sql == "COMMIT"

        async def write(number: int) -> None:
            async with opened.transaction() as tx:
                await tx.execute("INSERT INTO notes (text) VALUES (?)", str(number))

        await asyncio.gather(*(write(number) for number in range(200)))
        assert len(await notes(opened)) == 200
        assert commits < 20


async def test_a_cancelled_request_does_not_undo_its_neighbours(tmp_path: Path) -> None:
    async with database(tmp_path / "db") as opened:

        async def write(text: str) -> None:
            async with opened.transaction() as tx:
                await tx.execute("INSERT INTO notes (text) VALUES (?)", text)

        impatient = asyncio.create_task(write("impatient"))
        patient = asyncio.create_task(write("patient"))
        await asyncio.sleep(0)  # both have started: one holds the turn, one queues for it
        impatient.cancel()
        await patient
        assert "patient" in await notes(opened)


WRITER = """
import asyncio, sys
from pathlib import Path
from homeport.db.sqlite import SqliteDatabase

async def main():
    database = SqliteDatabase(Path(sys.argv[1]))
    async def write(number):
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO notes (id, text) VALUES (?, ?)", number, "x")
        print(number, flush=True)
    for start in range(1, 100_000, 10):
        await asyncio.gather(*(write(start + step) for step in range(10)))

asyncio.run(main())
"""


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "db"
    async with database(path):
        pass
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(157)]
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += [int(line) for line in process.stdout.read().splitlines()]
    async with database(path) as opened, opened.snapshot() as tx:
        stored = {number for (number,) in await tx.fetch("SELECT id FROM notes")}
    assert set(acknowledged) <= stored


def test_migrations_run_once(tmp_path: Path) -> None:
    first = SqliteDatabase(tmp_path / "db")
    asyncio.run(first.close())
    second = SqliteDatabase(tmp_path / "db")
    asyncio.run(second.close())
    connection = sqlite3.connect(tmp_path / "db")
    names = [name for (name,) in connection.execute("SELECT name FROM schema_migrations ORDER BY name")]
    connection.close()
    assert names[0] == "0001_core.sql"
    assert len(names) == len(set(names))


def test_no_two_migrations_have_one_number() -> None:
    names = [file.name for file in (resources.files("homeport.db") / "migrations").iterdir()]
    numbers = [name.partition("_")[0] for name in names if name.endswith(".sql")]
    assert len(numbers) == len(set(numbers)), sorted(numbers)
