"""The server's wiring: what one part calls, another answers to."""

import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import homeport
from homeport.db.sqlite import SqliteDatabase
from homeport.kit.clock import SystemClock
from homeport.kit.installation import Installation
from homeport.server import Server
from homeport.services.ec2 import identity
from homeport.services.ec2.service import INSTANCES, NETWORK
from homeport.services.ecr.tokens import load_or_create

SOURCES = list(Path(homeport.__file__).parent.rglob("*.py"))
WAKES = {name for source in SOURCES for name in re.findall(r'wake\("([^"]+)"\)', source.read_text())} | {
    INSTANCES,
    NETWORK,
}


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Server]:
    """Wire a server on the store in *folder*; it listens nowhere."""
    installation = Installation(state=str(folder), run=str(folder))
    database, clock = SqliteDatabase(folder / "homeport.db"), SystemClock()
    try:
        authority = await load_or_create(database, clock, installation.registry)
        signer = await identity.load_or_create(database, clock)
        yield Server(installation, database, clock, authority, signer)
    finally:
        await database.close()


async def test_whatever_is_woken_listens(tmp_path: Path) -> None:
    assert {"ecs.placement", "logs.expiry", "fleet.sessions"} <= WAKES
    async with serving(tmp_path) as server:
        for name in WAKES:
            server.wake(name)


async def test_a_wake_that_nobody_listens_to_is_a_bug(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        with pytest.raises(KeyError, match="misspelt"):
            server.wake("ecs.misspelt")


async def test_a_node_that_joins_is_announced(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        assert not server.joined.is_set()
        server.wake("fleet.joined")
        assert server.joined.is_set()


async def test_every_start_finds_what_the_first_one_made(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        keys = await server.first_start()
        assert await server.first_start() == keys
    async with serving(tmp_path) as server:
        assert await server.first_start() == keys
