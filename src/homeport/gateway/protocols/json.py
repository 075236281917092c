"""
AWS JSON 1.0 and 1.1: the operation in a header, the document in the body.

The hot path of ECS.  Answers may hold `msgspec.Raw`, JSON that was stored as it is to be sent;
it is copied into the answer without being looked at.
"""

import base64
import math
from collections.abc import Callable
from typing import Any

import msgspec

from homeport.aws.errors import AwsError
from homeport.aws.model import OperationModel, ServiceModel, Shape
from homeport.gateway.messages import Request, Response
from homeport.gateway.protocols import scalars
from homeport.gateway.protocols.protocol import (
    Malformed,
    PerShape,
    UnknownMember,
    UnserialisableAnswer,
    wire_error,
)

Convert = Callable[[Any], Any]

_TOKENS = {str: "STRING_VALUE", bool: "BOOLEAN_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE"}
_NOUNS = {"string": "a String", "boolean": "a Boolean", "integer": "an Integer", "long": "a Long"}
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class JsonProtocol:
    """One version of AWS JSON."""

    malformed_code = "SerializationException"

    def __init__(self, version: str) -> None:
        self.name = "json"
        self.content_type = f"application/x-amz-json-{version}"

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        document = decode(request.body) if request.body.strip() else {}
        if operation.input is None:
            return _empty(document)
        parsed: dict[str, Any] = reader(operation.service, operation.input)(document)
        return parsed

    def answer(self, operation: OperationModel, result: dict[str, Any], request_id: str) -> Response:  # noqa: ARG002 - the app sends the id as a header
        return Response(operation.status, encode(operation, result), self.content_type)

    def error(self, model: ServiceModel | None, error: AwsError, request_id: str) -> Response:  # noqa: ARG002 - the app sends the id as a header
        code, status, shape = wire_error(model, error)
        headers = []
        if model is not None and model.query_compatible:
            headers.append(("x-amzn-query-error", f"{code};{'Sender' if status < 500 else 'Receiver'}"))
            code = shape.name if shape is not None else code
        body = {"__type": code, **error_members(model, shape, error)}
        return Response(status, _encode(body), self.content_type, headers)


def decode(body: bytes) -> Any:
    """Decode JSON, or raise Malformed."""
    try:
        return _decode(body)
    except RecursionError:
        raise Malformed("nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise Malformed(str(problem)) from None


def encode(operation: OperationModel, result: dict[str, Any]) -> bytes:
    """Encode an operation's answer; members that its output does not have are a mistake of ours."""
    if operation.output is None:
        if result:
            raise UnserialisableAnswer(f"{operation.name} answers nothing, not {sorted(result)}")
        return b"{}"
    return _encode(_writers(operation.service, operation.output)(result))


def error_members(model: ServiceModel | None, shape: Shape | None, error: AwsError) -> dict[str, Any]:
    """Return the body of *error*: its message under the name its shape gives it, and its further members."""
    if shape is None or model is None:
        return {"message": error.message}
    name = next((name for name in shape.members if name.lower() == "message"), None)
    named = {name: error.message} if name is not None else {}
    written: dict[str, Any] = _writers(model, shape)({**error.members, **named})
    return written if name is not None else {"message": error.message, **written}


def _empty(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise Malformed("Start of structure or map expected.")
    for name in document:
        raise UnknownMember(name)
    return {}


# Reading


def _mismatch(value: Any, kind: str) -> Malformed:
    if isinstance(value, dict):
        return Malformed("Start of structure or map found where not expected.")
    if isinstance(value, list):
        return Malformed("Start of list found where not expected")
    token = ("TRUE_VALUE" if value else "FALSE_VALUE") if isinstance(value, bool) else _TOKENS.get(type(value), "NULL")
    return Malformed(f"{token} can not be converted to {_NOUNS.get(kind, 'a ' + kind.capitalize())}")


def _read_structure(model: ServiceModel, shape: Shape) -> Convert:
    if shape.get("document"):
        return lambda value: value
    members = {
        member.get("locationName") or name: (name, reader(model, member)) for name, member in shape.members.items()
    }

    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise Malformed("Unexpected token: start of structure expected.")
        document = {}
        for key, item in value.items():
            if item is None:
                continue
            member = members.get(key)
            if member is None:
                if key == "__type":
                    continue
                raise UnknownMember(key)
            try:
                document[member[0]] = member[1](item)
            except Malformed as problem:
                problem.under(key)
                raise
        return document

    return read


def _read_list(model: ServiceModel, shape: Shape) -> Convert:
    read_item = reader(model, shape.member)

    def read(value: Any) -> list[Any]:
        if type(value) is not list:
            raise Malformed("Expected list or null")
        position = 0
        items = []
        try:
            for item in value:
                position += 1
                if item is None:
                    raise Malformed("null values are not supported in lists")
                items.append(read_item(item))
        except Malformed as problem:
            problem.under(str(position))
            raise
        return items

    return read


def _read_map(model: ServiceModel, shape: Shape) -> Convert:
    read_value = reader(model, shape.map_value)

    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise Malformed("Expected map or null")
        items = {}
        for key, item in value.items():
            if item is None:
                continue
            try:
                items[key] = read_value(item)
            except Malformed as problem:
                problem.under(key)
                raise
        return items

    return read


def _read_string(value: Any) -> str:
    if type(value) is not str:
        raise _mismatch(value, "string")
    return value


def _read_boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise _mismatch(value, "boolean")
    return value


def _read_blob(value: Any) -> bytes:
    if type(value) is not str:
        raise _mismatch(value, "blob")
    return scalars.parse_blob(value)


def _read_time(value: Any) -> float:
    if type(value) in (int, float):
        return scalars.seconds(value)
    if type(value) is str:
        return scalars.parse_time(value)
    raise _mismatch(value, "timestamp")


def _read_float(value: Any) -> float:
    if type(value) in (int, float):
        return float(value)
    if type(value) is str and value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    raise _mismatch(value, "double")


def _read_integer(kind: str) -> Convert:
    def read(value: Any) -> int:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int:
            raise _mismatch(value, kind)
        return scalars.bounded(kind, value)

    return read


_READ_SCALAR: dict[str, Convert] = {
    "string": _read_string,
    "character": _read_string,
    "boolean": _read_boolean,
    "blob": _read_blob,
    "timestamp": _read_time,
    "float": _read_float,
    "double": _read_float,
    "integer": _read_integer("integer"),
    "long": _read_integer("long"),
}


def reader(model: ServiceModel, shape: Shape) -> Convert:
    """Return the function that turns decoded JSON into a document of *shape*."""
    return _READ_SCALAR.get(shape.type) or _readers(model, shape)


def _build_reader(model: ServiceModel, shape: Shape) -> Convert:
    build = {"structure": _read_structure, "list": _read_list, "map": _read_map}[shape.type]
    return build(model, shape)


_readers: PerShape[Convert] = PerShape(_build_reader)


# Writing


def _write_structure(model: ServiceModel, shape: Shape) -> Convert:
    if shape.get("document"):
        return lambda value: value
    members = {
        name: (member.get("locationName") or name, writer(model, member)) for name, member in shape.members.items()
    }

    def write(value: Any) -> Any:
        if type(value) is msgspec.Raw:
            return value
        document = {}
        for key, item in value.items():
            if item is None:
                continue
            member = members.get(key)
            if member is None:
                raise UnserialisableAnswer(f"{shape.name} has no member {key}")
            convert = member[1]
            document[member[0]] = item if convert is None else convert(item)
        return document

    return write


def _write_list(model: ServiceModel, shape: Shape) -> Convert:
    convert = writer(model, shape.member)

    def write(value: Any) -> Any:
        if convert is None or type(value) is msgspec.Raw:
            return value
        return [convert(item) for item in value]

    return write


def _write_map(model: ServiceModel, shape: Shape) -> Convert:
    convert = writer(model, shape.map_value)

    def write(value: Any) -> Any:
        if convert is None or type(value) is msgspec.Raw:
            return value
        return {key: convert(item) for key, item in value.items()}

    return write


def _write_time(shape: Shape) -> Convert:
    style = shape.get("timestampFormat") or "unixTimestamp"
    if style == "unixTimestamp":
        return scalars.epoch
    return lambda value: scalars.format_time(value, style)


def _write_blob(value: Any) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def _write_float(value: Any) -> Any:
    return value if math.isfinite(value) else scalars.format_float(value)


def writer(model: ServiceModel, shape: Shape) -> Convert | None:
    """Return the function that makes an answer of *shape* ready for JSON, or None when it already is."""
    match shape.type:
        case "structure" | "list" | "map":
            return _writers(model, shape)
        case "timestamp":
            return _write_time(shape)
        case "blob":
            return _write_blob
        case "float" | "double":
            return _write_float
        case _:
            return None


def _build_writer(model: ServiceModel, shape: Shape) -> Convert:
    build = {"structure": _write_structure, "list": _write_list, "map": _write_map}[shape.type]
    return build(model, shape)


_writers: PerShape[Convert] = PerShape(_build_writer)
