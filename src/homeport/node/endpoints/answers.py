"""Who answers what, in which place: the endpoints' answers put together."""

from homeport.kit.clock import Clock
from homeport.network.protocol import NetworkDriver
from homeport.node.endpoints.http import Handler, Request, Response, json_response
from homeport.node.endpoints.identity import InstancePlace, VpcPlace
from homeport.node.endpoints.imds import InstanceMetadataService
from homeport.node.endpoints.introspection import Introspection
from homeport.node.endpoints.metadata import Metadata
from homeport.node.endpoints.protection import Ask, ProtectionEndpoint
from homeport.node.endpoints.stats import StatsReader
from homeport.node.endpoints.tokens import Tokens
from homeport.node.instances.roster import InstanceRoster
from homeport.node.tasks.roster import Roster
from homeport.runtime.protocol import Runtime


class Answers:
    """The answers for the tasks and instances of one node."""

    def __init__(
        self,
        roster: Roster,
        instances: InstanceRoster,
        runtime: Runtime,
        network: NetworkDriver,
        tokens: Tokens,
        clock: Clock,
        ask_protection: Ask,
    ) -> None:
        self._roster = roster
        self._instances = instances
        self._metadata = Metadata(StatsReader(runtime, network, clock), ProtectionEndpoint(ask_protection), clock)
        self._imds = InstanceMetadataService(instances, roster, tokens, clock)

    def in_vpc(self, vpc: str) -> Handler:
        """Return what 169.254.170.2 answers inside a VPC."""
        return self._metadata.handler(VpcPlace(self._roster, vpc))

    def imds(self, vpc: str) -> Handler:
        """Return what 169.254.169.254 answers inside a VPC."""
        return self._imds.handler(vpc)

    def on_instance(self, instance: str) -> Handler:
        """Return what 169.254.170.2 answers on an instance."""
        if (runner := self._instances.find(instance)) is None:
            return _nobody
        return self._metadata.handler(InstancePlace(self._roster, runner))

    def introspection(self, instance: str) -> Handler:
        """Return what the agent of an instance answers."""
        if (runner := self._instances.find(instance)) is None:
            return _nobody
        return Introspection(self._roster, runner).handle


async def _nobody(request: Request) -> Response:
    del request
    return json_response(404, "404 page not found")
