"""
The API as its users meet it: real boto3 clients over loopback against the gateway and a fresh store per test.

One HTTP server runs for the whole session, in a thread with a loop of its own; each test swaps in a
gateway of its own.  So clients, which are slow to make, are made once.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import botocore.session
import pytest
from botocore.config import Config
from tests.api.refusal import refusal

from homeport.aws.call import Principal
from homeport.aws.credentials import Credential
from homeport.aws.objects import ObjectStore
from homeport.aws.operation import Service
from homeport.db.sqlite import SqliteDatabase
from homeport.gateway.app import Gateway
from homeport.gateway.http import serve
from homeport.kit.clock import SystemClock
from homeport.kit.ids import RandomIds
from homeport.services.registry import SERVICES

ACCOUNT = "123456789012"
REGION = "us-east-1"
ROOT = Credential(
    access_key_id="AKIAHOMEPORTROOT0001",
    secret_access_key="root-secret-of-the-tests",
    principal=Principal(arn=f"arn:aws:iam::{ACCOUNT}:root", user_id=ACCOUNT, account=ACCOUNT),
)
SOMEBODY = Credential(
    access_key_id="AKIAHOMEPORTUSER0002",
    secret_access_key="somebody-s-secret",
    principal=Principal(arn=f"arn:aws:iam::{ACCOUNT}:user/somebody", user_id="AIDASOMEBODY", account=ACCOUNT),
)

T = TypeVar("T")


def registered_services() -> dict[str, Service]:
    """Return the services of the installation."""
    return dict(SERVICES)


class Keys:
    """The keys of the tests, by id."""

    def __init__(self) -> None:
        self.known = {credential.access_key_id: credential for credential in (ROOT, SOMEBODY)}

    async def find(self, access_key_id: str) -> Credential | None:
        return self.known.get(access_key_id)


class Server:
    """The session's HTTP server; `gateway` answers for the test that runs."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.gateway: Gateway | None = None
        self.clients: dict[tuple[Any, ...], Any] = {}
        self._bound: Future[int] = Future()
        self._stop = asyncio.Event()
        self._session = botocore.session.Session()
        self._thread = threading.Thread(target=self._run, name="api under test", daemon=True)
        self._thread.start()
        self.port = self._bound.result(timeout=60)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve())
        self.loop.close()

    async def _serve(self) -> None:
        async with serve(self._answer, "127.0.0.1", 0) as port:
            self._bound.set_result(port)
            await self._stop.wait()

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        assert self.gateway is not None, "no test is running"
        await self.gateway(scope, receive, send)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=60)

    def client(
        self, service: str, *, credential: Credential = ROOT, region: str = REGION, validate: bool = True
    ) -> Any:
        key = (service, credential.access_key_id, region, validate)
        if key not in self.clients:
            self.clients[key] = self._session.create_client(
                service,
                region_name=region,
                endpoint_url=f"http://127.0.0.1:{self.port}",
                aws_access_key_id=credential.access_key_id,
                aws_secret_access_key=credential.secret_access_key,
                aws_session_token=credential.session_token,
                config=Config(
                    retries={"total_max_attempts": 1},
                    parameter_validation=validate,
                    read_timeout=60,
                    inject_host_prefix=False,  # as `homeport env` tells clients: nothing resolves data-127.0.0.1
                ),
            )
        return self.clients[key]

    def close(self) -> None:
        for client in self.clients.values():
            client.close()
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=60)
        assert not self._thread.is_alive(), "the server must end when it is told to"


class Api:
    """One test's installation: a fresh store, the wakes that went out, and clients."""

    def __init__(self, server: Server, database: SqliteDatabase, wakes: list[str], keys: Keys) -> None:
        self.database = database
        self.wakes = wakes
        self.keys = keys
        self.account = ACCOUNT
        self.region = REGION
        self.somebody = SOMEBODY
        self.port = server.port
        self.url = f"http://127.0.0.1:{server.port}"
        self.run = server.run
        self.client = server.client


@pytest.fixture(scope="session")
def api_server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def objects() -> ObjectStore | None:
    """The store that the operator has named: none."""
    return None


@pytest.fixture
def api(api_server: Server, tmp_path: Path, objects: ObjectStore | None) -> Iterator[Api]:
    """Run the API over a store of this test's own."""

    async def open_database() -> SqliteDatabase:
        return SqliteDatabase(tmp_path / "homeport.db")

    database = api_server.run(open_database())
    wakes: list[str] = []
    keys = Keys()
    api_server.gateway = Gateway(
        registered_services(),
        database,
        keys,
        account=ACCOUNT,
        clock=SystemClock(),
        ids=RandomIds(),
        wake=wakes.append,
        objects=objects,
    )
    yield Api(api_server, database, wakes, keys)
    api_server.gateway = None
    api_server.run(database.close())


@pytest.fixture
def client(api: Api) -> Callable[..., Any]:
    """Give boto3's client of a service: `client("ecs")`; `validate=False` sends what boto3 would refuse itself."""
    return api.client


@pytest.fixture
def refused() -> Callable[..., tuple[str, str]]:
    """Call an operation that must fail, and return its error: code and message."""
    return refusal
