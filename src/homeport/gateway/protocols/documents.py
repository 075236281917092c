"""
Decoded JSON or CBOR to documents and back: structures, lists and maps, walked by shape.

What the two formats do differently, the scalars, is theirs to give.  Answers may hold
`msgspec.Raw`, JSON that was stored as it is to be sent: it is handed on without being looked at.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from homeport.aws.model import ServiceModel, Shape
from homeport.gateway.protocols.protocol import Malformed, PerShape, UnknownMember, UnserialisableAnswer

Convert = Callable[[Any], Any]


class DocumentReader:
    """Functions that turn decoded bytes into documents of a shape."""

    def __init__(self, scalars: Mapping[str, Convert]) -> None:
        self._scalars = scalars
        self._compound: PerShape[Convert] = PerShape(self._build)

    def of(self, model: ServiceModel, shape: Shape) -> Convert:
        return self._scalars.get(shape.type) or self._compound(model, shape)

    def _build(self, model: ServiceModel, shape: Shape) -> Convert:
        match shape.type:
            case "list":
                return _list_reader(self.of(model, shape.member))
            case "map":
                return _map_reader(self.of(model, shape.map_value))
            case _ if shape.get("document"):
                return lambda value: value
            case _:
                return self.of_members(model, shape.members)

    def of_members(self, model: ServiceModel, shapes: Mapping[str, Shape]) -> Convert:
        """Return the reader of a structure of these members and no others."""
        members = {shape.get("locationName") or name: (name, self.of(model, shape)) for name, shape in shapes.items()}

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
                    raise UnknownMember(str(key))
                try:
                    document[member[0]] = member[1](item)
                except Malformed as problem:
                    problem.under(key)
                    raise
            return document

        return read


def _list_reader(read_item: Convert) -> Convert:
    def read(value: Any) -> list[Any]:
        if type(value) is not list:
            raise Malformed("Expected list or null")
        items: list[Any] = []
        try:
            for item in value:
                if item is None:
                    raise Malformed("null values are not supported in lists")
                items.append(read_item(item))
        except Malformed as problem:
            problem.under(str(len(items) + 1))
            raise
        return items

    return read


def _map_reader(read_value: Convert) -> Convert:
    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise Malformed("Expected map or null")
        items = {}
        for key, item in value.items():
            if type(key) is not str:
                raise Malformed("the keys of a map are strings")
            if item is None:
                continue
            try:
                items[key] = read_value(item)
            except Malformed as problem:
                problem.under(key)
                raise
        return items

    return read


class DocumentWriter:
    """Functions that make a handler's answer ready for an encoder; None where it already is."""

    def __init__(self, scalar: Callable[[Shape], Convert | None]) -> None:
        self._scalar = scalar
        self._compound: PerShape[Convert] = PerShape(self._build)

    def of(self, model: ServiceModel, shape: Shape) -> Convert | None:
        if shape.type in ("structure", "list", "map"):
            return self._compound(model, shape)
        return self._scalar(shape)

    def of_structure(self, model: ServiceModel, shape: Shape) -> Convert:
        return self._compound(model, shape)

    def _build(self, model: ServiceModel, shape: Shape) -> Convert:
        match shape.type:
            case "list":
                return _list_writer(self.of(model, shape.member))
            case "map":
                return _map_writer(self.of(model, shape.map_value))
            case _ if shape.get("document"):
                return lambda value: value
            case _:
                return self.of_members(model, shape.members, shape.name)

    def of_members(self, model: ServiceModel, shapes: Mapping[str, Shape], owner: str) -> Convert:
        """Return the writer of a structure of these members; any other is a mistake of ours."""
        members = {name: (shape.get("locationName") or name, self.of(model, shape)) for name, shape in shapes.items()}

        def write(value: Any) -> Any:
            if type(value) is msgspec.Raw:
                return value
            document = {}
            for key, item in value.items():
                if item is None:
                    continue
                member = members.get(key)
                if member is None:
                    raise UnserialisableAnswer(f"{owner} has no member {key}")
                name, convert = member
                document[name] = item if convert is None else convert(item)
            return document

        return write


def _list_writer(convert: Convert | None) -> Convert:
    def write(value: Any) -> Any:
        if convert is None or type(value) is msgspec.Raw:
            return value
        return [convert(item) for item in value]

    return write


def _map_writer(convert: Convert | None) -> Convert:
    def write(value: Any) -> Any:
        if convert is None or type(value) is msgspec.Raw:
            return value
        return {key: convert(item) for key, item in value.items()}

    return write
