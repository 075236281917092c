"""
A VPC's router: the namespace that every interface of the VPC hangs on, by a link of its own.

There is no broadcast domain and no ARP to trust: both ends of each link know the other's MAC address
for good.  The router's end carries, as its alias, what the interface is.  The alias is written last when
an interface is made and struck out first when it goes, so it tells the truth after a crash.
"""

import errno
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from homeport.network import conntrack, naming, nftables, rtnetlink, ruleset, trunk
from homeport.network.actions import Link
from homeport.network.blank import Blank
from homeport.network.desired import Interface, Vpc
from homeport.network.firewall import Changes, Filter, contents
from homeport.network.hosts import HostNamespace
from homeport.network.namespaces import Namespaces
from homeport.network.netlink import Message
from homeport.network.place import Place
from homeport.network.plan import gateway_address
from homeport.network.rtnetlink import LOOPBACK, End

TASK_LINK = 2  # the interface's index in its own namespace
_FIRST_LINK = 16  # the first interface's index in the router
_LEAVING = 0x4850  # the group of links that are about to be deleted
_GOING = "going"


@dataclass(slots=True)
class Found:
    """What a router's links say: interfaces that are complete, and addresses of those half gone."""

    links: dict[str, Link] = field(default_factory=dict)
    going: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Link:
    index: int
    interface: str
    address: str


class Router:
    """The kernel's side of one VPC."""

    def __init__(self, namespaces: Namespaces, vpc: str) -> None:
        self._namespaces = namespaces
        self.vpc = vpc
        self.place = Place.ensure(namespaces, naming.router(vpc))
        self._links: dict[str, _Link] = {}  # by name
        self._next = _FIRST_LINK

    def close(self) -> None:
        self.place.close()

    def survey(self) -> Found:
        """Read what is there."""
        found = Found()
        self._links.clear()
        for link in rtnetlink.links(self.place.route):
            self._next = max(self._next, link.index + 1)
            found.names.add(link.name)
            id_, address = "", ""
            match link.alias.split(" "):
                case [word, id_, address] if word == _GOING:
                    found.going[id_] = address
                case [id_, mac, address, subnet, device, *more]:
                    found.links[id_] = _parsed(Link(self.vpc, subnet, mac, address, device), more)
            self._links[link.name] = _Link(link.index, id_, address)
        return found

    def ensure(self, vpc: Vpc) -> None:
        """Make the router lead nowhere but to its interfaces."""
        wanted = {(cidr, 0) for cidr in (*vpc.cidrs, "169.254.0.0/16", "0.0.0.0/0")}
        existing = {(cidr, index) for cidr, index in rtnetlink.static_routes(self.place.route) if index == 0}
        self.place.route.send(
            [
                rtnetlink.link_up(LOOPBACK),
                *(rtnetlink.add_blackhole(cidr) for cidr, _ in wanted),
                *(rtnetlink.delete_route(cidr, 0) for cidr, _ in existing - wanted),
            ]
        )

    def set_addresses(self, wanted: Collection[str]) -> None:
        existing = rtnetlink.addresses(self.place.route, LOOPBACK) - {"127.0.0.1"}
        messages = [rtnetlink.add_address(LOOPBACK, address, 32) for address in sorted(set(wanted) - existing)]
        messages += [rtnetlink.delete_address(LOOPBACK, address) for address in sorted(existing - set(wanted))]
        if messages:
            self.place.route.send(messages)

    def attach(self, interface: Interface, link: Link, blank: Blank) -> None:
        """Make the interface in a blank namespace.  It passes nothing until the filter knows it."""
        gateway = gateway_address(interface.subnet_cidr)
        self._namespaces.hold(blank.descriptor, interface.id)
        end = self._next_end(interface)
        veth = rtnetlink.add_veth(End(interface.device, interface.mac, TASK_LINK), end, self.place.descriptor)
        blank.route.send([veth, *task_side(interface, gateway)])
        self._lead(interface, link, gateway)
        rtnetlink.settle(blank.route, TASK_LINK)

    def attach_to_host(self, interface: Interface, link: Link, host: HostNamespace) -> None:
        """Make the interface in a host's namespace, as a device beside others."""
        gateway = gateway_address(interface.subnet_cidr)
        index = host.device_index(interface.device)
        mtu = trunk.MTU if interface.carries_branches else rtnetlink.MTU
        here = End(interface.device, interface.mac, index)
        veth = rtnetlink.add_veth(here, self._next_end(interface), self.place.descriptor, mtu)
        host.place.route.send([veth, *host.device_side(interface, gateway, index)])
        self._lead(interface, link, gateway)
        rtnetlink.settle(host.place.route, index)

    def attach_branch(
        self, interface: Interface, link: Link, blank: Blank, host: HostNamespace, carrier: trunk.Carrier
    ) -> None:
        """Make the interface in a blank namespace, on the trunk that lies in *host*."""
        gateway = gateway_address(interface.subnet_cidr)
        self._namespaces.hold(blank.descriptor, interface.id)
        inner = End(interface.device, interface.mac, TASK_LINK)
        parent = host.index_of(link.carrier)
        host.place.route.send([carrier.host_side(inner, link, parent, blank.descriptor)])
        outer = self._next_end(interface)
        self.place.route.send([carrier.router_side(outer, link, self._links[naming.link(interface.trunk)].index)])
        blank.route.send(task_side(interface, gateway))
        self._lead(interface, link, gateway)

    def _next_end(self, interface: Interface) -> End:
        index, self._next = self._next, self._next + 1
        name = naming.link(interface.id)
        self._links[name] = _Link(index, interface.id, interface.address)
        return End(name, naming.ROUTER_MAC, index)

    def _lead(self, interface: Interface, link: Link, gateway: str) -> None:
        """Lead the interface's address to it, and say at last what it is."""
        index = self._links[naming.link(interface.id)].index
        self.place.route.send(
            [
                rtnetlink.link_up(index),
                rtnetlink.add_neighbour(index, interface.address, interface.mac),
                rtnetlink.add_route(f"{interface.address}/32", index, source=gateway),
                rtnetlink.set_alias(index, _described(interface.id, link)),
            ]
        )

    def detach(self, interfaces: Collection[str], addresses: Collection[str]) -> None:
        """
        Cut interfaces off, forget their connections, delete them: in this order, each step repeatable.

        Without its route an interface neither receives nor, as sources are checked, sends; so
        nothing renews a connection once it is forgotten.
        """
        leaving = [self._links[naming.link(id_)] for id_ in interfaces if naming.link(id_) in self._links]
        messages: list[Message] = []
        for link in leaving:
            if link.interface:  # one that was never finished goes on having no alias, and is known by that
                messages.append(
                    rtnetlink.set_alias(link.index, f"{_GOING} {link.interface} {link.address}", absent=errno.ENODEV)
                )
            # A link whose other end went with its namespace may vanish at any moment.
            messages.append(rtnetlink.set_group(link.index, _LEAVING, absent=errno.ENODEV))
            if link.address:
                messages.append(rtnetlink.delete_route(f"{link.address}/32", link.index))
        if messages:
            self.place.route.send(messages)
        if addresses:
            conntrack.forget(self.place.filter, addresses)
        if leaving:
            self.place.route.send([rtnetlink.delete_group(_LEAVING)])
        for id_ in interfaces:
            self._links.pop(naming.link(id_), None)

    def replace_filter(self, vpc: Vpc, filter_: Filter) -> None:
        self.place.load(ruleset.render_vpc(vpc, contents(filter_)))

    def change_filter(self, changes: Changes) -> None:
        nftables.change_filter(self.place.filter, changes)


def task_side(interface: Interface, gateway: str) -> list[Message]:
    """Set up the task's end of a link such that everything goes to the router, the subnet's rest included."""
    prefix = int(interface.subnet_cidr.partition("/")[2])
    return [
        rtnetlink.add_address(TASK_LINK, interface.address, prefix),
        rtnetlink.link_up(TASK_LINK),
        rtnetlink.add_neighbour(TASK_LINK, gateway, naming.ROUTER_MAC),
        rtnetlink.add_route(f"{gateway}/32", TASK_LINK),
        rtnetlink.add_route("0.0.0.0/0", TASK_LINK, via=gateway),
        *([rtnetlink.add_blackhole(f"{ruleset.METADATA}/32")] if interface.block_metadata else []),
    ]


def _described(id_: str, link: Link) -> str:
    """Return what an interface is as an alias: five words that all have, and more where it is not a plain one."""
    words = [id_, link.mac, link.address, link.subnet_cidr, link.device]
    more = {
        "host": link.host,
        "primary": "" if link.primary else "no",
        "number": str(link.number or ""),
        "trunk": link.trunk,
        "vlan": str(link.vlan or ""),
        "carrier": link.carrier,
        "metadata": "no" if link.block_metadata else "",
    }
    return " ".join([*words, *(f"{name}={value}" for name, value in more.items() if value)])


def _parsed(link: Link, words: Sequence[str]) -> Link:
    more = dict(word.partition("=")[::2] for word in words)
    return replace(
        link,
        host=more.get("host", ""),
        primary=more.get("primary") != "no",
        number=int(more.get("number", "0")),
        trunk=more.get("trunk", ""),
        vlan=int(more.get("vlan", "0")),
        carrier=more.get("carrier", ""),
        block_metadata=more.get("metadata") == "no",
    )
