"""
XML in and out, for the protocols that speak it.

What comes in is parsed by expat with everything that can expand or reach outside refused: a
document type declaration ends the request, whatever it declares.
"""

import re
from collections.abc import Callable
from typing import Any
from xml.parsers import expat

import msgspec

from homeport.aws.model import ServiceModel, Shape
from homeport.gateway.protocols import scalars
from homeport.gateway.protocols.protocol import MAX_DEPTH, Malformed, PerShape, UnserialisableAnswer

Write = Callable[[list[str], str, Any], None]

_MAX_ELEMENTS = 100_000
_SPECIAL = re.compile("[&<>\r]")
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(value: str) -> str:
    """Escape *value*; characters that XML cannot carry become the replacement character."""
    value = _FORBIDDEN.sub("\ufffd", value)
    if _SPECIAL.search(value) is None:
        return value
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return value.replace("\r", "&#13;")  # which a reader would take for the end of a line


def attribute(value: str) -> str:
    """Quote *value* as an attribute's."""
    return '"' + text(value).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;") + '"'


class Element:
    """An element as read: its local name, attributes, children and text."""

    __slots__ = ("attributes", "children", "name", "parts")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Element] = []
        self.parts: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self.parts)


def parse(body: bytes) -> Element:
    """Read an XML document, or raise Malformed."""
    reading = _Reading()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.data
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.EntityDeclHandler = _refuse_doctype
    parser.ExternalEntityRefHandler = _refuse_doctype
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as problem:
        raise Malformed(f"not well-formed XML: {problem}") from None
    assert reading.root is not None, "expat refuses a document without a root"
    return reading.root


def _refuse_doctype(*_: Any) -> int:
    raise Malformed("a document type declaration is not allowed")


class _Reading:
    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= MAX_DEPTH or self._count > _MAX_ELEMENTS:
            raise Malformed("nested too deeply, or too many elements")
        element = Element(name.rpartition(":")[2], attributes)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, _name: str) -> None:
        self._open.pop()

    def data(self, data: str) -> None:
        self._open[-1].parts.append(data)


def element_name(shape: Shape, name: str) -> str:
    """Return the element that carries *shape* as the member called *name*."""
    if shape.type == "list" and shape.get("flattened"):
        own = shape.member.get("locationName")
        if own:
            return str(own)
    return shape.get("locationName") or name


def namespace(shape: Shape) -> str:
    """Return the xmlns attribute that *shape* asks for."""
    wanted = shape.get("xmlNamespace")
    if not wanted:
        return ""
    if isinstance(wanted, str):
        return f" xmlns={attribute(wanted)}"
    prefix = f":{wanted['prefix']}" if wanted.get("prefix") else ""
    return f" xmlns{prefix}={attribute(wanted['uri'])}"


def writer(model: ServiceModel, shape: Shape) -> Write:
    """Return the function that appends an element of *shape* to a document under construction."""
    return _writers(model, shape)


def _build(model: ServiceModel, shape: Shape) -> Write:
    match shape.type:
        case "structure":
            return _structure(model, shape)
        case "list":
            return _list(model, shape)
        case "map":
            return _map(model, shape)
        case _:
            return _scalar(shape)


_writers: PerShape[Write] = PerShape(_build)


def _scalar(shape: Shape) -> Write:
    xmlns = namespace(shape)
    if shape.type == "string":

        def write_string(out: list[str], name: str, value: Any) -> None:
            out.append(f"<{name}{xmlns}>{text(value)}</{name}>")

        return write_string

    def write(out: list[str], name: str, value: Any) -> None:
        out.append(f"<{name}{xmlns}>{text(scalars.format_text(shape, value, 'iso8601'))}</{name}>")

    return write


def structure_content(model: ServiceModel, shape: Shape) -> Callable[[list[str], Any], None]:
    """Return the function that appends the members of a structure, without an element around them."""
    members = {
        name: (element_name(member, name), writer(model, member))
        for name, member in shape.members.items()
        if not member.get("xmlAttribute")
    }
    attributes = {name for name, member in shape.members.items() if member.get("xmlAttribute")}

    def write(out: list[str], value: Any) -> None:
        if isinstance(value, msgspec.Raw):
            value = msgspec.json.decode(value)
        for key, item in value.items():
            if item is None or key in attributes:
                continue
            member = members.get(key)
            if member is None:
                raise UnserialisableAnswer(f"{shape.name} has no member {key}")
            member[1](out, member[0], item)

    return write


def _structure(model: ServiceModel, shape: Shape) -> Write:
    write_content = structure_content(model, shape)
    xmlns = namespace(shape)
    attributes = {
        name: member.get("locationName") or name for name, member in shape.members.items() if member.get("xmlAttribute")
    }

    def write(out: list[str], name: str, value: Any) -> None:
        own = "".join(f" {wire}={attribute(value[key])}" for key, wire in attributes.items() if key in value)
        out.append(f"<{name}{xmlns}{own}>")
        write_content(out, value)
        out.append(f"</{name}>")

    return write


def _list(model: ServiceModel, shape: Shape) -> Write:
    write_item = writer(model, shape.member)
    if shape.get("flattened"):

        def write_flat(out: list[str], name: str, value: Any) -> None:
            for item in value:
                write_item(out, name, item)

        return write_flat
    item_name = shape.member.get("locationName") or "member"
    xmlns = namespace(shape)

    def write(out: list[str], name: str, value: Any) -> None:
        out.append(f"<{name}{xmlns}>")
        for item in value:
            write_item(out, item_name, item)
        out.append(f"</{name}>")

    return write


def _map(model: ServiceModel, shape: Shape) -> Write:
    key_name = shape.map_key.get("locationName") or "key"
    value_name = shape.map_value.get("locationName") or "value"
    write_key, write_value = writer(model, shape.map_key), writer(model, shape.map_value)
    flattened = shape.get("flattened")

    def write(out: list[str], name: str, value: Any) -> None:
        entry = name if flattened else "entry"
        if not flattened:
            out.append(f"<{name}>")
        for key, item in value.items():
            out.append(f"<{entry}>")
            write_key(out, key_name, key)
            write_value(out, value_name, item)
            out.append(f"</{entry}>")
        if not flattened:
            out.append(f"</{name}>")

    return write
