"""
One look at an endpoint.

The socket is opened in the machine's own namespace, where public addresses lead to interfaces; private ones are not
checked, as Route 53's checkers cannot reach them either.
"""

import asyncio
import http.client
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from homeport.wire.messages import EndpointCheck

_CONNECT_SECONDS = 4.0
_ANSWER_SECONDS = 2.0
_SEARCHED = 5120  # bytes of a body
_AGENT = "Amazon-Route53-Health-Check-Service"

#: Finds the IPv4 addresses of a name.
Resolve = Callable[[str], Awaitable[list[str]]]


@dataclass(frozen=True, slots=True)
class Result:
    """What was found: whether the endpoint passed, and why, in words that users read."""

    passed: bool
    status: str


def reachable(address: str, pool: str) -> bool:
    """Say whether an address may be checked: a public one, or one of *pool*, the public addresses of this machine."""
    found = ipaddress.ip_address(address)
    return found.is_global or (found.version == 4 and found in ipaddress.ip_network(pool))


async def probe(check: EndpointCheck, resolve: Resolve, pool: str) -> Result:
    """Look at the endpoint of *check* once; a failure is a result."""
    try:
        addresses = [check.address] if check.address else await resolve(check.name)
    except OSError as error:
        return Result(passed=False, status=f"Failure: DNS resolution failed: {error.strerror or error}")
    if not addresses:
        return Result(passed=False, status=f"Failure: DNS resolution failed: {check.name} has no IPv4 address")
    address = addresses[0]
    if not reachable(address, pool):
        return Result(passed=False, status=f"Failure: {address} is not a public address")
    return await asyncio.to_thread(_connect, check, address)


def _connect(check: EndpointCheck, address: str) -> Result:
    try:
        with socket.create_connection((address, check.port), timeout=_CONNECT_SECONDS) as opened:
            if check.probe == "TCP":
                return Result(passed=True, status="Success: The TCP connection was established")
            return _ask(check, opened, address)
    except TimeoutError:
        return Result(passed=False, status="Failure: Connection timed out")
    except ssl.SSLError as error:
        return Result(passed=False, status=f"Failure: SSL alert {error.reason or 'handshake_failure'}")
    except (OSError, http.client.HTTPException) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
        return Result(passed=False, status=f"Failure: {reason}")


def _ask(check: EndpointCheck, opened: socket.socket, address: str) -> Result:
    """Send one request over an open connection."""
    opened.settimeout(_ANSWER_SECONDS)
    connection = http.client.HTTPConnection(address, check.port)
    connection.sock = _secured(check, opened) if check.probe == "HTTPS" else opened
    try:
        connection.request("GET", check.path, headers={"Host": _host(check, address), "User-Agent": _AGENT})
        answer = connection.getresponse()
        said = f"HTTP Status Code {answer.status}, {answer.reason}"
        if not 200 <= answer.status < 400:
            return Result(passed=False, status=f"Failure: {said}")
        if check.search and check.search.encode() not in answer.read(_SEARCHED):
            return Result(passed=False, status="Failure: The search string was not found in the response")
        return Result(passed=True, status=f"Success: {said}")
    finally:
        connection.close()


def _secured(check: EndpointCheck, opened: socket.socket) -> ssl.SSLSocket:
    """Speak TLS; certificates are not verified, as Route 53 does not verify them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(opened, server_hostname=check.name if check.server_name and check.name else None)


def _host(check: EndpointCheck, address: str) -> str:
    """Return the Host header: the port stands in it unless it is the protocol's own."""
    name = check.name or (f"[{address}]" if ":" in address else address)
    usual = 443 if check.probe == "HTTPS" else 80
    return name if check.port == usual else f"{name}:{check.port}"
