"""A network in memory: the same promises as the kernel's, without packets, for tests of those who need one."""

import socket
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path

from homeport.network.actions import InForce
from homeport.network.desired import Network
from homeport.network.plan import plan
from homeport.network.protocol import NetworkError, Traffic


class FakeNetwork:
    """
    Says no to what the kernel's network would say no to, and remembers the rest.

    `refuse` names interfaces that cannot be made, with the reason.  `listening` tells where a socket asked
    for inside a VPC really listens: on the loopback, on a port of its own.
    """

    def __init__(self, run: Path, public_pool: str = "198.18.0.0/16") -> None:
        self._pool = IPv4Network(public_pool)
        self._directory = run / "netns"
        self._in_force = InForce()
        self.network = Network()
        self.refuse: dict[str, str] = {}
        self.carried: dict[str, Traffic] = {}
        self.listening: dict[tuple[str, str, int, socket.SocketKind], tuple[str, int]] = {}

    async def apply(self, desired: Network) -> Mapping[str, str]:
        made = {id_: interface for id_, interface in desired.interfaces.items() if id_ not in self.refuse}
        refused = {id_: reason for id_, reason in self.refuse.items() if id_ in desired.interfaces}
        intended = plan(self._in_force, Network(desired.vpcs, desired.groups, made), self._pool)
        self._in_force = intended.after
        self._directory.mkdir(parents=True, exist_ok=True)
        for path in self._directory.iterdir():
            if path.name not in self._in_force.links:
                path.unlink()
        for id_ in self._in_force.links:
            self.namespace(id_).touch()
        interfaces = {id_: made[id_] for id_ in self._in_force.links}
        self.network = Network(dict(desired.vpcs), dict(desired.groups), interfaces)
        return refused | dict(intended.failures)

    def namespace(self, interface: str) -> Path:
        return self._directory / interface

    def listen(self, vpc: str, address: str, port: int, kind: socket.SocketKind) -> socket.socket:
        if vpc not in self._in_force.routers:
            raise NetworkError(f"{vpc} has no router here")
        if address not in self._in_force.addresses[vpc]:
            raise NetworkError(f"{vpc}: listen on {address}:{port}: Cannot assign requested address")
        opened = socket.socket(socket.AF_INET, kind)
        opened.setblocking(False)
        opened.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            opened.listen()
        self.listening[vpc, address, port, kind] = opened.getsockname()
        return opened

    async def traffic(self, interface: str) -> Traffic:
        if interface not in self._in_force.links:
            raise NetworkError(f"{interface} is not here")
        return self.carried.get(interface, Traffic())

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def destroy(self) -> None:
        await self.apply(Network())
        self.listening.clear()
        self._directory.rmdir()
