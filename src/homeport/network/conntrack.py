"""
Forget the connections of an address whose interface is gone.

Otherwise whoever gets the address next would inherit them: a tracked connection passes the security
groups.  With nf_conntrack_tcp_loose=0 a forgotten connection is not taken up again in mid-stream.
"""

import errno
import socket
import struct
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from homeport.network.netlink import NESTED, Message, Netlink, attribute, attributes, nest, u32
from homeport.network.protocol import NetworkError

_GET, _DELETE, _GET_STATS = (1 << 8) | 1, (1 << 8) | 2, (1 << 8) | 5
_STATS_ENTRIES = 1
_ORIGINAL, _REPLY, _ID, _FILTER = 1, 2, 12, 25
_HEADER = struct.pack("!BBH", socket.AF_INET, 0, 0)
_BY_SOURCE, _BY_DESTINATION = 1, 2
_DELETED_AT_ONCE = 1000
_WORTH_A_WALK = 1500  # connections that we can look at in the time of one more walk


def forget(netlink: Netlink, addresses: Collection[str]) -> int:
    """
    Delete every connection from or to one of *addresses*, in either direction; return how many.

    Listing costs a walk over the machine's whole table; where many connections would be listed the
    kernel is asked, by a walk each, for those alone.  Older kernels list all of them all the same, so we
    look again ourselves.
    """
    wanted = {socket.inet_aton(address) for address in addresses}
    tracked = count(netlink)
    found: dict[bytes, bytes] = {}
    for query in _queries(wanted, tracked) if tracked else ():
        for connection in _list(netlink, query):
            if wanted & {*connection.original, *connection.reply}:
                found[connection.identity] = connection.key
    _delete(netlink, found)
    return len(found)


def forget_datagrams(netlink: Netlink, ports: Collection[int]) -> int:
    """
    Delete every connection by UDP that was begun to one of *ports*, whoever answers; return how many.

    What was masqueraded on its way out to such a port elsewhere is left alone.

    A client that goes on sending from the same port would else be led where the port led before.
    """
    if not ports or count(netlink) == 0:
        return 0
    wanted = {(socket.IPPROTO_UDP, port) for port in ports}
    found = {
        each.identity: each.key for each in _list(netlink, b"") if each.port in wanted and not _only_masqueraded(each)
    }
    _delete(netlink, found)
    return len(found)


def count(netlink: Netlink) -> int:
    """Return how many connections the namespace tracks."""
    for kind, value in attributes(netlink.get(Message("count connections", _GET_STATS, 0, _HEADER))[4:]):
        if kind == _STATS_ENTRIES:
            return int.from_bytes(value, "big")
    raise NetworkError("count connections: the kernel does not say")


def forget_other_translations(netlink: Netlink, public: Mapping[str, str]) -> int:
    """
    Delete every connection that is translated otherwise than *public* (by private address) says.

    So a public address that was given to another interface leads nobody to the former one.
    """
    if count(netlink) == 0:
        return 0
    pairs = {(socket.inet_aton(private), socket.inet_aton(outer)) for private, outer in public.items()}
    found: dict[bytes, bytes] = {}
    for connection in _list(netlink, b""):
        source, destination = connection.original
        answerer, asker = connection.reply
        translated = {(answerer, destination)} if answerer != destination else set()
        if asker != source:
            translated.add((source, asker))
        if not translated or not translated <= pairs:
            found[connection.identity] = connection.key
    _delete(netlink, found)
    return len(found)


class _Connection(NamedTuple):
    """A tracked connection: both directions' source and destination, and what names it to the kernel."""

    original: tuple[bytes, bytes]
    reply: tuple[bytes, bytes]
    port: tuple[int, int]  # that it was begun to, after its protocol
    identity: bytes
    key: bytes


def _list(netlink: Netlink, query: bytes) -> Iterator[_Connection]:
    for body in netlink.dump(Message("list connections", _GET, 0, _HEADER + query)):
        fields = dict(attributes(body[4:]))
        original, reply = _ends(fields[_ORIGINAL]), _ends(fields[_REPLY])
        yield _Connection(original, reply, _port(fields[_ORIGINAL]), bytes(fields[_ID]), bytes(fields[_ORIGINAL]))


def _delete(netlink: Netlink, connections: Mapping[bytes, bytes]) -> None:
    """Delete connections; one that has ended by itself meanwhile is absent, as it should be."""
    messages = [
        Message(
            "delete connection",
            _DELETE,
            0,
            _HEADER + attribute(_ORIGINAL | NESTED, key) + attribute(_ID, id_),
            errno.ENOENT,
        )
        for id_, key in connections.items()
    ]
    for start in range(0, len(messages), _DELETED_AT_ONCE):
        netlink.send(messages[start : start + _DELETED_AT_ONCE])


def _queries(addresses: set[bytes], tracked: int) -> list[bytes]:
    walks = 2 * len(addresses)
    if tracked < walks * _WORTH_A_WALK:
        return [b""]
    return [_query(address, flag) for address in addresses for flag in (_BY_SOURCE, _BY_DESTINATION)]


def _query(address: bytes, flag: int) -> bytes:
    tuple_ = nest(_ORIGINAL, nest(1, attribute(1 if flag == _BY_SOURCE else 2, address)))
    return tuple_ + nest(_FILTER, u32(1, flag), u32(2, 0))


def _ends(direction: memoryview) -> tuple[bytes, bytes]:
    """Return the source and destination address of one direction of an IPv4 connection."""
    addresses = dict(attributes(dict(attributes(direction))[1]))
    return bytes(addresses[1]), bytes(addresses[2])


def _only_masqueraded(connection: _Connection) -> bool:
    (source, destination), (answerer, asker) = connection.original, connection.reply
    return answerer == destination and asker != source


def _port(direction: memoryview) -> tuple[int, int]:
    """Return the protocol and destination port of one direction of a connection; port 0 where there are none."""
    fields = dict(attributes(dict(attributes(direction))[2]))
    return fields[1][0], int.from_bytes(fields[3], "big") if 3 in fields else 0
