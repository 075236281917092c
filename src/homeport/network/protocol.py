"""What the agent asks of the network; the kernel's implementation and the fake both answer it."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from homeport.network.desired import Network


class NetworkError(Exception):
    """The kernel refused something; the message names the thing and the reason."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What an interface has carried, seen from the task."""

    rx_bytes: int = 0
    rx_packets: int = 0
    rx_errors: int = 0
    rx_dropped: int = 0
    tx_bytes: int = 0
    tx_packets: int = 0
    tx_errors: int = 0
    tx_dropped: int = 0


class NetworkDriver(Protocol):
    """Makes a desired network real."""

    async def apply(self, desired: Network) -> Mapping[str, str]:
        """
        Make the kernel's state equal to *desired*, whatever it was.

        Returns the interfaces, hosts and sandboxes that could not be made: id to reason.  All others exist
        when this returns, with their security groups in force and their ports published.  What is gone from
        *desired* is gone, with its live connections, when this returns.
        """

    def namespace(self, thing: str) -> Path:
        """Return the path under which a runtime can join the namespace of an interface, a host or a sandbox."""

    def listen(self, place: str, address: str, port: int, kind: socket.SocketKind) -> socket.socket:
        """
        Open a non-blocking socket inside a VPC's router or a host, bound (and, for a stream, listening) there.

        Peers are identified by their source address, which the anti-spoofing rules make true.
        """

    async def traffic(self, thing: str) -> Traffic:
        """Return the counters of an interface, of a host's primary interface or of a sandbox's link."""

    async def trunking(self) -> str:
        """Return how trunks carry their branches on this kernel: "vlan" or "vxlan"."""

    async def close(self) -> None:
        """Let go of sockets and handles; the network itself stays."""

    async def destroy(self) -> None:
        """Remove every trace from the kernel, with no knowledge of what was desired."""
