"""
Take a request off the wire, whole, or say why not.

Bodies arrive before anybody knows who sends them, so what they may hold in memory together is
bounded, not only what each may.
"""

import zlib
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from homeport.gateway.messages import Request, Response
from homeport.gateway.protocols.protocol import Malformed

#: No operation we serve takes more in one request.
MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_URL_BYTES = 64 * 1024
#: What all bodies together may hold; beyond it, clients are told to come back.
MAX_HELD_BYTES = 256 * 1024 * 1024

_PEEKED_BYTES = 4_096


class Intake:
    """Counts the bytes of the bodies that are in memory."""

    def __init__(self, limit: int = MAX_HELD_BYTES) -> None:
        self._limit = limit
        self.held = 0

    @contextmanager
    def share(self) -> Iterator["Share"]:
        """Hold bytes for one request; they are given back when the block ends."""
        share = Share(self)
        try:
            yield share
        finally:
            self.held -= share.held

    def has_room(self) -> bool:
        return self.held <= self._limit


class Share:
    """One request's part of the intake."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self.held = 0

    def add(self, count: int) -> bool:
        """Hold *count* more bytes, and tell whether there is room for them."""
        self.held += count
        self._intake.held += count
        return self._intake.has_room()


async def receive_request(
    scope: MutableMapping[str, Any], receive: Callable[[], Awaitable[MutableMapping[str, Any]]], share: Share
) -> Request | Response | None:
    """Return the request, or the answer that refuses it, or None when the client went away meanwhile."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), _text(raw_value).strip()
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    announced = headers.get("content-length", "0")
    if not (announced.isascii() and announced.isdigit() and len(announced) < 20):
        return _refusal(400, "Bad Request")
    if int(announced) > MAX_BODY_BYTES:
        return _refusal(413, "Request entity too large")
    query: bytes = scope.get("query_string", b"")
    path: bytes = scope.get("raw_path") or b"/"
    if len(query) + len(path) > MAX_URL_BYTES:
        return _refusal(414, "Request-URI too long")
    body = await _body(receive, share)
    if body is None or isinstance(body, Response):
        return body
    return Request(scope["method"], path.decode("latin-1"), query.decode("latin-1"), headers, body)


async def _body(receive: Callable[[], Awaitable[MutableMapping[str, Any]]], share: Share) -> bytes | Response | None:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        chunks.append(chunk)
        if not share.add(len(chunk)):
            return _refusal(503, "Slow Down")
        if share.held > MAX_BODY_BYTES:
            return _refusal(413, "Request entity too large")
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def expanded(request: Request) -> Request:
    """Return *request* with its body decompressed, as current SDKs and log agents compress it, or raise Malformed."""
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding in ("", "identity"):
        return request
    if encoding != "gzip":
        raise Malformed(f"the content encoding '{encoding[:32]}' is not supported")
    inflating = zlib.decompressobj(wbits=31)
    try:
        body = inflating.decompress(request.body, MAX_BODY_BYTES)
    except zlib.error:
        raise Malformed("the body is not valid gzip") from None
    if not inflating.eof:
        raise Malformed("the body is cut off, or larger than anything we take")
    return Request(request.method, request.raw_path, request.query, request.headers, body)


def peek(request: Request) -> bytes:
    """
    Return the body, or the beginning of a compressed one: what a form asks for stands in front.

    Nobody knows yet who sends it, so no more is decompressed than that takes; a body that is not what it says is empty.
    """
    if request.headers.get("content-encoding", "").lower() != "gzip":
        return request.body
    try:
        return zlib.decompressobj(wbits=31).decompress(request.body, _PEEKED_BYTES)
    except zlib.error:
        return b""


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _refusal(status: int, reason: str) -> Response:
    # Closing spares us the rest of a body that nobody will read.
    return Response(status, reason.encode(), "text/plain", [("connection", "close")])
