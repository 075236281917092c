"""The servers that containers can reach: what they answer, and what they survive."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import dns.asyncquery
import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ports import free_port
from tests.unit.node.naming.saying import records, zone
from tests.unit.node.virtual import virtual
from tests.unit.node.world import VPC

from homeport.node.endpoints import dns as endpoint
from homeport.node.endpoints.dns import Resolver, TcpResolver, UdpResolver, upstreams
from homeport.node.endpoints.http import HttpServer, Request, Response, json_response
from homeport.node.endpoints.machine import MachineResolver
from homeport.node.endpoints.proxy import ApiProxy
from homeport.node.naming.zones import Names
from homeport.wire.messages import Zone

SECONDS = 60  # for what takes none: only what hangs takes longer


async def echo(request: Request):
    return json_response(200, [request.method, request.path, request.query, request.body.decode(), request.peer])


async def closed() -> None:
    """Let closed transports close their sockets, which they do in the loop's next turns."""
    for _ in range(50):
        await asyncio.sleep(0)


@asynccontextmanager
async def http(handler=echo) -> AsyncIterator[tuple[str, int]]:
    served = HttpServer(handler)
    server = await asyncio.get_running_loop().create_server(served.connection, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()
    finally:
        served.close()
        server.close()
        await server.wait_closed()
        await closed()


async def talk(address: tuple[str, int], data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(data)
        async with asyncio.timeout(SECONDS):
            return await reader.read()
    finally:
        writer.close()
        await closed()


async def test_who_asks_and_closes_its_half_is_answered():
    gate = asyncio.Event()

    async def slow(request: Request):
        await gate.wait()
        return await echo(request)

    async with http(slow) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET /slow HTTP/1.1\r\n\r\n")
        writer.write_eof()
        await closed()
        gate.set()
        async with asyncio.timeout(SECONDS):
            said = await reader.read()
        assert said.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"/slow" in said
        writer.close()


async def test_http_answers_pipelined_requests_in_order():
    async with http() as address:
        data = (
            b"GET /a?x=1 HTTP/1.1\r\nHost: h\r\n\r\nPUT /b HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
        )
        answer = await talk(address, data)
    documents = [json.loads(part.split(b"\r\n\r\n", 1)[1]) for part in answer.split(b"HTTP/1.1 200 OK")[1:]]
    assert documents == [["GET", "/a", "x=1", "", "127.0.0.1"], ["PUT", "/b", "", "hi", "127.0.0.1"]]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000, b"413"),
        (b"PUT / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + b"z" * 90_000, b"413"),
        (b"GET http://[::: HTTP/1.1\r\nHost: h\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
    ],
)
async def test_http_refuses_what_is_no_request_and_closes(data: bytes, status: bytes):
    async with http() as address:
        try:
            answer = await talk(address, data)
        except ConnectionError:  # a reset, or a broken pipe where the end was seen before it
            return  # refused before all of it was read
        assert answer.startswith(b"HTTP/1.1 " + status)


async def test_http_survives_a_handler_that_fails(caplog: pytest.LogCaptureFixture):
    async def broken(request: Request):
        raise KeyError(request.path)

    async with http(broken) as address:
        assert (await talk(address, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 500")
        assert (await talk(address, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 500")
    assert "could not be answered" in caplog.text


async def test_http_bounds_the_connections_of_one_peer():
    async with http() as address:
        open_ = [await asyncio.open_connection(*address) for _ in range(64)]
        reader, writer = await asyncio.open_connection(*address)
        async with asyncio.timeout(SECONDS):
            assert await reader.read() == b""
        for _, each in [*open_, (reader, writer)]:
            each.close()


# --- Names


async def answered(resolver: Resolver, query: dns.message.Message, limit: int = 512) -> bytes:
    reply = await resolver.answer(query.to_wire(), limit)
    assert reply is not None
    return reply


async def resolve(name: str, kind: str = "A", resolver: Resolver | None = None) -> dns.message.Message:
    query = dns.message.make_query(name, kind)
    response = dns.message.from_wire(await answered(resolver or Resolver(VPC, Names(), ()), query))
    assert response.id == query.id
    assert response.flags & dns.flags.RA
    return response


async def test_private_names_are_known_both_ways():
    found = await resolve("ip-10-0-0-5.ec2.internal.")
    assert found.answer[0].to_text() == "ip-10-0-0-5.ec2.internal. 60 IN A 10.0.0.5"
    found = await resolve("5.0.0.10.in-addr.arpa.", "PTR")
    assert found.answer[0].to_text() == "5.0.0.10.in-addr.arpa. 60 IN PTR ip-10-0-0-5.ec2.internal."


async def test_names_that_are_not_are_said_not_to_be():
    for name in ("ip-10-1-0-5.ec2.internal.", "ip-999-0-0-1.ec2.internal.", "web.ec2.internal."):
        found = await resolve(name)
        assert found.rcode() == dns.rcode.NXDOMAIN
        assert found.authority[0].rdtype == dns.rdatatype.SOA
    no_data = await resolve("ip-10-0-0-5.ec2.internal.", "AAAA")
    assert (no_data.rcode(), no_data.answer) == (dns.rcode.NOERROR, [])


@virtual
async def test_without_an_upstream_the_answer_is_servfail_at_once():
    assert (await resolve("example.com.")).rcode() == dns.rcode.SERVFAIL
    assert asyncio.get_running_loop().time() == 0


class Upstream(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        query = dns.message.from_wire(data)
        response = dns.message.make_response(query)
        response.answer.append(dns.rrset.from_text(query.question[0].name, 5, "IN", "A", "192.0.2.7"))
        self.transport.sendto(response.to_wire(), addr)


async def test_other_names_are_asked_upstream(monkeypatch: pytest.MonkeyPatch):
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Upstream, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    monkeypatch.setattr(endpoint, "_UPSTREAM_SECONDS", SECONDS)
    real = dns.asyncquery.udp_with_fallback
    monkeypatch.setattr(dns.asyncquery, "udp_with_fallback", lambda q, where, **more: real(q, where, port=port, **more))
    found = await resolve("example.com.", resolver=Resolver(VPC, Names(), ("127.0.0.1",)))
    transport.close()
    assert found.answer[0].to_text() == "example.com. 5 IN A 192.0.2.7"


def test_our_own_resolver_is_not_asked_for_what_it_refuses(tmp_path: Path):
    configured = tmp_path / "resolv.conf"
    configured.write_text("nameserver 127.0.0.1\nnameserver 192.0.2.53\n")
    assert upstreams("127.0.0.1:53", configured) == ("192.0.2.53",)
    assert upstreams("127.0.0.1:4553", configured) == ("127.0.0.1", "192.0.2.53")


async def test_the_machines_own_port_answers_for_public_zones_and_refuses_the_rest():
    place = f"127.0.0.1:{free_port()}"
    names = Names([*zone("Z1", "example.com."), *zone("Z2", "corp.test.", "vpc-1")])
    names.change([records("Z1", "www.example.com.", "A", "192.0.2.1")], ())
    resolver = MachineResolver(place, names)
    async with asyncio.timeout(SECONDS):
        await resolver.run()
        found = await ask(place, "www.example.com.")
        assert found.answer[0].to_text() == "www.example.com. 60 IN A 192.0.2.1"
        assert found.flags & dns.flags.AA
        assert not found.flags & dns.flags.RA
        assert (await ask(place, "none.example.com.")).rcode() == dns.rcode.NXDOMAIN
        for name in ("corp.test.", "ip-10-0-0-5.ec2.internal.", "example.org."):
            assert (await ask(place, name)).rcode() == dns.rcode.REFUSED
    resolver.close()


async def test_a_port_that_is_taken_does_not_end_the_node():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        resolver = MachineResolver(f"127.0.0.1:{other.getsockname()[1]}", Names())
        trying = asyncio.create_task(resolver.run())
        await asyncio.sleep(0)
        assert not trying.done()
        trying.cancel()
        resolver.close()


async def ask(place: str, name: str) -> dns.message.Message:
    host, _, port = place.rpartition(":")
    return await dns.asyncquery.udp(dns.message.make_query(name, "A"), host, port=int(port), timeout=SECONDS)


async def test_what_does_not_fit_is_cut_and_whole_over_tcp():
    values = [f"192.0.2.{number}" for number in range(1, 201)]
    names = Names([*zone("Z1", "example.com."), records("Z1", "many.example.com.", "A", *values)])
    resolver = Resolver(None, names, ())
    for payload, limit in ((0, 512), (1232, 1232), (4096, 1232)):
        query = dns.message.make_query("many.example.com.", "A", use_edns=0 if payload else -1, payload=payload or 512)
        reply = await answered(resolver, query)
        assert len(reply) <= limit
        cut = dns.message.from_wire(reply, raise_on_truncation=False)
        assert cut.flags & dns.flags.TC
        assert (cut.edns >= 0) == bool(payload)
    whole = dns.message.from_wire(await answered(resolver, query, 65_535))
    assert len(whole.answer[0]) == 200


async def test_a_later_version_of_edns_is_told_what_there_is():
    query = dns.message.make_query("www.example.com.", "A", use_edns=0)
    query.use_edns(edns=1)
    reply = dns.message.from_wire(await answered(Resolver(None, Names(), ()), query))
    assert (reply.rcode(), reply.edns) == (dns.rcode.BADVERS, 0)


async def datagrams(resolver: Resolver, *names: str) -> list[str]:
    """Ask over UDP, one after the other, and return each answer's first address, or its rcode."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: UdpResolver(resolver), local_addr=("127.0.0.1", 0))
    host, port = transport.get_extra_info("sockname")
    found = []
    for name in names:
        query = dns.message.make_query(name, "A")
        answer = await dns.asyncquery.udp(query, host, port=port, timeout=SECONDS)  # which checks the id
        found.append(answer.answer[0][0].to_text() if answer.answer else dns.rcode.to_text(answer.rcode()))
    transport.close()
    return found


async def test_an_answer_that_is_ready_ends_with_the_change_that_makes_it_wrong():
    names = Names([*zone("Z1", "example.com."), records("Z1", "www.example.com.", "A", "192.0.2.1")])
    resolver = Resolver(VPC, names, ())
    asked = ("www.example.com.", "none.example.com.")
    for _ in range(3):
        assert await datagrams(resolver, *asked) == ["192.0.2.1", "NXDOMAIN"]
    names.change([records("Z1", "www.example.com.", "A", "192.0.2.2")], ())
    names.change([records("Z1", "none.example.com.", "A", "192.0.2.3")], ())
    assert await datagrams(resolver, *asked) == ["192.0.2.2", "192.0.2.3"]
    names.change([Zone(id="Z1", name="example.com.", vpcs=("vpc-9",))], ())
    assert await datagrams(resolver, asked[0]) == ["SERVFAIL"]


async def test_ready_answers_let_every_record_stand_first_and_every_set_have_its_turn():
    sets = [records("Z1", "w.example.com.", "A", f"192.0.2.{n}", set_identifier=str(n), weight=1) for n in (1, 2)]
    many = records("Z1", "m.example.com.", "A", "192.0.2.1", "192.0.2.2", "192.0.2.3")
    resolver = Resolver(VPC, Names([*zone("Z1", "example.com."), *sets, many]), ())
    assert set(await datagrams(resolver, *["w.example.com."] * 60)) == {"192.0.2.1", "192.0.2.2"}
    assert set(await datagrams(resolver, *["m.example.com."] * 60)) == {"192.0.2.1", "192.0.2.2", "192.0.2.3"}


@given(st.binary(max_size=80))
def test_malformed_questions_are_answered_or_ignored(data: bytes):
    reply = asyncio.run(Resolver(VPC, Names(), ()).answer(data, 512))
    assert reply is None or dns.message.from_wire(reply, ignore_trailing=True).rcode() != dns.rcode.NOERROR


async def test_dns_answers_over_both_transports():
    loop, resolver = asyncio.get_running_loop(), Resolver(VPC, Names(), ())
    query = dns.message.make_query("ip-10-0-0-5.ec2.internal.", "A").to_wire()
    transport, _ = await loop.create_datagram_endpoint(lambda: UdpResolver(resolver), local_addr=("127.0.0.1", 0))
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.setblocking(False)
    await loop.sock_connect(client, transport.get_extra_info("sockname"))
    await loop.sock_sendall(client, query)
    by_udp = await loop.sock_recv(client, 4096)
    client.close()
    transport.close()
    server = await asyncio.start_server(TcpResolver(resolver).serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(len(query).to_bytes(2, "big") + query)
    by_tcp = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()
    await closed()
    assert by_udp == by_tcp


def test_upstreams_are_those_of_the_machine(tmp_path: Path):
    conf = tmp_path / "resolv.conf"
    conf.write_text("# none\nnameserver 192.0.2.1\nnameserver nonsense\nsearch x\nnameserver 2001:db8::1\n")
    assert upstreams("", conf) == ("192.0.2.1", "2001:db8::1")
    assert upstreams("", tmp_path / "absent") == ()


# --- The API's proxy


async def test_api_proxy_passes_everything_both_ways(tmp_path: Path):
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        writer.write((await reader.read()).upper())  # after the asker has said everything
        writer.close()

    path = str(tmp_path / "api.sock")
    upstream = await asyncio.start_unix_server(shout, path)
    server = await asyncio.start_server(ApiProxy(path).serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"a" * 1_000_000)
    writer.write_eof()
    async with asyncio.timeout(SECONDS):
        assert await reader.read() == b"A" * 1_000_000
    writer.close()
    await writer.wait_closed()
    for each in (server, upstream):
        each.close()
        await each.wait_closed()
    await closed()


async def test_api_proxy_closes_when_the_api_is_not_there(tmp_path: Path):
    server = await asyncio.start_server(ApiProxy(str(tmp_path / "absent")).serve, "127.0.0.1", 0)
    assert await talk(server.sockets[0].getsockname(), b"") == b""
    server.close()
    await server.wait_closed()
    await closed()


def hop_limit(served: HttpServer) -> int:
    (connection,) = served.open
    assert connection._transport is not None
    opened: socket.socket = connection._transport.get_extra_info("socket")
    return opened.getsockopt(socket.IPPROTO_IP, socket.IP_TTL)


async def test_hop_limit_is_that_answers_alone():
    seen: list[int] = []

    async def handler(request: Request) -> Response:
        seen.append(hop_limit(served))
        return Response(200, b"x", hop_limit=1 if request.path == "/token" else 0)

    served = HttpServer(handler)
    server = await asyncio.get_running_loop().create_server(served.connection, "127.0.0.1", 0)
    try:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for path in ("/a", "/token", "/b", "/c"):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            await reader.readuntil(b"x")
        usual = seen[0]
        assert usual > 1
        assert seen == [usual, usual, 1, usual]
        writer.close()
    finally:
        served.close()
        server.close()
        await closed()


async def test_answer_head_has_no_body():
    async with http() as address:
        answer = await talk(address, b"HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b"Content-Length: " in head
        assert body == b""
