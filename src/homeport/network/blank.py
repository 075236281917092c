"""
Namespaces made ahead, for interfaces that do not exist yet.

To make and prepare a namespace is half of what an interface costs, and the more there are the longer it
takes; so a few stand ready.  Nothing but our own descriptors holds them: they end with us.
"""

import contextlib
import os

from homeport.network import rtnetlink
from homeport.network.namespaces import Namespaces, write_sysctl
from homeport.network.netlink import Netlink

_ROUTE = 0
_SYSCTLS = {  # as container runtimes set them, so that an unprivileged process may serve port 80 and ping
    "ipv4/ip_unprivileged_port_start": "0",
    "ipv4/ping_group_range": "0 2147483647",
}


class Blank:
    """A namespace with nothing in it but its loopback, and a socket to build in it."""

    def __init__(self, namespaces: Namespaces) -> None:
        with contextlib.ExitStack() as undo, namespaces.blank() as self.descriptor:
            undo.callback(os.close, self.descriptor)
            self.route = Netlink(_ROUTE)
            undo.callback(self.route.close)
            for name, value in _SYSCTLS.items():
                write_sysctl(name, value)
            with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6
                # devices to come get no link-local addresses; the loopback keeps ::1
                write_sysctl("ipv6/conf/default/disable_ipv6", "1")
            self.route.send([rtnetlink.link_up(rtnetlink.LOOPBACK)])
            undo.pop_all()

    def close(self) -> None:
        self.route.close()
        os.close(self.descriptor)
