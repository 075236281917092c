"""
Internet gateways, and the edge where they meet the machine.

    VPC's router --igw0--vpc0-- gateway (1:1 translation) --edge0--v...-- edge --uplink--hp-igw-- machine

Each VPC has a gateway of its own, so that VPCs may use the same private addresses, and translation costs
the VPC's inner traffic nothing.  The edge leads each public address to its gateway.  Public addresses
exist on this machine only: the machine reaches them through its end of the uplink and never forwards
anything to or from it, whatever its ip_forward says.  There is no route for the VPCs' own
ranges in the machine's namespace, not even an unreachable one: it would hide a network of the same range
that the machine reaches through its default route.
"""

from collections.abc import Mapping
from ipaddress import IPv4Network

from homeport.network import conntrack, naming, nftables, rtnetlink, ruleset
from homeport.network.desired import Vpc
from homeport.network.namespaces import Namespaces, write_sysctl
from homeport.network.netlink import Message, Netlink
from homeport.network.place import Place, load
from homeport.network.rtnetlink import LOOPBACK, End

ROUTER_LINK = 2  # igw0 in the router
_INSIDE_LINK, _OUTSIDE_LINK = 2, 3
_UPLINK = 2
_HOP = "169.254.1.1"  # stands for the other end of a link; nobody has it as an address
_READY = "ready"
_DEFAULT = "0.0.0.0/0"


class Edge:
    """Where public addresses lead to their gateways, and to the machine if it is to reach them."""

    def __init__(self, namespaces: Namespaces, pool: IPv4Network, uplink: bool) -> None:
        self._namespaces = namespaces
        self._pool = pool
        self._uplink = uplink
        self.place = Place.ensure(namespaces, naming.EDGE)

    def close(self) -> None:
        self.place.close()

    def ensure(self) -> None:
        pool = self._pool
        self.place.route.send(
            [
                rtnetlink.link_up(LOOPBACK),
                rtnetlink.add_address(LOOPBACK, str(pool[2]), 32),
                rtnetlink.add_blackhole(str(pool)),
                rtnetlink.add_blackhole(_DEFAULT),
            ]
        )
        if self._uplink:
            self._ensure_uplink()

    def links(self) -> dict[str, int]:
        return {link.name: link.index for link in rtnetlink.links(self.place.route)}

    def lead(self, gateway_link: str, public: Mapping[str, str]) -> None:
        """Lead exactly the public addresses of *public* to the gateway behind a link."""
        index = self.links()[gateway_link]
        existing = {cidr for cidr, out in rtnetlink.static_routes(self.place.route) if out == index}
        wanted = {f"{address}/32" for address in public.values()}
        messages = [rtnetlink.delete_route(cidr, index) for cidr in sorted(existing - wanted)]
        messages += [rtnetlink.add_route(cidr, index, via=_HOP) for cidr in sorted(wanted - existing)]
        if messages:
            self.place.route.send(messages)

    def _ensure_uplink(self) -> None:
        """The machine answers as the pool's first address, which is therefore nobody's public address."""
        machine, edge = str(self._pool[1]), str(self._pool[2])
        home = Netlink(0)
        try:
            if _READY not in {link.alias for link in rtnetlink.links(home) if link.name == naming.UPLINK}:
                remove_uplink(home)
                ends = End("uplink", naming.GATEWAY_MAC, _UPLINK), End(naming.UPLINK, naming.ROUTER_MAC)
                self.place.route.send([rtnetlink.add_veth(*ends, self._namespaces.home), rtnetlink.link_up(_UPLINK)])
            index = next(link.index for link in rtnetlink.links(home) if link.name == naming.UPLINK)
            load(ruleset.MACHINE, "the machine's namespace")
            write_sysctl(f"ipv6/conf/{naming.UPLINK}/disable_ipv6", "1")
            home.send(
                [
                    rtnetlink.add_address(index, machine, 32),
                    rtnetlink.link_up(index),
                    rtnetlink.add_neighbour(index, edge, naming.GATEWAY_MAC),
                    rtnetlink.add_route(str(self._pool), index, via=edge),
                ]
            )
            self.place.route.send(
                [
                    rtnetlink.add_neighbour(_UPLINK, _HOP, naming.ROUTER_MAC),
                    rtnetlink.add_route(f"{machine}/32", _UPLINK, via=_HOP),
                    rtnetlink.add_route(_DEFAULT, _UPLINK, via=_HOP),
                ]
            )
            rtnetlink.settle(self.place.route, _UPLINK)
            home.send([rtnetlink.set_alias(index, _READY)])
        finally:
            home.close()


class Gateway:
    """One VPC's internet gateway."""

    def __init__(self, namespaces: Namespaces, vpc: str, pool: IPv4Network) -> None:
        self.vpc = vpc
        self._address = str(pool[3])
        self.place = Place.ensure(namespaces, naming.gateway(vpc))

    def close(self) -> None:
        self.place.close()

    def ensure(self, vpc: Vpc, router: Place, edge: Place) -> None:
        """Link the VPC's router with the edge; what is complete is left alone, what is not is made anew."""
        here = {link.name: link for link in rtnetlink.links(self.place.route)}
        edge_link = naming.gateway_link(vpc.id)
        if naming.INSIDE not in here or here[naming.INSIDE].alias != _READY or naming.OUTSIDE not in here:
            delete_links(self.place.route)
            _delete(router.route, naming.IGW)
            _delete(edge.route, edge_link)
            inside = End(naming.INSIDE, naming.GATEWAY_MAC, _INSIDE_LINK)
            outside = End(naming.OUTSIDE, naming.ROUTER_MAC, _OUTSIDE_LINK)
            self.place.route.send(
                [
                    rtnetlink.link_up(LOOPBACK),
                    rtnetlink.add_address(LOOPBACK, self._address, 32),
                    rtnetlink.add_veth(inside, End(naming.IGW, naming.ROUTER_MAC, ROUTER_LINK), router.descriptor),
                    rtnetlink.add_veth(outside, End(edge_link, naming.GATEWAY_MAC), edge.descriptor),
                    rtnetlink.link_up(_INSIDE_LINK),
                    rtnetlink.link_up(_OUTSIDE_LINK),
                ]
            )
            router.route.send(_towards(ROUTER_LINK, naming.GATEWAY_MAC, _DEFAULT))
            edge_index = next(link.index for link in rtnetlink.links(edge.route) if link.name == edge_link)
            edge.route.send(_towards(edge_index, naming.ROUTER_MAC))
        self._route(vpc)
        rtnetlink.settle(self.place.route, _INSIDE_LINK)
        rtnetlink.settle(self.place.route, _OUTSIDE_LINK)
        self.place.route.send([rtnetlink.set_alias(_INSIDE_LINK, _READY)])

    def _route(self, vpc: Vpc) -> None:
        existing = {cidr for cidr, index in rtnetlink.static_routes(self.place.route) if index == _INSIDE_LINK}
        self.place.route.send(
            [
                *_towards(_INSIDE_LINK, naming.ROUTER_MAC, *vpc.cidrs),
                *_towards(_OUTSIDE_LINK, naming.GATEWAY_MAC, _DEFAULT),
                *(rtnetlink.delete_route(cidr, _INSIDE_LINK) for cidr in sorted(existing - set(vpc.cidrs))),
            ]
        )

    def replace_translation(self, public: Mapping[str, str]) -> None:
        self.place.load(ruleset.render_translation(public))
        conntrack.forget_other_translations(self.place.filter, public)

    def change_translation(
        self, removed: Mapping[str, str], added: Mapping[str, str], public: Mapping[str, str]
    ) -> None:
        nftables.change_translation(self.place.filter, removed, added)
        if removed:
            conntrack.forget_other_translations(self.place.filter, public)


def delete_links(netlink: Netlink) -> None:
    """Delete every link of a namespace, with their other ends."""
    found = [link.index for link in rtnetlink.links(netlink) if link.index != LOOPBACK]
    if found:
        group = 0x4851
        netlink.send([*(rtnetlink.set_group(index, group) for index in found), rtnetlink.delete_group(group)])


def remove_uplink(home: Netlink) -> None:
    """Delete the machine's end of the uplink, and so the other, if it is there."""
    _delete(home, naming.UPLINK)


def _delete(netlink: Netlink, name: str) -> None:
    for link in rtnetlink.links(netlink):
        if link.name == name:
            netlink.send([rtnetlink.delete_link(link.index)])


def _towards(index: int, mac: str, *cidrs: str) -> list[Message]:
    """Bring a link up and lead networks over it; the address of the next hop only stands for the MAC address."""
    routes = [rtnetlink.add_route(cidr, index, via=_HOP) for cidr in cidrs]
    return [rtnetlink.link_up(index), rtnetlink.add_neighbour(index, _HOP, mac), *routes]
