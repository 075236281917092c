"""A registry on loopback inside the box, its token service, and podman with a store of its own."""

import asyncio
import base64
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from tests.ports import free_port

from homeport.db.sqlite import SqliteDatabase
from homeport.gateway.http import serve
from homeport.kit.clock import FixedClock, SystemClock
from homeport.node.registry import Registry, RegistrySettings
from homeport.services.ecr import store
from homeport.services.ecr.authority import PASSWORD_SECONDS, Authority
from homeport.services.ecr.model import Repository
from homeport.services.ecr.tokens import TokenService, load_or_create

ACCOUNT = "123456789012"
BUSYBOX = Path("/bin/busybox")


class Loop:
    """An event loop on a thread, for servers that tests talk to through programs that block."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=120)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=60)
        self._loop.close()


class Site:
    """The registry, whoever answers its clients, and a way to be a client."""

    def __init__(self, loop: Loop, folder: Path) -> None:
        self.loop = loop
        self.folder = folder
        self.clock = FixedClock(SystemClock().now())
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.state = folder / "registry"
        self._stack = AsyncExitStack()
        self._runroot = tempfile.TemporaryDirectory(prefix="podman-")  # podman wants its path short
        self.authority: Authority
        self.settings: RegistrySettings

    async def open(self) -> None:
        self.database = SqliteDatabase(self.folder / "store.db")
        self._stack.push_async_callback(self.database.close)
        self.authority = await load_or_create(self.database, self.clock, self.address)
        tokens = TokenService(self.database, self.clock, self.authority, account=ACCOUNT)
        port = await self._stack.enter_async_context(serve(tokens, "127.0.0.1", 0))
        self.settings = RegistrySettings(
            realm=f"http://127.0.0.1:{port}/registry/token",
            certificate=self.authority.certificate,
            password=self.authority.node_password(),
        )
        self.registry = Registry(self.state, self.address)
        await self.registry.start(self.settings)

    async def close(self) -> None:
        await self.registry.destroy()
        await self._stack.aclose()
        self._runroot.cleanup()

    async def add_repository(self, name: str) -> None:
        async with self.database.transaction() as tx:
            assert await store.add_repository(tx, Repository(name, "us-east-1", self.clock.now()))

    def password(self) -> str:
        return self.authority.password("arn:aws:iam::123456789012:root", int(self.clock.now()) + PASSWORD_SECONDS)

    def podman(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run podman on a store of its own, which needs no mounts."""
        command = ["podman", "--root", f"{self.folder}/root", "--runroot", self._runroot.name]
        command += ["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "file"]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=300, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done

    def credentials(self, password: str | None = None) -> tuple[str, str]:
        return "--tls-verify=false", f"--creds=AWS:{password or self.password()}"

    def busybox_image(self) -> str:
        """Make an image from scratch that holds busybox, and return its name in podman's store."""
        root = BytesIO()
        with tarfile.open(fileobj=root, mode="w") as archive:
            archive.add(BUSYBOX, "bin/busybox")
        file = self.folder / "rootfs.tar"
        file.write_bytes(root.getvalue())
        name = "localhost/box:latest"
        self.podman("import", "--change", 'CMD ["/bin/busybox", "true"]', str(file), name)
        return name


@pytest.fixture(scope="session", autouse=True)
def _boxed() -> None:
    routes = Path("/proc/net/route").read_text().splitlines()[1:]
    assert not [line for line in routes if line.split()[1] == "00000000"], "these tests run in a box without a way out"


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def site(loop: Loop, tmp_path: Path) -> Iterator[Site]:
    site = Site(loop, tmp_path)
    loop.run(site.open())
    yield site
    loop.run(site.close())


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"AWS:{password}".encode()).decode()
