"""Open the endpoints on every instance of this node, and close them with it."""

import asyncio
import logging
import socket
from collections.abc import Collection

from homeport.network.protocol import NetworkDriver, NetworkError
from homeport.node.endpoints.answers import Answers
from homeport.node.endpoints.identity import BRIDGE
from homeport.node.endpoints.listeners import Listeners

log = logging.getLogger(__name__)

METADATA_PORT = 51_679  # where the network leads 169.254.170.2:80 from the bridge and from the instance itself
INTROSPECTION_PORT = 51_678
# Not the interfaces' addresses: nobody off the instance can reach these two.
_ADDRESSES = ("127.0.0.1", BRIDGE)


class HostEndpoints:
    """All listeners inside instances' namespaces."""

    def __init__(self, network: NetworkDriver) -> None:
        self._network = network
        self._answers: Answers | None = None
        self._open: dict[str, Listeners] = {}

    def serve(self, answers: Answers) -> None:
        """Answer with these; before any listener opens."""
        self._answers = answers

    def close_except(self, hosts: Collection[str]) -> None:
        """Stop listening on every other instance: a socket of ours would keep its namespace alive."""
        for name in [name for name in self._open if name not in hosts]:
            self._open.pop(name).close()

    async def open_all(self, hosts: Collection[str]) -> None:
        """Listen on all of *hosts*, whose namespaces exist."""
        for host in hosts:
            if host in self._open:
                continue
            try:
                self._open[host] = await self._listen(host)
            except (NetworkError, OSError) as error:
                log.error("no endpoints on %s: %s", host, error)  # noqa: TRY400 - the message says it all

    async def _listen(self, host: str) -> Listeners:
        assert self._answers is not None, "the instances are known before their namespaces"
        listeners = Listeners()
        try:
            for address in _ADDRESSES:
                for port, handler in (
                    (METADATA_PORT, self._answers.on_instance(host)),
                    (INTROSPECTION_PORT, self._answers.introspection(host)),
                ):
                    opened = self._network.listen(host, address, port, socket.SOCK_STREAM)
                    await listeners.http(opened, handler)
        except BaseException:
            listeners.close()
            raise
        return listeners

    async def close(self) -> None:
        """Stop listening everywhere."""
        for listeners in self._open.values():
            listeners.close()
        self._open.clear()
        await asyncio.sleep(0)  # transports close in the loop's next turn
