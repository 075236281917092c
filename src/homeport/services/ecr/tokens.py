"""
Where the registry sends its clients for tokens, and where it reports what was pushed.

    GET  /registry/token?service=...&scope=repository:NAME:pull,push     with HTTP Basic AWS:PASSWORD
    POST /registry/events                                                with HTTP Basic AWS:NODE-PASSWORD

A repository must have been created in ECR before it can be pushed to or pulled from; the refusal says so in
AWS's words.  It is sent as 401 because that is the one status whose text podman, skopeo and docker all show.
"""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from homeport.db.database import Database, Tx
from homeport.kit.clock import Clock
from homeport.services.ecr import store
from homeport.services.ecr.authority import NODE, TOKEN_SECONDS, Authority, NotAuthorized, authority_of
from homeport.services.ecr.errors import repository_missing_text
from homeport.services.ecr.model import MANIFEST_TYPES

MAX_BODY = 4 * 1024 * 1024

#: What a password may be good for; deleting goes through the API only.
_GRANTED = ("pull", "push")

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


async def load_or_create(database: Database, clock: Clock, address: str) -> Authority:
    """
    Return the installation's authority, made at first call, and record that the registry answers at *address*.

    It lives in the store, because all servers of an installation must sign with one key.
    """
    async with database.transaction() as tx:
        record = await store.find_registry(tx)
        if record is None:
            fresh = Authority.create(clock.now())
            await store.add_registry(tx, store.RegistryRecord(address, fresh.signing_key, fresh.certificate))
        elif record.address != address:
            await store.set_registry_address(tx, address)
        record = await store.find_registry(tx)
    assert record is not None, "it was added above if it was missing"
    return authority_of(record.signing_key, record.certificate)


class _Refused(Exception):
    """The request is not granted: a code of the registry's protocol and a sentence."""

    def __init__(self, code: str, message: str, status: int = 401) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


@dataclass(frozen=True, slots=True)
class Scope:
    """What a client asks to do with one thing in the registry."""

    kind: str
    name: str
    actions: tuple[str, ...]


def parse_scopes(values: Sequence[str]) -> Iterator[Scope]:
    """Yield what `scope` parameters ask for; each may hold several scopes."""
    for value in values:
        for text in value.split():
            kind, _, rest = text.partition(":")
            name, separator, actions = rest.rpartition(":")
            if not separator or not name:
                raise _Refused("UNSUPPORTED", f"invalid scope: {text}", 400)
            yield Scope(kind, name, tuple(action for action in actions.split(",") if action))


class TokenService:
    """An ASGI application for the paths under /registry/; see the module's docstring."""

    def __init__(self, database: Database, clock: Clock, authority: Authority, *, account: str) -> None:
        self._database = database
        self._clock = clock
        self._authority = authority
        self._account = account

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        assert scope["type"] == "http", "mounted below the gateway's HTTP server"
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        authorization = headers.get(b"authorization")
        if scope["path"].endswith("/token"):
            if scope["method"] != "GET":  # clients try OAuth's POST first, and fall back
                answer = 405, _error("UNSUPPORTED", "Tokens are given for GET requests.")
            else:
                parameters = parse_qsl(scope["query_string"].decode("latin-1"))
                answer = await self.token_endpoint(parameters, authorization)
        elif scope["path"].endswith("/events") and scope["method"] == "POST":
            answer = await self._events_endpoint(await _body(receive), authorization)
        else:
            answer = 404, _error("UNSUPPORTED", "There is nothing here.")
        await _respond(send, *answer)

    async def token_endpoint(
        self, parameters: Sequence[tuple[str, str]], authorization: str | None
    ) -> tuple[int, dict[str, Any]]:
        """Answer a client's request for a token: a status and a JSON document."""
        try:
            subject = self._authenticate(authorization)
            scopes = list(parse_scopes([value for name, value in parameters if name == "scope"]))
            async with self._database.snapshot() as tx:
                access = [await self._access(tx, scope, subject) for scope in scopes]
        except _Refused as refusal:
            return refusal.status, _error(refusal.code, refusal.message)
        now = self._clock.now()
        token = self._authority.registry_token(subject, access, now)
        issued = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return 200, {"token": token, "access_token": token, "expires_in": TOKEN_SECONDS, "issued_at": issued}

    async def _access(self, tx: Tx, scope: Scope, subject: str) -> dict[str, Any]:
        """Return what *scope* is granted; asking for a repository that ECR does not know is an error."""
        granted: list[str] = []
        if scope.kind == "repository":
            if await store.find_repository(tx, scope.name) is None:
                raise _Refused("NAME_UNKNOWN", f"name unknown: {repository_missing_text(scope.name, self._account)}")
            allowed = _GRANTED if subject != NODE else ("pull",)
            granted = [action for action in allowed if action in scope.actions]
        return {"type": scope.kind, "name": scope.name, "actions": granted}

    async def _events_endpoint(self, body: bytes | None, authorization: str | None) -> tuple[int, dict[str, Any]]:
        """Take a registry's report of what was pushed and deleted."""
        try:
            if self._authenticate(authorization) != NODE:
                raise _Refused("DENIED", "Only the registry reports events.", 403)
            if body is None:
                raise _Refused("SIZE_INVALID", "The report is too large.", 413)
            reports = list(_parse_reports(body))
        except _Refused as refusal:
            return refusal.status, _error(refusal.code, refusal.message)
        if reports:
            async with self._database.transaction() as tx:
                for report in reports:
                    await report.record(tx)
        return 200, {}

    def _authenticate(self, authorization: str | None) -> str:
        """Return the subject of the password in an HTTP Basic header."""
        kind, _, encoded = (authorization or "").partition(" ")
        if kind.lower() != "basic":
            raise _Refused("UNAUTHORIZED", "no basic auth credentials")
        try:
            user, _, password = base64.b64decode(encoded).decode().partition(":")
            if user != "AWS":
                raise NotAuthorized("authentication required")
            return self._authority.check_password(password, self._clock.now())
        except (binascii.Error, UnicodeDecodeError):
            raise _Refused("UNAUTHORIZED", "authentication required") from None
        except NotAuthorized as error:
            raise _Refused("DENIED", str(error)) from error


@dataclass(frozen=True, slots=True)
class _Report:
    """One event of the registry: an image came or went."""

    repository: str
    digest: str
    pushed: float | None

    async def record(self, tx: Tx) -> None:
        if self.pushed is None:
            await store.forget_pushes(tx, self.repository, [self.digest])
        else:
            await store.record_push(tx, self.repository, self.digest, self.pushed)


def _parse_reports(body: bytes) -> Iterator[_Report]:
    """Yield the events that concern images; blobs and pulls are of no interest."""
    try:
        for event in json.loads(body)["events"]:
            target, action = event["target"], event["action"]
            if action == "push" and target.get("mediaType") in MANIFEST_TYPES:
                moment = datetime.fromisoformat(event["timestamp"])
                yield _Report(str(target["repository"]), str(target["digest"]), moment.timestamp())
            elif action == "delete" and "digest" in target:
                yield _Report(str(target["repository"]), str(target["digest"]), None)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _Refused("UNSUPPORTED", "The report cannot be read.", 400) from error


async def _body(receive: _Receive) -> bytes | None:
    """Return the request's body, or None if it is over the limit."""
    chunks = []
    room = MAX_BODY
    while True:
        message = await receive()
        chunk = message.get("body", b"")
        room -= len(chunk)
        if room < 0:
            return None
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


async def _respond(send: _Send, status: int, document: dict[str, Any]) -> None:
    body = json.dumps(document).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="homeport"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _error(code: str, message: str) -> dict[str, Any]:
    return {"errors": [{"code": code, "message": message}]}
