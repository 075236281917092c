"""
The query protocol and EC2's dialect of it: dotted form fields in, XML out.

`Filter.1.Value.2=x` names a place in a tree; the tree is built first, bounded in size and depth, and
read by shape afterwards.  List positions are sorted, never used to allocate.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from homeport.aws.errors import AwsError
from homeport.aws.model import OperationModel, ServiceModel, Shape
from homeport.gateway.messages import Request, Response
from homeport.gateway.protocols import scalars, xml
from homeport.gateway.protocols.protocol import (
    MAX_DEPTH,
    Malformed,
    PerShape,
    UnknownMember,
    UnserialisableAnswer,
    wire_error,
)

Node = Any  # a string, or a dict of nodes
Read = Callable[[Node], Any]

MAX_FIELDS = 10_000
_POSITION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
SIGNING_FIELD = re.compile(
    r"x-amz-(algorithm|credential|date|expires|signedheaders|signature|security-token|content-sha256)"
)


def fields(request: Request) -> list[tuple[str, str]]:
    """Return the form fields of *request*, from its URL and its body, without those of its signature."""
    found: list[tuple[str, str]] = []
    try:
        for source in (request.query, request.body.decode("utf-8")):
            found += parse_qsl(
                source, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MAX_FIELDS
            )
    except ValueError:  # UnicodeDecodeError is one
        raise Malformed(f"not a form of at most {MAX_FIELDS} UTF-8 fields") from None
    return [(key, value) for key, value in found if SIGNING_FIELD.fullmatch(key.lower()) is None]


def grow_tree(pairs: list[tuple[str, str]]) -> dict[str, Node]:
    """Turn dotted names into nested dicts."""
    root: dict[str, Node] = {}
    for name, value in pairs:
        *branches, leaf = name.split(".")
        if len(branches) > MAX_DEPTH:
            raise Malformed(f"the parameter {name[:64]}... is nested too deeply")
        node = root
        for branch in branches:
            below = node.setdefault(branch, {})
            if not isinstance(below, dict):
                raise Malformed(f"the parameter {name[:256]} is both a value and a structure")
            node = below
        if leaf in node:
            raise Malformed(f"the parameter {name[:256]} is given twice")
        node[leaf] = value
    return root


class QueryProtocol:
    """AWS query: lists as `.member.N`, maps as `.entry.N.key`."""

    name = "query"
    malformed_code = "MalformedInput"
    content_type = "text/xml"

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        tree = grow_tree(fields(request))
        tree.pop("Action", None)
        tree.pop("Version", None)
        if operation.input is None:
            for name in tree:
                raise UnknownMember(name)
            return {}
        document: dict[str, Any] = self._readers(operation.service, operation.input)(tree)
        return document

    def answer(self, operation: OperationModel, result: dict[str, Any], request_id: str) -> Response:
        xmlns = xml.attribute(operation.service.metadata.get("xmlNamespace", ""))
        out = [f"<{operation.name}Response xmlns={xmlns}>"]
        wrapper = operation.output.get("resultWrapper") if operation.output is not None else None
        if wrapper:
            out.append(f"<{wrapper}>")
        _write_members(operation, result, out)
        if wrapper:
            out.append(f"</{wrapper}>")
        out.append(
            f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation.name}Response>"
        )
        return Response(operation.status, "".join(out).encode(), self.content_type)

    def error(self, model: ServiceModel | None, error: AwsError, request_id: str) -> Response:
        code, status, shape = wire_error(model, error)
        namespace = model.metadata.get("xmlNamespace") if model is not None else None
        xmlns = f" xmlns={xml.attribute(namespace)}" if namespace else ""
        out = [
            f"<ErrorResponse{xmlns}><Error><Type>{'Sender' if status < 500 else 'Receiver'}</Type>",
            f"<Code>{xml.text(code)}</Code><Message>{xml.text(error.message)}</Message>",
        ]
        if model is not None and shape is not None and error.members:
            xml.structure_content(model, shape)(out, error.members)
        out.append(f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>")
        return Response(status, "".join(out).encode(), self.content_type)

    # Reading

    def __init__(self) -> None:
        self._readers: PerShape[Read] = PerShape(self._build)

    def _build(self, model: ServiceModel, shape: Shape) -> Read:
        match shape.type:
            case "structure":
                return self._structure(model, shape)
            case "list":
                return self._list(model, shape)
            case "map":
                return self._map(model, shape)
            case _:
                return _scalar(shape)

    def _wire_names(self, shape: Shape, name: str) -> list[str]:
        """Return the names under which *shape*, a member called *name*, may arrive."""
        if shape.type == "list" and shape.get("flattened") and shape.member.get("locationName"):
            return [shape.member.get("locationName")]
        return [shape.get("locationName") or name]

    def _structure(self, model: ServiceModel, shape: Shape) -> Read:
        members = {
            wire: (name, self._readers(model, member))
            for name, member in shape.members.items()
            for wire in self._wire_names(member, name)
        }

        def read(node: Node) -> dict[str, Any]:
            if not isinstance(node, dict):
                if node == "":
                    return {}
                raise Malformed("a structure was expected")
            document = {}
            for key, item in node.items():
                member = members.get(key)
                if member is None:
                    raise UnknownMember(key)
                try:
                    document[member[0]] = member[1](item)
                except Malformed as problem:
                    problem.under(key)
                    raise
            return document

        return read

    def _list(self, model: ServiceModel, shape: Shape) -> Read:
        read_item = self._readers(model, shape.member)
        wrapper = None if shape.get("flattened") else shape.member.get("locationName") or "member"

        def read(node: Node) -> list[Any]:
            if wrapper is not None and isinstance(node, dict):
                (name, node), *others = node.items()
                if name != wrapper or others:
                    raise UnknownMember(others[0][0] if name == wrapper else name)
            return _read_positions(node, read_item)

        return read

    def _map(self, model: ServiceModel, shape: Shape) -> Read:
        key_name = shape.map_key.get("locationName") or "key"
        value_name = shape.map_value.get("locationName") or "value"
        read_key, read_value = self._readers(model, shape.map_key), self._readers(model, shape.map_value)
        flattened = shape.get("flattened")

        def read_entry(node: Node) -> tuple[str, Any]:
            if not isinstance(node, dict) or node.keys() - {key_name, value_name} or key_name not in node:
                raise Malformed(f"a map entry of {key_name} and {value_name} was expected")
            return read_key(node[key_name]), read_value(node.get(value_name, ""))

        def read(node: Node) -> dict[str, Any]:
            if isinstance(node, dict) and not flattened:
                if node.keys() != {"entry"}:
                    raise Malformed("map entries were expected")
                node = node["entry"]
            return dict(_read_positions(node, read_entry))

        return read


class Ec2Protocol(QueryProtocol):
    """EC2: capitalised names, lists without a wrapper, answers and errors of its own shape."""

    name = "ec2"
    malformed_code = "InvalidParameterValue"
    content_type = "text/xml;charset=UTF-8"

    def _wire_names(self, shape: Shape, name: str) -> list[str]:
        wire = shape.get("queryName")
        if wire:
            return [wire]
        wire = shape.get("locationName") or name
        capitalised = wire[:1].upper() + wire[1:]
        return [capitalised] if shape.get("locationName") else [name, capitalised]

    def _list(self, model: ServiceModel, shape: Shape) -> Read:
        read_item = self._readers(model, shape.member)
        return lambda node: _read_positions(node, read_item)

    def answer(self, operation: OperationModel, result: dict[str, Any], request_id: str) -> Response:
        xmlns = xml.attribute(operation.service.metadata["xmlNamespace"])
        out = [f'<?xml version="1.0" encoding="UTF-8"?>\n<{operation.name}Response xmlns={xmlns}>']
        out.append(f"<requestId>{request_id}</requestId>")
        _write_members(operation, result, out)
        out.append(f"</{operation.name}Response>")
        return Response(operation.status, "".join(out).encode(), self.content_type)

    def error(self, model: ServiceModel | None, error: AwsError, request_id: str) -> Response:  # noqa: ARG002 - EC2's model has no errors
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>'
            f"<Code>{xml.text(error.code)}</Code><Message>{xml.text(error.message)}</Message>"
            f"</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        )
        return Response(error.status, body.encode(), self.content_type)


def _write_members(operation: OperationModel, result: dict[str, Any], out: list[str]) -> None:
    if operation.output is None:
        if result:
            raise UnserialisableAnswer(f"{operation.name} answers nothing, not {sorted(result)}")
        return
    _contents(operation.service, operation.output)(out, result)


_contents: PerShape[Callable[[list[str], Any], None]] = PerShape(xml.structure_content)


def _scalar(shape: Shape) -> Read:
    def read(node: Node) -> Any:
        if not isinstance(node, str):
            raise Malformed("a plain value was expected")
        return scalars.parse_text(shape, node)

    return read


def _read_positions(node: Node, read_item: Callable[[Node], Any]) -> list[Any]:
    if node == "":
        return []
    if not isinstance(node, dict):
        raise Malformed("a list was expected")
    for position in node:
        if _POSITION.fullmatch(position) is None:
            raise Malformed(f"'{position[:64]}' is not a position in a list")
    items = []
    for position in sorted(node, key=int):
        try:
            items.append(read_item(node[position]))
        except Malformed as problem:
            problem.under(position)
            raise
    return items
