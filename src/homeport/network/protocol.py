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

        Returns the interfaces that could not be made: id to reason.  All others exist when this
        returns, with their security groups in force.  An interface that is gone from *desired* is
        gone, with its live connections, when this returns.
        """

    def namespace(self, interface: str) -> Path:
        """Return the path under which a container runtime can join the interface's network namespace."""

    def listen(self, vpc: str, address: str, port: int, kind: socket.SocketKind) -> socket.socket:
        """
        Open a non-blocking socket inside the VPC's router, bound (and, for a stream, listening) there.

        Peers are identified by their source address, which the anti-spoofing rules make true.
        """

    async def traffic(self, interface: str) -> Traffic:
        """Return the interface's counters."""

    async def close(self) -> None:
        """Let go of sockets and handles; the network itself stays."""

    async def destroy(self) -> None:
        """Remove every trace from the kernel, with no knowledge of what was desired."""
