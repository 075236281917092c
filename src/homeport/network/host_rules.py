"""
A host's nftables tables: what its bridge publishes, and who may send from where.  Pure.

`ip host` translates: published ports lead to sandboxes, sandboxes leave as their host, 169.254.170.2 leads to the
host's agent.  `bridge host` knows each port's one MAC and IP address, so that no sandbox can pretend to be another.
What begins a connection to the agent from elsewhere is dropped, and nothing else to its ports: answers to the host's own
connections may have one of them for their destination.  Branches' frames are the kernel's alone, in both directions:
what anybody else sends to the trunk's port here, or to the router's end of a trunk, is dropped.  As with the VPC
routers' tables the text makes a table or replaces it, and later changes are elements.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

from homeport.network import naming
from homeport.network.desired import Host, Sandbox

TABLE = "host"
PUBLISHED, PORTS = "published", "ports"
PROTOCOLS = {"tcp": 6, "udp": 17}
INTROSPECTION = 51678  # the agent's other port, for the host itself and its bridge
TRUNK_PORT = 24789  # not VXLAN's own, which a host's programs may want, and no dynamic port


class Service(NamedTuple):
    """A host port by its protocol, or a port of an address."""

    protocol: str
    port: int


class Target(NamedTuple):
    """Where a published port leads."""

    address: str
    port: int


class Port(NamedTuple):
    """A port of the bridge, and who is behind it."""

    device: str
    mac: str
    address: str


@dataclass(frozen=True, slots=True)
class HostRules:
    """The variable part of a host's tables."""

    published: Mapping[Service, Target] = field(default_factory=dict)
    ports: frozenset[Port] = frozenset()

    def minus(self, other: "HostRules") -> "HostRules":
        """Return what is here and not, or not the same, in *other*."""
        published = {key: to for key, to in self.published.items() if other.published.get(key) != to}
        return HostRules(published, self.ports - other.ports)

    def empty(self) -> bool:
        return not self.published and not self.ports


def bridge_address(host: Host) -> str:
    """Return the bridge's own address, which is the sandboxes' router."""
    return str(IPv4Network(host.bridge)[1])


def sandbox_mac(address: str) -> str:
    """Return the MAC address that Docker gives to who has *address* on its bridge."""
    return ":".join(f"{octet:02x}" for octet in (0x02, 0x42, *IPv4Address(address).packed))


def rules_of(sandboxes: Mapping[str, Sandbox]) -> HostRules:
    """Return the rules of one host's sandboxes."""
    published = {
        Service(binding.protocol, binding.host_port): Target(sandbox.address, binding.port)
        for sandbox in sandboxes.values()
        for binding in sandbox.bindings
    }
    ports = frozenset(
        Port(naming.port(id_), sandbox_mac(sandbox.address), sandbox.address)
        for id_, sandbox in sandboxes.items()
        if sandbox.address
    )
    return HostRules(published, ports)


_HOST = """\
table ip {table}
delete table ip {table}
table bridge {table}
delete table bridge {table}
table ip {table} {{
	map published {{
		type inet_proto . inet_service : ipv4_addr . inet_service{published}
	}}
	chain arriving {{
		type filter hook prerouting priority raw; policy accept;
		iifname != {{ "lo", "{docker}" }} udp dport {trunk} ip saddr {carrier} notrack accept
		udp dport {trunk} fib daddr type local drop
		iifname "{docker}" ip daddr {carrier} drop
		iifname {{ "lo", "{docker}" }} accept
		ip saddr {bridge} drop
		ip daddr {bridge} drop
		tcp dport {{ {introspection}, {agent} }} tcp flags & (syn | ack) == syn drop
	}}
	chain carrying {{
		type filter hook output priority raw; policy accept;
		ip daddr {carrier} meta skuid 0-4294967294 drop
		udp dport {trunk} ip daddr {carrier} notrack
	}}
	chain destination {{
		type nat hook prerouting priority dstnat; policy accept;
		iifname "{docker}" ip daddr 169.254.170.2 tcp dport 80 redirect to :{agent}
		fib daddr type local dnat ip to meta l4proto . th dport map @published
	}}
	chain output {{
		type nat hook output priority -100; policy accept;
		ip daddr 169.254.170.2 tcp dport 80 redirect to :{agent}
		ip daddr != 127.0.0.0/8 fib daddr type local dnat ip to meta l4proto . th dport map @published
	}}
	chain source {{
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr {bridge} oifname != "{docker}" masquerade
		iifname "{docker}" oifname "{docker}" ct status dnat masquerade
	}}
	chain forward {{
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		ct state invalid drop
		iifname "{docker}" accept
		ct status dnat accept
	}}
}}
table bridge {table} {{
	set ports {{
		type ifname . ether_addr . ipv4_addr{ports}
	}}
	chain arriving {{
		type filter hook prerouting priority -300; policy drop;
		ether type ip iifname . ether saddr . ip saddr @ports accept
		ether type arp iifname . ether saddr . arp saddr ip @ports accept
	}}
}}
"""


_PLAIN = """\
table ip {table}
delete table ip {table}
table ip {table} {{
	chain forward {{
		type filter hook forward priority filter; policy drop;
	}}
}}
"""


def render(host: Host, rules: HostRules) -> str:
    """Return the transaction that puts a host's tables in place of whatever is there."""
    if not host.bridge:
        return _PLAIN.format(table=TABLE)
    published = [f"{key.protocol} . {key.port} : {to.address} . {to.port}" for key, to in rules.published.items()]
    ports = [f'"{port.device}" . {port.mac} . {port.address}' for port in rules.ports]
    return _HOST.format(
        table=TABLE,
        docker=naming.DOCKER,
        bridge=IPv4Network(host.bridge),
        agent=host.agent_port,
        introspection=INTROSPECTION,
        trunk=TRUNK_PORT,
        carrier=naming.CARRIER,
        published=_elements(published),
        ports=_elements(ports),
    )


def _elements(entries: list[str]) -> str:
    return "\n\t\telements = {{ {} }}".format(", ".join(sorted(entries))) if entries else ""
