"""Access logs of a real agent: what real proxies say of real requests, until the server has it."""

import asyncio
import gzip
import re
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.certificates import Authority
from tests.kernel.node.balancinglab import (
    ADDRESS,
    API,
    BALANCER,
    ENIS,
    WEB,
    Site,
    balancer,
    default,
    listener,
    site,
    target,
    to,
)
from tests.kernel.node.nodelab import eni
from tests.kernel.node.webs import Client, Load, get, inside, until

from homeport.node.balancing import access
from homeport.wire.messages import (
    AccessLog,
    BalancerState,
    Certificate,
    FixedResponse,
    Listener,
    ListenerRule,
    LoadBalancer,
    PathPattern,
    Redirect,
)

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

LOG = AccessLog(destination="where it goes", scope="arn:aws:elasticloadbalancing:us-east-1:123456789012:")
CLIENT = eni(100).address
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1"


class Entry(NamedTuple):
    """A line, in the words of AWS's documentation; quotes are taken off."""

    type: str
    time: str
    elb: str
    client: str
    target: str
    request_processing_time: str
    target_processing_time: str
    response_processing_time: str
    elb_status_code: str
    target_status_code: str
    received_bytes: str
    sent_bytes: str
    request: str
    user_agent: str
    ssl_cipher: str
    ssl_protocol: str
    target_group_arn: str
    trace_id: str
    domain_name: str
    chosen_cert_arn: str
    matched_rule_priority: str
    request_creation_time: str
    actions_executed: str
    redirect_url: str
    error_reason: str
    target_list: str
    target_status_code_list: str
    classification: str
    classification_reason: str
    conn_trace_id: str

    @property
    def times(self) -> tuple[str, str, str]:
        return self.request_processing_time, self.target_processing_time, self.response_processing_time


def entries(at: Site) -> list[Entry]:
    """Return what the server was sent, in the order in which it happened."""
    lines = [
        line for file in at.server.access_logs.values() for line in gzip.decompress(file.body).decode().splitlines()
    ]
    found = [Entry(*(word.strip('"') for word in re.findall(r'"[^"]*"|[^ ]+', line))) for line in lines]
    return sorted(found, key=lambda each: each.time)


def moment(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp()


def heard(at: Site) -> bool:
    """Tell whether the node listens to the proxy."""
    return f"0100007F:{access.PORT:04X} " in Path(f"/proc/{at.processes()[-1]}/net/udp").read_text()


def written(at: Site) -> str:
    """Return what the node has written down, wherever it is by now: a period may end at any time."""
    found = [gzip.decompress(file.body) for file in at.server.access_logs.values()]
    for path in at.server.folder.glob("state/access-logs/*.[lcg]*"):
        with suppress(FileNotFoundError):  # it has just got another name
            body = path.read_bytes()
            found.append(gzip.decompress(body.partition(b"\n")[2]) if path.suffix == ".gz" else body)
    return b"".join(found).decode(errors="replace")


async def finished(at: Site, spec: LoadBalancer, lines: int) -> list[Entry]:
    """Stop logging, and return what was logged."""
    at.server.put(spec)
    try:
        await at.server.until(lambda: len(entries(at)) >= lines)
    except AssertionError:
        raise AssertionError("\n".join(map(str, entries(at)))) from None
    return entries(at)


RULES = (
    ListenerRule(
        id="1",
        priority=10,
        conditions=(PathPattern(values=("/old",)),),
        action=Redirect(status=301, protocol="HTTPS", port="443", path="/new", query="#{query}"),
    ),
    ListenerRule(id="2", priority=20, conditions=(PathPattern(values=("/fixed",)),), action=FixedResponse(status=418)),
    ListenerRule(id="3", priority=30, conditions=(PathPattern(values=("/empty",)),), action=to(API)),
    default(to(WEB)),
)
AGENT = 'say "hi" \\ \t to the w\xf6rld'


async def test_a_line_says_what_became_of_a_request(tmp_path: Path, root_filesystem: Path):
    spec = balancer(listener(*RULES))
    async with site(tmp_path, root_filesystem) as at:
        await at.web(11)
        await at.balance(spec, WEB, API)
        await at.register(target(WEB, 11))
        await get(at.client, ADDRESS, path="/before-it-is-logged")
        (old,) = at.processes()
        at.server.put(balancer(*spec.listeners, access_log=LOG))
        await until(lambda: at.processes() and old not in at.processes())
        client = Client(at.client, ADDRESS)
        assert (await client.request('/a"b?c=%22', User_Agent=AGENT)).status == 200
        assert (
            await client.request("/old?x=1", X_Amzn_Trace_Id="Root=1-67891233-abcdef012345678912345678")
        ).status == 301
        assert (await client.request("/fixed", host="other.test:8080")).status == 418
        assert (await client.request("/empty", "POST")).status == 503
        client.close()
        with inside(at.client):
            reader, writer = await asyncio.open_connection(ADDRESS, 80)
        writer.write(b"NO REQUEST\r\n\r\n")
        await reader.read()
        writer.close()
        forwarded, moved, fixed, empty, malformed = await finished(at, spec, 5)
    check_forwarded(forwarded)
    check_answered(moved, "301", "10", "redirect")
    assert moved.redirect_url == "https://web.test:443/new?x=1"
    assert re.fullmatch(r"Self=1-[0-9a-f-]+;Root=1-67891233-abcdef012345678912345678", moved.trace_id)
    check_answered(fixed, "418", "20", "fixed-response")
    assert (moved.user_agent, fixed.request) == ("-", "GET http://other.test:80/fixed HTTP/1.1")
    assert moved.conn_trace_id == fixed.conn_trace_id == forwarded.conn_trace_id != malformed.conn_trace_id
    assert empty.request == "POST http://web.test:80/empty HTTP/1.1"
    assert (empty.elb_status_code, empty.target, empty.target_group_arn) == ("503", "-", f"{LOG.scope}{API.id}")
    assert (empty.times, empty.matched_rule_priority, empty.actions_executed) == (("-1", "-1", "-1"), "30", "forward")
    assert (malformed.elb_status_code, malformed.request) == ("400", f"- http://{ADDRESS}:80- -")
    assert (malformed.matched_rule_priority, malformed.actions_executed) == ("-", "-")


def check_forwarded(forwarded: Entry) -> None:
    """Hold every field of a request that a target answered against what it should be."""
    assert (forwarded.type, forwarded.elb) == ("http", BALANCER)
    assert forwarded.client.startswith(f"{CLIENT}:")
    assert forwarded.target == forwarded.target_list == f"{eni(11).address}:80"
    assert all(re.fullmatch(r"\d+\.\d{3}", each) for each in forwarded.times)
    assert (forwarded.elb_status_code, forwarded.target_status_code, forwarded.target_status_code_list) == (
        "200", "200", "200",
    )  # fmt: skip
    assert int(forwarded.received_bytes) > len(AGENT)
    assert int(forwarded.sent_bytes) > 0
    assert forwarded.request == "GET http://web.test:80/a\\x22b?c=%22 HTTP/1.1"
    assert forwarded.user_agent == "say \\x22hi\\x22 \\x5C \\x09 to the w\\xC3\\xB6rld"
    assert (forwarded.ssl_cipher, forwarded.ssl_protocol) == ("-", "-")
    assert (forwarded.domain_name, forwarded.chosen_cert_arn) == ("-", "-")
    assert forwarded.target_group_arn == f"{LOG.scope}{WEB.id}"
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", forwarded.trace_id)
    assert (forwarded.matched_rule_priority, forwarded.actions_executed) == ("0", "forward")
    assert moment(forwarded.request_creation_time) <= moment(forwarded.time)
    assert (forwarded.redirect_url, forwarded.error_reason) == ("-", "-")
    assert (forwarded.classification, forwarded.classification_reason) == ("-", "-")
    assert re.fullmatch(r"TID_[0-9a-f]{32}", forwarded.conn_trace_id)


def check_answered(each: Entry, *own: str) -> None:
    """Hold what the load balancer answered itself against its status, the rule's priority and what that did."""
    assert (each.elb_status_code, each.matched_rule_priority, each.actions_executed) == own
    assert (each.target, each.target_list, each.target_status_code, each.target_group_arn) == ("-",) * 4
    assert each.times == ("-1", "-1", "-1")


def secured() -> Listener:
    """Return a listener with a certificate for web.test."""
    issued = Authority().issue("web.test", "*.shops.test")
    certificate = Certificate(
        chain=(issued.body + issued.chain).decode(),
        private_key=issued.key.decode(),
        name=CERTIFICATE,
        domains=("web.test", "*.shops.test"),
    )
    return listener(default(to(WEB)), port=443, protocol="HTTPS", certificates=(certificate,))


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


async def test_a_line_tells_of_http_2(tmp_path: Path, root_filesystem: Path):
    def frame(kind: int, flags: int, stream: int, body: bytes = b"") -> bytes:
        return len(body).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + body

    context = trusting()
    context.set_alpn_protocols(["h2"])
    async with site(tmp_path, root_filesystem) as at:
        await at.web(11)
        await at.balance(balancer(secured(), access_log=LOG), WEB)
        await at.register(target(WEB, 11))
        client = Client(at.client, ADDRESS, 443, context)
        _, writer = await client.open()
        get_root = b"\x82\x87\x84"  # RFC 7541, appendix A: GET, https, /
        asked = [frame(1, 0x5, stream, get_root + b"\x41\x08web.test") for stream in (1, 3)]
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + b"".join(asked))
        await until(lambda: written(at).count(" HTTP/2.0") >= 2)
        client.close()
        one, other = await finished(at, balancer(secured()), 2)
    assert (one.type, one.elb_status_code) == ("h2", "200")
    assert one.request == other.request == "GET https://web.test:443/ HTTP/2.0"
    assert one.conn_trace_id == other.conn_trace_id


async def test_a_line_tells_of_tls_and_of_targets_that_fail(tmp_path: Path, root_filesystem: Path):
    secure, context = secured(), trusting()
    async with site(tmp_path, root_filesystem) as at:
        web = await at.web(11)
        await at.balance(balancer(secure, access_log=LOG), WEB)
        await at.register(target(WEB, 11))
        client = Client(at.client, ADDRESS, 443, context)
        assert (await client.request("/secure")).status == 200
        client.close()
        web.break_off = True
        assert (await client.request("/broken")).status == 502
        client.close()
        web.break_off = False
        hasty = Client(at.client, ADDRESS, 443, context)
        _, writer = await hasty.open()
        writer.write(b"POST /hasty HTTP/1.1\r\nHost: web.test\r\nContent-Length: 10\r\n\r\nhalf")
        await writer.drain()
        hasty.close()
        await until(lambda: '"POST https://web.test:443/hasty' in written(at))
        socket = Client(at.client, ADDRESS, 443, context)
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        assert (await socket.request(**upgrade)).status == 101
        socket.close()
        found = await finished(at, balancer(secure), 4)
    answered, broken, hasty_one, upgraded = found
    assert (answered.type, answered.elb_status_code, upgraded.type, upgraded.elb_status_code) == (
        "https", "200", "wss", "101",
    )  # fmt: skip
    assert answered.request == "GET https://web.test:443/secure HTTP/1.1"
    assert (answered.ssl_protocol, answered.domain_name) == ("TLSv1.2", "web.test")
    assert answered.ssl_cipher.startswith("ECDHE-RSA-")
    assert answered.chosen_cert_arn == CERTIFICATE
    assert upgraded.chosen_cert_arn in (CERTIFICATE, "session-reused")
    assert (hasty_one.elb_status_code, hasty_one.target_status_code) == ("460", "-")
    assert (broken.elb_status_code, broken.target_status_code) == ("502", "-")
    assert broken.target == f"{eni(11).address}:80"
    assert broken.times[1:] == ("-1", "-1")


async def test_logging_is_switched_without_losing_a_request(tmp_path: Path, root_filesystem: Path):
    async with site(tmp_path, root_filesystem) as at:
        await at.web(11, delay=0.01)
        spec = balancer(listener(default(to(WEB))))
        await at.balance(spec, WEB)
        await at.register(target(WEB, 11))
        load = Load(at.client, ADDRESS).start()
        for number in range(4):
            old = at.processes()[-1]
            at.server.put(balancer(*spec.listeners, access_log=LOG if number % 2 == 0 else None))
            await until(partial(at.is_without, old))
            await load.more(50)
        await load.stop()
        assert load.failed == []
        await at.server.until(lambda: len(entries(at)) >= 50)
        assert {entry.elb_status_code for entry in entries(at)} == {"200"}


async def test_what_was_logged_outlives_the_node_and_waits_for_the_server(tmp_path: Path, root_filesystem: Path):
    async with site(tmp_path, root_filesystem) as at:
        await at.web(11)
        spec = balancer(listener(default(to(WEB))), access_log=LOG)
        await at.balance(spec, WEB)
        await at.register(target(WEB, 11))
        at.server.takes_access_logs = False
        await get(at.client, ADDRESS, path="/one")
        await get(at.client, ENIS[1].address, path="/other")
        logs = at.server.folder / "state/access-logs"
        await until(lambda: written(at).count("GET") >= 2)
        at.server.kill_agent()
        at.server.start_agent()  # which finishes what the other has begun
        await until(lambda: len(list(logs.glob("*.gz"))) == 2)
        at.server.kill_agent()
        at.server.takes_access_logs = True
        at.server.start_agent()
        await at.server.until(lambda: len(at.server.access_logs) == 2)
        assert {file.address for file in at.server.access_logs.values()} == {ADDRESS, ENIS[1].address}
        assert {(file.destination, file.balancer) for file in at.server.access_logs.values()} == {
            (LOG.destination, BALANCER)
        }
        assert all(file.ended % 300 == 0 for file in at.server.access_logs.values())
        await until(lambda: not list(logs.iterdir()))
        await until(lambda: heard(at))
        await get(at.client, ADDRESS, path="/last")  # the proxy has run on
        at.server.drop(spec)
        await at.server.until(lambda: at.server.balancers[BALANCER].state is BalancerState.GONE)
        await at.server.until(lambda: len(entries(at)) == 3)
        assert entries(at)[-1].request == "GET http://web.test:80/last HTTP/1.1"
