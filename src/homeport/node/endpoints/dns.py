"""
The resolver of a VPC, at VPC+2 and 169.254.169.253, over UDP and TCP; and that of the machine itself, at a port of its own.

It knows the zones that the server declares and the VPC's own names, and asks the machine's resolvers for all others.  A question it cannot
pass on is refused at once: a container must never wait for a resolver that is not there.

The machine's asks nobody: it answers for public zones and refuses all else, so that it can stand beside whatever
resolver the machine has, which may itself ask here.
"""

import asyncio
import contextlib
import logging
import random
from pathlib import Path
from typing import cast

import dns.asyncquery
import dns.exception
import dns.flags
import dns.inet
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from homeport.node.endpoints.ready import ReadyAnswers
from homeport.node.naming.resolving import Answer, Resolution
from homeport.node.naming.zones import Names
from homeport.wire.messages import Vpc

log = logging.getLogger(__name__)

_UDP_SIZE = 512
_UDP_SIZE_LIMIT = 1232  # what fits through any path, whatever the asker offers
_UPSTREAM_SECONDS = 2.0
_FORWARDED = 256  # questions on their way upstream, of one VPC
_TCP_CONNECTIONS = 64
_TCP_IDLE_SECONDS = 10.0
_TRANSFERS = frozenset({dns.rdatatype.AXFR, dns.rdatatype.IXFR})
_TURNS = 1 << 16
_CHANCE = random.Random()  # noqa: S311 - spreads load, keeps no secret


def upstreams(own: str = "", resolv_conf: Path = Path("/etc/resolv.conf")) -> tuple[str, ...]:
    """Return the resolvers that the machine itself uses, without our *own* ("HOST:PORT"): that refuses what is not ours."""
    address, _, port = own.rpartition(":")
    with contextlib.suppress(OSError, UnicodeDecodeError):
        fields = (line.split() for line in resolv_conf.read_text().splitlines())
        servers = [f[1] for f in fields if len(f) == 2 and f[0] == "nameserver"]
        others = [server for server in servers if (server, "53") != (address, port)]
        return tuple(server for server in others if dns.inet.is_address(server))[:3]
    return ()


class Resolver:
    """Answers the questions of one VPC, or without one those of the machine itself."""

    def __init__(self, vpc: Vpc | None, names: Names, servers: tuple[str, ...], *, region: str = "") -> None:
        self._region = region  # of the machine; a VPC is where its own region is
        self.vpc = vpc
        self._names = names
        self._servers = servers
        self._forwarded = 0
        self._ready = ReadyAnswers()

    def at_once(self, wire: bytes) -> bytes | None:
        """Return the answer to a datagram that has been answered before, if that still holds."""
        return self._ready.find(wire, (self._names.version, self.vpc))

    async def answer(self, wire: bytes, limit: int) -> bytes | None:
        """Return the answer to the message *wire* in at most *limit* bytes, or None if there is nobody to answer."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return _malformed(wire)
        if query.flags & dns.flags.QR:
            return None  # an answer is no question: two resolvers must not keep each other busy
        turn = self._ready.orders_of(wire) if limit == _UDP_SIZE else _CHANCE.randrange(_TURNS)
        response, said = await self._respond(query, turn)
        size = max(_UDP_SIZE, min(query.payload, _UDP_SIZE_LIMIT)) if limit == _UDP_SIZE else limit
        reply = response.to_wire(max_size=size, prefer_truncation=True, want_shuffle=False)
        if said is not None and said.steady and said.elsewhere is None and limit == _UDP_SIZE:
            self._ready.keep(wire, reply, said.orders)
        return reply

    async def _respond(self, query: dns.message.Message, turn: int) -> tuple[dns.message.Message, Answer | None]:
        """Return the response to a query, and what was said if it was looked up at all."""
        if query.opcode() != dns.opcode.QUERY:
            return _failed(query, dns.rcode.NOTIMP), None
        if len(query.question) != 1:
            return _failed(query, dns.rcode.FORMERR), None
        if query.edns > 0:
            return _failed(query, dns.rcode.BADVERS), None
        question = query.question[0]
        if question.rdclass != dns.rdataclass.IN or question.rdtype in _TRANSFERS:
            return _failed(query, dns.rcode.REFUSED), None
        said = Resolution(self._names, self.vpc, _CHANCE, region=self._region, turn=turn).resolve(
            question.name, question.rdtype
        )
        if said.elsewhere is not None and self.vpc is not None:
            await self._ask_elsewhere(said, said.elsewhere, question.rdtype)
        elif said.elsewhere == question.name:
            said.rcode = dns.rcode.REFUSED
        return self._response(query, said), said

    def _response(self, query: dns.message.Message, said: Answer) -> dns.message.Message:
        response = dns.message.make_response(query, recursion_available=self.vpc is not None)
        response.set_rcode(said.rcode)
        response.answer, response.authority, response.additional = said.answer, said.authority, said.additional
        if self.vpc is None and said.elsewhere != query.question[0].name:
            response.flags |= dns.flags.AA
        return response

    async def _ask_elsewhere(self, said: Answer, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> None:
        """Complete an answer by what upstream resolvers say of the name at which our zones end."""
        found = await self._forward(dns.message.make_query(name, kind, use_edns=0, payload=_UDP_SIZE_LIMIT))
        if found is None:
            said.rcode = dns.rcode.SERVFAIL
            return
        said.rcode = found.rcode()
        said.answer += found.answer
        said.authority += found.authority

    async def _forward(self, query: dns.message.Message) -> dns.message.Message | None:
        """Ask the upstream resolvers in turn, each under an id and from a port of its own."""
        if self._forwarded >= _FORWARDED:
            return None
        self._forwarded += 1
        try:
            for server in self._servers:
                with contextlib.suppress(dns.exception.DNSException, OSError):
                    found, _ = await dns.asyncquery.udp_with_fallback(query, server, timeout=_UPSTREAM_SECONDS)
                    return found
        finally:
            self._forwarded -= 1
        return None


def _failed(query: dns.message.Message, rcode: dns.rcode.Rcode) -> dns.message.Message:
    response = dns.message.make_response(query, recursion_available=True)
    response.set_rcode(rcode)
    return response


def _malformed(wire: bytes) -> bytes | None:
    """Return FORMERR where there is at least a question's header to answer to."""
    if len(wire) < 12 or wire[2] & 0x80:
        return None
    return wire[:2] + bytes((0x80 | (wire[2] & 0x79), dns.rcode.FORMERR)) + bytes(8)


class UdpResolver(asyncio.DatagramProtocol):
    """A resolver's UDP side."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._transport: asyncio.DatagramTransport | None = None
        self._answering: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def connection_lost(self, _: Exception | None) -> None:
        for task in self._answering:
            task.cancel()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._resolver.at_once(data)
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, addr)
            return
        task = asyncio.get_running_loop().create_task(self._answer(data, addr))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    def error_received(self, error: Exception) -> None:
        log.debug("an answer could not be delivered: %s", error)  # the asker is gone

    async def _answer(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = await self._resolver.answer(data, _UDP_SIZE)
        if reply is not None and self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(reply, addr)


class TcpResolver:
    """A resolver's TCP side."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the questions of one connection until it is idle or closed."""
        self._connections += 1
        try:
            while self._connections <= _TCP_CONNECTIONS:
                async with asyncio.timeout(_TCP_IDLE_SECONDS):
                    length = int.from_bytes(await reader.readexactly(2), "big")
                    reply = await self._resolver.answer(await reader.readexactly(length), 65_535)
                    if reply is None:
                        return
                    writer.write(len(reply).to_bytes(2, "big") + reply)
                    await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            return
        finally:
            self._connections -= 1
            writer.close()
