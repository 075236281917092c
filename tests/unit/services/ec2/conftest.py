"""A store with the account's default VPC, for tests below the API."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from homeport.db.database import Tx
from homeport.db.sqlite import SqliteDatabase
from homeport.kit.ids import RandomIds
from homeport.services.ec2 import store
from homeport.services.ec2.model import NetworkInterface, SecurityGroup, Subnet
from homeport.services.ec2.store.addresses import ensure_pool

REGION = "us-east-1"


class Account:
    """One region of an account, and short ways to its default VPC."""

    region = REGION

    def __init__(self, database: SqliteDatabase) -> None:
        self.database = database
        self.ids = RandomIds()

    def transaction(self) -> AbstractAsyncContextManager[Tx]:
        return self.database.transaction()

    async def subnet(self, tx: Tx) -> Subnet:
        return (await store.default_subnets(tx, REGION))[0]

    async def group(self, tx: Tx) -> SecurityGroup:
        return await store.default_security_group(tx, (await self.subnet(tx)).vpc)

    async def interface(self, tx: Tx, **more: Any) -> NetworkInterface:
        arguments: dict[str, Any] = {"now": 1.0, "ids": self.ids} | more
        arguments.setdefault("subnet", await self.subnet(tx))
        arguments.setdefault("groups", [await self.group(tx)])
        return await store.allocate_interface(tx, **arguments)


@pytest.fixture
def open_account(tmp_path: Path) -> Any:
    """Give a context manager that opens an account with a small pool of public addresses."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Account]:
        database = SqliteDatabase(tmp_path / "homeport.db")
        try:
            async with database.transaction() as tx:
                await store.ensure_default_vpc(tx, REGION, RandomIds())
                await ensure_pool(tx, "public", "198.18.0.0/28")
            yield Account(database)
        finally:
            await database.close()

    return opened
