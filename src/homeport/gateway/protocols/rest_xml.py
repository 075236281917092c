"""REST with XML bodies, as Route 53 and S3 speak it."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from homeport.aws.errors import AwsError
from homeport.aws.model import OperationModel, ServiceModel, Shape
from homeport.gateway.messages import Request, Response
from homeport.gateway.protocols import rest, scalars, xml
from homeport.gateway.protocols.protocol import Malformed, PerShape, UnknownMember, wire_error

Read = Callable[[xml.Element], Any]

_RAW_TYPES = ("blob", "string")


class RestXmlProtocol:
    """rest-xml; S3 words its errors without an envelope."""

    name = "rest-xml"
    malformed_code = "InvalidInput"
    content_type = "text/xml"

    def __init__(self) -> None:
        self._plans: dict[int, rest.InputPlan] = {}  # by operation; models live as long as the process
        self._outputs: dict[int, rest.OutputPlan] = {}

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        plan = self._plans.get(id(operation))
        if plan is None:
            plan = self._plans[id(operation)] = rest.plan_input(operation)
        document = rest.read_locations(plan, request)
        if plan.payload is not None and plan.payload[1].type in _RAW_TYPES:
            if request.body:
                name, shape = plan.payload
                document[name] = request.body if shape.type == "blob" else rest.text(request.body)
            return document
        if not request.body.strip():
            return document
        root = xml.parse(request.body)
        if plan.payload is not None:
            name, shape = plan.payload
            _check_root(root, shape)
            document[name] = reader(operation.service, shape)(root)
        else:
            assert operation.input is not None or not plan.body, "body members come from an input"
            if operation.input is not None and plan.body:
                _check_root(root, operation.input)
            document.update(members_reader(operation.service, plan.body)(root))
        return document

    def answer(self, operation: OperationModel, result: dict[str, Any], request_id: str) -> Response:  # noqa: ARG002 - the app sends the id as a header
        plan = self._outputs.get(id(operation))
        if plan is None:
            plan = self._outputs[id(operation)] = rest.plan_output(operation.output)
        headers, members = rest.write_locations(plan, result)
        status = result.get(plan.status, operation.status) if plan.status else operation.status
        return Response(status, _body(operation, plan, members), self.content_type, headers)

    def error(self, model: ServiceModel | None, error: AwsError, request_id: str) -> Response:
        code, status, shape = wire_error(model, error)
        content = [f"<Code>{xml.text(code)}</Code><Message>{xml.text(error.message)}</Message>"]
        if model is not None and shape is not None and error.members:
            xml.structure_content(model, shape)(content, error.members)
        inner = "".join(content)
        if model is not None and model.name == "s3":
            text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}<RequestId>{request_id}</RequestId></Error>'
        else:
            sender = "Sender" if status < 500 else "Receiver"
            namespace = f" xmlns={xml.attribute(_namespace(model))}" if model is not None and _namespace(model) else ""
            text = (
                f'<?xml version="1.0"?>\n<ErrorResponse{namespace}><Error><Type>{sender}</Type>{inner}</Error>'
                f"<RequestId>{request_id}</RequestId></ErrorResponse>"
            )
        return Response(status, text.encode(), self.content_type)


@lru_cache(maxsize=64)
def _namespace(model: ServiceModel) -> str:
    """Return the service's namespace: in its metadata, or else on the inputs that have a body."""
    if "xmlNamespace" in model.metadata:
        return str(model.metadata["xmlNamespace"])
    for name in model.operation_names:
        shape = model.get_operation(name).input
        wanted = shape.get("xmlNamespace") if shape is not None else None
        if wanted:
            return str(wanted["uri"])
    return ""


def _body(operation: OperationModel, plan: rest.OutputPlan, members: dict[str, Any]) -> bytes:
    out = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    if plan.payload is not None:
        name, shape = plan.payload
        value = members.get(name)
        if value is None:
            return b""
        if shape.type in _RAW_TYPES:
            return value.encode() if isinstance(value, str) else bytes(value)
        xml.writer(operation.service, shape)(out, shape.get("locationName") or shape.name, value)
        return "".join(out).encode()
    if operation.output is None or not plan.body:
        return b""
    root = operation.output.get("locationName") or operation.output.name
    namespace = _namespace(operation.service)
    out.append(f"<{root} xmlns={xml.attribute(namespace)}>" if namespace else f"<{root}>")
    xml.structure_content(operation.service, operation.output)(out, members)
    out.append(f"</{root}>")
    return "".join(out).encode()


# Reading


def _check_root(root: xml.Element, shape: Shape) -> None:
    expected = shape.get("locationName")
    if expected and root.name != expected:
        raise Malformed(f"the document is a {root.name[:64]}, not a {expected}")


def reader(model: ServiceModel, shape: Shape) -> Read:
    """Return the function that reads an element as *shape*."""
    return _readers(model, shape)


def _build(model: ServiceModel, shape: Shape) -> Read:
    match shape.type:
        case "structure":
            return members_reader(model, shape.members)
        case "list":
            return _list_reader(model, shape)
        case "map":
            return _map_reader(model, shape)
        case _:
            return lambda element: scalars.parse_text(shape, _leaf(element))


_readers: PerShape[Read] = PerShape(_build)


def _leaf(element: xml.Element) -> str:
    if element.children:
        raise Malformed("a plain value was expected")
    return element.text


def members_reader(model: ServiceModel, shapes: Mapping[str, Shape]) -> Read:
    """Return the reader of a structure of these members and no others."""
    members = {
        xml.element_name(shape, name): (name, shape, reader(model, shape))
        for name, shape in shapes.items()
        if not shape.get("xmlAttribute")
    }
    attributes = {
        (shape.get("locationName") or name).rpartition(":")[2]: name
        for name, shape in shapes.items()
        if shape.get("xmlAttribute")
    }

    def read(element: xml.Element) -> dict[str, Any]:
        document: dict[str, Any] = {}
        for key, value in element.attributes.items():
            local = key.rpartition(":")[2]
            if local in attributes:
                document[attributes[local]] = value
        for child in element.children:
            if child.name not in members:
                raise UnknownMember(child.name)
            name, shape, read_child = members[child.name]
            try:
                _add(document, name, shape, read_child(child))
            except Malformed as problem:
                problem.under(name)
                raise
        if element.text.strip():
            raise Malformed("text stands where elements are expected")
        return document

    return read


def _add(document: dict[str, Any], name: str, shape: Shape, value: Any) -> None:
    """Put a member into *document*; flattened lists and maps come one element at a time."""
    if name not in document:
        document[name] = value
    elif shape.get("flattened") and shape.type == "list":
        document[name] += value
    elif shape.get("flattened") and shape.type == "map":
        document[name].update(value)
    else:
        raise Malformed("the element is given twice")


def _list_reader(model: ServiceModel, shape: Shape) -> Read:
    read_item = reader(model, shape.member)
    if shape.get("flattened"):
        return lambda element: [read_item(element)]
    item_name = shape.member.get("locationName") or "member"

    def read(element: xml.Element) -> list[Any]:
        items = []
        for position, child in enumerate(element.children, 1):
            if child.name != item_name:
                raise UnknownMember(child.name)
            try:
                items.append(read_item(child))
            except Malformed as problem:
                problem.under(str(position))
                raise
        return items

    return read


def _map_reader(model: ServiceModel, shape: Shape) -> Read:
    key_name = shape.map_key.get("locationName") or "key"
    value_name = shape.map_value.get("locationName") or "value"
    read_key, read_value = reader(model, shape.map_key), reader(model, shape.map_value)

    def read_entry(entry: xml.Element) -> tuple[Any, Any]:
        named = {child.name: child for child in entry.children}
        if named.keys() != {key_name, value_name}:
            raise Malformed(f"a map entry of {key_name} and {value_name} was expected")
        return read_key(named[key_name]), read_value(named[value_name])

    if shape.get("flattened"):
        return lambda element: dict((read_entry(element),))
    return lambda element: dict(read_entry(entry) for entry in element.children)
