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
        self.occupied: set[tuple[str, int]] = set()  # ports that processes of hosts have
        self.carried: dict[str, Traffic] = {}
        self.listening: dict[tuple[str, str, int, socket.SocketKind], tuple[str, int]] = {}

    async def apply(self, desired: Network) -> Mapping[str, str]:
        made = {id_: interface for id_, interface in desired.interfaces.items() if id_ not in self.refuse}
        hosts = {id_: host for id_, host in desired.hosts.items() if id_ not in self.refuse}
        boxes = {id_: sandbox for id_, sandbox in desired.sandboxes.items() if id_ not in self.refuse}
        wanted = {*desired.interfaces, *desired.hosts, *desired.sandboxes}
        refused = {id_: reason for id_, reason in self.refuse.items() if id_ in wanted}
        intended = plan(self._in_force, Network(desired.vpcs, desired.groups, made, hosts, boxes), self._pool)
        self._in_force = intended.after
        self._directory.mkdir(parents=True, exist_ok=True)
        own = {id_ for id_, link in self._in_force.links.items() if not link.host}
        there = {*own, *self._in_force.hosts, *self._in_force.sandboxes}
        for path in self._directory.iterdir():
            if path.name not in there:
                path.unlink()
        for id_ in there:
            self.namespace(id_).touch()
        self.network = Network(
            dict(desired.vpcs),
            dict(desired.groups),
            {id_: made[id_] for id_ in self._in_force.links},
            dict(self._in_force.hosts),
            {id_: boxes[id_] for id_ in self._in_force.sandboxes},
        )
        return refused | dict(intended.failures)

    def namespace(self, thing: str) -> Path:
        return self._directory / thing

    def listen(self, place: str, address: str, port: int, kind: socket.SocketKind) -> socket.socket:
        if place not in self._in_force.routers and place not in self._in_force.hosts:
            raise NetworkError(f"{place} has no router here")
        if place in self._in_force.routers and address not in self._in_force.addresses[place]:
            raise NetworkError(f"{place}: listen on {address}:{port}: Cannot assign requested address")
        if (place, port) in self.occupied:
            raise NetworkError(f"{place}: listen on {address}:{port}: Address already in use")
        opened = socket.socket(socket.AF_INET, kind)
        opened.setblocking(False)
        opened.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            opened.listen()
        self.listening[place, address, port, kind] = opened.getsockname()
        return opened

    async def traffic(self, thing: str) -> Traffic:
        if thing not in {*self._in_force.links, *self._in_force.hosts, *self._in_force.sandboxes}:
            raise NetworkError(f"{thing} is not here")
        return self.carried.get(thing, Traffic())

    async def trunking(self) -> str:
        return "vxlan"

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def destroy(self) -> None:
        await self.apply(Network())
        self.listening.clear()
        self._directory.rmdir()
