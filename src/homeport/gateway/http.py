"""
Serve an ASGI application on a TCP port, a unix socket, or both, inside the running event loop.

uvicorn's protocol over httptools does the work; what is ours is that nothing polls, no signal
handler is installed, and a client that sends slowly or too much is let go.  (Granian's embedded
server, measured beside it, made 0.4 of its rate with one connection, 0.7 with eight, 1.3 with 64.)
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from functools import lru_cache
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

HEADER_SECONDS = 10.0
BODY_SECONDS = 60.0
KEEP_ALIVE_SECONDS = 75
MAX_HEADER_BYTES = 96 * 1024
MAX_CONNECTIONS = 4096
GRACE_SECONDS = 10.0


class Connection(HttpToolsProtocol):
    """One client, with a deadline for its headers and one for its body."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.access_log = False  # the gateway writes one of its own
        self._deadline: asyncio.TimerHandle | None = None
        self._in_headers = True
        self._header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._expect(HEADER_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_headers:
            self._header_bytes += len(data)
            if self._deadline is None:
                self._expect(HEADER_SECONDS)
        super().data_received(data)
        if self._in_headers and self._header_bytes > MAX_HEADER_BYTES:
            self._turn_away(b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        self._expect(HEADER_SECONDS)  # a request may begin in the packet that ended the one before
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._header_bytes = 0
        self._expect(BODY_SECONDS)
        self.server_state.default_headers = _date_header(int(time.time()))
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_headers = True
        self._expect(None)
        super().on_message_complete()

    def _expect(self, seconds: float | None) -> None:
        """Replace the deadline for what the client has to send next."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._too_slow)

    def _too_slow(self) -> None:
        self._deadline = None
        self._turn_away(b"408 Request Timeout")

    def _turn_away(self, status: bytes) -> None:
        if self.transport.is_closing():
            return
        answering = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if not answering:
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        self.transport.close()


@lru_cache(maxsize=1)
def _date_header(second: int) -> list[tuple[bytes, bytes]]:
    """Write the Date header anew once a second, and only while somebody asks."""
    return [(b"date", formatdate(second, usegmt=True).encode())]


@asynccontextmanager
async def serve(app: Any, host: str, port: int, *, unix: Path | None = None) -> AsyncIterator[int]:
    """
    Serve *app* until the block is left, and give the TCP port (0 asks the system for one).

    Leaving lets requests under way finish, for at most GRACE_SECONDS.
    """
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        limit_concurrency=MAX_CONNECTIONS,
    )
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()

    def connect() -> asyncio.Protocol:
        connection: asyncio.Protocol = Connection(config=config, server_state=state, app_state={}, _loop=loop)
        return connection

    servers = [await loop.create_server(connect, host, port, backlog=2048)]
    try:
        if unix is not None:
            _unlink(unix)
            servers.append(await loop.create_unix_server(connect, str(unix), backlog=2048))
        yield _bound_port(servers[0])
    finally:
        for server in servers:
            server.close()
        await _drain(state)
        if unix is not None:
            _unlink(unix)


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)  # a socket file outlives a server that was killed


def _bound_port(server: asyncio.Server) -> int:
    address: tuple[Any, ...] = server.sockets[0].getsockname()
    assert server.sockets[0].family in (socket.AF_INET, socket.AF_INET6)
    return int(address[1])


async def _drain(state: ServerState) -> None:
    """End idle connections now and the others after their request."""
    for connection in list(state.connections):
        connection.shutdown()
    if state.tasks:
        await asyncio.wait(list(state.tasks), timeout=GRACE_SECONDS)
    for task in list(state.tasks):
        task.cancel()
    for connection in list(state.connections):
        connection.transport.close()
    await asyncio.sleep(0)  # let the transports tell their protocols
