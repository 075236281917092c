"""A machine for a test, and what to put on it."""

import asyncio
import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from homeport.kit import linux
from homeport.network.desired import Group, Host, Interface, Network, Rule, Sandbox, Vpc
from homeport.network.kernel import KernelNetwork
from homeport.network.protocol import Traffic

LONG_ENOUGH = 0.3  # seconds that packets which are dropped are waited for; that none comes is what is expected
PATIENCE = 60.0  # seconds that those which must arrive may take, on a machine that is busy
EVERYWHERE = "0.0.0.0/0"
ALL = Rule(cidr=EVERYWHERE)


def make_vpc(number: int = 1, *, internet_gateway: bool = False) -> Vpc:
    return Vpc(f"vpc-{number}", ("10.0.0.0/16",), "10.0.0.2", internet_gateway)


def make_group(
    name: str, ingress: tuple[Rule, ...] = (), egress: tuple[Rule, ...] = (ALL,), vpc: str = "vpc-1"
) -> Group:
    return Group(name, vpc, ingress, egress)


def make_interface(
    number: int, *groups: str, vpc: str = "vpc-1", address: str = "", public: str = "", internet: bool = True
) -> Interface:
    return Interface(
        id=f"eni-{number:017x}",
        vpc=vpc,
        subnet_cidr="10.0.1.0/24",
        mac=f"02:00:00:00:00:{number:02x}",
        address=address or f"10.0.1.{10 + number}",
        groups=groups,
        public_address=public,
        internet=internet,
    )


def attached(
    number: int, host: str, *groups: str, device: str = "eth0", trunk: bool = False, vpc: str = "vpc-1"
) -> Interface:
    """An interface in a host: its primary one as eth0, or another, which may be a trunk."""
    plain = make_interface(number, *groups, vpc=vpc)
    return replace(plain, host=host, device=device, primary=device == "eth0", carries_branches=trunk)


def branch(number: int, trunk: Interface, vlan: int, *groups: str) -> Interface:
    return replace(make_interface(number, *groups, vpc=trunk.vpc), device="eth0", trunk=trunk.id, vlan=vlan)


Item = Vpc | Group | Interface | Host | Sandbox


def network(*items: Item) -> Network:
    return Network(
        {item.id: item for item in items if isinstance(item, Vpc)},
        {item.id: item for item in items if isinstance(item, Group)},
        {item.id: item for item in items if isinstance(item, Interface)},
        {item.id: item for item in items if isinstance(item, Host)},
        {item.id: item for item in items if isinstance(item, Sandbox)},
    )


@dataclass
class Lab:
    """A machine with a node's network on it."""

    run: Path
    driver: KernelNetwork
    sockets: list[socket.socket] = field(default_factory=list)

    def apply(self, *items: Item) -> Mapping[str, str]:
        return self.apply_network(network(*items))

    def apply_network(self, desired: Network) -> Mapping[str, str]:
        return asyncio.run(self.driver.apply(desired))

    def restart(self) -> None:
        """Be another process, which knows nothing."""
        asyncio.run(self.driver.close())
        self.driver = KernelNetwork(self.run)

    def traffic(self, interface: Interface | Host | Sandbox) -> Traffic:
        return asyncio.run(self.driver.traffic(interface.id))

    @contextlib.contextmanager
    def inside(self, path: Path) -> Iterator[None]:
        home, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(path, os.O_RDONLY)
        linux.setns(there, linux.CLONE_NEWNET)
        try:
            yield
        finally:
            linux.setns(home, linux.CLONE_NEWNET)
            os.close(home)
            os.close(there)

    def open(
        self, where: Interface | Host | Sandbox | None, kind: socket.SocketKind = socket.SOCK_STREAM, protocol: int = 0
    ) -> socket.socket:
        """Open a socket in the interface's namespace, or on the machine itself."""
        with self.inside(self.driver.namespace(where.id)) if where else contextlib.nullcontext():
            opened = socket.socket(socket.AF_INET, kind, protocol)
        opened.settimeout(LONG_ENOUGH)
        self.sockets.append(opened)
        return opened

    def serve(self, where: Interface | Host | Sandbox | None, port: int, address: str = "0.0.0.0") -> socket.socket:
        opened = self.open(where)
        opened.bind((address, port))
        opened.listen()
        return opened

    def accept(self, server: socket.socket) -> tuple[socket.socket, tuple[str, int]]:
        server.settimeout(PATIENCE)
        accepted, peer = server.accept()
        self.sockets.append(accepted)
        return accepted, peer

    def connect(self, where: Interface | Host | Sandbox | None, address: str, port: int) -> socket.socket:
        opened = self.open(where)
        opened.settimeout(PATIENCE)
        opened.connect((address, port))
        return opened

    def reaches(self, where: Interface | Host | Sandbox | None, address: str, port: int) -> bool:
        """Tell whether a connection comes about, however long it takes."""
        try:
            self.connect(where, address, port)
        except OSError:
            return False
        return True

    def misses(self, where: Interface | Host | Sandbox | None, address: str, port: int) -> bool:
        """Tell whether no connection comes about; the test has shown elsewhere that one would."""
        opened = self.open(where)
        try:
            opened.connect((address, port))
        except OSError:
            return True
        return False

    def command(self, place: str, *argv: str) -> str:
        """Run a command in one of the network's namespaces."""
        with self.inside(self.run / "netns" / place):
            return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def talks(client: socket.socket, server: socket.socket) -> bool:
    """Tell whether bytes still pass in both directions."""
    client.settimeout(PATIENCE)
    server.settimeout(PATIENCE)
    client.sendall(b"ping")
    if server.recv(4) != b"ping":
        return False
    server.sendall(b"pong")
    return client.recv(4) == b"pong"
