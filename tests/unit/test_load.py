"""The load client itself: a failed request must never look like an answered one."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.load import Load, Outcome

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\none\n"


async def against(serve: Serve, *, rate: float = 400, seconds: float = 0.1) -> Outcome:
    ended: list[asyncio.Event] = []

    async def serve_to_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.append(asyncio.Event())
        own = ended[-1]
        await serve(reader, writer)
        writer.close()
        await writer.wait_closed()
        own.set()

    server = await asyncio.start_server(serve_to_the_end, "127.0.0.1", 0)
    async with server:
        outcome = await Load("127.0.0.1", server.sockets[0].getsockname()[1], rate=rate).run(seconds)
        await asyncio.gather(*(event.wait() for event in ended))
    return outcome


async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readline():
        while (await reader.readline()).strip():
            pass
        writer.write(OK)


def test_every_request_that_is_answered_is_counted_with_its_body() -> None:
    outcome = asyncio.run(against(answer_all))
    assert (outcome.sent, outcome.failures) == (40, [])
    assert outcome.bodies == {"one": 40}


def test_errors_cut_answers_and_silence_at_once_are_failures() -> None:
    wires = iter(range(10_000))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write((b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", OK[:-2], b"")[next(wires) % 3])

    outcome = asyncio.run(against(serve))
    assert (outcome.sent, outcome.answered) == (40, 0)
    assert any(failure.why == "status 503" for failure in outcome.failures)
    assert any("closed without an answer" in failure.why for failure in outcome.failures)


def test_nobody_who_listens_is_a_failure() -> None:
    outcome = asyncio.run(Load("127.0.0.1", 1, rate=400).run(0.05))
    assert (outcome.answered, len(outcome.failures)) == (0, 20)
