"""`homeport dns`: how this machine finds Homeport's names, and whether it does."""

import socket
import sys
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from homeport.kit.installation import Installation, read

#: A name that only our own resolver knows: every installation has it from its first start on.
PROBE = "ns-1.dns.homeport.internal"

_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found out by asking."""

    answers: bool  # our own port
    system: bool  # the machine's own resolver knows our names


def explain_dns() -> int:
    """Say where names are answered, whether the system's resolver asks there, and how to make it do so."""
    installation = read()
    if installation is None:
        print("homeport: no Homeport is running here; start one with `homeport up`", file=sys.stderr)
        return 1
    found = Findings(_answers(installation), _system_knows())
    print("\n".join(advice(installation, found)))
    return 0 if found.answers else 1


def advice(installation: Installation, found: Findings) -> list[str]:
    """Return what there is to say, line by line."""
    host, port = installation.host, installation.dns_port
    lines = [
        f"The names of public hosted zones and of load balancers are answered at {host}, port {port} (UDP and TCP)"
        if found.answers
        else f"Nothing answers at {host}, port {port}: see `homeport logs node`",
        "The resolver of this machine asks there already: nothing is left to do."
        if found.system
        else "The resolver of this machine does not ask there yet.",
    ]
    if found.system or not found.answers:
        return lines
    return [
        *lines,
        "",
        "With systemd-resolved: put this into /etc/systemd/resolved.conf.d/homeport.conf, with a ~DOMAIN more for each",
        "zone of your own, then run `systemctl restart systemd-resolved`:",
        "",
        "    [Resolve]",
        f"    DNS={host}:{port}",
        "    Domains=~homeport.internal",
        "",
        "With dnsmasq (also that of NetworkManager): a line for each domain in /etc/dnsmasq.d/homeport.conf:",
        "",
        f"    server=/homeport.internal/{host}#{port}",
        "",
        "With unbound:",
        "",
        "    server:",
        "        do-not-query-localhost: no",
        "        domain-insecure: homeport.internal",
        "    stub-zone:",
        "        name: homeport.internal",
        f"        stub-addr: {host}@{port}",
        "",
        f"To ask without any of these: `homeport dns NAME`, or `dig @{host} -p {port} NAME`.",
    ]


def lookup(name: str, kind: str) -> int:
    """Ask our own port for a name and print what it says; the exit code says whether there was an answer."""
    installation = read()
    if installation is None:
        print("homeport: no Homeport is running here; start one with `homeport up`", file=sys.stderr)
        return 1
    try:
        query = dns.message.make_query(name, kind.upper())
        found, _ = dns.query.udp_with_fallback(query, installation.host, port=installation.dns_port, timeout=_PATIENCE)
    except (dns.exception.DNSException, OSError, ValueError) as error:
        print(f"homeport: {installation.resolver} gives no answer: {error or type(error).__name__}", file=sys.stderr)
        return 1
    for rrset in found.answer:
        print(rrset.to_text())
    if not found.answer:
        print(f"homeport: {_silence(found, name, kind.upper())}", file=sys.stderr)
    return 0 if found.answer else 1


def _silence(found: dns.message.Message, name: str, kind: str) -> str:
    """Say why an answer is empty."""
    match found.rcode():
        case dns.rcode.REFUSED:
            return f"{name} is in no public hosted zone, and is no load balancer's name"
        case dns.rcode.NXDOMAIN:
            return f"there is no {name}"
        case dns.rcode.NOERROR if found.authority and found.authority[0].rdtype == dns.rdatatype.NS:
            return f"{found.authority[0].name} is delegated to other name servers"
        case dns.rcode.NOERROR:
            return f"{name} has no records of type {kind}"
        case other:
            return f"the resolver says {dns.rcode.to_text(other)}"


def _answers(installation: Installation) -> bool:
    query = dns.message.make_query(PROBE, "A")
    try:
        found = dns.query.udp(query, installation.host, port=installation.dns_port, timeout=_PATIENCE)
    except (dns.exception.DNSException, OSError):
        return False
    return bool(found.answer)


def _system_knows() -> bool:
    try:
        return bool(socket.getaddrinfo(PROBE, None, socket.AF_INET))
    except OSError:
        return False
