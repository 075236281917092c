"""Links, addresses, neighbours and routes, as messages of rtnetlink."""

import errno
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

from homeport.network.netlink import CREATE, EXCL, REPLACE, Message, Netlink, attribute, attributes, nest, text, u32
from homeport.network.protocol import NetworkError, Traffic

MTU = 9001  # as in a VPC
LOOPBACK = 1  # its index in every namespace

_NEWLINK, _DELLINK, _GETLINK, _NEWADDR, _DELADDR, _GETADDR = 16, 17, 18, 20, 21, 22
_NEWROUTE, _DELROUTE, _GETROUTE, _NEWNEIGH, _DELNEIGH = 24, 25, 26, 28, 29
_NEWRULE, _DELRULE, _GETRULE = 32, 33, 34
_LINK = struct.Struct("=BBHiII")
_ADDRESS = struct.Struct("=BBBBi")
_ROUTE = struct.Struct("=BBBBBBBBI")
_NEIGHBOUR = struct.Struct("=BBHiHBB")
_UP = 1
_NOPREFIXROUTE = 0x200
_PERMANENT = 0x80
_MAIN, _STATIC, _UNIVERSE, _ON_LINK = 254, 4, 0, 253
_UNICAST, _BLACKHOLE = 1, 6
_F_ONLINK = 4
_PATIENCE = 500  # milliseconds
_IFLA_OPERSTATE, _OPER_UP = 16, 6
_RTA_TABLE = 15
_FRA_SOURCE, _FRA_PRIORITY, _FRA_SUPPRESS, _FRA_TABLE = 2, 6, 14, 15
_BEFORE_MAIN = 1000  # of 32,766, where the main table is looked at
_LAST_RESORT = 0xFFFFFFFF  # the worst metric
_IFLA_ADDRESS, _IFLA_NAME, _IFLA_MTU, _IFLA_LINK, _IFLA_LINKINFO, _IFLA_ALIAS, _IFLA_STATS64 = 1, 3, 4, 5, 18, 20, 23
_IFLA_MASTER, _IFLA_GROUP, _IFLA_NET_NS_FD = 10, 27, 28
_TO_TABLE = 1  # a rule's action


@dataclass(frozen=True, slots=True)
class End:
    """One end of a veth pair; an index other than 0 is fixed by us, so that it need not be looked up."""

    name: str
    mac: str
    index: int = 0


@dataclass(frozen=True, slots=True)
class LinkSeen:
    """A link as the kernel lists it."""

    index: int
    name: str
    alias: str


def ipv4(address: str) -> bytes:
    return socket.inet_aton(address)


def mac_bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def network(cidr: str) -> tuple[bytes, int]:
    address, _, length = cidr.partition("/")
    return ipv4(address), int(length) if length else 32


def _end(end: End, mtu: int) -> bytes:
    return text(_IFLA_NAME, end.name) + attribute(_IFLA_ADDRESS, mac_bytes(end.mac)) + u32(_IFLA_MTU, mtu)


def add_veth(here: End, there: End, namespace: int, mtu: int = MTU) -> Message:
    """Make a veth pair, one end here and the other in *namespace*: nothing has to be moved afterwards."""
    peer = _LINK.pack(0, 0, 0, there.index, 0, 0) + _end(there, mtu) + u32(_IFLA_NET_NS_FD, namespace)
    info = nest(_IFLA_LINKINFO, text(1, "veth"), nest(2, nest(1, peer)))
    body = _LINK.pack(0, 0, 0, here.index, 0, 0) + _end(here, mtu) + info
    return Message(f"add {here.name}", _NEWLINK, CREATE | EXCL, body)


def add_link(
    end: End, kind: str, data: bytes = b"", *, parent: int = 0, namespace: int | None = None, mtu: int = MTU
) -> Message:
    """Make a link of another kind, upon the link *parent* if there is one, at once in *namespace*."""
    info = nest(_IFLA_LINKINFO, text(1, kind), *([nest(2, data)] if data else []))
    body = _LINK.pack(0, 0, 0, end.index, 0, 0) + _end(end, mtu)
    body += (u32(_IFLA_LINK, parent) if parent else b"") + info
    body += u32(_IFLA_NET_NS_FD, namespace) if namespace is not None else b""
    return Message(f"add {kind} {end.name}", _NEWLINK, CREATE | EXCL, body)


def set_mtu(index: int) -> Message:
    """Fix a bridge's MTU, which would follow its ports' otherwise: only a change counts as somebody's wish."""
    return Message("set MTU", _NEWLINK, 0, _LINK.pack(0, 0, 0, index, 0, 0) + u32(_IFLA_MTU, MTU))


def set_master(index: int, bridge: int) -> Message:
    """Make a link a port of a bridge."""
    return Message("join bridge", _NEWLINK, 0, _LINK.pack(0, 0, 0, index, 0, 0) + u32(_IFLA_MASTER, bridge))


def link_up(index: int, alias: str = "") -> Message:
    body = _LINK.pack(0, 0, 0, index, _UP, _UP) + (text(_IFLA_ALIAS, alias) if alias else b"")
    return Message("set link up", _NEWLINK, 0, body)


def set_alias(index: int, alias: str, *, absent: int = 0) -> Message:
    body = _LINK.pack(0, 0, 0, index, 0, 0) + text(_IFLA_ALIAS, alias)
    return Message("describe link", _NEWLINK, 0, body, absent)


def set_group(index: int, group: int, *, absent: int = 0) -> Message:
    return Message("mark link", _NEWLINK, 0, _LINK.pack(0, 0, 0, index, 0, 0) + u32(_IFLA_GROUP, group), absent)


def delete_link(index: int) -> Message:
    return Message("delete link", _DELLINK, 0, _LINK.pack(0, 0, 0, index, 0, 0), errno.ENODEV)


def delete_group(group: int) -> Message:
    """Delete all links of a group at once, which costs one grace period instead of one each."""
    return Message("delete links", _DELLINK, 0, _LINK.pack(0, 0, 0, 0, 0, 0) + u32(_IFLA_GROUP, group), errno.ENODEV)


def add_address(index: int, address: str, prefix: int) -> Message:
    """Give a link an address, without the connected route: neighbours are reached through the router alone."""
    raw = ipv4(address)
    body = _ADDRESS.pack(socket.AF_INET, prefix, 0, 0, index)
    body += attribute(1, raw) + attribute(2, raw) + u32(8, _NOPREFIXROUTE)
    return Message(f"add address {address}", _NEWADDR, CREATE | REPLACE, body)


def delete_address(index: int, address: str) -> Message:
    body = _ADDRESS.pack(socket.AF_INET, 32, 0, 0, index) + attribute(2, ipv4(address))
    return Message(f"delete address {address}", _DELADDR, 0, body, errno.EADDRNOTAVAIL)


def add_neighbour(index: int, address: str, mac: str) -> Message:
    """Fix a neighbour's MAC address: the ARP table is machine-wide and small, permanent entries do not count."""
    body = _NEIGHBOUR.pack(socket.AF_INET, 0, 0, index, _PERMANENT, 0, 0)
    body += attribute(1, ipv4(address)) + attribute(2, mac_bytes(mac))
    return Message(f"add neighbour {address}", _NEWNEIGH, CREATE | REPLACE, body)


def delete_neighbour(index: int, address: str) -> Message:
    body = _NEIGHBOUR.pack(socket.AF_INET, 0, 0, index, 0, 0, 0) + attribute(1, ipv4(address))
    return Message(f"delete neighbour {address}", _DELNEIGH, 0, body, errno.ENOENT)


def add_route(cidr: str, index: int, *, via: str = "", source: str = "", table: int = 0) -> Message:
    """
    Lead *cidr* (0.0.0.0/0 is the default) out of a link, to the router *via* if there is one.

    It is a route of the main table, or of the *table* that a rule leads to.
    """
    address, length = network(cidr)
    scope = _UNIVERSE if via else _ON_LINK
    flags = _F_ONLINK if via else 0
    in_header = _MAIN if not table else 0
    body = _ROUTE.pack(socket.AF_INET, length, 0, 0, in_header, _STATIC, scope, _UNICAST, flags) + u32(4, index)
    body += u32(_RTA_TABLE, table) if table else b""
    body += attribute(1, address) if length else b""
    body += attribute(5, ipv4(via)) if via else b""
    body += attribute(7, ipv4(source)) if source else b""
    return Message(f"add route {cidr}", _NEWROUTE, CREATE | REPLACE, body)


def add_blackhole(cidr: str) -> Message:
    """Swallow what nothing better leads anywhere: a VPC answers silence, as AWS's does."""
    address, length = network(cidr)
    body = _ROUTE.pack(socket.AF_INET, length, 0, 0, _MAIN, _STATIC, _UNIVERSE, _BLACKHOLE, 0) + u32(6, _LAST_RESORT)
    body += attribute(1, address) if length else b""
    return Message(f"add blackhole {cidr}", _NEWROUTE, CREATE | REPLACE, body)


def delete_route(cidr: str, index: int) -> Message:
    """Delete the route to *cidr* out of a link; index 0 names a blackhole."""
    address, length = network(cidr)
    body = _ROUTE.pack(socket.AF_INET, length, 0, 0, _MAIN, 0, 255, 0 if index else _BLACKHOLE, 0)
    body += (attribute(1, address) if length else b"") + (u32(4, index) if index else u32(6, _LAST_RESORT))
    return Message(f"delete route {cidr}", _DELROUTE, 0, body, errno.ESRCH)


def add_rule(source: str, table: int) -> Message:
    """Lead what *source* sends by the routes of *table*."""
    return Message(f"add rule from {source}", _NEWRULE, CREATE | EXCL, _rule(source, table))


def add_specific_first() -> Message:
    """Have the main table's routes looked at before all others, its default excepted."""
    body = _ROUTE.pack(socket.AF_INET, 0, 0, 0, _MAIN, 0, 0, _TO_TABLE, 0)
    body += u32(_FRA_PRIORITY, _BEFORE_MAIN - 1) + u32(_FRA_SUPPRESS, 0)
    return Message("add rule for specific routes", _NEWRULE, CREATE | EXCL, body)


def delete_rule(source: str, table: int) -> Message:
    return Message(f"delete rule from {source}", _DELRULE, 0, _rule(source, table), errno.ENOENT)


def _rule(source: str, table: int) -> bytes:
    body = _ROUTE.pack(socket.AF_INET, 0, 32, 0, 0, 0, 0, _TO_TABLE, 0)
    return body + attribute(_FRA_SOURCE, ipv4(source)) + u32(_FRA_PRIORITY, _BEFORE_MAIN) + u32(_FRA_TABLE, table)


def rules(netlink: Netlink) -> set[tuple[str, int]]:
    """List the rules that we ordered: source and table."""
    found = set()
    for body in netlink.dump(Message("list rules", _GETRULE, 0, _ROUTE.pack(2, 0, 0, 0, 0, 0, 0, 0, 0))):
        fields = {kind: bytes(value) for kind, value in attributes(body[12:])}
        if _FRA_SOURCE in fields and struct.unpack("=I", fields[_FRA_PRIORITY])[0] == _BEFORE_MAIN:
            found.add((socket.inet_ntoa(fields[_FRA_SOURCE]), struct.unpack("=I", fields[_FRA_TABLE])[0]))
    return found


def links(netlink: Netlink) -> Iterator[LinkSeen]:
    """List the namespace's links."""
    for body in netlink.dump(Message("list links", _GETLINK, 0, _LINK.pack(0, 0, 0, 0, 0, 0))):
        found = {kind: bytes(value) for kind, value in attributes(body[16:])}
        alias = found.get(_IFLA_ALIAS, b"").rstrip(b"\0").decode()
        yield LinkSeen(_LINK.unpack_from(body)[3], found[_IFLA_NAME].rstrip(b"\0").decode(), alias)


def static_routes(netlink: Netlink) -> set[tuple[str, int]]:
    """List the routes that we ordered in the main table: network and link, 0 for a blackhole."""
    found = set()
    for body in netlink.dump(Message("list routes", _GETROUTE, 0, _ROUTE.pack(2, 0, 0, 0, 0, 0, 0, 0, 0))):
        _, length, _, _, table, protocol, _, _, _ = _ROUTE.unpack_from(body)
        if table == _MAIN and protocol == _STATIC:
            fields = dict(attributes(body[12:]))
            destination = socket.inet_ntoa(bytes(fields.get(1, bytes(4))))
            found.add((f"{destination}/{length}", struct.unpack("=I", fields.get(4, bytes(4)))[0]))
    return found


def addresses(netlink: Netlink, index: int) -> set[str]:
    """List a link's IPv4 addresses."""
    found = set()
    for body in netlink.dump(Message("list addresses", _GETADDR, 0, _ADDRESS.pack(2, 0, 0, 0, 0))):
        if _ADDRESS.unpack_from(body)[4] == index:
            found.add(socket.inet_ntoa(bytes(dict(attributes(body[8:]))[2])))
    return found


def index_of(netlink: Netlink, address: str) -> int:
    """Return the index of the link that has an address; raise NetworkError if none has."""
    for body in netlink.dump(Message("list addresses", _GETADDR, 0, _ADDRESS.pack(2, 0, 0, 0, 0))):
        if socket.inet_ntoa(bytes(dict(attributes(body[8:]))[2])) == address:
            return int(_ADDRESS.unpack_from(body)[4])
    raise NetworkError(f"no link has {address}")


def settle(netlink: Netlink, index: int) -> None:
    """
    Wait until a link that was brought up before its other end was really sends.

    The kernel starts its queue later, in the background; packets sent before are lost, and a
    TCP connection begun then takes a second more.  Newer kernels do it at once when asked.
    """
    for _ in range(_PATIENCE):
        fields = dict(attributes(_get_link(netlink, index)[16:]))
        if fields[_IFLA_OPERSTATE][0] == _OPER_UP:
            return
        time.sleep(0.001)


def counters(netlink: Netlink, index: int) -> Traffic:
    """Return a link's counters."""
    stats = struct.unpack_from("=8Q", dict(attributes(_get_link(netlink, index)[16:]))[_IFLA_STATS64])
    rx, tx, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped, tx_dropped = stats
    return Traffic(rx_bytes, rx, rx_errors, rx_dropped, tx_bytes, tx, tx_errors, tx_dropped)


def _get_link(netlink: Netlink, index: int) -> memoryview:
    return netlink.get(Message(f"look at link {index}", _GETLINK, 0, _LINK.pack(0, 0, 0, index, 0, 0)))
