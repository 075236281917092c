"""
Smithy RPC v2 with CBOR, which current SDKs choose where a service offers it.

The codec is the part of RFC 8949 that the protocol uses.  What comes in is bounded by what was
sent: lengths are compared with the bytes that are there before anything is allocated.
"""

import struct
from dataclasses import dataclass
from typing import Any

import msgspec

from homeport.aws.errors import AwsError
from homeport.aws.model import OperationModel, ServiceModel, Shape
from homeport.gateway.messages import Request, Response
from homeport.gateway.protocols import json, scalars
from homeport.gateway.protocols.documents import Convert, DocumentReader, DocumentWriter
from homeport.gateway.protocols.protocol import MAX_DEPTH, Malformed, wire_error

_BREAK = 0xFF
_INDEFINITE = 31
_EPOCH_TAG = 1


class CborProtocol:
    """smithy-rpc-v2-cbor: the operation in the path, the document in the body."""

    name = "smithy-rpc-v2-cbor"
    malformed_code = "SerializationException"
    content_type = "application/cbor"
    _headers = (("smithy-protocol", "rpc-v2-cbor"),)

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        document = decode(request.body) if request.body else {}
        if operation.input is None:
            return json.refuse_members(document)
        parsed: dict[str, Any] = _reader.of(operation.service, operation.input)(document)
        return parsed

    def answer(self, operation: OperationModel, result: dict[str, Any], request_id: str) -> Response:  # noqa: ARG002 - the app sends the id as a header
        if operation.output is None:
            json.refuse_result(operation, result)
            return Response(operation.status, b"", self.content_type, list(self._headers))
        document = _writer.of_structure(operation.service, operation.output)(result)
        return Response(operation.status, encode(document), self.content_type, list(self._headers))

    def error(self, model: ServiceModel | None, error: AwsError, request_id: str) -> Response:  # noqa: ARG002 - the app sends the id as a header
        code, status, shape = wire_error(model, error)
        type_name, headers = json.query_compatible_code(model, code, status, shape)
        members = json.error_members(_writer, model, shape, error)
        body = encode({"__type": type_name, **members})
        return Response(status, body, self.content_type, [*self._headers, *headers])


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, which CBOR tags."""

    seconds: float


def encode(value: Any) -> bytes:
    """Encode plain data, Moments and stored JSON."""
    out = bytearray()
    _encode_into(out, value)
    return bytes(out)


def _head(major: int, size: int) -> bytes:
    if size < 24:
        return bytes((major << 5 | size,))
    for code, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if size < 1 << (8 * width):
            return bytes((major << 5 | code,)) + size.to_bytes(width, "big")
    raise OverflowError(f"{size} does not fit CBOR's integers")


def _encode_into(out: bytearray, value: Any) -> None:
    match value:
        case None:
            out.append(0xF6)
        case bool():
            out.append(0xF5 if value else 0xF4)
        case int():
            out += _head(0, value) if value >= 0 else _head(1, -1 - value)
        case float():
            out.append(0xFB)
            out += struct.pack(">d", value)
        case str():
            text = value.encode()
            out += _head(3, len(text)) + text
        case bytes() | bytearray():
            out += _head(2, len(value)) + value
        case Moment():
            out.append(0xC0 | _EPOCH_TAG)
            _encode_into(out, value.seconds)
        case msgspec.Raw():
            _encode_into(out, msgspec.json.decode(value))
        case dict():
            out += _head(5, len(value))
            for key, item in value.items():
                _encode_into(out, key)
                _encode_into(out, item)
        case list() | tuple():
            out += _head(4, len(value))
            for item in value:
                _encode_into(out, item)
        case _:
            raise TypeError(f"{type(value).__name__} has no form in CBOR")


def decode(body: bytes) -> Any:
    """Decode one CBOR item that fills *body*, or raise Malformed."""
    reading = _Reading(body)
    value = reading.item(0)
    if reading.position != len(body):
        raise Malformed("bytes follow the CBOR item")
    return value


class _Reading:
    """Where we are in the bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def item(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise Malformed("nested too deeply")
        initial = self._take(1)[0]
        major, info = initial >> 5, initial & 0x1F
        match major:
            case 0:
                return self._number(info)
            case 1:
                return -1 - self._number(info)
            case 2:
                return self._string(info, 2)
            case 3:
                return self._text(info)
            case 4:
                return self._array(info, depth)
            case 5:
                return self._map(info, depth)
            case 6:
                return self._tagged(info, depth)
            case _:
                return self._simple(info)

    def _take(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self._data):
            raise Malformed("the CBOR item ends too early")
        taken = self._data[self.position : end]
        self.position = end
        return taken

    def _number(self, info: int) -> int:
        if info < 24:
            return info
        if info > 27:
            raise Malformed("not a CBOR length")
        return int.from_bytes(self._take(1 << (info - 24)), "big")

    def _at_break(self) -> bool:
        if self.position < len(self._data) and self._data[self.position] == _BREAK:
            self.position += 1
            return True
        return False

    def _string(self, info: int, major: int) -> bytes:
        if info != _INDEFINITE:
            return self._take(self._number(info))
        chunks = []
        while not self._at_break():
            initial = self._take(1)[0]
            if initial >> 5 != major or initial & 0x1F == _INDEFINITE:
                raise Malformed("a CBOR string has a chunk of another kind")
            chunks.append(self._take(self._number(initial & 0x1F)))
        return b"".join(chunks)

    def _text(self, info: int) -> str:
        try:
            return self._string(info, 3).decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("not valid UTF-8") from None

    def _array(self, info: int, depth: int) -> list[Any]:
        items: list[Any] = []
        if info == _INDEFINITE:
            while not self._at_break():
                items.append(self.item(depth + 1))
            return items
        for _ in range(self._bounded(self._number(info))):
            items.append(self.item(depth + 1))  # noqa: PERF401 - a comprehension would hide the bound
        return items

    def _map(self, info: int, depth: int) -> dict[str, Any]:
        items: dict[str, Any] = {}
        if info == _INDEFINITE:
            while not self._at_break():
                self._pair(items, depth)
            return items
        for _ in range(self._bounded(self._number(info))):
            self._pair(items, depth)
        return items

    def _pair(self, items: dict[str, Any], depth: int) -> None:
        key = self.item(depth + 1)
        if type(key) is not str:
            raise Malformed("the keys of a map are strings")
        items[key] = self.item(depth + 1)

    def _bounded(self, count: int) -> int:
        if count > len(self._data) - self.position:  # every item takes a byte at least
            raise Malformed("the CBOR item ends too early")
        return count

    def _tagged(self, info: int, depth: int) -> Moment:
        tag = self._number(info)
        value = self.item(depth + 1)
        if tag != _EPOCH_TAG or type(value) not in (int, float):
            raise Malformed(f"the CBOR tag {tag} is not supported here")
        return Moment(value)

    def _simple(self, info: int) -> Any:
        match info:
            case 20:
                return False
            case 21:
                return True
            case 22 | 23:
                return None
            case 25:
                return struct.unpack(">e", self._take(2))[0]
            case 26:
                return struct.unpack(">f", self._take(4))[0]
            case 27:
                return struct.unpack(">d", self._take(8))[0]
            case _:
                raise Malformed("not a CBOR value")


def _read_time(value: Any) -> float:
    if type(value) is not Moment:
        raise json.mismatch(value, "timestamp")
    return scalars.seconds(value.seconds)


def _read_blob(value: Any) -> bytes:
    if type(value) is not bytes:
        raise json.mismatch(value, "blob")
    return value


def _scalar_writer(shape: Shape) -> Convert | None:
    match shape.type:
        case "timestamp":
            return lambda value: Moment(scalars.epoch(value))
        case "blob":
            return lambda value: value.encode() if isinstance(value, str) else value
        case "float" | "double":
            return float
        case _:
            return None


_reader = DocumentReader({**json.READ_SCALAR, "blob": _read_blob, "timestamp": _read_time})
_writer = DocumentWriter(_scalar_writer)
