"""
The gateway: one ASGI application for all services.

A request goes through one list of steps, read top to bottom in `Gateway._respond`: identify ->
authenticate -> parse -> authorise -> call -> serialise.  There is no other way to a handler.
Errors meant for the caller are answered in the caller's own protocol; anything else is a bug,
logged once under the request's id and answered without detail.
"""

import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager
from time import perf_counter
from typing import Any

from homeport.aws.call import Call, Principal
from homeport.aws.credentials import CredentialStore
from homeport.aws.errors import AwsError
from homeport.aws.objects import ObjectStore
from homeport.aws.operation import BoundOperation, Service
from homeport.db.database import Database, Tx
from homeport.gateway import denials, sigv4
from homeport.gateway.authorise import Authorise, root_only
from homeport.gateway.identify import Target, guess_protocol, identify
from homeport.gateway.messages import Request, Response
from homeport.gateway.protocols.protocol import Malformed, UnknownMember, WireProtocol
from homeport.gateway.receive import Intake, expanded, receive_request
from homeport.gateway.sigv4 import Fault, NotAuthentic, Signature
from homeport.kit.clock import Clock
from homeport.kit.ids import Ids

log = logging.getLogger(__name__)
access = logging.getLogger("homeport.access")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Gateway:
    """Answers AWS's API on behalf of *services*."""

    def __init__(
        self,
        services: Mapping[str, Service],
        database: Database,
        credentials: CredentialStore,
        *,
        account: str,
        clock: Clock,
        ids: Ids,
        wake: Callable[[str], None],
        authorise: Authorise = root_only,
        objects: ObjectStore | None = None,
    ) -> None:
        self._services: dict[str, list[Service]] = {}
        for service in services.values():
            self._services.setdefault(service.signing_name, []).append(service)
        self._database = database
        self._credentials = credentials
        self._account = account
        self._clock = clock
        self._ids = ids
        self._wake = wake
        self._authorise = authorise
        self._objects = objects
        self._intake = Intake()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        assert scope["type"] == "http", "the server is configured for HTTP only"
        started = perf_counter()
        request_id = self._ids.uuid()
        with self._intake.share() as share:
            request = await receive_request(scope, receive, share)
            if request is None:
                return  # the client went away
            if isinstance(request, Response):
                response, name = request, "-"
            elif scope["path"] == "/healthz":
                response, name = await self._health(), "healthz"
            else:
                response, name = await self._respond(request, request_id)
            await _send(send, response, request_id)
        access.info(
            "%s %s %d %.1fms %s", scope["method"], name, response.status, (perf_counter() - started) * 1000, request_id
        )

    async def _respond(self, request: Request, request_id: str) -> tuple[Response, str]:
        """Answer *request*, and name the operation for the access log."""
        exchange = _Exchange(guess_protocol(request))
        try:
            signature = _signature(request)
            exchange.target = target = identify(request, signature.service, self._services)
            principal = await self._authenticate(signature, request)
            operation = _implemented(target, signature)
            document = _parsed(operation, target.protocol, request)
            await self._permit(principal, target, exchange.family)
            result = await self._call(operation, document, principal, signature.region, request_id)
            return target.protocol.answer(operation.model, result, request_id), exchange.name
        except NotAuthentic as problem:
            return exchange.error(denials.not_authentic(problem, exchange.family), request_id), exchange.name
        except AwsError as error:
            return exchange.error(error, request_id), exchange.name
        except Exception:  # the boundary: a bug must cost one request, and tell its caller nothing
            log.exception("request failed: %s %s", exchange.name, request_id)
            failure = AwsError("An internal error has occurred.", code="InternalFailure", status=500)
            return exchange.error(failure, request_id), exchange.name

    async def _authenticate(self, signature: Signature, request: Request) -> Principal:
        """Return who signed *request*, having verified that they did, and just now."""
        credential = await self._credentials.find(signature.access_key_id)
        if credential is None or not _same_token(credential.session_token, signature.token):
            raise NotAuthentic(Fault.UNKNOWN_KEY, "The security token included in the request is invalid.")
        now = self._clock.now()
        sigv4.check_time(signature, now)
        sigv4.verify(signature, request, credential.secret_access_key)
        if credential.expires_at is not None and credential.expires_at <= now:
            raise NotAuthentic(Fault.TOKEN_EXPIRED, "The security token included in the request is expired")
        return credential.principal

    async def _permit(self, principal: Principal, target: Target, family: str) -> None:
        assert target.service is not None, "only implemented operations come here"
        action = f"{target.service.action_prefix}:{target.operation}"
        reason = await self._authorise(principal, action, "*")
        if reason is not None:
            raise denials.access_denied(principal, action, "*", reason, family)

    async def _call(
        self, operation: BoundOperation, document: dict[str, Any], principal: Principal, region: str, request_id: str
    ) -> dict[str, Any]:
        """Run the handler in a transaction of its own; wake reconcilers once it is committed."""
        wakes: list[str] = []
        async with self._open(operation) as tx:
            call = Call(
                account=self._account,
                region=region,
                principal=principal,
                request_id=request_id,
                tx=tx,
                clock=self._clock,
                ids=self._ids,
                wake=wakes.append,
                database=self._database,
                objects=self._objects,
            )
            result = await operation.invoke(call, document)
        for name in dict.fromkeys(wakes):
            self._wake(name)
        return result

    def _open(self, operation: BoundOperation) -> AbstractAsyncContextManager[Tx]:
        return self._database.snapshot() if operation.reads else self._database.transaction()

    async def _health(self) -> Response:
        """Say whether requests can be served: whether the store answers."""
        try:
            async with self._database.snapshot() as tx:
                await tx.fetch_one("SELECT 1")
        except Exception:  # the boundary: a broken store is an answer here
            log.exception("the store does not answer")
            return Response(503, b'{"status":"the store does not answer"}', "application/json")
        return Response(200, b'{"status":"ok"}', "application/json")


class _Exchange:
    """How far a request has been understood: enough to answer errors in its own protocol."""

    def __init__(self, protocol: WireProtocol) -> None:
        self.target: Target | None = None
        self._guessed = protocol

    @property
    def name(self) -> str:
        if self.target is None:
            return "-"
        return f"{self.target.service.name if self.target.service else '?'}:{self.target.operation}"

    @property
    def family(self) -> str:
        if self.target is not None and self.target.service is not None and self.target.service.name == "s3":
            return "s3"
        return self._protocol.name

    @property
    def _protocol(self) -> WireProtocol:
        return self.target.protocol if self.target is not None else self._guessed

    def error(self, error: AwsError, request_id: str) -> Response:
        service = self.target.service if self.target is not None else None
        return self._protocol.error(service.model if service is not None else None, error, request_id)


def _signature(request: Request) -> Signature:
    signature = sigv4.read_signature(request)
    if signature is None:
        raise NotAuthentic(Fault.MISSING, "Request is missing Authentication Token")
    return signature


def _same_token(ours: str | None, theirs: str | None) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    return hmac.compare_digest(ours.encode(), theirs.encode("utf-8", "surrogatepass"))


def _implemented(target: Target, signature: Signature) -> BoundOperation:
    """Return the operation's handler, or refuse by name what Homeport does not have."""
    bound = target.service.find_bound(target.operation) if target.service is not None else None
    if bound is not None:
        return bound
    code = "InvalidAction" if target.protocol.name in ("query", "ec2") else "UnknownOperationException"
    service = target.service
    if service is not None and service.model.find_operation(target.operation) is None:
        raise AwsError(f"{service.name} has no operation {target.operation}.", code=code)
    prefix = service.action_prefix if service is not None else signature.service[:64]
    raise AwsError(f"Homeport does not implement {prefix}:{target.operation} yet.", code=code)


def _parsed(operation: BoundOperation, protocol: WireProtocol, request: Request) -> dict[str, Any]:
    """Return the request's document, of the form and within the limits of the model."""
    try:
        document = protocol.parse(operation.model, expanded(request))
    except UnknownMember as problem:
        raise operation.unsupported(str(problem)) from None
    except Malformed as problem:
        where = f" at '{'.'.join(problem.path)}'" if problem.path else ""
        raise AwsError(f"{problem.reason}{where}", code=protocol.malformed_code) from None
    operation.validate(document)
    return document


async def _send(send: Send, response: Response, request_id: str) -> None:
    headers = [
        (b"content-type", response.content_type.encode("latin-1")),
        (b"content-length", str(len(response.body)).encode()),
        (b"x-amzn-requestid", request_id.encode()),
        *((name.encode("latin-1"), value.encode("utf-8")) for name, value in response.headers),
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
