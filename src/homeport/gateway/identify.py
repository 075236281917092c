"""
Tell which operation of which service a request is for, and in which protocol it speaks.

The service is the one that the signature is scoped to: nothing else in a request names it in all
protocols, and a signature for one service must not open another.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus

from homeport.aws.errors import AwsError
from homeport.aws.operation import Service
from homeport.gateway.messages import Request
from homeport.gateway.protocols import rest
from homeport.gateway.protocols.cbor import CborProtocol
from homeport.gateway.protocols.json import JsonProtocol
from homeport.gateway.protocols.protocol import Malformed, WireProtocol
from homeport.gateway.protocols.query import Ec2Protocol, QueryProtocol
from homeport.gateway.protocols.rest_json import RestJsonProtocol
from homeport.gateway.protocols.rest_xml import RestXmlProtocol
from homeport.gateway.receive import peek

JSON_1_0 = JsonProtocol("1.0")
JSON_1_1 = JsonProtocol("1.1")
QUERY = QueryProtocol()
EC2 = Ec2Protocol()
CBOR = CborProtocol()
REST_JSON = RestJsonProtocol()
REST_XML = RestXmlProtocol()

_ACTION = re.compile(rb"(?:^|&)Action=([^&]{0,256})")
_VERSION = re.compile(rb"(?:^|&)Version=([^&]{0,64})")
_EC2_VERSION = re.compile(rb"(?:^|&)Version=2016-11-15(?:&|$)")
_CBOR_PATH = re.compile(r"/service/([^/]{1,128})/operation/([^/]{1,128})")
_XML_SCOPE = re.compile(r"/(?:s3|route53|cloudfront)/aws4_request")
_NAME = re.compile(r"[A-Za-z0-9_.]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """What a request asks for."""

    service: Service | None  # None: a service we do not have
    operation: str
    protocol: WireProtocol


def guess_protocol(request: Request) -> WireProtocol:
    """Return the protocol in which to answer *request*, whatever it turns out to want."""
    if "x-amz-target" in request.headers:
        return JSON_1_0 if "x-amz-json-1.0" in request.headers.get("content-type", "") else JSON_1_1
    if "smithy-protocol" in request.headers:
        return CBOR
    if _form_field(_ACTION, request) is not None:
        query = request.query.encode("latin-1", "replace")
        return EC2 if _EC2_VERSION.search(peek(request)) or _EC2_VERSION.search(query) else QUERY
    scope = request.headers.get("authorization") or unquote_plus(request.query)
    return REST_XML if _XML_SCOPE.search(scope) else REST_JSON


def identify(request: Request, service_name: str, services: Mapping[str, Sequence[Service]]) -> Target:
    """Return what *request* asks for; *service_name* is the one in its signature's scope."""
    candidates = services.get(service_name, ())
    protocol = guess_protocol(request)
    if "x-amz-target" in request.headers:
        return _from_target_header(request, candidates, protocol)
    if protocol is CBOR:
        return _from_service_path(request, candidates)
    if protocol is QUERY or protocol is EC2:
        return _from_form(request, candidates, protocol)
    return _from_path(request, candidates, protocol)


def _from_target_header(request: Request, candidates: Sequence[Service], protocol: WireProtocol) -> Target:
    prefix, _, operation = request.headers["x-amz-target"].rpartition(".")
    _check_name(operation)
    for service in candidates:
        if service.model.metadata.get("targetPrefix") == prefix and "json" in service.model.protocols:
            return Target(service, operation, protocol)
    if candidates:
        raise AwsError(
            f"{prefix[:128]} is not the service that the request is signed for.", code="UnknownOperationException"
        )
    return Target(None, operation, protocol)


def _from_form(request: Request, candidates: Sequence[Service], protocol: WireProtocol) -> Target:
    operation = _form_field(_ACTION, request) or ""
    version = _form_field(_VERSION, request)
    _check_name(operation, code="InvalidAction")
    for service in candidates:
        for spoken in (QUERY, EC2):
            if spoken.name in service.model.protocols and version in (None, service.model.api_version):
                return Target(service, operation, spoken)
    if candidates:
        raise AwsError(f"Could not find operation {operation} for version {version}", code="InvalidAction")
    return Target(None, operation, protocol)


def _from_service_path(request: Request, candidates: Sequence[Service]) -> Target:
    found = _CBOR_PATH.fullmatch(request.raw_path)
    if request.headers["smithy-protocol"] != "rpc-v2-cbor" or found is None:
        raise AwsError("The request does not name an operation.", code="UnknownOperationException")
    prefix, operation = found.groups()
    _check_name(operation)
    for service in candidates:
        if service.model.metadata.get("targetPrefix") == prefix and CBOR.name in service.model.protocols:
            return Target(service, operation, CBOR)
    if candidates:
        raise AwsError(f"{prefix} is not the service that the request is signed for.", code="UnknownOperationException")
    return Target(None, operation, CBOR)


def _from_path(request: Request, candidates: Sequence[Service], protocol: WireProtocol) -> Target:
    for service in candidates:
        for spoken in (REST_JSON, REST_XML):
            if spoken.name not in service.model.protocols:
                continue
            try:
                operation = rest.find_operation(service.model, request)
            except Malformed as problem:
                raise AwsError(problem.reason, code=spoken.malformed_code) from None
            if operation is not None:
                return Target(service, operation, spoken)
    shown = f"{request.method[:16]} {request.raw_path[:128]}"
    if candidates:
        raise AwsError(f"{candidates[0].name} has no operation at {shown}.", code="UnknownOperationException")
    return Target(None, shown, protocol)


def _form_field(pattern: re.Pattern[bytes], request: Request) -> str | None:
    found = pattern.search(request.query.encode("latin-1", "replace"))
    if found is None and request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        found = pattern.search(peek(request))
    return unquote_plus(found[1].decode("latin-1")) if found is not None else None


def _check_name(operation: str, code: str = "UnknownOperationException") -> None:
    if _NAME.fullmatch(operation) is None:
        raise AwsError("The request does not name an operation.", code=code)
