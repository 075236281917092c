"""Open the endpoints in every VPC that has a router on this node, and close them with it."""

import asyncio
import functools
import logging
import socket
from collections.abc import Mapping

from homeport.network.protocol import NetworkDriver, NetworkError
from homeport.node.endpoints.answers import Answers
from homeport.node.endpoints.dns import Resolver, TcpResolver, upstreams
from homeport.node.endpoints.listeners import Listeners
from homeport.node.endpoints.proxy import ApiProxy
from homeport.node.naming.zones import Names
from homeport.node.tasks.container import API_PORT
from homeport.wire.messages import Vpc

log = logging.getLogger(__name__)

METADATA_ADDRESS = "169.254.170.2"
IMDS_ADDRESS = "169.254.169.254"
RESOLVER_ADDRESS = "169.254.169.253"


class RouterEndpoints:
    """All listeners inside VPCs' routers."""

    def __init__(self, network: NetworkDriver, gateway: str, names: Names, own_resolver: str) -> None:
        self._network = network
        self._names = names
        self._own_resolver = own_resolver
        self._gateway = gateway
        self._answers: Answers | None = None
        self._open: dict[str, tuple[Listeners, Resolver]] = {}

    def serve(self, answers: Answers) -> None:
        """Answer with these; before any listener opens."""
        self._answers = answers

    def close_except(self, vpcs: Mapping[str, Vpc]) -> None:
        """Stop listening in every other VPC: a socket of ours would keep its router alive."""
        for name in [name for name in self._open if name not in vpcs]:
            self._open.pop(name)[0].close()

    async def open_all(self, vpcs: Mapping[str, Vpc]) -> None:
        """Listen in all of *vpcs*, whose routers exist."""
        for vpc in vpcs.values():
            if vpc.id in self._open:
                listeners, resolver = self._open[vpc.id]
                if resolver.vpc is not None and resolver.vpc.dns == vpc.dns:
                    resolver.vpc = vpc
                    continue
                listeners.close()
            try:
                self._open[vpc.id] = await self._listen(vpc)
            except (NetworkError, OSError) as error:
                self._open.pop(vpc.id, None)
                log.error("no endpoints in %s: %s", vpc.id, error)  # noqa: TRY400 - the message says it all

    async def _listen(self, vpc: Vpc) -> tuple[Listeners, Resolver]:
        assert self._answers is not None, "the tasks are known before their VPCs"
        listeners, resolver = Listeners(), Resolver(vpc, self._names, upstreams(self._own_resolver))
        listen = functools.partial(self._network.listen, vpc.id)
        try:
            await listeners.http(listen(METADATA_ADDRESS, 80, socket.SOCK_STREAM), self._answers.in_vpc(vpc.id))
            await listeners.http(listen(IMDS_ADDRESS, 80, socket.SOCK_STREAM), self._answers.imds(vpc.id))
            for address in (vpc.dns, RESOLVER_ADDRESS):
                await listeners.udp(listen(address, 53, socket.SOCK_DGRAM), resolver)
                await listeners.streams(listen(address, 53, socket.SOCK_STREAM), TcpResolver(resolver).serve)
            api = ApiProxy(self._gateway)
            await listeners.streams(listen(vpc.dns, API_PORT, socket.SOCK_STREAM), api.serve)
        except BaseException:
            listeners.close()
            raise
        return listeners, resolver

    async def close(self) -> None:
        """Stop listening everywhere."""
        for listeners, _ in self._open.values():
            listeners.close()
        self._open.clear()
        await asyncio.sleep(0)  # transports close in the loop's next turn
