"""
Every operation of every model: what botocore sends we read, what we answer botocore reads.

It covers operations that Homeport does not implement too: the protocols know nothing of that.
"""

import datetime as dt
from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.loaders import Loader
from botocore.model import OperationModel as BotocoreOperation
from botocore.model import ServiceModel as BotocoreService
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from homeport.aws.errors import AwsError
from homeport.aws.model import load_model
from homeport.gateway import identify
from homeport.gateway.messages import Request, Response
from homeport.gateway.protocols import rest
from homeport.gateway.protocols.json import JsonProtocol
from homeport.gateway.protocols.protocol import WireProtocol

from .values import as_parsed, value_of

CASES = [
    ("ecs", "json"),
    ("logs", "json"),
    ("ecr", "json"),
    ("ec2", "ec2"),
    ("sts", "query"),
    ("elbv2", "query"),
    ("iam", "query"),
    ("cloudwatch", "query"),
    ("sqs", "json"),
    ("route53", "rest-xml"),
    ("lambda", "rest-json"),
    ("servicediscovery", "smithy-rpc-v2-cbor"),
    ("cloudwatch", "smithy-rpc-v2-cbor"),
]
PROTOCOLS: dict[str, WireProtocol] = {
    "json": JsonProtocol("1.1"),
    "ec2": identify.EC2,
    "query": identify.QUERY,
    "rest-json": identify.REST_JSON,
    "rest-xml": identify.REST_XML,
    "smithy-rpc-v2-cbor": identify.CBOR,
}
#: Operations that stream events, which the gateway does not serve.
STREAMS = {
    ("logs", "StartLiveTail"),
    ("logs", "GetLogObject"),
    ("lambda", "InvokeWithResponseStream"),
}


@cache
def botocore_model(service: str) -> BotocoreService:
    return BotocoreService(Loader().load_service_model(service, "service-2"), service)


def sent(operation: BotocoreOperation, protocol: str, params: dict[str, Any]) -> Request:
    """Return the request that boto3 would put on the wire."""
    document = create_serializer(protocol, include_validation=False).serialize_to_request(params, operation)
    prepare_request_dict(document, endpoint_url="http://127.0.0.1:4566", context={})
    prepared = create_request_object(document).prepare()
    url = urlsplit(prepared.url)
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in prepared.headers.items()
    }
    body = prepared.body or b""
    return Request(prepared.method, url.path, url.query, headers, body.encode() if isinstance(body, str) else body)


def read(operation: BotocoreOperation, protocol: str, response: Response) -> Any:
    """Return what boto3 makes of *response*."""
    headers = dict(response.headers) | {"content-type": response.content_type}
    document = {"body": response.body, "headers": headers, "status_code": response.status, "context": {}}
    shape: Any = operation.output_shape  # the stubs do not know that the parser takes None for an operation without one
    parsed = create_parser(protocol).parse(document, shape)
    payload = shape.serialization.get("payload") if shape is not None else None
    if payload and isinstance(parsed.get(payload), str) and shape.members[payload].type_name == "blob":
        parsed[payload] = parsed[payload].encode()  # botocore decodes a body that it holds in memory
    return parsed


def operations(service: str) -> list[str]:
    return [name for name in botocore_model(service).operation_names if (service, name) not in STREAMS]


@pytest.mark.parametrize(("service", "protocol"), CASES)
def test_we_read_every_request_that_botocore_writes(service: str, protocol: str) -> None:
    wrong = []
    for name in operations(service):
        operation = botocore_model(service).operation_model(name)
        shape = operation.input_shape
        params = value_of(shape) if shape is not None else {}
        parsed = PROTOCOLS[protocol].parse(load_model(service).get_operation(name), sent(operation, protocol, params))
        expected = as_parsed(shape, params, drop_empty_lists=protocol == "ec2") if shape is not None else {}
        if parsed != expected:
            wrong.append((name, parsed, expected))
    assert not wrong, f"{len(wrong)} of {len(operations(service))}: {wrong[0]}"


@pytest.mark.parametrize(("service", "protocol"), CASES)
def test_botocore_reads_every_answer_that_we_write(service: str, protocol: str) -> None:
    wrong = []
    for name in operations(service):
        operation = botocore_model(service).operation_model(name)
        shape = operation.output_shape
        result = value_of(shape) if shape is not None else {}
        response = PROTOCOLS[protocol].answer(load_model(service).get_operation(name), result, "request-1")
        got = read(operation, protocol, response)
        got.pop("ResponseMetadata", None)
        expected = as_parsed(shape, result) if shape is not None else {}
        if (as_parsed(shape, got) if shape is not None else got) != expected:
            wrong.append((name, got, expected))
    assert not wrong, f"{len(wrong)} of {len(operations(service))}: {wrong[0]}"


@pytest.mark.parametrize(("service", "protocol"), CASES)
def test_times_in_answers_may_be_floats_or_datetimes(service: str, protocol: str) -> None:
    for name in operations(service)[:40]:
        operation = botocore_model(service).operation_model(name)
        if operation.output_shape is None:
            continue
        result = value_of(operation.output_shape)
        model = load_model(service).get_operation(name)
        as_moments = PROTOCOLS[protocol].answer(model, result, "request-1")
        as_seconds = PROTOCOLS[protocol].answer(model, _seconds(result), "request-1")
        assert as_seconds.body == as_moments.body
        assert as_seconds.headers == as_moments.headers


def _seconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _seconds(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_seconds(item) for item in value]
    return value.timestamp() if isinstance(value, dt.datetime) else value


@pytest.mark.parametrize(("service", "protocol"), CASES)
def test_botocore_reads_every_error_that_we_write(service: str, protocol: str) -> None:
    model = load_model(service)
    operation = botocore_model(service).operation_model(operations(service)[0])
    errors: Sequence[Any] = botocore_model(service).error_shapes
    for shape in errors:
        error = AwsError("Something <is> wrong & that's it", code=shape.error_code)
        response = PROTOCOLS[protocol].error(model, error, "request-1")
        parsed = read(operation, protocol, response)["Error"]
        assert parsed["Message"] == error.message, shape.name
        codes = {parsed["Code"], parsed.get("QueryErrorCode")}
        assert shape.error_code in codes or shape.name in codes, (shape.name, parsed)
        assert response.status == shape.metadata.get("error", {}).get("httpStatusCode", 400)
    unmodelled = read(operation, protocol, PROTOCOLS[protocol].error(model, AwsError("No", code="Odd"), "request-1"))
    assert unmodelled["Error"]["Code"] == "Odd"


@pytest.mark.parametrize("service", ["lambda", "route53"])
def test_a_path_leads_back_to_its_operation(service: str) -> None:
    protocol = load_model(service).protocols[0]
    wrong = []
    for name in operations(service):
        operation = botocore_model(service).operation_model(name)
        params = value_of(operation.input_shape) if operation.input_shape is not None else {}
        found = rest.find_operation(load_model(service), sent(operation, protocol, params))
        if found != name:
            wrong.append((name, found))
    assert not wrong
