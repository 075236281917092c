"""
A host's namespace: the interfaces that are attached to it, and the bridge that its sandboxes hang on.

The bridge's alias is written last, when everything fixed is there: a host without it is half made.  Where there is no
bridge the loopback device has it.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from homeport.network import conntrack, host_plan, host_rules, naming, nftables, rtnetlink, ruleset
from homeport.network.actions import Box, Source
from homeport.network.admission import device_number
from homeport.network.blank import Blank
from homeport.network.desired import Host, Interface, Sandbox
from homeport.network.host_rules import HostRules
from homeport.network.namespaces import Namespaces
from homeport.network.netlink import Message
from homeport.network.place import Place
from homeport.network.rtnetlink import LOOPBACK, End

PRIMARY_LINK = 2  # eth0's index; eth1 has the next, and so on
SANDBOX_LINK = 2  # a sandbox's eth0 in its own namespace
_DOCKER_LINK = 200
_BRIDGE_MTU = 1500  # that a bridge begins with
_FIRST_PORT = 256  # the first index of a bridge's port
_LEAVING = 0x4852  # the group of links that are about to be deleted
_WHOLE = "host"
_SANDBOX = "box"
_SYSCTLS = {
    "ipv4/ping_group_range": "0 2147483647",  # as container runtimes have it: pings need no capability
}
_PLAIN_SYSCTLS = {
    "ipv4/ip_local_port_range": "1024 65535",  # a proxy is the client of all its targets
    "ipv4/tcp_tw_reuse": "1",
}


@dataclass(slots=True)
class FoundHost:
    """What a host's links say: the host itself if it is whole, and its sandboxes."""

    host: Host | None = None
    boxes: dict[str, Box] = field(default_factory=dict)


class HostNamespace:
    """The kernel's side of one host."""

    def __init__(self, namespaces: Namespaces, host: str) -> None:
        self._namespaces = namespaces
        self.id = host
        self.place = Place.ensure(namespaces, naming.host(host))
        self._ports: dict[str, int] = {}  # by name
        self._next = _FIRST_PORT

    def close(self) -> None:
        self.place.close()

    def survey(self) -> FoundHost:
        """Read what is there."""
        found = FoundHost()
        self._ports.clear()
        for link in rtnetlink.links(self.place.route):
            self._next = max(self._next, link.index + 1)
            self._ports[link.name] = link.index
            match link.alias.split(" "):
                case [word, bridge, port] if word == _WHOLE and link.name == naming.DOCKER:
                    found.host = Host(self.id, bridge, int(port))
                case [word] if word == _WHOLE and link.index == LOOPBACK:
                    found.host = Host(self.id, bridge="")
                case [word, id_, address] if word == _SANDBOX:
                    found.boxes[id_] = Box(self.id, address)
        return found

    def ensure(self, host: Host) -> None:
        """Make what is fixed, in a namespace that has nothing yet."""
        if not host.bridge:
            self._ensure_plain(host)
            return
        address, network = host_rules.bridge_address(host), IPv4Network(host.bridge)
        docker = End(naming.DOCKER, host_rules.sandbox_mac(address), _DOCKER_LINK)
        self.place.set_sysctls(_SYSCTLS)
        self.place.set_optional_sysctls({"bridge/bridge-nf-call-iptables": "0", "bridge/bridge-nf-call-arptables": "0"})
        self.place.route.send(
            [
                rtnetlink.link_up(LOOPBACK),
                rtnetlink.add_link(docker, "bridge", mtu=_BRIDGE_MTU),
                rtnetlink.set_mtu(_DOCKER_LINK),
                rtnetlink.add_address(_DOCKER_LINK, address, network.prefixlen),
                rtnetlink.link_up(_DOCKER_LINK),
                rtnetlink.add_route(host.bridge, _DOCKER_LINK, source=address),
                rtnetlink.add_specific_first(),
            ]
        )
        self.place.load(host_rules.render(host, HostRules()))
        self.place.route.send([rtnetlink.set_alias(_DOCKER_LINK, f"{_WHOLE} {host.bridge} {host.agent_port}")])

    def _ensure_plain(self, host: Host) -> None:
        self.place.set_sysctls(_PLAIN_SYSCTLS)
        self.place.route.send([rtnetlink.link_up(LOOPBACK), rtnetlink.add_specific_first()])
        self.place.load(host_rules.render(host, HostRules()))
        self.place.route.send([rtnetlink.set_alias(LOOPBACK, _WHOLE)])

    # --- Interfaces

    def device_index(self, device: str) -> int:
        """Return the index that a device has here, known by its name alone."""
        return PRIMARY_LINK + device_number(device) - 1

    def index_of(self, address: str) -> int:
        """Return the index of the link that has an address."""
        return rtnetlink.index_of(self.place.route, address)

    def device_side(self, interface: Interface, gateway: str, index: int) -> Iterator[Message]:
        """Set up the host's end of an interface's link."""
        prefix = int(interface.subnet_cidr.partition("/")[2])
        yield rtnetlink.add_address(index, interface.address, prefix)
        yield rtnetlink.link_up(index)
        if interface.carries_branches:
            yield rtnetlink.add_neighbour(index, naming.CARRIER, naming.ROUTER_MAC)
            yield rtnetlink.add_route(f"{naming.CARRIER}/32", index, source=interface.address)
        table = 0 if interface.primary else host_plan.table_of(interface.device)
        yield rtnetlink.add_neighbour(index, gateway, naming.ROUTER_MAC)
        yield rtnetlink.add_route(f"{gateway}/32", index, table=table)
        yield rtnetlink.add_route("0.0.0.0/0", index, via=gateway, table=table)
        if interface.block_metadata and interface.primary:
            yield rtnetlink.add_blackhole(f"{ruleset.METADATA}/32")

    def set_sources(self, wanted: Collection[Source]) -> None:
        """Have each of these addresses, and no other, send by a routing table of its own."""
        existing = rtnetlink.rules(self.place.route)
        messages = [rtnetlink.delete_rule(*source) for source in sorted(existing - set(wanted))]
        messages += [rtnetlink.add_rule(*source) for source in sorted(set(wanted) - existing)]
        if messages:
            self.place.route.send(messages)

    def forget(self, addresses: Collection[str]) -> None:
        """Forget the connections of addresses that are nobody's here any more."""
        if addresses:
            conntrack.forget(self.place.filter, addresses)

    # --- Sandboxes

    def has_port(self, sandbox: str) -> bool:
        """Tell whether the bridge's end of a sandbox's link is here."""
        return naming.port(sandbox) in self._ports

    def attach(self, sandbox: Sandbox, host: Host, blank: Blank) -> None:
        """Put a sandbox that is still blank on the bridge."""
        index, self._next = self._next, self._next + 1
        gateway, network = host_rules.bridge_address(host), IPv4Network(host.bridge)
        mac, port = host_rules.sandbox_mac(sandbox.address), naming.port(sandbox.id)
        inner, outer = End("eth0", mac, SANDBOX_LINK), End(port, naming.ROUTER_MAC, index)
        blank.route.send(
            [
                rtnetlink.add_veth(inner, outer, self.place.descriptor),
                rtnetlink.add_address(SANDBOX_LINK, sandbox.address, network.prefixlen),
                rtnetlink.link_up(SANDBOX_LINK),
                rtnetlink.add_route(host.bridge, SANDBOX_LINK, source=sandbox.address),
                rtnetlink.add_neighbour(SANDBOX_LINK, gateway, host_rules.sandbox_mac(gateway)),
                rtnetlink.add_route("0.0.0.0/0", SANDBOX_LINK, via=gateway),
            ]
        )
        self._ports[port] = index
        self.place.route.send(
            [
                rtnetlink.set_master(index, _DOCKER_LINK),
                rtnetlink.link_up(index),
                rtnetlink.add_neighbour(_DOCKER_LINK, sandbox.address, mac),
                rtnetlink.set_alias(index, f"{_SANDBOX} {sandbox.id} {sandbox.address}"),
            ]
        )
        rtnetlink.settle(blank.route, SANDBOX_LINK)

    def detach(self, sandboxes: Collection[str], addresses: Collection[str]) -> None:
        """Cut sandboxes off and forget their connections."""
        names = [naming.port(id_) for id_ in sandboxes]
        leaving = [self._ports[name] for name in names if name in self._ports]
        if leaving:
            group = [rtnetlink.set_group(index, _LEAVING) for index in leaving]
            self.place.route.send([*group, rtnetlink.delete_group(_LEAVING)])
        if addresses:
            self.place.route.send([rtnetlink.delete_neighbour(_DOCKER_LINK, address) for address in addresses])
        self.forget(addresses)
        for name in names:
            self._ports.pop(name, None)

    def replace_rules(self, host: Host, rules: HostRules) -> None:
        self.place.load(host_rules.render(host, rules))

    def change_rules(self, removed: HostRules, added: HostRules) -> None:
        nftables.change_host(self.place.filter, removed, added)
        published = {*removed.published, *added.published}
        # connections by TCP end with their sandbox, and one to the same port elsewhere must live on
        conntrack.forget_datagrams(self.place.filter, {each.port for each in published if each.protocol == "udp"})
