"""Listen to what the proxies of one load balancer say of requests, and write it down."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

from homeport.network.protocol import NetworkError
from homeport.node.access.entry import Names, line, names_of
from homeport.node.access.spool import Heading, Spool
from homeport.node.balancing import access
from homeport.wire.messages import Eni, LoadBalancer

_RECEIVE_BYTES = 8 * 1024 * 1024  # what may wait in the kernel while we are busy
_SO_RCVBUFFORCE, _SO_MEMINFO = 33, 55  # Linux's numbers, for which Python has no names
_MEMINFO = struct.Struct("9I")
_DROPPED = 8  # in that
_AT_ONCE = 200  # datagrams, before others have their turn


class Recorder:
    """What the proxies of the load balancer *balancer* say, in its *namespace*; nothing is opened before requests are to be logged."""

    def __init__(
        self, balancer: str, spool: Spool, namespace: Callable[[], Path], listen: Callable[[], socket.socket]
    ) -> None:
        self._balancer = balancer
        self._spool = spool
        self._namespace = namespace
        self._listen = listen
        self._spec: LoadBalancer | None = None
        self._names: Names | None = None
        self._destination = ""
        self._public: dict[str, str] = {}
        self._wanted = False
        self._stale = False  # files are open that get no more lines
        self._socket: socket.socket | None = None
        self._home = 0
        self._dropped = 0

    def take(self, balancer: LoadBalancer, enis: Iterable[Eni]) -> None:
        """Take what is wanted now.  Without a log, what proxies still have to say goes where it went."""
        self._public = {eni.address: eni.public_address for eni in enis if eni.public_address}
        if balancer == self._spec:
            return
        self._spec = balancer
        self._wanted = balancer.access_log is not None
        if balancer.access_log is None:
            self._stale |= self._names is not None
            return
        self._stale |= self._destination not in ("", balancer.access_log.destination)
        self._destination = balancer.access_log.destination
        self._names = names_of(balancer)

    def listen(self) -> None:
        """Listen where proxies will speak, from before they begin.  Raises NetworkError."""
        if not self._wanted:
            return
        try:
            home = self._namespace().stat().st_ino
        except OSError as error:
            raise NetworkError(f"no namespace to listen in: {error.strerror}") from error
        if self._socket is not None and self._home == home:
            return
        self.hang_up()
        self._socket, self._home, self._dropped = self._listen(), home, 0
        with contextlib.suppress(OSError):  # without the right to, it holds less
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BYTES)
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._read)

    def settled(self) -> None:
        """Proxies do as was wanted last: finish what gets no more lines."""
        if self._stale:
            self._stale = False
            self._read()
            self._spool.close_all(self._balancer)

    def close(self) -> None:
        """No proxy runs any more."""
        if self._socket is not None:
            self._read()
            self._spool.close_all(self._balancer)
        self.hang_up()

    def hang_up(self) -> None:
        """Hear no more."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _read(self) -> None:
        """Write down what has come."""
        if self._socket is None or self._names is None:
            return
        by_address: dict[str, list[str]] = {}
        for _ in range(_AT_ONCE):
            try:
                datagram = self._socket.recv(access.LARGEST)
            except OSError:  # there is no more
                break
            try:
                if (said := access.parse(datagram)) is not None:
                    by_address.setdefault(said["address"], []).append(line(said, self._names))
            except ValueError:  # one that cannot be understood must not cost the others
                self._spool.drop(1, "a proxy speaks unintelligibly")
        for address, lines in by_address.items():
            public = self._public.get(address, address)
            self._spool.write(Heading(balancer=self._balancer, destination=self._destination, address=public), lines)
        self._count_dropped()

    def _count_dropped(self) -> None:
        """Count what came while the kernel had no room."""
        assert self._socket is not None, "it is being read"
        dropped = _MEMINFO.unpack(self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size))[_DROPPED]
        if dropped != self._dropped:
            self._spool.drop(dropped - self._dropped, "requests come faster than they can be written down")
            self._dropped = dropped
