"""
What the two REST protocols share: members in the path, the query string and headers.

Each protocol adds how a body is read and written.  A path is matched against the templates of the
model; the most literal template wins, as `/functions/{Name}/code` before `/functions/{Name}`.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from homeport.aws.model import OperationModel, ServiceModel, Shape
from homeport.gateway.messages import Request
from homeport.gateway.protocols import json, scalars
from homeport.gateway.protocols.protocol import Malformed, UnknownMember, UnserialisableAnswer
from homeport.gateway.protocols.query import MAX_FIELDS, SIGNING_FIELD

_LABEL = re.compile(r"\{([^}+]+)(\+?)\}")
_LIST_ITEM = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,]*))\s*(?:,|$)')


class Template:
    """An operation's method, path and fixed query parameters."""

    def __init__(self, operation: OperationModel) -> None:
        path, _, query = operation.uri.partition("?")
        self.operation = operation.name
        self.method = operation.method
        self.labels = [match[1] for match in _LABEL.finditer(path)]
        self.fixed = dict(parse_qsl(query, keep_blank_values=True))
        #: More literal text, and more fixed parameters, make a template the better match.
        self.rank = (len(self.fixed), len(_LABEL.sub("", path)))
        position, pattern = 0, ""
        for match in _LABEL.finditer(path):
            pattern += re.escape(path[position : match.start()]) + ("(.+)" if match[2] else "([^/]+)")
            position = match.end()
        self._pattern = re.compile(pattern + re.escape(path[position:].rstrip("/")) + "/?")

    def match(self, request: Request, query: dict[str, str]) -> dict[str, str] | None:
        """Return the labels of a request that fits, else None."""
        if request.method != self.method or any(query.get(name) != value for name, value in self.fixed.items()):
            return None
        found = self._pattern.fullmatch(request.raw_path)
        if found is None:
            return None
        return {label: unquote(text) for label, text in zip(self.labels, found.groups(), strict=True)}


_templates: dict[int, list[Template]] = {}


def find_operation(model: ServiceModel, request: Request) -> str | None:
    """Return the name of the operation that *request*'s method and path stand for."""
    templates = _templates.get(id(model))
    if templates is None:
        every = [Template(model.get_operation(name)) for name in model.operation_names]
        templates = _templates[id(model)] = sorted(every, key=lambda template: template.rank, reverse=True)
    query = dict(query_pairs(request))
    return next((template.operation for template in templates if template.match(request, query) is not None), None)


def query_pairs(request: Request) -> list[tuple[str, str]]:
    try:
        pairs = parse_qsl(
            request.query, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise Malformed(f"not a query string of at most {MAX_FIELDS} UTF-8 parameters") from None
    return [(name, value) for name, value in pairs if SIGNING_FIELD.fullmatch(name.lower()) is None and name != "x-id"]


@dataclass(frozen=True, slots=True)
class InputPlan:
    """Where the members of an operation's input are found."""

    template: Template
    labels: dict[str, tuple[str, Shape]]
    parameters: dict[str, tuple[str, Shape]]
    headers: dict[str, tuple[str, Shape]]
    prefixes: dict[str, tuple[str, Shape]]
    rest_of_query: str | None  # the map that takes all other parameters
    payload: tuple[str, Shape] | None
    body: dict[str, Shape]


def plan_input(operation: OperationModel) -> InputPlan:
    members = operation.input.members if operation.input is not None else {}
    plan = InputPlan(Template(operation), {}, {}, {}, {}, _query_map(members), _payload(operation.input), {})
    for name, shape in members.items():
        wire = shape.get("locationName") or name
        match shape.get("location"):
            case "uri":
                plan.labels[wire] = (name, shape)
            case "querystring" if shape.type != "map":
                plan.parameters[wire] = (name, shape)
            case "header":
                plan.headers[wire.lower()] = (name, shape)
            case "headers":
                plan.prefixes[(shape.get("locationName") or "").lower()] = (name, shape)
            case None if plan.payload is None:
                plan.body[name] = shape
    return plan


def _query_map(members: dict[str, Shape]) -> str | None:
    maps = [name for name, shape in members.items() if shape.get("location") == "querystring" and shape.type == "map"]
    return maps[0] if maps else None


def _payload(shape: Shape | None) -> tuple[str, Shape] | None:
    name = shape.get("payload") if shape is not None else None
    return (name, shape.members[name]) if shape is not None and name else None


def read_locations(plan: InputPlan, request: Request) -> dict[str, Any]:
    """Return the members that are not in the body."""
    document: dict[str, Any] = {}
    pairs = query_pairs(request)
    labels = plan.template.match(request, dict(pairs)) or {}
    for wire, (name, shape) in plan.labels.items():
        document[name] = _at(name, scalars.parse_text, shape, labels.get(wire, ""))
    _read_query(plan, pairs, document)
    for wire, (name, shape) in plan.headers.items():
        if wire in request.headers:
            document[name] = _at(name, _read_header, shape, request.headers[wire])
    for prefix, (name, _) in plan.prefixes.items():
        found = {
            key[len(prefix) :]: value for key, value in request.headers.items() if prefix and key.startswith(prefix)
        }
        if found:
            document[name] = found
    return document


def _read_query(plan: InputPlan, pairs: list[tuple[str, str]], document: dict[str, Any]) -> None:
    for wire, text in pairs:
        if wire in plan.parameters:
            name, shape = plan.parameters[wire]
            if shape.type == "list":
                item = _at(name, scalars.parse_text, shape.member, text)
                document.setdefault(name, []).append(item)
            elif name in document:
                raise Malformed(f"the parameter {wire[:256]} is given twice")
            else:
                document[name] = _at(name, scalars.parse_text, shape, text)
        elif wire in plan.template.fixed:
            continue
        elif plan.rest_of_query is not None:
            document.setdefault(plan.rest_of_query, {})[wire] = text
        else:
            raise UnknownMember(wire)


def _at(name: str, read: Callable[[Shape, str], Any], shape: Shape, text: str) -> Any:
    try:
        return read(shape, text)
    except Malformed as problem:
        problem.under(name)
        raise


def _read_header(shape: Shape, text: str) -> Any:
    if shape.type == "list":
        return [scalars.parse_text(shape.member, item) for item in _split_list(shape.member, text)]
    if shape.get("jsonvalue"):
        return json.decode(scalars.parse_blob(text))
    return scalars.parse_text(shape, text)


def _split_list(member: Shape, text: str) -> list[str]:
    if member.type == "timestamp" and member.get("timestampFormat") in (None, "rfc822"):
        halves = text.split(",")  # an HTTP date has a comma of its own
        return [f"{day},{rest}".strip() for day, rest in zip(halves[::2], halves[1::2], strict=False)]
    items, position = [], 0
    while position < len(text):
        match = _LIST_ITEM.match(text, position)
        if match is None or match.end() == position:
            raise Malformed("a list in a header is not well-formed")
        items.append(re.sub(r"\\(.)", r"\1", match[1]) if match[1] is not None else match[2].strip())
        position = match.end()
    return items


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """Where the members of an answer, or of an error, go."""

    headers: dict[str, tuple[str, Shape]]
    prefixes: dict[str, str]
    status: str | None
    payload: tuple[str, Shape] | None
    body: dict[str, Shape]


def plan_output(shape: Shape | None) -> OutputPlan:
    members = shape.members if shape is not None else {}
    located = {name: member.get("location") for name, member in members.items()}
    payload = _payload(shape)
    return OutputPlan(
        headers={
            name: (member.get("locationName") or name, member)
            for name, member in members.items()
            if located[name] == "header"
        },
        prefixes={
            name: member.get("locationName") or "" for name, member in members.items() if located[name] == "headers"
        },
        status=next((name for name, location in located.items() if location == "statusCode"), None),
        payload=payload,
        body={} if payload else {name: member for name, member in members.items() if located[name] is None},
    )


def write_locations(plan: OutputPlan, result: dict[str, Any]) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    """Return the headers of an answer, and what is left for its body."""
    headers: list[tuple[str, str]] = []
    body: dict[str, Any] = {}
    for name, value in result.items():
        if value is None:
            continue
        if name in plan.headers:
            wire, shape = plan.headers[name]
            headers.append((wire, _header_text(shape, value)))
        elif name in plan.prefixes:
            headers.extend((_one_line(plan.prefixes[name] + key), _one_line(str(item))) for key, item in value.items())
        elif name in plan.body or (plan.payload is not None and plan.payload[0] == name):
            body[name] = value
        elif name != plan.status:
            raise UnserialisableAnswer(f"the answer has no member {name}")
    return headers, body


def _header_text(shape: Shape, value: Any) -> str:
    if shape.type == "list":
        return ", ".join(_quoted(scalars.format_text(shape.member, item, "rfc822")) for item in value)
    if shape.get("jsonvalue"):
        return base64.b64encode(json.encode(value)).decode()
    return _one_line(scalars.format_text(shape, value, "rfc822"))


def _quoted(text: str) -> str:
    return text if not set(text) & set('",') else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _one_line(text: str) -> str:
    if any(character < " " or character == "\x7f" for character in text):
        raise UnserialisableAnswer("a header cannot hold control characters")
    return text


def text(body: bytes) -> str:
    """Return a body that is one string."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("not valid UTF-8") from None
