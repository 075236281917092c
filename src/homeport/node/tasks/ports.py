"""
Choose the host ports of a bridge task's container.

Pure: what is taken, and whether the instance itself uses a port, are arguments.  As the ECS agent does, a
dynamic port is the next free one after the last that was chosen, so that none is handed out again soon.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from homeport.wire.messages import Binding, PortMapping

DYNAMIC_PORTS = range(32_768, 61_000)  # the kernel's own for ports that nobody asked for by number
RESERVED_PORTS = frozenset({22, 2375, 2376, 51_678, 51_679})

Asked = Callable[[str, int], bool]  # protocol and port


class Unavailable(Exception):
    """What a container asked for cannot be had; the message begins with AWS's name for that."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an instance's agent is told of ports: where dynamic ones lie, and which are never chosen."""

    dynamic: range = DYNAMIC_PORTS
    reserved_tcp: frozenset[int] = RESERVED_PORTS
    reserved_udp: frozenset[int] = frozenset()

    def reserved(self, protocol: str, port: int) -> bool:
        """Say whether *port* is kept for the instance's own use."""
        return port in (self.reserved_udp if protocol == "udp" else self.reserved_tcp)


def settings(agent: Mapping[str, str]) -> Settings:
    """Return what an ecs.config says; as with the ECS agent, what cannot be read counts as absent."""
    return Settings(
        dynamic=_range(agent.get("ECS_DYNAMIC_HOST_PORT_RANGE", "")) or DYNAMIC_PORTS,
        reserved_tcp=RESERVED_PORTS | _ports(agent.get("ECS_RESERVED_PORTS", "")),
        reserved_udp=_ports(agent.get("ECS_RESERVED_PORTS_UDP", "")),
    )


def _range(text: str) -> range:
    first, _, last = (part.strip() for part in text.partition("-"))
    if not (first.isdecimal() and last.isdecimal()) or not 0 < int(first) <= int(last) < 65_536:
        return range(0)
    return range(int(first), int(last) + 1)


def _ports(text: str) -> frozenset[int]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return frozenset()
    return frozenset(port for port in found if isinstance(port, int)) if isinstance(found, list) else frozenset()


@dataclass(frozen=True, slots=True)
class Chooser:
    """
    An instance's ports as they are: *claimed* by its tasks, and *free* of processes of the instance.

    The second is asked only about ports that the first leaves: it may be slow.
    """

    settings: Settings
    claimed: Asked
    free: Asked

    def choose(self, mapping: PortMapping, endpoint: str, after: int) -> Binding:
        """Return the binding of *mapping*, dynamic ports past *after*; Docker names *endpoint*.  Raises Unavailable."""
        return self._static(mapping, endpoint) if mapping.host_port else self._dynamic(mapping, after)

    def _static(self, mapping: PortMapping, endpoint: str) -> Binding:
        protocol, port = mapping.protocol, mapping.host_port
        if self.claimed(protocol, port):
            raise _docker(endpoint, f"Bind for 0.0.0.0:{port} failed: port is already allocated")
        if not self.free(protocol, port):
            listen = f"listen {protocol}4 0.0.0.0:{port}: bind: address already in use"
            raise _docker(endpoint, f"Error starting userland proxy: {listen}")
        return Binding(container_port=mapping.container_port, host_port=port, protocol=protocol)

    def _dynamic(self, mapping: PortMapping, after: int) -> Binding:
        count = max(mapping.last_port - mapping.container_port, 0) + 1
        first = self._run(mapping.protocol, count, after)
        return Binding(
            container_port=mapping.container_port,
            host_port=first,
            last_port=mapping.last_port,
            last_host_port=first + count - 1 if mapping.last_port else 0,
            protocol=mapping.protocol,
        )

    def _run(self, protocol: str, count: int, after: int) -> int:
        """Return the first of *count* ports in a row that are all to be had, the next such from *after* on."""
        ports = self.settings.dynamic
        start = after + 1 if after + 1 in ports else ports.start
        for part in (range(start, ports.stop), range(ports.start, min(start + count - 1, ports.stop))):
            found = 0
            for port in part:
                found = found + 1 if self._available(protocol, port) else 0
                if found == count:
                    return port - count + 1
        missing = "a host port is unavailable" if count == 1 else f"{count} contiguous host ports are unavailable"
        raise Unavailable(f"HostConfigError: error retrieving docker port map: {missing}")

    def _available(self, protocol: str, port: int) -> bool:
        if self.settings.reserved(protocol, port) or self.claimed(protocol, port):
            return False
        return self.free(protocol, port)


def _docker(endpoint: str, reason: str) -> Unavailable:
    return Unavailable(
        "CannotStartContainerError: Error response from daemon: driver failed programming external connectivity"
        f" on endpoint {endpoint}: {reason}"
    )


def host_ports(binding: Binding) -> range:
    """Return the host ports of a binding."""
    return range(binding.host_port, (binding.last_host_port or binding.host_port) + 1)
