"""
The names a VPC's resolver knows itself: its addresses' private names, and the way back.

Pure.  Whatever is not answered here is for an upstream resolver.
"""

import ipaddress
import re

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.reversename
import dns.rrset

from homeport.wire.messages import Vpc

TTL = 60
_HOST = re.compile(r"ip-(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})")
_REVERSE = dns.name.from_text("in-addr.arpa.")


def answer(query: dns.message.Message, vpc: Vpc) -> dns.message.Message | None:
    """Return the answer to a well-formed *query*, or None if the VPC does not own the name."""
    question = query.question[0]
    if question.rdclass != dns.rdataclass.IN:
        return None
    domain = dns.name.from_text(vpc.domain)
    if question.name.is_subdomain(domain):
        found = _address(question.name, domain, vpc)
        exists = found is not None or question.name == domain
        record = dns.rdatatype.A, found
        return _reply(query, domain, record, exists=exists)
    if (
        question.name.is_subdomain(_REVERSE)
        and (address := _reversed(question.name)) is not None
        and _owns(vpc, address)
    ):
        record = dns.rdatatype.PTR, f"{host_name(address)}.{vpc.domain}."
        return _reply(query, question.name, record, exists=True)
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


def _reply(
    query: dns.message.Message, zone: dns.name.Name, record: tuple[dns.rdatatype.RdataType, str | None], *, exists: bool
) -> dns.message.Message:
    question, (kind, value) = query.question[0], record
    response = dns.message.make_response(query, recursion_available=True)
    if not exists:
        response.set_rcode(dns.rcode.NXDOMAIN)
    if value is not None and question.rdtype in (kind, dns.rdatatype.ANY):
        response.answer.append(dns.rrset.from_text(question.name, TTL, "IN", kind, value))
    else:
        soa = f"ns.{zone.to_text()} hostmaster.{zone.to_text()} 1 7200 900 1209600 {TTL}"
        response.authority.append(dns.rrset.from_text(zone, TTL, "IN", "SOA", soa))
    return response
