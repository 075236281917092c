"""
Changes of a live nftables table, sent as one netlink transaction.

The tables themselves come from `ruleset`'s text.  `nft` reads the whole rule set before it changes an
element of it, which takes longer the more interfaces there are; the kernel needs none of that.
"""

import socket
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence

from homeport.network import firewall, host_rules
from homeport.network.firewall import Allow, Changes, Data, Drop, Element, Jump, Key, Statement
from homeport.network.host_rules import HostRules
from homeport.network.netlink import CREATE, NESTED, Message, Netlink, attribute, nest, text
from homeport.network.ruleset import TABLE, TO_PRIVATE, TO_PUBLIC, TRANSLATION

_SUBSYSTEM = 10 << 8
_NEWCHAIN, _DELCHAIN, _NEWRULE, _DELRULE = (_SUBSYSTEM | kind for kind in (3, 5, 6, 8))
_NEWSET, _DELSET, _NEWELEMENT, _DELELEMENT = (_SUBSYSTEM | kind for kind in (9, 11, 12, 14))
_BEGIN, _END = 16, 17
_INET, _IPV4, _BRIDGE = 1, 2, 7
_APPEND = 0x800
_TYPE_IPV4 = 7
_REGISTER = 1
_VERDICT = 0
_ACCEPT, _DROP, _JUMP, _GOTO = 1, 0, -3, -4
_EQUAL, _AT_LEAST, _AT_MOST = 0, 5, 3
_NETWORK_HEADER, _TRANSPORT_HEADER = 1, 2
_META_NFPROTO, _META_L4PROTO = 15, 16
_SOURCE, _DESTINATION = 12, 16
_ELEMENTS_PER_MESSAGE = 400  # an attribute's length is 16 bits


def change_filter(netlink: Netlink, changes: Changes) -> None:
    """Apply *changes* to a VPC's table, all or nothing."""
    _transact(netlink, _INET, list(_filter_messages(changes)))


def change_translation(netlink: Netlink, removed: Mapping[str, str], added: Mapping[str, str]) -> None:
    """Replace entries of an internet gateway's maps, given as public by private address; all or nothing."""
    messages = [
        *_element_messages(_IPV4, TRANSLATION, _DELELEMENT, _translations(removed)),
        *_element_messages(_IPV4, TRANSLATION, _NEWELEMENT, _translations(added)),
    ]
    _transact(netlink, _IPV4, messages)


def change_host(netlink: Netlink, removed: HostRules, added: HostRules) -> None:
    """Replace entries of a host's tables; all or nothing."""
    messages = [*_host_messages(_DELELEMENT, removed), *_host_messages(_NEWELEMENT, added)]
    _transact(netlink, _IPV4, messages)


def _host_messages(kind: int, rules: HostRules) -> Iterator[Message]:
    published = [
        (_padded(bytes([host_rules.PROTOCOLS[key.protocol]])) + _padded(struct.pack("!H", key.port)),
         socket.inet_aton(to.address) + _padded(struct.pack("!H", to.port)))
        for key, to in rules.published.items()
    ]  # fmt: skip
    ports = [
        (_device(port.device) + _padded(bytes.fromhex(port.mac.replace(":", ""))) + socket.inet_aton(port.address), b"")
        for port in rules.ports
    ]
    for family, name, entries in ((_IPV4, host_rules.PUBLISHED, published), (_BRIDGE, host_rules.PORTS, ports)):
        encoded = [
            nest(
                1, nest(1, attribute(1, key)), *([nest(2, attribute(1, data))] if data and kind == _NEWELEMENT else [])
            )
            for key, data in entries
        ]
        yield from _packed(family, host_rules.TABLE, name, kind, encoded)


def _padded(part: bytes) -> bytes:
    """Fill a part of a concatenation up to whole registers of four bytes."""
    return part + b"\0" * (-len(part) & 3)


def _translations(public: Mapping[str, str]) -> Iterator[Element]:
    for private, outer in public.items():
        yield Element(TO_PRIVATE, outer, private)
        yield Element(TO_PUBLIC, private, outer)


def _filter_messages(changes: Changes) -> Iterator[Message]:
    table = text(1, TABLE)
    for number, name in enumerate(changes.new_sets, 1):
        body = table + text(2, name) + _be32(3, 0) + _be32(4, _TYPE_IPV4) + _be32(5, 4) + _be32(10, number)
        yield _message(f"add set {name}", _INET, _NEWSET, CREATE, body)
    for name in changes.new_chains:
        yield _message(f"add chain {name}", _INET, _NEWCHAIN, CREATE, table + text(3, name))
    for name, rules in changes.rules:
        if name not in changes.new_chains:
            yield _message(f"empty chain {name}", _INET, _DELRULE, 0, table + text(2, name))
        for rule in rules:
            body = table + text(2, name) + nest(4, *_expressions(rule))
            yield _message(f"add rule to {name}", _INET, _NEWRULE, CREATE | _APPEND, body)
    yield from _element_messages(_INET, TABLE, _DELELEMENT, changes.dropped)
    yield from _element_messages(_INET, TABLE, _NEWELEMENT, changes.added)
    for name in changes.old_chains:
        yield _message(f"empty chain {name}", _INET, _DELRULE, 0, table + text(2, name))
        yield _message(f"delete chain {name}", _INET, _DELCHAIN, 0, table + text(3, name))
    for name in changes.old_sets:
        yield _message(f"delete set {name}", _INET, _DELSET, 0, table + text(2, name))


def _transact(netlink: Netlink, family: int, messages: Sequence[Message]) -> None:
    if not messages:
        return
    begin = Message("begin", _BEGIN, 0, struct.pack("!BBH", family, 0, 10))
    end = Message("end", _END, 0, struct.pack("!BBH", family, 0, 10))
    netlink.send([begin, *messages], unacknowledged=[end])


def _message(what: str, family: int, kind: int, flags: int, body: bytes) -> Message:
    return Message(what, kind, flags, struct.pack("!BBH", family, 0, 0) + body)


def _element_messages(family: int, table: str, kind: int, elements: Iterable[Element]) -> Iterator[Message]:
    by_set: dict[str, list[bytes]] = {}
    for element in elements:
        encoded = nest(
            1, attribute(1 | NESTED, attribute(1, _key(element.set, element.key))), *_data(element.data, kind)
        )
        by_set.setdefault(element.set, []).append(encoded)
    for name, encoded_elements in by_set.items():
        yield from _packed(family, table, name, kind, encoded_elements)


def _packed(family: int, table: str, name: str, kind: int, elements: Sequence[bytes]) -> Iterator[Message]:
    """Yield the messages that carry encoded elements, as many as an attribute's length allows in each."""
    verb = "add to" if kind == _NEWELEMENT else "delete from"
    flags = CREATE if kind == _NEWELEMENT else 0
    for start in range(0, len(elements), _ELEMENTS_PER_MESSAGE):
        some = elements[start : start + _ELEMENTS_PER_MESSAGE]
        body = text(1, table) + text(2, name) + nest(3, *some)
        yield _message(f"{verb} {name}", family, kind, flags, body)


def _key(name: str, key: Key) -> bytes:
    if isinstance(key, int):
        return struct.pack("=I", key)  # a mark, in the machine's own byte order
    if isinstance(key, tuple):
        device, other = key
        return _device(device) + (struct.pack("=I", other) if isinstance(other, int) else socket.inet_aton(other))
    return _device(key) if name in firewall.BY_DEVICE else socket.inet_aton(key)


def _data(data: Data, kind: int) -> tuple[bytes, ...]:
    if data is None or kind == _DELELEMENT:
        return ()
    if isinstance(data, int):
        return (nest(2, attribute(1, struct.pack("=I", data))),)
    if data[0].isdigit():
        return (nest(2, attribute(1, socket.inet_aton(data))),)
    return (nest(2, nest(2, _be32(1, _GOTO), text(2, data))),)


def _device(name: str) -> bytes:
    return name.encode().ljust(16, b"\0")


def _be32(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("!i", value))


def _expression(name: str, *attributes: bytes) -> bytes:
    return nest(1, text(1, name), nest(2, *attributes))


def _verdict(code: int, chain: str = "") -> bytes:
    verdict = nest(2, _be32(1, code), *([text(2, chain)] if chain else []))
    return _expression("immediate", _be32(1, _VERDICT), nest(2, verdict))


def _expressions(rule: Statement) -> Iterator[bytes]:
    match rule:
        case Jump(chain):
            yield _verdict(_JUMP, chain)
        case Drop():
            yield _verdict(_DROP)
        case Allow():
            yield from _peer(rule)
            yield from _service(rule)
            yield _verdict(_ACCEPT)


def _peer(rule: Allow) -> Iterator[bytes]:
    if not rule.cidr and not rule.members:
        return
    offset = _SOURCE if rule.inbound else _DESTINATION
    yield from _meta_is(_META_NFPROTO, socket.AF_INET)
    if rule.members:
        yield _payload(_NETWORK_HEADER, offset, 4)
        yield _expression("lookup", text(1, rule.members), _be32(2, _REGISTER))
        return
    address, _, length = rule.cidr.partition("/")
    network, prefix = socket.inet_aton(address), int(length)
    yield _payload(_NETWORK_HEADER, offset, 4)
    if prefix < 32:
        mask = struct.pack("!I", 0xFFFFFFFF << (32 - prefix) & 0xFFFFFFFF)
        masked = (nest(4, attribute(1, mask)), nest(5, attribute(1, bytes(4))))
        yield _expression("bitwise", _be32(1, _REGISTER), _be32(2, _REGISTER), _be32(3, 4), *masked)
    yield _compare(_EQUAL, network)


def _service(rule: Allow) -> Iterator[bytes]:
    if rule.protocol is None:
        return
    yield from _meta_is(_META_L4PROTO, rule.protocol)
    if rule.low < 0:
        return
    if rule.protocol == firewall.PROTOCOLS["icmp"]:
        yield _payload(_TRANSPORT_HEADER, 0, 1)
        yield _compare(_EQUAL, bytes([rule.low]))
        if rule.high >= 0:
            yield _payload(_TRANSPORT_HEADER, 1, 1)
            yield _compare(_EQUAL, bytes([rule.high]))
        return
    yield _payload(_TRANSPORT_HEADER, 2, 2)
    if rule.low == rule.high:
        yield _compare(_EQUAL, struct.pack("!H", rule.low))
    else:
        yield _compare(_AT_LEAST, struct.pack("!H", rule.low))
        yield _compare(_AT_MOST, struct.pack("!H", rule.high))


def _meta_is(key: int, value: int) -> tuple[bytes, bytes]:
    return _expression("meta", _be32(1, _REGISTER), _be32(2, key)), _compare(_EQUAL, bytes([value]))


def _payload(base: int, offset: int, length: int) -> bytes:
    return _expression("payload", _be32(1, _REGISTER), _be32(2, base), _be32(3, offset), _be32(4, length))


def _compare(operator: int, value: bytes) -> bytes:
    return _expression("cmp", _be32(1, _REGISTER), _be32(2, operator), nest(3, attribute(1, value)))
