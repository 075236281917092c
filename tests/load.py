"""
An open-loop HTTP client: requests leave at their time, whether or not earlier ones were answered.

Half of them go over connections of their own, half over kept connections, as a browser and a pooling client would.
No request is ever repeated: what a client would have to repeat counts as failed.

By hand, inside a lab: python -m tests.load ADDRESS PORT --rate 200 --seconds 10
"""

import argparse
import asyncio
import collections
import time
from dataclasses import dataclass, field

_PATIENCE = 30.0  # seconds until an answer counts as missing
_IDLE = 20.0  # seconds after which a kept connection is not used again: well under the balancer's idle timeout


@dataclass(frozen=True)
class Failure:
    """A request that was not answered with 200: when it was due, when it failed (time.monotonic), and why."""

    due: float
    at: float
    why: str


@dataclass
class Outcome:
    """What became of the requests."""

    answered: int = 0
    failures: list[Failure] = field(default_factory=list)
    bodies: collections.Counter[str] = field(default_factory=collections.Counter)
    seconds: list[float] = field(default_factory=list)  # from the time a request was due to its last byte

    @property
    def sent(self) -> int:
        return self.answered + len(self.failures)

    def percentile(self, share: float) -> float:
        """Return the time in seconds within which *share* of the requests were answered."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class _Answer(asyncio.Protocol):
    """One connection, with at most one request on it."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.since = 0.0  # when it became idle
        self._buffer = b""
        self._waiting: asyncio.Future[tuple[int, bytes, bool]] | None = None
        self._closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self, request: bytes) -> "asyncio.Future[tuple[int, bytes, bool]]":
        """Send a request; the answer is its status, its body and whether the connection stays."""
        assert self.transport is not None
        self._waiting = asyncio.get_running_loop().create_future()
        self._buffer = b""
        if self._closed:
            self._waiting.set_exception(ConnectionResetError("the kept connection was closed"))
        else:
            self.transport.write(request)
        return self._waiting

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found or self._waiting is None or self._waiting.done():
            return
        lines = head.lower().split(b"\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), None)
        if length is not None and len(body) >= length:
            stays = b"connection: close" not in lines
            self._waiting.set_result((int(lines[0].split()[1]), body[:length], stays))

    def connection_lost(self, error: Exception | None) -> None:
        self._closed = True
        if self._waiting is None or self._waiting.done():
            return
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if found and error is None and b"content-length:" not in head.lower():
            self._waiting.set_result((int(head.split()[1]), body, False))
        else:
            self._waiting.set_exception(error or ConnectionResetError("closed without an answer"))

    @property
    def usable(self) -> bool:
        return not self._closed and time.monotonic() - self.since < _IDLE

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()


class Load:
    """Requests to one address at a steady rate, until it is stopped."""

    def __init__(self, address: str, port: int, *, rate: float, host: str = "", path: str = "/") -> None:
        self.outcome = Outcome()
        self._address, self._port, self._rate = address, port, rate
        head = f"GET {path} HTTP/1.1\r\nHost: {host or address}\r\nUser-Agent: load\r\n"
        self._kept, self._single = f"{head}\r\n".encode(), f"{head}Connection: close\r\n\r\n".encode()
        self._idle: collections.deque[_Answer] = collections.deque()
        self._stop = asyncio.Event()

    def stop(self) -> None:
        self._stop.set()

    async def run(self, seconds: float = 3600.0) -> Outcome:
        """Send until stopped, or for *seconds*; returns when every request has ended."""
        began = time.monotonic()
        flying: set[asyncio.Task[None]] = set()
        number = 0
        while not self._stop.is_set() and (due := number / self._rate) < seconds:
            await asyncio.sleep(max(0.0, began + due - time.monotonic()))
            task = asyncio.create_task(self._one(began + due, keep=number % 2 == 0))
            flying.add(task)
            task.add_done_callback(flying.discard)
            number += 1
        await asyncio.gather(*flying)
        for connection in self._idle:
            connection.close()
        return self.outcome

    async def _one(self, due: float, *, keep: bool) -> None:
        connection: _Answer | None = None
        try:
            async with asyncio.timeout(_PATIENCE):
                connection = await self._connection(keep=keep)
                status, body, stays = await connection.ask(self._kept if keep else self._single)
        except (OSError, TimeoutError) as error:
            self._failed(due, repr(error))
            stays = False
        else:
            if status == 200:
                self.outcome.answered += 1
                self.outcome.bodies[body.decode(errors="replace").strip()] += 1
                self.outcome.seconds.append(time.monotonic() - due)
            else:
                self._failed(due, f"status {status}")
        if connection is not None:
            if keep and stays:
                connection.since = time.monotonic()
                self._idle.append(connection)
            else:
                connection.close()

    def _failed(self, due: float, why: str) -> None:
        self.outcome.failures.append(Failure(due, time.monotonic(), why))

    async def _connection(self, *, keep: bool) -> _Answer:
        while keep and self._idle:
            connection = self._idle.popleft()  # the oldest: so every kept connection stays in use
            if connection.usable:
                return connection
            connection.close()
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(_Answer, self._address, self._port)
        return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--host", default="")
    chosen = parser.parse_args()
    load = Load(chosen.address, chosen.port, rate=chosen.rate, host=chosen.host)
    began = time.monotonic()
    outcome = asyncio.run(load.run(min(chosen.seconds, 600.0)))
    print(f"{outcome.sent} sent, {len(outcome.failures)} failed, 99 % within {outcome.percentile(0.99) * 1000:.1f} ms")
    for failure in outcome.failures[:20]:
        print(f"{failure.at - began:.3f} s: {failure.why}")


if __name__ == "__main__":
    main()
