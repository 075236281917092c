"""Web servers and clients inside the interfaces of tasks, for tests of what stands between them."""

import asyncio
import base64
import hashlib
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from homeport.kit import linux

_WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


@contextmanager
def inside(namespace: Path) -> Iterator[None]:
    """Have this thread make sockets in another network namespace."""
    home, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(namespace, os.O_RDONLY)
    linux.setns(there, linux.CLONE_NEWNET)
    try:
        yield
    finally:
        linux.setns(home, linux.CLONE_NEWNET)
        os.close(home)
        os.close(there)


@dataclass(slots=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    peer: str
    port: int  # from which: one for each connection


@dataclass(slots=True)
class Reply:
    status: int
    headers: dict[str, list[str]]
    body: bytes

    def header(self, name: str) -> str:
        return ", ".join(self.headers.get(name.lower(), ()))


async def _proxy_header(reader: asyncio.StreamReader) -> str:
    """Read a PROXY header and return the address of the client in it, if it is of one."""
    head = await reader.readexactly(16)
    assert head[:12] == b"\r\n\r\n\x00\r\nQUIT\n", head
    rest = await reader.readexactly(int.from_bytes(head[14:16]))
    return socket.inet_ntoa(rest[:4]) if head[12] == 0x21 else ""


@dataclass
class Web:
    """A web server that says its name; *health* is what it answers to health checks, *delay* what it takes for others."""

    name: str
    health: int = 200
    delay: float = 0.0
    break_off: bool = False  # close the connection instead of answering
    silent: bool = False  # never answer health checks
    held: asyncio.Event | None = None  # what is asked is answered when this is set
    extra: str = ""
    proxied: bool = False  # every connection begins with a PROXY header, version 2
    sources: list[str] = field(default_factory=list)  # whose they said they were; empty for the proxy's own
    seen: list[Request] = field(default_factory=list)
    checks: int = 0
    connections: set[asyncio.StreamWriter] = field(default_factory=set)
    server: asyncio.Server | None = None
    serving: "set[asyncio.Task[None]]" = field(default_factory=set)
    gone: bool = False

    async def start(self, namespace: Path, port: int = 80, context: ssl.SSLContext | None = None) -> "Web":
        with inside(namespace):
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("0.0.0.0", port))
        listener.listen(1024)
        self.server = await asyncio.start_server(self._connected, sock=listener, ssl=context)
        return self

    async def exit(self) -> None:
        """Be gone at once, as a process is that ends: whoever is connected finds his connection closed."""
        assert self.server is not None
        self.gone = True
        for listener in self.server.sockets:
            asyncio.get_running_loop().remove_reader(listener)
        await asyncio.sleep(0)  # a connection that asyncio has taken when its server is closed is never closed
        self.server.close()
        for writer in self.connections:
            writer.transport.abort()

    async def close(self) -> None:
        """Do the same, and leave no answer under way."""
        await self.exit()
        for task in self.serving:
            task.cancel()
        await asyncio.gather(*self.serving, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.gone:  # it was taken just before
            writer.transport.abort()
            return
        self.connections.add(writer)
        task = asyncio.create_task(self._serve(reader, writer))
        self.serving.add(task)
        task.add_done_callback(self.serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                if self.proxied:
                    self.sources.append(await _proxy_header(reader))
                while await self._answer(reader, writer):
                    pass
        finally:
            self.connections.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *fields = head.split("\r\n")
        method, path, _ = line.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in fields if each)}
        await reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("user-agent", "").startswith("ELB-HealthChecker"):
            self.checks += 1
            if self.silent:
                await asyncio.sleep(3600)  # until the checker gives up
            writer.write(f"HTTP/1.1 {self.health} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
            return False
        address, port = writer.get_extra_info("peername")[:2]
        self.seen.append(Request(method, path, headers, address, port))
        if headers.get("upgrade") == "websocket":
            digest = hashlib.sha1((headers["sec-websocket-key"] + _WEBSOCKET).encode()).digest()
            accept = f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}"
            head = f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{accept}\r\n\r\n"
            writer.write(head.encode())
            while data := await reader.read(1000):
                writer.write(data)
                await writer.drain()
            return False
        if self.held is not None:
            await self.held.wait()
        await asyncio.sleep(self.delay)
        if self.break_off:
            return False
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(self.name)}\r\n{self.extra}\r\n{self.name}".encode())
        await writer.drain()
        return True


class Client:
    """A connection from a namespace; HTTP/1.1, kept alive."""

    def __init__(self, namespace: Path, address: str, port: int = 80, context: ssl.SSLContext | None = None) -> None:
        self._to = (address, port)
        self._namespace = namespace
        self._context = context
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.streams is None:
            with inside(self._namespace):
                opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            opened.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(opened, self._to)
            except BaseException:
                opened.close()
                raise
            name = "web.test" if self._context is not None else None
            self.streams = await asyncio.open_connection(sock=opened, ssl=self._context, server_hostname=name)
        return self.streams

    async def request(self, path: str = "/", method: str = "GET", host: str = "web.test", **headers: str) -> Reply:
        reader, writer = await self.open()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status, *fields = head.strip().split("\r\n")
        found: dict[str, list[str]] = {}
        for name, _, value in (each.partition(":") for each in fields):
            found.setdefault(name.lower(), []).append(value.strip())
        body = await reader.readexactly(int(found.get("content-length", ["0"])[0]))
        if found.get("connection") == ["close"]:
            self.close()
        return Reply(int(status.split(" ")[1]), found, body)

    def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None


async def get(namespace: Path, address: str, port: int = 80, path: str = "/", **more: str) -> Reply:
    """Ask once, by a connection of its own."""
    client = Client(namespace, address, port)
    try:
        return await client.request(path, **more)
    finally:
        client.close()


async def until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait for what is to come about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.01)


@dataclass
class Load:
    """Clients that ask without a pause, each by a connection that is kept; what failed is kept with its time."""

    namespace: Path
    address: str
    clients: int = 4
    answered: int = 0
    by: dict[bytes, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    running: bool = True
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    def start(self) -> "Load":
        self.tasks = [asyncio.create_task(self._ask(fresh=number % 2 == 1)) for number in range(self.clients)]
        return self

    async def _ask(self, *, fresh: bool) -> None:
        client = Client(self.namespace, self.address)
        while self.running:
            try:
                reply = await client.request()
            except (OSError, EOFError) as error:
                self.failed.append(f"{time.time():.3f} {error!r}")
                client.close()
                continue
            if reply.status == 200:
                self.answered += 1
                self.by[reply.body] = self.by.get(reply.body, 0) + 1
            else:
                self.failed.append(f"{time.time():.3f} {reply.status}")
            if fresh:
                client.close()
            await asyncio.sleep(0.002)
        client.close()

    async def more(self, requests: int) -> None:
        """Return when so many more have been answered."""
        goal = self.answered + requests
        await until(lambda: self.answered >= goal)

    async def stop(self) -> None:
        self.running = False
        await asyncio.gather(*self.tasks)
