"""
How things of ours are called in the kernel.

Names are derived, never allocated: after a crash they say what belongs to whom.
"""

import re
import zlib

UPLINK = "hp-igw"  # the machine's end of the link to the edge
MACHINE_TABLE = "homeport"  # the nftables table in the machine's own namespace
EDGE = "internet.edge"
IGW = "igw0"  # the VPC router's end of the link to its internet gateway
INSIDE, OUTSIDE = "vpc0", "edge0"  # the internet gateway's two links

DOCKER = "docker0"  # the bridge in a host's namespace
CARRIER = "169.254.1.9"  # the router's end of every trunk

ROUTER_MAC = "02:ff:00:00:00:01"  # of every link's upstream end; links are point to point, so it may repeat
GATEWAY_MAC = "02:ff:00:00:00:02"

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")


def is_safe(name: str) -> bool:
    """Tell whether an id may become part of file names, alias texts and nftables names."""
    return _SAFE.fullmatch(name) is not None


def router(vpc: str) -> str:
    """Return the name of a VPC router's namespace; the dot keeps it apart from every interface's."""
    return f"{vpc}.router"


def gateway(vpc: str) -> str:
    return f"{vpc}.gateway"


def host(instance: str) -> str:
    """Return the name of an instance's namespace."""
    return f"{instance}.host"


def box(sandbox: str) -> str:
    """Return the name of a container's own namespace."""
    return f"{sandbox}.box"


def port(sandbox: str) -> str:
    """Return the bridge's end of a sandbox's link."""
    return "p" + sandbox[-14:]


LINK_LENGTH = 15  # of a device name, at the most


def link(interface: str) -> str:
    """Return the router's end of an interface: the id's last digits, as far as a device name goes."""
    return "e" + interface[-14:]


_VLAN_BITS = 12


def identifier(trunk: int, vlan: int) -> int:
    """Return a branch's VXLAN identifier, made of its trunk's number and its VLAN id."""
    return trunk << _VLAN_BITS | vlan


def gateway_link(vpc: str) -> str:
    """Return the edge's end of the link to a VPC's internet gateway."""
    return "v" + vpc[-14:]


def combination(groups: tuple[str, ...]) -> int:
    """Return a number for a list of security groups: the same wherever and whenever it is computed."""
    return zlib.crc32("\n".join(groups).encode()) or 1
