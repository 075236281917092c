"""Take a request off the wire, whole, or say why not."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from homeport.gateway.messages import Request, Response

#: No operation we serve takes more in one request.
MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_URL_BYTES = 64 * 1024


async def receive_request(
    scope: MutableMapping[str, Any], receive: Callable[[], Awaitable[MutableMapping[str, Any]]]
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
    body = await _body(receive)
    if body is None:
        return None
    if len(body) > MAX_BODY_BYTES:
        return _refusal(413, "Request entity too large")
    return Request(scope["method"], path.decode("latin-1"), query.decode("latin-1"), headers, body)


async def _body(receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> bytes | None:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        chunks.append(chunk)
        if size > MAX_BODY_BYTES or not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _refusal(status: int, reason: str) -> Response:
    # Closing spares us the rest of a body that nobody will read.
    return Response(status, reason.encode(), "text/plain", [("connection", "close")])
