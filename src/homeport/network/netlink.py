"""
Netlink, the part of it that we need: messages in, acknowledgements out.

Written by hand because an interface must cost about a millisecond: a general library spends
several times that on lookups and decoding that we can do without.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from homeport.network.protocol import NetworkError

REQUEST, ACK, DUMP = 0x1, 0x4, 0x300
REPLACE, EXCL, CREATE = 0x100, 0x200, 0x400
NESTED = 0x8000
NLMSG_ERROR, NLMSG_DONE = 2, 3

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_ERROR = struct.Struct("=i")
_SOL_NETLINK, _CAP_ACK, _EXT_ACK = 270, 10, 11
_EXT_ACK_MESSAGE = 1
_ACK_TLVS = 0x200
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_BUFFER = 64 * 1024 * 1024
_DATAGRAM = 1 << 18


class Refused(NetworkError):
    """The kernel refused a message; `errno` says how."""

    def __init__(self, number: int, what: str, detail: str) -> None:
        super().__init__(f"{what}: {os.strerror(number)}" + (f" ({detail})" if detail else ""))
        self.errno = number


class Message(NamedTuple):
    """
    One request: its type, flags and body, and what to call it when it is refused.

    *absent* is the refusal that means that what is to be deleted is not there, which is success.
    """

    what: str
    kind: int
    flags: int
    body: bytes
    absent: int = 0


def attribute(kind: int, payload: bytes) -> bytes:
    """Encode one attribute, padded to four bytes."""
    length = len(payload)
    return _ATTRIBUTE.pack(4 + length, kind) + payload + b"\0" * (-length & 3)


def nest(kind: int, *attributes: bytes) -> bytes:
    """Encode an attribute that holds attributes."""
    return attribute(kind | NESTED, b"".join(attributes))


def u32(kind: int, value: int) -> bytes:
    return struct.pack("=HHI", 8, kind, value)


def text(kind: int, value: str) -> bytes:
    return attribute(kind, value.encode() + b"\0")


def attributes(body: bytes | memoryview) -> Iterator[tuple[int, memoryview]]:
    """Decode attributes, kinds without their flag bits."""
    view = memoryview(body)
    while len(view) >= 4:
        length, kind = _ATTRIBUTE.unpack_from(view)
        if length < 4:
            return
        yield kind & 0x3FFF, view[4:length]
        view = view[(length + 3) & ~3 :]


class Netlink:
    """
    A netlink socket; it speaks to the network namespace in which it was made, for ever.

    Requests are synchronous: when `send` returns the kernel has done it.
    """

    def __init__(self, protocol: int) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        self._socket.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
        self._socket.setsockopt(_SOL_NETLINK, _EXT_ACK, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, _BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        self._socket.bind((0, 0))
        self._sequence = 0

    def close(self) -> None:
        self._socket.close()

    def send(self, messages: Sequence[Message], *, unacknowledged: Sequence[Message] = ()) -> None:
        """
        Have the kernel do all *messages*, in order; raise Refused for the first it would not do.

        The kernel goes on after a refusal, as far as the protocol allows.  *unacknowledged* follows in
        the same datagram: the end mark of an nftables transaction is never answered.
        """
        first = self._sequence + 1
        parts: list[bytes] = []
        for message in messages:
            acknowledge = ACK if message is messages[-1] else 0
            parts += self._encode(message, acknowledge)
        last = self._sequence
        for message in unacknowledged:
            parts += self._encode(message, 0)
        self._transmit(b"".join(parts))
        refused: Refused | None = None
        answered = False
        while (datagram := self._waiting()) is not None:
            for kind, flags, sequence, body in _messages(datagram):
                if kind != NLMSG_ERROR or not first <= sequence <= last:
                    continue
                number = -_ERROR.unpack_from(body)[0]
                message = messages[sequence - first]
                if number and number != message.absent and refused is None:
                    refused = Refused(number, message.what, _detail(flags, body))
                answered = answered or sequence == last
        if refused is not None:
            raise refused
        if not answered:
            raise NetworkError(f"{messages[-1].what}: the kernel did not answer")

    def get(self, message: Message) -> memoryview:
        """Ask for one thing and return the answer's body."""
        self._transmit(b"".join(self._encode(message, 0)))
        while (datagram := self._waiting()) is not None:
            for kind, flags, sequence, body in _messages(datagram):
                if sequence != self._sequence:
                    continue
                if kind == NLMSG_ERROR:
                    raise Refused(-_ERROR.unpack_from(body)[0], message.what, _detail(flags, body))
                return body
        raise NetworkError(f"{message.what}: the kernel did not answer")

    def dump(self, message: Message) -> list[memoryview]:
        """Ask for a list and return the body of each answer, all of them: the socket is free for the next request."""
        self._transmit(b"".join(self._encode(message, DUMP)))
        bodies: list[memoryview] = []
        while True:
            for kind, flags, sequence, body in _messages(self._socket.recv(_DATAGRAM)):
                if sequence != self._sequence:
                    continue
                if kind == NLMSG_DONE:
                    return bodies
                if kind == NLMSG_ERROR:
                    raise Refused(-_ERROR.unpack_from(body)[0], message.what, _detail(flags, body))
                bodies.append(body)

    def _encode(self, message: Message, flags: int) -> tuple[bytes, bytes]:
        self._sequence += 1
        length = 16 + len(message.body)
        header = _HEADER.pack(length, message.kind, message.flags | flags | REQUEST, self._sequence, 0)
        return header, message.body + b"\0" * (-length & 3)

    def _transmit(self, datagram: bytes) -> None:
        try:
            self._socket.send(datagram)
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                raise NetworkError(f"a netlink transaction of {len(datagram)} bytes is too large") from error
            raise

    def _waiting(self) -> bytes | None:
        """Return the next answer; all are there when sending has returned, as the kernel works in the sender's turn."""
        try:
            return self._socket.recv(_DATAGRAM, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None


def _messages(datagram: bytes) -> Iterator[tuple[int, int, int, memoryview]]:
    view = memoryview(datagram)
    while len(view) >= 16:
        length, kind, flags, sequence, _ = _HEADER.unpack_from(view)
        yield kind, flags, sequence, view[16:length]
        view = view[(length + 3) & ~3 :]


def _detail(flags: int, body: memoryview) -> str:
    """Return the kernel's own sentence about an error, where it has one."""
    if not flags & _ACK_TLVS:
        return ""
    for kind, payload in attributes(body[20:]):  # errno and the header of the message it answers
        if kind == _EXT_ACK_MESSAGE:
            return bytes(payload).rstrip(b"\0").decode()
    return ""
