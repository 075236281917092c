"""The addresses of an endpoint's name: from our own zones where they have it, else from the machine's resolver."""

import asyncio
import socket
from random import Random

import dns.exception
import dns.name
import dns.rdatatype

from homeport.node.naming.resolving import Resolution
from homeport.node.naming.zones import Names


async def addresses_of(names: Names, name: str) -> list[str]:
    """Return the IPv4 addresses of *name* as the public sees it; raises OSError where nobody can be asked."""
    try:
        wanted = dns.name.from_text(name)
    except dns.exception.DNSException as error:
        raise OSError(f"{name} is not a domain name") from error
    said = Resolution(names, None, Random()).resolve(wanted, dns.rdatatype.A)  # noqa: S311 - spreads load
    if said.elsewhere is None:
        return [rdata.address for rrset in said.answer if rrset.rdtype == dns.rdatatype.A for rdata in rrset]
    host = said.elsewhere.to_text(omit_final_dot=True)
    found = await asyncio.get_running_loop().getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
