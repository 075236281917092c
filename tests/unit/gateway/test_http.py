"""The HTTP server on loopback: whole requests get through, slow and oversized ones are let go."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from homeport.gateway import http
from homeport.gateway.http import serve

SECONDS = 60  # for what takes none: only what hangs takes longer


async def echo(scope: Any, receive: Any, send: Any) -> None:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        if not message["more_body"]:
            break
    await reply(send, f"{scope['method']} {scope['http_version']} {len(scope['headers'])} ".encode() + body)


async def reply(send: Any, body: bytes) -> None:
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def exchange(port: int, request: bytes) -> bytes:
    """Send *request* and return all that comes until the server closes."""
    async with connected(port) as (reader, writer):
        writer.write(request)
        return await asyncio.wait_for(reader.read(), SECONDS)


async def test_a_chunked_body_arrives_whole() -> None:
    async with serve(echo, "127.0.0.1", 0) as port:
        answer = await exchange(
            port,
            b"POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        )
    assert answer.endswith(b"abcde")
    assert b"date: " in answer


async def test_an_old_client_is_answered_and_let_go() -> None:
    async with serve(echo, "127.0.0.1", 0) as port:
        assert b"GET 1.0 " in await exchange(port, b"GET / HTTP/1.0\r\n\r\n")


async def test_head_gets_no_body() -> None:
    async with serve(echo, "127.0.0.1", 0) as port:
        answer = await exchange(port, b"HEAD / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")


async def test_a_connection_is_kept_for_the_next_request() -> None:
    async with serve(echo, "127.0.0.1", 0) as port, connected(port) as (reader, writer):
        for _ in range(3):
            writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            await asyncio.wait_for(reader.readuntil(b"GET 1.1 1 "), SECONDS)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"G\xe9T / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
    ],
)
async def test_what_is_not_http_gets_a_400(garbage: bytes) -> None:
    async with serve(echo, "127.0.0.1", 0) as port:
        answer = await exchange(port, garbage)
    assert b" 400 " in answer.split(b"\r\n")[0]


async def test_a_broken_chunk_ends_the_connection() -> None:
    async with serve(echo, "127.0.0.1", 0) as port:
        answer = await exchange(port, b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
    assert b" 400 " in answer.split(b"\r\n")[0]


async def test_headers_without_end_are_cut_off() -> None:
    async with serve(echo, "127.0.0.1", 0) as port, connected(port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n" + b"x-more: and more\r\n" * 8000)
        answer = b"HTTP/1.1 431 "  # which a reset may swallow, since more was sent than anybody read
        with suppress(ConnectionError):
            answer = await asyncio.wait_for(reader.read(), SECONDS)
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_a_client_that_never_ends_its_headers_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "HEADER_SECONDS", 0.05)
    async with serve(echo, "127.0.0.1", 0) as port:
        assert b" 408 " in await exchange(port, b"GET / HTTP/1.1\r\nhost: a\r\n")
        assert b" 408 " in await exchange(port, b"")


async def test_a_second_request_has_a_deadline_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hurry(scope: Any, receive: Any, send: Any) -> None:
        monkeypatch.setattr(http, "HEADER_SECONDS", 0.05)  # now that the first request is here, however late
        await echo(scope, receive, send)

    async with serve(hurry, "127.0.0.1", 0) as port:
        answer = await exchange(port, b"GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HT")
    assert answer.count(b" 200 ") == 1
    assert b" 408 " in answer


async def test_a_client_that_never_ends_its_body_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_SECONDS", 0.05)
    async with serve(echo, "127.0.0.1", 0) as port:
        answer = await exchange(port, b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nabc")
    assert b" 408 " in answer
    assert b" 200 " not in answer


async def test_an_answer_under_way_is_finished_before_the_end() -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_scope: Any, _receive: Any, send: Any) -> None:
        started.set()
        await go_on.wait()
        await reply(send, b"done")

    server = serve(slow, "127.0.0.1", 0)
    port = await server.__aenter__()
    client = asyncio.create_task(exchange(port, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"))
    await started.wait()
    ending = asyncio.create_task(server.__aexit__(None, None, None))
    go_on.set()
    assert (await client).endswith(b"done")
    await ending


async def test_idle_connections_do_not_delay_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "GRACE_SECONDS", 3600)
    server = serve(echo, "127.0.0.1", 0)
    async with connected(await server.__aenter__()) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        await reader.readuntil(b"GET 1.1 1 ")
        await asyncio.wait_for(server.__aexit__(None, None, None), SECONDS)
        assert await asyncio.wait_for(reader.read(), SECONDS) == b""


async def test_the_unix_socket_serves_too_and_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "gateway.sock"
    path.touch()  # as a killed server leaves it
    async with serve(echo, "127.0.0.1", 0, unix=path):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        assert b" 200 " in await asyncio.wait_for(reader.read(), SECONDS)
        writer.close()
        await writer.wait_closed()
    assert not path.exists()


async def test_signals_stay_with_the_program() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with serve(echo, "127.0.0.1", 0):
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
