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

_GET, _DELETE = (1 << 8) | 1, (1 << 8) | 2
_ORIGINAL, _REPLY, _ID, _FILTER = 1, 2, 12, 25
_HEADER = struct.pack("!BBH", socket.AF_INET, 0, 0)
_BY_SOURCE, _BY_DESTINATION = 1, 2
_DELETED_AT_ONCE = 1000
_FILTERED_UP_TO = 2  # addresses; beyond that one look at everything is cheaper


def forget(netlink: Netlink, addresses: Collection[str]) -> int:
    """
    Delete every connection from or to one of *addresses*, in either direction; return how many.

    The kernel is asked to list only those; older ones list all, so we look again ourselves.
    """
    wanted = {socket.inet_aton(address) for address in addresses}
    found: dict[bytes, bytes] = {}
    for query in _queries(wanted):
        for connection in _list(netlink, query):
            if wanted & {*connection.original, *connection.reply}:
                found[connection.identity] = connection.key
    _delete(netlink, found)
    return len(found)


def forget_other_translations(netlink: Netlink, public: Mapping[str, str]) -> int:
    """
    Delete every connection that is translated otherwise than *public* (by private address) says.

    So a public address that was given to another interface leads nobody to the former one.
    """
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
    identity: bytes
    key: bytes


def _list(netlink: Netlink, query: bytes) -> Iterator[_Connection]:
    for body in netlink.dump(Message("list connections", _GET, 0, _HEADER + query)):
        fields = dict(attributes(body[4:]))
        original, reply = _ends(fields[_ORIGINAL]), _ends(fields[_REPLY])
        yield _Connection(original, reply, bytes(fields[_ID]), bytes(fields[_ORIGINAL]))


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


def _queries(addresses: set[bytes]) -> list[bytes]:
    if len(addresses) > _FILTERED_UP_TO:
        return [b""]
    return [_query(address, flag) for address in addresses for flag in (_BY_SOURCE, _BY_DESTINATION)]


def _query(address: bytes, flag: int) -> bytes:
    tuple_ = nest(_ORIGINAL, nest(1, attribute(1 if flag == _BY_SOURCE else 2, address)))
    return tuple_ + nest(_FILTER, u32(1, flag), u32(2, 0))


def _ends(direction: memoryview) -> tuple[bytes, bytes]:
    """Return the source and destination address of one direction of an IPv4 connection."""
    addresses = dict(attributes(dict(attributes(direction))[1]))
    return bytes(addresses[1]), bytes(addresses[2])
