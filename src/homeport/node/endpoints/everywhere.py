"""All endpoints of a node, in VPCs and on instances, as the network comes and goes."""

from collections.abc import Collection, Mapping

from homeport.network.protocol import NetworkDriver
from homeport.node.endpoints.answers import Answers
from homeport.node.endpoints.hosts import HostEndpoints
from homeport.node.endpoints.routers import RouterEndpoints
from homeport.node.naming.zones import Names
from homeport.wire.messages import Vpc


class Endpoints:
    """What `Interfaces` tells of routers and namespaces."""

    def __init__(self, network: NetworkDriver, gateway: str, names: Names, resolver: str) -> None:
        self._routers = RouterEndpoints(network, gateway, names, resolver)
        self._hosts = HostEndpoints(network)

    def serve(self, answers: Answers) -> None:
        """Answer with these; before any listener opens."""
        self._routers.serve(answers)
        self._hosts.serve(answers)

    def close_except(self, vpcs: Mapping[str, Vpc], hosts: Collection[str]) -> None:
        """Stop listening in every other VPC and instance: a socket of ours would keep its namespace alive."""
        self._routers.close_except(vpcs)
        self._hosts.close_except(hosts)

    async def open_all(self, vpcs: Mapping[str, Vpc], hosts: Collection[str]) -> None:
        """Listen in all of *vpcs*, whose routers exist, and in the instances *hosts*, whose namespaces do."""
        await self._routers.open_all(vpcs)
        await self._hosts.open_all(hosts)

    async def close(self) -> None:
        """Stop listening everywhere."""
        await self._routers.close()
        await self._hosts.close()
