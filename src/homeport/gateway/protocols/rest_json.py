"""REST with JSON bodies, as Lambda speaks it."""

from dataclasses import dataclass
from typing import Any

from homeport.aws.errors import AwsError
from homeport.aws.model import OperationModel, ServiceModel, Shape
from homeport.gateway.messages import Request, Response
from homeport.gateway.protocols import json, rest
from homeport.gateway.protocols.documents import Convert
from homeport.gateway.protocols.protocol import wire_error

_RAW_TYPES = ("blob", "string")
_reader = json.reader
_writer = json.writer


@dataclass(frozen=True, slots=True)
class _Input:
    plan: rest.InputPlan
    read_body: Convert | None


@dataclass(frozen=True, slots=True)
class _Output:
    plan: rest.OutputPlan
    write_body: Convert | None


class RestJsonProtocol:
    """rest-json."""

    name = "rest-json"
    malformed_code = "SerializationException"
    content_type = "application/json"

    def __init__(self) -> None:
        self._inputs: dict[int, _Input] = {}  # by operation; models live as long as the process
        self._outputs: dict[int, _Output] = {}

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        known = self._inputs.get(id(operation))
        if known is None:
            known = self._inputs[id(operation)] = _compile_input(operation)
        document = rest.read_locations(known.plan, request)
        payload = known.plan.payload
        if payload is not None and payload[1].type in _RAW_TYPES:
            if request.body:
                document[payload[0]] = request.body if payload[1].type == "blob" else rest.text(request.body)
            return document
        content = json.decode(request.body) if request.body.strip() else {}
        if known.read_body is None:
            json.refuse_members(content)
        elif payload is None:
            document.update(known.read_body(content))
        elif request.body.strip():
            document[payload[0]] = known.read_body(content)
        return document

    def answer(self, operation: OperationModel, result: dict[str, Any], request_id: str) -> Response:  # noqa: ARG002 - the app sends the id as a header
        output = self._output(operation)
        headers, members = rest.write_locations(output.plan, result)
        status = result.get(output.plan.status, operation.status) if output.plan.status else operation.status
        payload = output.plan.payload
        if payload is not None:
            return Response(status, _payload_bytes(output, payload, members), _payload_type(payload[1]), headers)
        if output.write_body is None:
            return Response(status, b"", self.content_type, headers)
        return Response(status, json.encode(output.write_body(members)), self.content_type, headers)

    def error(self, model: ServiceModel | None, error: AwsError, request_id: str) -> Response:  # noqa: ARG002 - the app sends the id as a header
        code, status, shape = wire_error(model, error)
        kind = ("x-amzn-errortype", code)
        if model is None or shape is None:
            return Response(status, json.encode({"message": error.message}), self.content_type, [kind])
        plan = rest.plan_output(shape)
        name = next((name for name in shape.members if name.lower() == "message"), None)
        headers, members = rest.write_locations(plan, {**error.members, **({name: error.message} if name else {})})
        body = _writer.of_members(model, plan.body, shape.name)(members)
        body = body if name else {"message": error.message, **body}
        return Response(status, json.encode(body), self.content_type, [kind, *headers])

    def _output(self, operation: OperationModel) -> _Output:
        known = self._outputs.get(id(operation))
        if known is None:
            known = self._outputs[id(operation)] = _compile_output(operation)
        return known


def _compile_input(operation: OperationModel) -> _Input:
    plan = rest.plan_input(operation)
    if plan.payload is not None:
        raw = plan.payload[1].type in _RAW_TYPES
        return _Input(plan, None if raw else _reader.of(operation.service, plan.payload[1]))
    return _Input(plan, _reader.of_members(operation.service, plan.body) if plan.body else None)


def _compile_output(operation: OperationModel) -> _Output:
    plan = rest.plan_output(operation.output)
    if plan.payload is not None:
        raw = plan.payload[1].type in _RAW_TYPES
        return _Output(plan, None if raw else _writer.of(operation.service, plan.payload[1]))
    if not plan.body:
        return _Output(plan, None)
    return _Output(plan, _writer.of_members(operation.service, plan.body, f"{operation.name}'s answer"))


def _payload_bytes(output: _Output, payload: tuple[str, Shape], members: dict[str, Any]) -> bytes:
    value = members.get(payload[0])
    if value is None:
        return b""
    if payload[1].type in _RAW_TYPES:
        return value.encode() if isinstance(value, str) else bytes(value)
    return json.encode(output.write_body(value) if output.write_body is not None else value)


def _payload_type(shape: Shape) -> str:
    return {"blob": "application/octet-stream", "string": "text/plain"}.get(shape.type, RestJsonProtocol.content_type)
