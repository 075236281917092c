"""A packet that is asked about, and the words for where it comes from and goes to.  Pure."""

from dataclasses import dataclass

from homeport.cli.net.model import Container, Eni, Instance, Task

PROTOCOL_NUMBERS = {"icmp": "1", "tcp": "6", "udp": "17", "icmpv6": "58"}
ECHO_REQUEST = 8


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a connection; for ICMP, which has no ports, it is an echo request."""

    port: int
    protocol: str = "tcp"

    def __str__(self) -> str:
        return "an echo request" if self.protocol == "icmp" else f"{self.protocol} {self.port}"


@dataclass(frozen=True, slots=True)
class AtEni:
    """In the namespace of an interface of its own: an awsvpc task's, which all its containers share."""

    eni: Eni
    task: Task | None = None


@dataclass(frozen=True, slots=True)
class OnInstance:
    """In an instance's namespace: the instance itself, or a host-mode task; *eni* is the interface it uses."""

    instance: Instance
    eni: Eni
    task: Task | None = None


@dataclass(frozen=True, slots=True)
class OnBridge:
    """In a bridge-mode container's namespace, on its instance's docker0; *eni* is the instance's primary."""

    instance: Instance
    eni: Eni
    task: Task
    container: Container


@dataclass(frozen=True, slots=True)
class Alone:
    """In the namespace of a container in mode none."""

    task: Task
    container: Container


@dataclass(frozen=True, slots=True)
class Outside:
    """Beyond the internet gateway, at an *address*, or at any where it is empty."""

    address: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """A destination that was given as an address; what it is depends on who asks."""

    address: str


Source = AtEni | OnInstance | OnBridge | Alone | Outside
Destination = Source | Address
