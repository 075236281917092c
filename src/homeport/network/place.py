"""A network namespace that we work in: its sockets stay open, as opening them costs as much as using them."""

import contextlib
import os
import subprocess
from collections.abc import Mapping

from homeport.network.namespaces import Namespaces, write_sysctl
from homeport.network.netlink import Netlink
from homeport.network.protocol import NetworkError

_ROUTE, _NETFILTER = 0, 12

_FORWARDING = {
    "ipv4/ip_forward": "1",  # first: it resets others
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "1",
    "ipv4/conf/all/send_redirects": "0",
    "ipv4/conf/default/send_redirects": "0",
}
_NO_IPV6 = {"ipv6/conf/all/disable_ipv6": "1", "ipv6/conf/default/disable_ipv6": "1"}


class Place:
    """An open namespace; `ensure` made it if it was not there."""

    def __init__(self, namespaces: Namespaces, name: str) -> None:
        self.name = name
        self._namespaces = namespaces
        self.descriptor = namespaces.open(name)
        with namespaces.within(self.descriptor):
            self.route = Netlink(_ROUTE)
            self.filter = Netlink(_NETFILTER)

    @classmethod
    def ensure(cls, namespaces: Namespaces, name: str) -> "Place":
        """Open the namespace, made if it was not there, as one that forwards IPv4 and checks sources."""
        if not namespaces.exists(name):
            with namespaces.blank() as descriptor:
                namespaces.hold(descriptor, name)
            os.close(descriptor)
        place = cls(namespaces, name)
        place.set_sysctls(_FORWARDING)
        place.set_optional_sysctls(_NO_IPV6)
        return place

    def close(self) -> None:
        self.route.close()
        self.filter.close()
        os.close(self.descriptor)

    def set_sysctls(self, values: Mapping[str, str]) -> None:
        with self._namespaces.within(self.descriptor):
            for name, value in values.items():
                write_sysctl(name, value)

    def set_optional_sysctls(self, values: Mapping[str, str]) -> None:
        """Set what a kernel without the feature has not."""
        with contextlib.suppress(FileNotFoundError):
            self.set_sysctls(values)

    def load(self, rules: str) -> None:
        """Run an nftables transaction given as text."""
        with self._namespaces.within(self.descriptor):
            load(rules, self.name)
            with contextlib.suppress(FileNotFoundError):  # the rules do not track connections
                # a forgotten connection must not be taken up again in mid-stream
                write_sysctl("netfilter/nf_conntrack_tcp_loose", "0")


def load(rules: str, where: str) -> None:
    """Run an nftables transaction given as text, in the calling thread's namespace."""
    done = subprocess.run(["nft", "-f", "-"], input=rules, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NetworkError(f"{where}: nft refuses: {done.stderr.strip()}")
