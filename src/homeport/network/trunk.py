"""
How a trunk carries its branches: as VLANs where the kernel has them, else in VXLAN over the trunk's link.

Either way each branch is one device in its task's namespace and one in the router, where it is filtered like any
other.  The device is made from the host's namespace, in which the trunk lies, and put at once where it belongs.
"""

import contextlib
import os
import socket
import struct
from typing import Protocol

from homeport.network import naming, rtnetlink
from homeport.network.actions import Link
from homeport.network.host_rules import TRUNK_PORT
from homeport.network.namespaces import Namespaces
from homeport.network.netlink import Message, Netlink, attribute, u32
from homeport.network.protocol import NetworkError
from homeport.network.rtnetlink import End

#: A trunk's own MTU leaves room for what VXLAN puts before a branch's frames.
MTU = rtnetlink.MTU + 50

_ID, _REMOTE, _PARENT, _LOCAL, _LEARNING, _PORT = 1, 2, 3, 4, 7, 15
_VLAN_ID = 1


class Carrier(Protocol):
    """One way to carry branches."""

    name: str

    def host_side(self, end: End, link: Link, parent: int, namespace: int) -> Message:
        """Make the task's device upon the trunk *parent*, in *namespace*."""

    def router_side(self, end: End, link: Link, parent: int) -> Message:
        """Make the router's device upon its end of the trunk."""


class Vlan:
    """The kernel's 802.1Q devices."""

    name = "vlan"

    def host_side(self, end: End, link: Link, parent: int, namespace: int) -> Message:
        return rtnetlink.add_link(end, "vlan", _vlan(link.vlan), parent=parent, namespace=namespace)

    def router_side(self, end: End, link: Link, parent: int) -> Message:
        return rtnetlink.add_link(end, "vlan", _vlan(link.vlan), parent=parent)


class Vxlan:
    """VXLAN over the trunk's link; the router takes each branch's frames from its own trunk alone."""

    name = "vxlan"

    def host_side(self, end: End, link: Link, parent: int, namespace: int) -> Message:
        data = _vxlan(link, parent, link.carrier, naming.CARRIER)
        return rtnetlink.add_link(end, "vxlan", data, namespace=namespace)

    def router_side(self, end: End, link: Link, parent: int) -> Message:
        return rtnetlink.add_link(end, "vxlan", _vxlan(link, parent, naming.CARRIER, link.carrier))


def _vlan(number: int) -> bytes:
    return attribute(_VLAN_ID, struct.pack("=H", number))


def _vxlan(link: Link, parent: int, local: str, remote: str) -> bytes:
    return b"".join(
        (
            u32(_ID, naming.identifier(link.number, link.vlan)),
            u32(_PARENT, parent),
            attribute(_LOCAL, socket.inet_aton(local)),
            attribute(_REMOTE, socket.inet_aton(remote)),
            attribute(_LEARNING, b"\0"),
            attribute(_PORT, struct.pack("!H", TRUNK_PORT)),
        )
    )


def choose(namespaces: Namespaces) -> Carrier:
    """Return the carrier for this kernel: it is tried whether a VLAN can be made."""
    with namespaces.blank() as descriptor, contextlib.ExitStack() as stack:
        stack.callback(os.close, descriptor)
        netlink = Netlink(0)
        stack.callback(netlink.close)
        ends = End("a", naming.ROUTER_MAC, 2), End("b", naming.GATEWAY_MAC, 3)
        netlink.send([rtnetlink.add_veth(*ends, descriptor)])
        try:
            netlink.send([rtnetlink.add_link(End("c", naming.ROUTER_MAC, 4), "vlan", _vlan(1), parent=2)])
        except NetworkError:
            return Vxlan()
        return Vlan()
