"""Open the endpoints in every VPC that has a router on this node, and close them with it."""

import asyncio
import contextlib
import functools
import logging
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping

from homeport.kit.clock import Clock
from homeport.network.protocol import NetworkDriver, NetworkError
from homeport.node.endpoints.dns import Resolver, TcpResolver, UdpResolver, upstreams
from homeport.node.endpoints.http import HttpServer
from homeport.node.endpoints.metadata import Metadata
from homeport.node.endpoints.proxy import ApiProxy
from homeport.node.endpoints.stats import StatsReader
from homeport.node.tasks.container import API_PORT
from homeport.node.tasks.roster import Roster
from homeport.runtime.protocol import Runtime
from homeport.wire.messages import Vpc

log = logging.getLogger(__name__)

METADATA_ADDRESS = "169.254.170.2"
RESOLVER_ADDRESS = "169.254.169.253"

_Streams = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class RouterEndpoints:
    """All listeners of this node, by VPC."""

    def __init__(self, network: NetworkDriver, gateway: str) -> None:
        self._network = network
        self._gateway = gateway
        self._metadata: Metadata | None = None
        self._open: dict[str, _Listeners] = {}

    def serve(self, roster: Roster, runtime: Runtime, clock: Clock) -> None:
        """Answer for the tasks of *roster*; before any listener opens."""
        self._metadata = Metadata(roster, StatsReader(runtime, self._network, clock), clock)

    def close_except(self, vpcs: Mapping[str, Vpc], hosts: Collection[str]) -> None:
        """Stop listening in every other VPC: a socket of ours would keep its router alive."""
        del hosts  # nothing listens there yet
        for name in [name for name in self._open if name not in vpcs]:
            self._open.pop(name).close()

    async def open_all(self, vpcs: Mapping[str, Vpc], hosts: Collection[str]) -> None:
        """Listen in all of *vpcs*, whose routers exist."""
        del hosts  # nothing listens there yet
        for vpc in vpcs.values():
            listeners = self._open.get(vpc.id)
            if listeners is not None and listeners.resolver.vpc.dns == vpc.dns:
                listeners.resolver.vpc = vpc
                continue
            if listeners is not None:
                listeners.close()
            try:
                self._open[vpc.id] = await self._listen(vpc)
            except (NetworkError, OSError) as error:
                log.error("no endpoints in %s: %s", vpc.id, error)  # noqa: TRY400 - the message says it all

    async def _listen(self, vpc: Vpc) -> "_Listeners":
        assert self._metadata is not None, "the tasks are known before their VPCs"
        listeners = _Listeners(Resolver(vpc, upstreams()), HttpServer(self._metadata.handler(vpc.id)))
        listen = functools.partial(self._network.listen, vpc.id)
        try:
            await listeners.http(listen(METADATA_ADDRESS, 80, socket.SOCK_STREAM))
            for address in (vpc.dns, RESOLVER_ADDRESS):
                await listeners.udp(listen(address, 53, socket.SOCK_DGRAM))
                await listeners.streams(listen(address, 53, socket.SOCK_STREAM), TcpResolver(listeners.resolver).serve)
            api = ApiProxy(self._gateway)
            await listeners.streams(listen(vpc.dns, API_PORT, socket.SOCK_STREAM), api.serve)
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


class _Listeners:
    """What listens inside one VPC's router."""

    def __init__(self, resolver: Resolver, metadata: HttpServer) -> None:
        self.resolver = resolver
        self._metadata = metadata
        self._stack = contextlib.ExitStack()
        self._stack.callback(metadata.close)
        self._conversations: set[asyncio.Task[None]] = set()
        self._stack.callback(self._end_conversations)

    async def http(self, opened: socket.socket) -> None:
        server = await asyncio.get_running_loop().create_server(self._metadata.connection, sock=opened)
        self._stack.callback(server.close)

    async def udp(self, opened: socket.socket) -> None:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: UdpResolver(self.resolver), sock=opened
        )
        self._stack.callback(transport.close)

    async def streams(self, opened: socket.socket, serve: _Streams) -> None:
        async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None, "asyncio's server runs its callback in a task"
            self._conversations.add(task)
            try:
                await serve(reader, writer)
            except asyncio.CancelledError:
                writer.transport.abort()  # the router goes; asyncio's server would log a raised cancellation
            finally:
                self._conversations.discard(task)

        server = await asyncio.start_server(converse, sock=opened)
        self._stack.callback(server.close)

    def _end_conversations(self) -> None:
        for task in self._conversations:
            task.cancel()

    def close(self) -> None:
        self._stack.close()
