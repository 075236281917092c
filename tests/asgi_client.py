"""A gateway without a network: signed requests straight into the ASGI application, for tests of the gateway itself."""

import asyncio
import hashlib
import hmac
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from homeport.aws.call import Call, Principal
from homeport.aws.credentials import Credential
from homeport.aws.operation import Service, keyword_of
from homeport.db.sqlite import SqliteDatabase
from homeport.gateway.app import Gateway
from homeport.kit.clock import FixedClock
from homeport.kit.ids import CountingIds

ACCOUNT = "123456789012"
ROOT = Credential(
    "AKIAROOT", "root-secret", Principal(arn=f"arn:aws:iam::{ACCOUNT}:root", user_id=ACCOUNT, account=ACCOUNT)
)
USER = Credential(
    "AKIAUSER",
    "user-secret",
    Principal(arn=f"arn:aws:iam::{ACCOUNT}:user/somebody", user_id="AIDASOMEBODY", account=ACCOUNT),
)


@dataclass
class Answer:
    """A response as it left the application."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Keys:
    """Credentials by access key id."""

    def __init__(self, *credentials: Credential) -> None:
        self.known = {credential.access_key_id: credential for credential in credentials}

    async def find(self, access_key_id: str) -> Credential | None:
        return self.known.get(access_key_id)


class AsgiClient:
    """A gateway over *services* and a store of its own, and a way to send it anything."""

    def __init__(self, folder: Path, services: Sequence[Service]) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = FixedClock()
        self.wakes: list[str] = []
        self.keys = Keys(ROOT, USER)
        self.database = self.loop.run_until_complete(self._open(folder))
        self.gateway = Gateway(
            {service.name: service for service in services},
            self.database,
            self.keys,
            account=ACCOUNT,
            clock=self.clock,
            ids=CountingIds(),
            wake=self.wakes.append,
        )

    async def _open(self, folder: Path) -> SqliteDatabase:
        return SqliteDatabase(folder / "homeport.db")

    def close(self) -> None:
        self.loop.run_until_complete(self.database.close())
        self.loop.close()

    def send(
        self,
        method: str = "POST",
        path: str = "/",
        *,
        query: str = "",
        headers: Sequence[tuple[str, str | bytes]] = (),
        body: bytes | Sequence[bytes] = b"",
    ) -> Answer:
        """Send a request as it is."""
        chunks = [body] if isinstance(body, bytes) else list(body)
        incoming = [
            {"type": "http.request", "body": chunk, "more_body": position < len(chunks) - 1}
            for position, chunk in enumerate(chunks)
        ]
        sent: list[Any] = []

        async def receive() -> Any:
            return incoming.pop(0) if incoming else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        raw = [(name.lower().encode(), value.encode() if isinstance(value, str) else value) for name, value in headers]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode("latin-1", "replace"),
            "query_string": query.encode("latin-1", "replace"),
            "headers": raw,
        }
        self.loop.run_until_complete(self.gateway(scope, receive, send))
        start, *bodies = sent
        return Answer(
            start["status"],
            {name.decode(): value.decode() for name, value in start["headers"]},
            b"".join(message["body"] for message in bodies),
        )

    def signed(
        self,
        service: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "POST",
        path: str = "/",
        query: str = "",
        credential: Credential = ROOT,
        region: str = "us-east-1",
    ) -> Answer:
        """Send a request signed with *credential*.  The query must be in canonical form."""
        stamp = datetime.fromtimestamp(self.clock.now(), UTC).strftime("%Y%m%dT%H%M%SZ")
        signed = {"host": "homeport", "x-amz-date": stamp, **(headers or {})}
        stamp = signed["x-amz-date"]
        if credential.session_token is not None:
            signed["x-amz-security-token"] = credential.session_token
        names = sorted(signed)
        canonical = "\n".join(
            (
                method,
                quote(path, safe="/~"),
                query,
                *(f"{name}:{' '.join(signed[name].split())}" for name in names),
                "",
                ";".join(names),
                hashlib.sha256(body).hexdigest(),
            )
        )
        scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = f"AWS4{credential.secret_access_key}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
        signed["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={credential.access_key_id}/{scope}, "
            f"SignedHeaders={';'.join(names)}, Signature={signature}"
        )
        return self.send(method, path, query=query, headers=list(signed.items()), body=body)

    def json(self, service: Service, operation: str, body: bytes | str, **options: Any) -> Answer:
        """Call an operation of a service that speaks AWS JSON."""
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": f"{service.model.metadata['targetPrefix']}.{operation}",
        }
        return self.signed(service.signing_name, body.encode() if isinstance(body, str) else body, headers, **options)

    def form(self, service: Service, operation: str, fields: str = "", **options: Any) -> Answer:
        """Call an operation of a service that speaks query."""
        body = f"Action={operation}&Version={service.model.api_version}{'&' if fields else ''}{fields}"
        headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
        return self.signed(service.signing_name, body.encode(), headers, **options)


def echoing(name: str) -> Service:
    """Return a service whose every operation takes every member and answers nothing."""
    service = Service(name)
    for operation in service.model.operation_names:
        model = service.model.get_operation(operation)
        members = model.input.members if model.input is not None else {}
        service.operation(operation, reads=True)(_accepting(list(members)))
    return service


def _accepting(members: list[str]) -> Any:
    async def handler(call: Call, **_: Any) -> dict[str, Any]:
        return {}

    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(keyword_of(member), keyword, default=None) for member in members]
    call = inspect.Parameter("call", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    accepting: Any = handler
    accepting.__signature__ = inspect.Signature([call, *parameters])
    return accepting
