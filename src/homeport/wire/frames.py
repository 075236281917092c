"""Length-prefixed JSON frames over a stream; see messages.py."""

import asyncio
from typing import Any, TypeVar

import msgspec

from homeport.wire.messages import ToNode, ToServer

LIMIT = 64 * 1024 * 1024  # an assignment of 10,000 tasks is some 30 MB

_encoder = msgspec.json.Encoder()
to_node: msgspec.json.Decoder[Any] = msgspec.json.Decoder(ToNode)
to_server: msgspec.json.Decoder[Any] = msgspec.json.Decoder(ToServer)

M = TypeVar("M")


class WireError(Exception):
    """The other side broke the protocol; the session ends."""


def encode(message: msgspec.Struct) -> bytes:
    """Return *message* as one frame."""
    body = _encoder.encode(message)
    if len(body) > LIMIT:
        raise WireError(f"a message of {len(body)} bytes is over the limit of {LIMIT}")
    return len(body).to_bytes(4, "big") + body


async def read(reader: asyncio.StreamReader, decoder: "msgspec.json.Decoder[M]") -> M | None:
    """Return the next message, or None when the other side has closed the stream between two frames."""
    try:
        length = int.from_bytes(await reader.readexactly(4), "big")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise WireError("the stream ended inside a frame") from error
        return None
    if length > LIMIT:
        raise WireError(f"a frame of {length} bytes is over the limit of {LIMIT}")
    try:
        return decoder.decode(await reader.readexactly(length))
    except (msgspec.DecodeError, asyncio.IncompleteReadError) as error:
        raise WireError(f"unreadable frame: {error}") from error
