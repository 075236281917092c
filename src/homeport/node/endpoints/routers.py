"""Open the endpoints in every VPC that has a router on this node, and close them with it."""

from collections.abc import Mapping

from homeport.kit.clock import Clock
from homeport.network.protocol import NetworkDriver
from homeport.node.tasks.roster import Roster
from homeport.runtime.protocol import Runtime
from homeport.wire.messages import Vpc


class RouterEndpoints:
    def __init__(self, network: NetworkDriver, gateway: str) -> None:
        pass

    def serve(self, roster: Roster, runtime: Runtime, clock: Clock) -> None:
        pass

    def close_except(self, vpcs: Mapping[str, Vpc]) -> None:
        pass

    def open_all(self, vpcs: Mapping[str, Vpc]) -> None:
        pass

    async def close(self) -> None:
        pass
