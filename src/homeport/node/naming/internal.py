"""
The names that a VPC has without any zone: its addresses' private names, and the way back.

Pure.  Addresses need not be in use: as on AWS, every address of the VPC has its name.
"""

import ipaddress
import re
from dataclasses import dataclass

import dns.exception
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.reversename
import dns.rrset

from homeport.wire.messages import Vpc

TTL = 60
_HOST = re.compile(r"ip-(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})")
_REVERSE = dns.name.from_text("in-addr.arpa.")


@dataclass(frozen=True, slots=True)
class Found:
    """What the VPC says of a name that it owns: whether that exists, its record if asked for, else the SOA."""

    exists: bool
    records: dns.rrset.RRset | None
    soa: dns.rrset.RRset


def find(name: dns.name.Name, kind: int, vpc: Vpc) -> Found | None:
    """Return what the VPC has at *name*, or None if it does not own that."""
    domain = dns.name.from_text(vpc.domain)
    if name.is_subdomain(domain):
        address = _address(name, domain, vpc)
        return _found(name, kind, domain, ("A", address), exists=address is not None or name == domain)
    if name.is_subdomain(_REVERSE) and (reverse := _reversed(name)) is not None and _owns(vpc, reverse):
        return _found(name, kind, name, ("PTR", f"{host_name(reverse)}.{vpc.domain}."), exists=True)
    return None


def host_name(address: ipaddress.IPv4Address) -> str:
    """Return the private name of an address, without its domain."""
    return "ip-" + str(address).replace(".", "-")


def _owns(vpc: Vpc, address: ipaddress.IPv4Address) -> bool:
    return any(address in ipaddress.ip_network(cidr) for cidr in vpc.cidrs)


def _address(name: dns.name.Name, domain: dns.name.Name, vpc: Vpc) -> str | None:
    host = name.relativize(domain).to_text().lower()
    if (match := _HOST.fullmatch(host)) is None:
        return None
    try:
        address = ipaddress.IPv4Address(".".join(match.groups()))
    except ValueError:
        return None
    return str(address) if _owns(vpc, address) else None


def _reversed(name: dns.name.Name) -> ipaddress.IPv4Address | None:
    try:
        return ipaddress.IPv4Address(dns.reversename.to_address(name))
    except (ValueError, dns.exception.DNSException):
        return None


def _found(
    name: dns.name.Name, kind: int, zone: dns.name.Name, record: tuple[str, str | None], *, exists: bool
) -> Found:
    type_, value = record
    records = None
    if value is not None and kind in (dns.rdatatype.from_text(type_), dns.rdatatype.ANY):
        records = dns.rrset.from_text(name, TTL, "IN", type_, value)
    soa = f"ns.{zone.to_text()} hostmaster.{zone.to_text()} 1 7200 900 1209600 {TTL}"
    return Found(exists, records, dns.rrset.from_text(zone, TTL, "IN", "SOA", soa))
