"""A store of its own for each test that asks for one."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from homeport.db.sqlite import SqliteDatabase


@pytest.fixture
def in_store(tmp_path: Path) -> Callable[..., Any]:
    """Run a coroutine function on a fresh database, closed when it is done."""

    def run(work: Callable[[SqliteDatabase], Coroutine[Any, Any, Any]]) -> Any:
        async def main() -> Any:
            database = SqliteDatabase(tmp_path / "store.db")
            try:
                return await work(database)
            finally:
                await database.close()

        return asyncio.run(main())

    return run
