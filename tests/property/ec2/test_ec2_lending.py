"""No order of lending and giving back lends an address twice."""

import sqlite3
from collections.abc import Coroutine
from importlib import resources
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from homeport.db.database import Row, Value
from homeport.services.ec2.model import usable
from homeport.services.ec2.store import addresses

POOL = "subnet-1"
CIDR = "10.0.0.0/28"
FIRST, LAST = usable(CIDR)


class MemoryTx:
    """A transaction on an SQLite store in memory that never ends."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect(":memory:")
        migrations = resources.files("homeport.db") / "migrations" / "0002_ec2.sql"
        self._connection.executescript(migrations.read_text(encoding="utf-8"))

    async def execute(self, sql: str, *values: Value) -> int:
        return self._connection.execute(sql, values).rowcount

    async def fetch(self, sql: str, *values: Value) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()

    async def fetch_one(self, sql: str, *values: Value) -> Row | None:
        return self._connection.execute(sql, values).fetchone()

    def close(self) -> None:
        self._connection.close()


class Lending(RuleBasedStateMachine):
    """Compare the pool with a set of lent addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.tx = MemoryTx()
        self.lent: set[int] = set()
        self.run(addresses.ensure_pool(self.tx, POOL, CIDR))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run *work* without a loop: nothing in it waits."""
        try:
            work.send(None)
        except StopIteration as finished:
            return finished.value
        raise AssertionError("a transaction in memory never waits")

    @rule()
    def lend(self) -> None:
        address = self.run(addresses.lend(self.tx, POOL))
        free = set(range(FIRST, LAST + 1)) - self.lent
        if address is None:
            assert not free
        else:
            assert address in free
            self.lent.add(address)

    @rule(address=st.integers(FIRST, LAST))
    def lend_exactly(self, address: int) -> None:
        assert self.run(addresses.lend_exactly(self.tx, POOL, address)) is (address not in self.lent)
        self.lent.add(address)

    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        if self.lent:
            address = data.draw(st.sampled_from(sorted(self.lent)))
            self.run(addresses.give_back(self.tx, POOL, address))
            self.lent.remove(address)

    @invariant()
    def counts_agree(self) -> None:
        row = self.run(self.tx.fetch_one("SELECT lent FROM ec2_address_pools WHERE id = ?", POOL))
        assert row == (len(self.lent),)

    def teardown(self) -> None:
        self.tx.close()


Lending.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestLending = Lending.TestCase
