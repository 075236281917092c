"""The token service, called as the gateway calls it."""

import base64
import json
from urllib.parse import urlencode

import pytest

from homeport.db.sqlite import SqliteDatabase
from homeport.kit.clock import FixedClock
from homeport.services.ecr import store
from homeport.services.ecr.model import MANIFEST_TYPES, Repository
from homeport.services.ecr.tokens import MAX_BODY, TokenService, load_or_create

ROOT = "arn:aws:iam::123456789012:root"
DIGEST = "sha256:" + "a" * 64


def basic(password, user="AWS"):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Site:
    """A token service over a store with one repository, `web`."""

    def __init__(self, tmp_path):
        self.path = tmp_path / "store.db"
        self.clock = FixedClock()

    async def __aenter__(self):
        self.database = SqliteDatabase(self.path)
        self.authority = await load_or_create(self.database, self.clock, "127.0.0.1:4567")
        self.service = TokenService(self.database, self.clock, self.authority, account="123456789012")
        async with self.database.transaction() as tx:
            await store.add_repository(tx, Repository("web", "us-east-1", 1.0))
        self.password = self.authority.password(ROOT, int(self.clock.now()) + 100)
        return self

    async def __aexit__(self, *_):
        await self.database.close()

    async def ask(self, method, path, *, query=(), authorization=None, body=b""):
        sent = []

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message):
            sent.append(message)

        headers = [(b"Authorization", authorization.encode())] if authorization else []
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": urlencode(query).encode(),
            "headers": headers,
        }
        await self.service(scope, receive, send)
        return sent[0]["status"], json.loads(sent[1]["body"])

    async def token(self, *scopes, authorization=None):
        query = [("service", "homeport-registry"), *(("scope", scope) for scope in scopes)]
        return await self.ask(
            "GET", "/registry/token", query=query, authorization=authorization or basic(self.password)
        )

    async def pushes(self):
        async with self.database.snapshot() as tx:
            return await store.list_pushes(tx, "web")


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def granted(answer):
    claims = answer["token"].split(".")[1]
    access = json.loads(base64.urlsafe_b64decode(claims + "=="))["access"]
    return {(each["type"], each["name"]): each["actions"] for each in access}


async def test_what_is_granted(site):
    async with site:
        status, answer = await site.token("repository:web:pull,push,delete,*", "registry:catalog:*")
        assert status == 200
        assert granted(answer) == {("repository", "web"): ["pull", "push"], ("registry", "catalog"): []}
        assert answer["access_token"] == answer["token"]
        status, answer = await site.token("repository:web:pull repository:web:push")
        assert status == 200
        status, answer = await site.token()
        assert (status, granted(answer)) == (200, {})
        _, answer = await site.token("repository:web:pull,push", authorization=basic(site.authority.node_password()))
        assert granted(answer) == {("repository", "web"): ["pull"]}


async def test_who_is_refused(site):
    async with site:
        for authorization in ("Basic !!", "Bearer x", basic("wrong"), basic(site.password, user="root"), "Basic /w=="):
            status, answer = await site.token("repository:web:pull", authorization=authorization)
            assert status == 401
            assert "token" not in answer
        status, answer = await site.ask("GET", "/registry/token")
        assert (status, answer["errors"][0]["message"]) == (401, "no basic auth credentials")
        site.clock.advance(101)
        _, answer = await site.token("repository:web:pull")
        assert answer["errors"][0]["message"].startswith("Your authorization token has expired.")


async def test_a_missing_repository_is_named(site):
    async with site:
        status, answer = await site.token("repository:gone:pull,push")
        assert status == 401
        assert answer["errors"] == [
            {
                "code": "NAME_UNKNOWN",
                "message": "name unknown: The repository with name 'gone' does not exist in the registry "
                "with id '123456789012'",
            }
        ]


async def test_what_cannot_be_asked(site):
    async with site:
        assert (await site.token("nonsense"))[0] == 400
        assert (await site.ask("POST", "/registry/token", authorization=basic(site.password)))[0] == 405
        assert (await site.ask("GET", "/registry/else"))[0] == 404


def event(action, digest=DIGEST, media_type=MANIFEST_TYPES[0], repository="web"):
    target = {"mediaType": media_type, "digest": digest, "repository": repository}
    return {"action": action, "timestamp": "2023-11-14T22:13:20.123456789Z", "target": target}


async def report(site, *events, password=None):
    body = json.dumps({"events": events}).encode()
    return (
        await site.ask(
            "POST",
            "/registry/events",
            authorization=basic(password or site.authority.node_password()),
            body=body,
        )
    )[0]


async def test_reports_of_the_registry_are_kept(site):
    async with site:
        assert await report(site, event("push"), event("push", media_type="application/octet-stream")) == 200
        assert await site.pushes() == {DIGEST: pytest.approx(1_700_000_000.123456)}
        assert await report(site, event("push")) == 200
        assert await report(site, event("push", repository="gone"), event("delete")) == 200
        assert await site.pushes() == {}


async def test_reports_of_others_are_not(site):
    async with site:
        assert await report(site, event("push"), password=site.password) == 403
        assert await report(site, event("push"), password="wrong") == 401
        node = basic(site.authority.node_password())
        for body in (b"{", b"[]", b'{"events": [{}]}', b'{"events": 3}', b"[" * 100_000):
            assert (await site.ask("POST", "/registry/events", authorization=node, body=body))[0] == 400
        status, _ = await site.ask("POST", "/registry/events", authorization=node, body=b" " * (MAX_BODY + 1))
        assert status == 413
        assert await site.pushes() == {}


async def test_the_authority_is_made_once(site):
    async with site:
        again = await load_or_create(site.database, site.clock, "127.0.0.1:5000")
        assert again.certificate == site.authority.certificate
        async with site.database.snapshot() as tx:
            record = await store.find_registry(tx)
        assert record is not None
        assert record.address == "127.0.0.1:5000"
