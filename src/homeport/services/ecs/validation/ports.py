"""Network modes and what containers may say about ports, names and resolvers in each of them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from homeport.services.ecs.errors import Client

_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}")
_MOST_RANGES = 100

#: What awsvpc takes away from containers, and AWS's sentence about each.
_NOT_IN_AWSVPC = {
    "links": "Links are not supported when networkMode=awsvpc.",
    "hostname": "hostname is not supported on container when networkMode=awsvpc.",
    "extraHosts": "Extra hosts are not supported on container when networkMode=awsvpc.",
    "dnsServers": "DNS servers are not supported on container when networkMode=awsvpc.",
    "dnsSearchDomains": "DNS search domains are not supported on container when networkMode=awsvpc.",
    "disableNetworking": "Disable Networking is not supported on container when networkMode=awsvpc.",
}


def check_all(mode: str | None, containers: Sequence[Mapping[str, Any]]) -> None:
    """Check every container against the task's network mode; an absent mode means bridge."""
    names: set[str] = set()
    used: set[tuple[int, str]] = set()
    for container in containers:
        if mode == "awsvpc":
            for member, sentence in _NOT_IN_AWSVPC.items():
                if container.get(member):
                    raise Client(sentence)
        mappings = container.get("portMappings", ())
        if mappings and mode == "none":
            raise Client("Port mappings are not supported when networkMode=none.")
        if sum("containerPortRange" in mapping for mapping in mappings) > _MOST_RANGES:
            raise Client(f"The maximum number of port ranges per container is {_MOST_RANGES}.")
        for mapping in mappings:
            _check_mapping(mode, container["name"], mapping)
            _check_port_name(mapping, names)
            if mode in {"awsvpc", "host"}:
                _check_free(mapping, used)


def _check_mapping(mode: str | None, name: str, mapping: Mapping[str, Any]) -> None:
    port, host_port = mapping.get("containerPort"), mapping.get("hostPort")
    if (span := mapping.get("containerPortRange")) is not None:
        if port is not None or host_port is not None:
            raise Client("cannot specify both single port and port range")
        if mode == "host":
            raise Client("containerPortRange is not supported when networkMode=host.")
        parse_range(span)
        return
    if port is None or not 1 <= port <= 65535:
        raise Client(f"Invalid 'containerPort' setting for container '{name}'.")
    if host_port is not None and not 0 <= host_port <= 65535:
        raise Client(f"Invalid 'hostPort' setting for container '{name}'.")
    if mode in {"awsvpc", "host"} and host_port not in {None, 0, port}:
        raise Client(f"When networkMode={mode}, the host ports and container ports in port mappings must match.")


def parse_range(text: str) -> range:
    """Return the ports of "first-last"."""
    first, dash, last = text.partition("-")
    if not dash or not (first.isascii() and first.isdigit() and last.isascii() and last.isdigit()):
        raise Client("Invalid 'containerPortRange' setting")
    ports = range(int(first[:6]), int(last[:6]) + 1)
    if len(ports) < 2 or ports[0] < 1 or ports[-1] > 65535:
        raise Client("Invalid 'containerPortRange' setting")
    return ports


def _check_port_name(mapping: Mapping[str, Any], names: set[str]) -> None:
    name = mapping.get("name")
    if name is None:
        return
    if not _NAME.fullmatch(name):
        raise Client(
            f"Invalid port mapping name '{name}': lower case letters, digits, underscores and hyphens, "
            "not beginning with a hyphen, at most 64."
        )
    if name in names:
        raise Client("port mapping name is already used")
    names.add(name)


def _check_free(mapping: Mapping[str, Any], used: set[tuple[int, str]]) -> None:
    """Containers that share a network namespace cannot listen on the same port."""
    span = mapping.get("containerPortRange")
    ports = parse_range(span) if span is not None else [mapping["containerPort"]]
    protocol = mapping.get("protocol", "tcp")
    for port in ports:
        if (port, protocol) in used:
            raise Client("container port is used multiple times in task")
        used.add((port, protocol))


def check_proxy(mode: str | None, proxy: Mapping[str, Any] | None, containers: Sequence[Mapping[str, Any]]) -> None:
    """Check an App Mesh proxy: it needs a namespace of the task's own, a container and its ports."""
    if proxy is None:
        return
    if mode != "awsvpc":
        raise Client("APPMESH proxy configuration is only supported in networkMode=awsvpc")
    name = proxy["containerName"]
    if name not in {container["name"] for container in containers}:
        raise Client(f"Proxy container [{name}] does not exist")
    given = {pair.get("name") for pair in proxy.get("properties", ())}
    for key, what in (("ProxyIngressPort", "Ingress"), ("ProxyEgressPort", "Egress"), ("AppPorts", "App")):
        if key not in given:
            raise Client(f"{what} port not found")
