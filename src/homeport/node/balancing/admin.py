"""
Speak to a HAProxy's administration socket.

The socket lies in the directory the process works in.  It is reached through that directory's descriptor: the path itself
may be longer than a socket's address can be.
"""

import asyncio
import csv
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ANSWER_SECONDS = 5
_BATCH = 32  # commands said in one line


class AdminError(Exception):
    """The process does not answer, or not as it should."""


@dataclass(frozen=True, slots=True)
class ServerSeen:
    """
    A server as HAProxy has it.

    *status* is its word (UP, DOWN, NOLB, MAINT, with its progress as "UP 1/3"), *check* the kind of its last check's end
    (L7OK, L7STS, L4TOUT, ...) and *code* the status code that came.
    """

    backend: str
    name: str
    status: str
    check: str = ""
    code: str = ""
    sessions: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """What a listener or a backend has counted since its process began."""

    requests: int = 0
    responses: tuple[int, int, int, int] = (0, 0, 0, 0)  # 2xx, 3xx, 4xx, 5xx
    failures: int = 0  # connections to targets that did not come about, or ended without an answer
    response_seconds: float = 0.0  # how long targets took on average, of the last 1,024 requests


@dataclass(frozen=True, slots=True)
class Seen:
    """A process as it is: its servers, and what its listeners and backends have counted, by name."""

    servers: tuple[ServerSeen, ...] = ()
    listeners: Mapping[str, Count] = field(default_factory=dict)
    backends: Mapping[str, Count] = field(default_factory=dict)


class Admin:
    """The socket *name* in *directory*."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._name = name

    async def ask(self, command: str) -> str:
        """Return the answer to one command.  Raises AdminError."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await self._connect()
                try:
                    writer.write(f"{command}\n".encode())
                    return (await reader.read()).decode(errors="replace")
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            raise AdminError(f"the proxy does not answer: {error}") from error

    async def tell(self, commands: Iterable[str]) -> None:
        """Give commands in their order.  What one of them answers does not matter: the next look shows what came of it."""
        waiting = list(commands)
        for start in range(0, len(waiting), _BATCH):
            await self.ask(";".join(waiting[start : start + _BATCH]))

    async def look(self) -> Seen:
        """Return the process as it is."""
        return parse(await self.ask("show stat"))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        descriptor = os.open(self._directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return await asyncio.open_unix_connection(f"/proc/self/fd/{descriptor}/{self._name}", limit=1 << 20)
        finally:
            os.close(descriptor)


def parse(statistics: str) -> Seen:
    """Return what HAProxy's table of statistics says.  Raises AdminError."""
    if not statistics.startswith("# "):
        raise AdminError(f"not statistics: {statistics[:100]!r}")
    servers: list[ServerSeen] = []
    listeners: dict[str, Count] = {}
    backends: dict[str, Count] = {}
    for row in csv.DictReader(statistics[2:].splitlines()):
        if row["svname"] == "FRONTEND":
            listeners[row["pxname"]] = _count(row)
        elif row["svname"] == "BACKEND":
            backends[row["pxname"]] = _count(row)
        else:
            servers.append(
                ServerSeen(
                    backend=row["pxname"],
                    name=row["svname"],
                    status=row["status"],
                    check=row["check_status"].removeprefix("* "),
                    code=row["check_code"],
                    sessions=int(row["scur"] or 0),
                )
            )
    return Seen(tuple(servers), listeners, backends)


def _count(row: dict[str, str]) -> Count:
    def number(column: str) -> int:
        return int(row[column] or 0)

    return Count(
        requests=number("req_tot") or number("stot"),
        responses=(number("hrsp_2xx"), number("hrsp_3xx"), number("hrsp_4xx"), number("hrsp_5xx")),
        failures=number("econ") + number("eresp"),
        response_seconds=number("rtime") / 1000,
    )
