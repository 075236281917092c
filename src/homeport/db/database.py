"""
What the rest of Homeport may ask of its database.

SQL is written once for SQLite and PostgreSQL: `?` placeholders, `INSERT ... ON CONFLICT`, no
vendor functions.  Documents are JSON text in a column; only what is queried has a column of its own.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

Value = str | int | float | bytes | None
Row = Sequence[Any]


class Tx(Protocol):
    """One transaction.  Statements see everything written before them in it."""

    async def execute(self, sql: str, *values: Value) -> int:
        """Run a statement and return the number of rows it touched."""

    async def fetch(self, sql: str, *values: Value) -> list[Row]:
        """Return all rows of a query."""

    async def fetch_one(self, sql: str, *values: Value) -> Row | None:
        """Return the first row of a query, or None."""

    def attempt(self) -> AbstractAsyncContextManager[None]:
        """Open a block whose writes are undone if it is left by an exception; the transaction can go on after it."""


class Database(Protocol):
    """Transactions against one store."""

    def transaction(self) -> AbstractAsyncContextManager[Tx]:
        """
        Open a transaction for writing.

        Leaving the block normally returns only after the commit is on disk; leaving it by an
        exception undoes the block's writes.  Never await anything slow inside: writers queue.
        """

    def snapshot(self) -> AbstractAsyncContextManager[Tx]:
        """Open a consistent view for reading; it neither waits for writers nor delays them."""

    async def close(self) -> None:
        """Finish the commit under way and close the store."""
