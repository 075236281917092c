"""What a statement costs, asked of SQLite."""

from contextlib import AbstractAsyncContextManager

from homeport.db.database import Row, Tx, Value


class Explained:
    """A transaction that asks SQLite how it will run each statement."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self.asked = 0
        self.plans: list[str] = []
        self.scanned: list[str] = []  # the statements that read a table from end to end, with how

    async def _explain(self, sql: str, values: tuple[Value, ...]) -> None:
        self.asked += 1
        for *_, detail in await self._tx.fetch(f"EXPLAIN QUERY PLAN {sql}", *values):
            self.plans.append(str(detail))
            if self.plans[-1].startswith("SCAN ") and "CONSTANT ROW" not in self.plans[-1]:
                self.scanned.append(f"{detail}: {sql}")

    async def execute(self, sql: str, *values: Value) -> int:
        await self._explain(sql, values)
        return await self._tx.execute(sql, *values)

    async def fetch(self, sql: str, *values: Value) -> list[Row]:
        await self._explain(sql, values)
        return await self._tx.fetch(sql, *values)

    async def fetch_one(self, sql: str, *values: Value) -> Row | None:
        await self._explain(sql, values)
        return await self._tx.fetch_one(sql, *values)

    def attempt(self) -> AbstractAsyncContextManager[None]:
        return self._tx.attempt()
