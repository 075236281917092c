"""
A small HTTP/1.1 server for clients that are not trusted.

Containers speak to it, so everything is bounded: the size of a request, the time it may take, the
connections of one address.  Requests of a connection are answered one after the other.
"""

import array
import asyncio
import contextlib
import fcntl
import logging
import os
import socket
import termios
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast

import httptools
import msgspec

log = logging.getLogger(__name__)

_HEAD_LIMIT = 16 * 1024
_BODY_LIMIT = 64 * 1024
_IDLE_SECONDS = 20.0  # also the time a request may take to arrive
_CONNECTIONS_PER_PEER = 64
_PIPELINED = 16
_UNSENT_PAUSE = 0.005  # seconds between looks at what the peer has not taken yet


@dataclass(frozen=True, slots=True)
class Request:
    """A request and the address it came from; names of headers are in lower case."""

    method: str
    path: str
    query: str
    body: bytes
    peer: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Response:
    """
    A status and a document, already encoded.

    With a *hop_limit* the answer leaves in packets that may be forwarded less often than that; 0 is the machine's default.
    """

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    hop_limit: int = 0


Handler = Callable[[Request], Awaitable[Response]]


def json_response(status: int, document: object) -> Response:
    """Return *document* as JSON."""
    return Response(status, msgspec.json.encode(document))


class HttpServer:
    """Answers the connections of any number of listening sockets."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.peers: Counter[str] = Counter()
        self.open: set[_Connection] = set()

    def connection(self) -> asyncio.Protocol:
        """Return the protocol of a new connection: a factory for the event loop's servers."""
        return _Connection(self)

    def close(self) -> None:
        """Drop every connection."""
        for connection in list(self.open):
            connection.drop()


class _Connection(asyncio.Protocol):
    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._peer = ""
        self._requests: deque[tuple[Request, bool]] = deque()
        self._answering: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._ended = False  # the peer will ask nothing more
        self._hop_limit = 0  # of the packets that leave now; 0 is the machine's default
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._received = 0

    # --- asyncio's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._peer = transport.get_extra_info("peername")[0]
        self._server.open.add(self)
        self._server.peers[self._peer] += 1
        if self._server.peers[self._peer] > _CONNECTIONS_PER_PEER:
            self.drop()
            return
        self._wait_for_more()

    def connection_lost(self, _: Exception | None) -> None:
        self._server.open.discard(self)
        self._server.peers[self._peer] -= 1
        if self._server.peers[self._peer] <= 0:
            del self._server.peers[self._peer]
        self._stop_timer()
        if self._answering is not None:
            self._answering.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > _HEAD_LIMIT + _BODY_LIMIT:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(HTTPStatus.BAD_REQUEST)
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST)

    def eof_received(self) -> bool:
        """Stay until what was asked is answered: a client may close its half of the connection once it has asked."""
        self._ended = True
        return self._answering is not None

    # --- The parser's calls

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._received > _HEAD_LIMIT + _BODY_LIMIT:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        try:
            url = httptools.parse_url(self._url)
        except httptools.HttpParserInvalidURLError:
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        request = Request(
            method=self._parser.get_method().decode("ascii"),
            path=(url.path or b"/").decode("latin-1"),
            query=(url.query or b"").decode("latin-1"),
            body=bytes(self._body),
            peer=self._peer,
            headers=self._headers,
        )
        self._requests.append((request, self._parser.should_keep_alive()))
        self._begin()
        self._stop_timer()
        if len(self._requests) > _PIPELINED:
            self.drop()
        elif self._answering is None:
            self._answering = asyncio.get_running_loop().create_task(self._answer())

    # --- Answers

    async def _answer(self) -> None:
        try:
            while self._requests and self._transport is not None and not self._transport.is_closing():
                request, keep_alive = self._requests.popleft()
                response = await self._server.handler(request)
                await self._limit_hops(response.hop_limit)
                self._write(response, keep_alive=keep_alive, head_only=request.method == "HEAD")
                if not keep_alive:
                    self._transport.close()
        except Exception:  # the boundary: a bug in an answer must not take the listener with it
            log.exception("a request could not be answered")
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR)
        finally:
            self._answering = None
            if self._ended and self._transport is not None:
                self._transport.close()
            self._wait_for_more()

    async def _limit_hops(self, hop_limit: int) -> None:
        """
        Have what is written from now on leave with this limit, and nothing that was written before.

        The limit is the socket's, and holds for what the kernel sends again, too: so it changes only when the peer
        has taken everything.  A peer out of the former limit's reach never does, and learns nothing more.
        """
        if self._transport is None or hop_limit == self._hop_limit:
            return
        opened = self._transport.get_extra_info("socket")
        with contextlib.closing(socket.socket(fileno=os.dup(opened.fileno()))) as own:
            while self._transport.get_write_buffer_size() or _unsent(own):  # noqa: ASYNC110 - nothing sets an event
                await asyncio.sleep(_UNSENT_PAUSE)  # the kernel has no word for this moment
            own.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hop_limit or -1)
        self._hop_limit = hop_limit

    def _write(self, response: Response, *, keep_alive: bool, head_only: bool = False) -> None:
        if self._transport is None:
            return
        lines = [
            f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
            f"Content-Type: {response.content_type}",
            f"Content-Length: {len(response.body)}",
            *(f"{name}: {value}" for name, value in response.headers),
            *(() if keep_alive else ("Connection: close",)),
        ]
        head = "".join(f"{line}\r\n" for line in lines) + "\r\n"
        self._transport.write(head.encode("latin-1") + (b"" if head_only else response.body))

    def _refuse(self, status: HTTPStatus) -> None:
        self._write(json_response(status, status.phrase), keep_alive=False)
        if self._transport is not None:
            self._transport.close()

    def drop(self) -> None:
        """End the connection without another word."""
        if self._transport is not None:
            self._transport.abort()

    def _wait_for_more(self) -> None:
        self._stop_timer()
        if self._transport is not None and not self._transport.is_closing():
            self._timer = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self.drop)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _unsent(opened: socket.socket) -> int:
    """Return how many bytes the peer has not acknowledged."""
    count = array.array("i", [0])
    fcntl.ioctl(opened, termios.TIOCOUTQ, count)
    return count[0]
