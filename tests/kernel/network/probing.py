"""Many connections at once, from and into many namespaces: who gets through."""

import contextlib
import errno
import operator
import select
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.kernel.network.vpclab import LONG_ENOUGH, PATIENCE, Lab

_PKTINFO = 8  # IP_PKTINFO: to which of our addresses a datagram was sent


@dataclass(frozen=True)
class Probe:
    """A connection to try: out of a namespace (None: the machine's own), to an address."""

    place: Path | None
    address: str
    port: int
    protocol: str = "tcp"


@contextlib.contextmanager
def _inside(lab: Lab, place: Path | None) -> Iterator[None]:
    with lab.inside(place) if place is not None else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def listening(lab: Lab, places: Sequence[Path | None], ports: Sequence[int]) -> Iterator[list[socket.socket]]:
    """Have somebody listen on every port of every namespace, for TCP and UDP; who asks by UDP is answered by `answers`."""
    opened: list[socket.socket] = []
    try:
        for place in places:
            with _inside(lab, place):
                for port in ports:
                    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                        server = socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK)
                        opened.append(server)
                        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                        server.setsockopt(socket.IPPROTO_IP, _PKTINFO, 1)
                        server.bind(("0.0.0.0", port))
                        if kind is socket.SOCK_STREAM:
                            server.listen(1000)
        yield [server for server in opened if server.type & socket.SOCK_DGRAM]
    finally:
        for server in opened:
            server.close()


def answers(
    lab: Lab, probes: Sequence[Probe], servers: Sequence[socket.socket], expected: Sequence[bool]
) -> list[bool]:
    """Try all probes at the same time and tell which of them somebody answers; those *expected* to be are waited for."""
    clients: dict[int, tuple[int, socket.socket]] = {}
    passed = [False] * len(probes)
    poll = select.poll()
    by_number = {server.fileno(): server for server in servers}
    for server in servers:
        poll.register(server, select.POLLIN)
    try:
        for number, probe in enumerate(probes):
            kind = socket.SOCK_STREAM if probe.protocol == "tcp" else socket.SOCK_DGRAM
            with _inside(lab, probe.place):
                client = socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK)
            clients[client.fileno()] = (number, client)
            try:
                code = client.connect_ex((probe.address, probe.port))
                if code == 0 and kind is socket.SOCK_DGRAM:
                    client.send(b"?")
            except OSError as error:
                code = error.errno or errno.EIO
            if code in {0, errno.EINPROGRESS}:
                poll.register(client, select.POLLOUT if kind is socket.SOCK_STREAM else select.POLLIN)
        _watch(poll, by_number, clients, passed, expected)
    finally:
        for _, client in clients.values():
            client.close()
    return passed


def _watch(
    poll: select.poll,
    servers: dict[int, socket.socket],
    clients: dict[int, tuple[int, socket.socket]],
    passed: list[bool],
    expected: Sequence[bool],
) -> None:
    """Answer and listen until all is there that is expected, and then nothing more has happened for long enough."""
    last = time.monotonic() + PATIENCE
    while True:
        missing = time.monotonic() < last and any(map(operator.gt, expected, passed))
        ready = poll.poll((PATIENCE if missing else LONG_ENOUGH) * 1000)
        if not ready and not missing:
            return
        for descriptor, _ in ready:
            if descriptor in servers:
                with contextlib.suppress(OSError):
                    question, asked, _, peer = servers[descriptor].recvmsg(16, 64)
                    # as the one that was asked, whatever the way back
                    sender = [(level, kind, bytes(4) + info[4:8] + bytes(4)) for level, kind, info in asked]
                    servers[descriptor].sendmsg([question], sender, 0, peer)
                continue
            number, client = clients[descriptor]
            poll.unregister(client)
            if client.type & socket.SOCK_DGRAM:
                with contextlib.suppress(OSError):
                    passed[number] = client.recv(16) == b"?"
            else:
                passed[number] = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
