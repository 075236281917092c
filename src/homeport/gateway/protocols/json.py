"""
AWS JSON 1.0 and 1.1: the operation in a header, the document in the body.

The hot path of ECS.
"""

import base64
import math
from typing import Any

import msgspec

from homeport.aws.errors import AwsError
from homeport.aws.model import OperationModel, ServiceModel, Shape
from homeport.gateway.messages import Request, Response
from homeport.gateway.protocols import scalars
from homeport.gateway.protocols.documents import Convert, DocumentReader, DocumentWriter
from homeport.gateway.protocols.protocol import Malformed, UnknownMember, UnserialisableAnswer, wire_error

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class JsonProtocol:
    """One version of AWS JSON."""

    name = "json"
    malformed_code = "SerializationException"

    def __init__(self, version: str) -> None:
        self.content_type = f"application/x-amz-json-{version}"

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        document = decode(request.body) if request.body.strip() else {}
        if operation.input is None:
            return refuse_members(document)
        parsed: dict[str, Any] = reader.of(operation.service, operation.input)(document)
        return parsed

    def answer(self, operation: OperationModel, result: dict[str, Any], request_id: str) -> Response:  # noqa: ARG002 - the app sends the id as a header
        if operation.output is None:
            refuse_result(operation, result)
            return Response(operation.status, b"{}", self.content_type)
        document = writer.of_structure(operation.service, operation.output)(result)
        return Response(operation.status, _encode(document), self.content_type)

    def error(self, model: ServiceModel | None, error: AwsError, request_id: str) -> Response:  # noqa: ARG002 - the app sends the id as a header
        code, status, shape = wire_error(model, error)
        type_name, headers = query_compatible_code(model, code, status, shape)
        members = error_members(writer, model, shape, error)
        return Response(status, _encode({"__type": type_name, **members}), self.content_type, headers)


def decode(body: bytes) -> Any:
    """Decode JSON, or raise Malformed."""
    try:
        return _decode(body)
    except RecursionError:
        raise Malformed("nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise Malformed(str(problem)) from None


def encode(document: Any) -> bytes:
    return _encode(document)


def refuse_members(document: Any) -> dict[str, Any]:
    """Return the document of an operation that takes nothing, or raise Malformed if there is something."""
    if not isinstance(document, dict):
        raise Malformed("Start of structure or map expected.")
    for name in document:
        raise UnknownMember(str(name))
    return {}


def refuse_result(operation: OperationModel, result: dict[str, Any]) -> None:
    if result:
        raise UnserialisableAnswer(f"{operation.name} answers nothing, not {sorted(result)}")


def query_compatible_code(
    model: ServiceModel | None, code: str, status: int, shape: Shape | None
) -> tuple[str, list[tuple[str, str]]]:
    """Return an error's type and headers; services that once spoke query say their old code in a header."""
    if model is None or not model.query_compatible:
        return code, []
    header = ("x-amzn-query-error", f"{code};{'Sender' if status < 500 else 'Receiver'}")
    return (shape.name if shape is not None else code), [header]


def error_members(
    write: DocumentWriter, model: ServiceModel | None, shape: Shape | None, error: AwsError
) -> dict[str, Any]:
    """Return the body of *error*: its message under the name its shape gives it, and its further members."""
    if shape is None or model is None:
        return {"message": error.message}
    name = next((name for name in shape.members if name.lower() == "message"), None)
    named = {name: error.message} if name is not None else {}
    written: dict[str, Any] = write.of_structure(model, shape)({**error.members, **named})
    return written if name is not None else {"message": error.message, **written}


# Scalars

_TOKENS = {str: "STRING_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE"}
_NOUNS = {"string": "a String", "boolean": "a Boolean", "integer": "an Integer", "long": "a Long"}


def mismatch(value: Any, kind: str) -> Malformed:
    """Return the complaint that *value* is not a *kind*, as AWS words it."""
    if isinstance(value, dict):
        return Malformed("Start of structure or map found where not expected.")
    if isinstance(value, list):
        return Malformed("Start of list found where not expected")
    token = ("TRUE_VALUE" if value else "FALSE_VALUE") if isinstance(value, bool) else _TOKENS.get(type(value), "VALUE")
    return Malformed(f"{token} can not be converted to {_NOUNS.get(kind, 'a ' + kind.capitalize())}")


def read_string(value: Any) -> str:
    if type(value) is not str:
        raise mismatch(value, "string")
    return value


def read_boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise mismatch(value, "boolean")
    return value


def read_float(value: Any) -> float:
    if type(value) in (int, float):
        return float(value)
    if type(value) is str and value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    raise mismatch(value, "double")


def integer_reader(kind: str) -> Convert:
    def read(value: Any) -> int:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int:
            raise mismatch(value, kind)
        return scalars.bounded(kind, value)

    return read


def read_time(value: Any) -> float:
    if type(value) in (int, float):
        return scalars.seconds(value)
    if type(value) is str:
        return scalars.parse_time(value)
    raise mismatch(value, "timestamp")


def _read_blob(value: Any) -> bytes:
    if type(value) is not str:
        raise mismatch(value, "blob")
    return scalars.parse_blob(value)


READ_SCALAR: dict[str, Convert] = {
    "string": read_string,
    "character": read_string,
    "boolean": read_boolean,
    "blob": _read_blob,
    "timestamp": read_time,
    "float": read_float,
    "double": read_float,
    "integer": integer_reader("integer"),
    "long": integer_reader("long"),
}


def _write_blob(value: Any) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def _write_float(value: Any) -> Any:
    return value if math.isfinite(value) else scalars.format_float(value)


def _scalar_writer(shape: Shape) -> Convert | None:
    match shape.type:
        case "timestamp":
            style = shape.get("timestampFormat") or "unixTimestamp"
            return scalars.epoch if style == "unixTimestamp" else lambda value: scalars.format_time(value, style)
        case "blob":
            return _write_blob
        case "float" | "double":
            return _write_float
        case _:
            return None


reader = DocumentReader(READ_SCALAR)
writer = DocumentWriter(_scalar_writer)
