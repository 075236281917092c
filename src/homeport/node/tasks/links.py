"""
What links between the containers of a bridge task mean: names, and variables of the environment.

Pure.  Names and variables are those that Docker gives (its package daemon/links).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from homeport.node.tasks.dependencies import Link
from homeport.runtime.protocol import Image
from homeport.wire.messages import Container

_NOT_PASSED_ON = ("HOME", "PATH")

Port = tuple[int, str]  # number and protocol


@dataclass(frozen=True, slots=True)
class Linked:
    """A link, and what is known of the container at its other end."""

    link: Link
    hostname: str
    address: str
    ports: tuple[Port, ...]
    environment: Mapping[str, str]  # of its image, and its own

    def names(self) -> tuple[str, ...]:
        """Return the names under which it is found."""
        return tuple(dict.fromkeys((self.link.alias, self.hostname, self.link.container)))


def exposed(container: Container, image: Image) -> tuple[Port, ...]:
    """Return the ports that a container exposes: those mapped and those of its image, in order, TCP first."""
    found = {
        (port, mapping.protocol)
        for mapping in container.port_mappings
        for port in range(mapping.container_port, max(mapping.last_port, mapping.container_port) + 1)
    }
    for text in image.exposed_ports:
        number, _, protocol = text.partition("/")
        if number.isdecimal():
            found.add((int(number), protocol or "tcp"))
    return tuple(sorted(found))


def variables(container: str, linked: Linked) -> dict[str, str]:
    """Return what *container* finds in its environment about the other end of a link."""
    prefix = linked.link.alias.upper().replace("-", "_")
    found: dict[str, str] = {}
    if linked.ports:
        found[f"{prefix}_PORT"] = _url(linked, linked.ports[0])
    for first, last in _runs(linked.ports):
        found |= _range_variables(prefix, linked, first, last)
    for number, protocol in linked.ports:
        name = f"{prefix}_PORT_{number}_{protocol.upper()}"
        found[name] = _url(linked, (number, protocol))
        found |= {f"{name}_ADDR": linked.address, f"{name}_PORT": str(number), f"{name}_PROTO": protocol}
    found[f"{prefix}_NAME"] = f"/{container}/{linked.link.alias}"
    for name, value in linked.environment.items():
        if name not in _NOT_PASSED_ON:
            found[f"{prefix}_ENV_{name}"] = value
    return found


def _url(linked: Linked, port: Port) -> str:
    number, protocol = port
    return f"{protocol}://{linked.address}:{number}"


def _range_variables(prefix: str, linked: Linked, first: Port, last: Port) -> dict[str, str]:
    start, end = (f"{prefix}_PORT_{number}_{protocol.upper()}" for number, protocol in (first, last))
    return {
        f"{start}_START": _url(linked, first),
        f"{start}_ADDR": linked.address,
        f"{start}_PROTO": first[1],
        f"{start}_PORT_START": str(first[0]),
        f"{end}_END": _url(linked, last),
        f"{end}_PORT_END": str(last[0]),
    }


def _runs(ports: Iterable[Port]) -> Iterable[tuple[Port, Port]]:
    """Yield the first and last of at least three ports whose numbers follow one another."""
    run: list[Port] = []
    for port in (*ports, (-1, "")):
        if run and port[0] != run[-1][0] + 1:
            if len(run) > 2:
                yield run[0], run[-1]
            run = []
        run.append(port)
