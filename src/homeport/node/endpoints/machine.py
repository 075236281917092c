"""The resolver that the machine itself can ask, in the root namespace, at a port of the installation's."""

import asyncio
import logging
import socket

from homeport.node.endpoints.dns import Resolver, TcpResolver
from homeport.node.endpoints.listeners import Listeners
from homeport.node.naming.zones import Names

log = logging.getLogger(__name__)

_RETRY_SECONDS = 5.0


class MachineResolver:
    """Listens at *place* ("HOST:PORT", or nowhere if that is empty); a port that is taken is tried again and again."""

    def __init__(self, place: str, names: Names, region: str = "") -> None:
        self._place = place
        self._resolver = Resolver(None, names, (), region=region)
        self._listeners: Listeners | None = None

    async def run(self) -> None:
        """Open the port as soon as it can be had."""
        failed = False
        while self._place and self._listeners is None:
            try:
                self._listeners = await self._listen()
            except OSError as error:
                if not failed:
                    log.warning("names are not answered at %s yet: %s", self._place, error)
                failed = True
                await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self) -> Listeners:
        host, _, port = self._place.rpartition(":")
        listeners = Listeners()
        try:
            await listeners.udp(_bound(socket.SOCK_DGRAM, host, int(port)), self._resolver)
            await listeners.streams(_bound(socket.SOCK_STREAM, host, int(port)), TcpResolver(self._resolver).serve)
        except BaseException:
            listeners.close()
            raise
        return listeners

    def close(self) -> None:
        """Stop listening."""
        if self._listeners is not None:
            self._listeners.close()
            self._listeners = None


def _bound(kind: socket.SocketKind, host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        if kind == socket.SOCK_STREAM:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host.strip("[]"), port))
    except OSError:
        opened.close()
        raise
    return opened
