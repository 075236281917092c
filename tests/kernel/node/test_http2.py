"""HTTP/2 through an application load balancer: many streams of one connection, asked by a client that is not ours."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.node.balancinglab import (
    ADDRESS,
    WEB,
    Site,
    balancer,
    default,
    listener,
    listens,
    secure,
    site,
    target,
    to,
)
from tests.kernel.node.nodelab import PATIENCE, eni
from tests.kernel.node.webs import Web, until

from homeport.wire.messages import FixedResponse, TargetState

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

CLIENT = Path(__file__).with_name("http2.mjs")


class Streams:
    """A client that asks by so many streams at a time, until it is told to stop; what it says is kept."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.events: list[dict[str, Any]] = []
        self.replies: list[dict[str, Any]] = []

    @property
    def connections(self) -> int:
        """How many there have been so far."""
        return sum(event["event"] == "connect" for event in self.events)

    def has_connected(self, times: int) -> bool:
        return self.connections == times

    async def listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            (self.events if "event" in said else self.replies).append(said)

    async def more(self, replies: int) -> None:
        goal = len(self.replies) + replies
        await until(lambda: len(self.replies) >= goal)

    async def stop(self) -> None:
        """Ask nothing more; returns when all is answered and the connection closed."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(PATIENCE):
            assert await self._process.wait() == 0


@asynccontextmanager
async def streams(at: Site, authorities: Path, count: int) -> AsyncIterator[Streams]:
    process = await asyncio.create_subprocess_exec(
        *("nsenter", f"--net={at.client}", "node", str(CLIENT), ADDRESS, "443", str(authorities), str(count)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    made = Streams(process)
    listening = asyncio.create_task(made.listen())
    try:
        yield made
        await listening
    finally:
        listening.cancel()
        if process.returncode is None:
            process.kill()
            await process.wait()


def is_heard(at: Site, port: int) -> bool:
    return bool(at.processes()) and listens(at, port)


def paths(webs: list[Web]) -> list[str]:
    return sorted(request.path for web in webs for request in web.seen)


async def test_streams_of_one_connection_are_answered_side_by_side(tmp_path: Path, root_filesystem: Path):
    encrypted, chain = secure(tmp_path, default(to(WEB)))
    async with site(tmp_path, root_filesystem) as at:
        held = asyncio.Event()
        web = await at.web(11, held=held)
        await at.balance(balancer(encrypted), WEB)
        await at.register(target(WEB, 11))
        async with streams(at, chain, 8) as client:
            await until(lambda: len(web.seen) == 8)  # none waits for the answer to another
            assert client.replies == []
            held.set()
            await client.more(16)
            await client.stop()
        assert client.events == [{"event": "connect", "protocol": "h2"}, {"event": "close"}]
        assert {(reply["status"], reply["body"]) for reply in client.replies} == {(200, "web-11")}
        assert paths([web]) == sorted(reply["path"] for reply in client.replies)
        for request in web.seen:
            assert request.headers["x-number"] == request.path
            assert request.headers["host"] == "web.test"
            assert request.headers["cookie"] == "a=1; b=2"
            assert request.headers["x-forwarded-for"] == eni(100).address
            assert (request.headers["x-forwarded-proto"], request.headers["x-forwarded-port"]) == ("https", "443")
        traces = {request.headers["x-amzn-trace-id"] for request in web.seen}
        assert len(traces) == len(web.seen)
        assert all(trace.startswith("Root=1-") for trace in traces)


async def test_a_rolling_change_of_targets_loses_no_stream(tmp_path: Path, root_filesystem: Path):
    encrypted, chain = secure(tmp_path, default(to(WEB)))
    async with site(tmp_path, root_filesystem) as at:
        webs = [await at.web(11, delay=0.01)]
        await at.balance(balancer(encrypted), WEB)
        await at.register(target(WEB, 11))
        async with streams(at, chain, 6) as client:
            await client.more(20)
            for number in range(12, 15):
                webs.append(await at.web(number, delay=0.01))
                await at.register(target(WEB, number))
                old = target(WEB, number - 1, draining=True, draining_since=1e12)
                at.server.put(old)
                await at.settled(old, TargetState.DRAINED)
                at.server.drop(old)
                await webs[-2].exit()
                await client.more(20)
            await client.stop()
        assert [event["event"] for event in client.events] == ["connect", "close"]
        assert {reply["status"] for reply in client.replies} == {200}
        assert {reply["body"] for reply in client.replies} == {web.name for web in webs}
        assert paths(webs) == sorted(reply["path"] for reply in client.replies)


async def test_a_proxy_that_is_replaced_says_goodbye_and_loses_no_stream(tmp_path: Path, root_filesystem: Path):
    encrypted, chain = secure(tmp_path, default(to(WEB)))
    async with site(tmp_path, root_filesystem) as at:
        web = await at.web(11, delay=0.01)
        await at.balance(balancer(encrypted), WEB)
        await at.register(target(WEB, 11))
        async with streams(at, chain, 6) as client:
            await client.more(20)
            for port in range(8000, 8003):
                at.server.put(balancer(encrypted, listener(default(FixedResponse(status=200)), port=port)))
                await until(partial(is_heard, at, port))
                await until(partial(client.has_connected, port - 7998))
                await client.more(20)
            await client.stop()
        assert {event["event"] for event in client.events} == {"connect", "goaway", "close"}
        assert {event.get("code", 0) for event in client.events} == {0}
        assert {(reply["status"], reply["body"]) for reply in client.replies} == {(200, "web-11")}
        assert paths([web]) == sorted(reply["path"] for reply in client.replies)
