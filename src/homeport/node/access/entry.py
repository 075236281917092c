"""
A line of an access log, of what a proxy has said of a request.  Pure.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
"""

import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from homeport.wire.messages import Listener, LoadBalancer

_NOTHING = "-"  # what HAProxy and AWS both say of what is not there
_NO_TARGET = "<NOSRV>"
_LONGEST_AGENT = 8192
_SWITCHING_PROTOCOLS = "101"
_ESCAPES = {code: f"\\x{code:02X}" for code in range(256) if not 32 <= code <= 126 or chr(code) in '"\\'}
_UNANSWERED, _CLIENT_GONE = "-1", "460"


@dataclass(frozen=True, slots=True)
class Secured:
    """What a listener has for TLS: what its certificates are called, by their digests, and the domains they are for."""

    certificates: Mapping[str, str] = field(default_factory=dict)
    domains: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Names:
    """What is needed to name what a proxy speaks of: by listener port, what that has for TLS."""

    balancer: str
    scope: str
    secured: Mapping[str, Secured] = field(default_factory=dict)


def names_of(balancer: LoadBalancer) -> Names:
    """Return the names of a load balancer."""
    assert balancer.access_log is not None, "only what is logged needs names"
    listeners = {str(each.port): _secured(each) for each in balancer.listeners if each.protocol == "HTTPS"}
    return Names(balancer.id, balancer.access_log.scope, listeners)


def _secured(listener: Listener) -> Secured:
    end = "-----END CERTIFICATE-----"
    found = {}
    for each in listener.certificates:
        first = each.chain.partition(end)[0] + end
        digest = hashlib.sha1(ssl.PEM_cert_to_DER_cert(first.strip()), usedforsecurity=False).hexdigest()
        found[digest] = each.name
    domains = frozenset(domain.lower() for each in listener.certificates for domain in each.domains)
    return Secured(found, domains)


def line(said: Mapping[str, str], names: Names) -> str:
    """Return the line, without its end."""
    secured = names.secured.get(said["port"])
    priority, _, action = said["rule"].partition(":")
    target = _NOTHING if said["target"] == _NO_TARGET else said["target"]
    words = (
        _kind(said, secure=secured is not None),
        _moment(int(said["ended"])),
        names.balancer,
        said["client"],
        target,
        *_times(said),
        _status(said),
        said["target_status"],
        said["received"],
        said["sent"],
        f'"{_request(said, secure=secured is not None)}"',
        _quoted(said["agent"], _LONGEST_AGENT),
        said["cipher"],
        said["tls"],
        _NOTHING if said["group"] == _NOTHING else names.scope + said["group"].replace(".", "/"),
        _quoted(said["trace"]),
        f'"{_domain(said, secured)}"',
        f'"{_certificate(said, secured)}"',
        priority,
        _moment(_created(said)),
        f'"{action or _NOTHING}"',
        f'"{_place(said, action)}"',
        f'"{_NOTHING}"',  # error_reason: of functions, authentication and firewalls
        f'"{target}"',
        f'"{said["target_status"]}"',
        f'"{_NOTHING}"',  # classification: what is not plainly as it should be is refused
        f'"{_NOTHING}"',
        f"TID_{said['connection'].replace('-', '')}",
    )
    return " ".join(words)


def _kind(said: Mapping[str, str], *, secure: bool) -> str:
    if said["status"] == _SWITCHING_PROTOCOLS:
        return "wss" if secure else "ws"
    if not secure:
        return "http"
    return "h2" if said["version"] == "HTTP/2.0" else "https"


def _status(said: Mapping[str, str]) -> str:
    if said["status"] != _UNANSWERED:
        return said["status"]
    return _CLIENT_GONE if said["cause"].startswith("C") else _NOTHING


def _created(said: Mapping[str, str]) -> int:
    if said["created"] == _NOTHING:
        return int(said["ended"])
    return int(said["created"]) - 1000 * max(0, int(said["receiving"]))


def _moment(microseconds: int) -> str:
    seconds, rest = divmod(microseconds, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06d}Z"


def _times(said: Mapping[str, str]) -> tuple[str, str, str]:
    """Return how long the request took until it was sent to a target, that until it answered, and what came then."""
    before = [int(said[name]) for name in ("receiving", "queueing", "connecting")]
    responding = int(said["responding"])
    if min(before) < 0:
        return "-1", "-1", "-1"
    sent = f"{sum(before) / 1000:.3f}"
    # an answer is passed on as it comes: there is no time between its first byte and its being sent
    return (sent, f"{responding / 1000:.3f}", "0.000") if responding >= 0 else (sent, "-1", "-1")


def _request(said: Mapping[str, str], *, secure: bool) -> str:
    scheme = "https" if secure else "http"
    host, uri = _text(said["host"]), _text(said["uri"])
    named = (host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]) or said["address"]
    place = f"{scheme}://{named}:{said['port']}"
    if said["method"] == _NOTHING:  # what came was no request
        return f"- {place}- -"
    return f"{_text(said['method'])} {place}{uri} {said['version']}"


def _domain(said: Mapping[str, str], secured: Secured | None) -> str:
    """Return the name that the client asked for, if there is a certificate for it."""
    name = _text(said["domain"])
    wild = f"*.{name.partition('.')[2]}"
    there = secured is not None and not {name.lower(), wild.lower()}.isdisjoint(secured.domains)
    return name if name and there else _NOTHING


def _certificate(said: Mapping[str, str], secured: Secured | None) -> str:
    if secured is None or said["certificate"] == _NOTHING:
        return _NOTHING
    if said["resumed"] == "1":
        return "session-reused"
    return secured.certificates.get(said["certificate"].lower()) or _NOTHING


def _place(said: Mapping[str, str], action: str) -> str:
    if action != "redirect":
        return _NOTHING
    place, query = _text(said["place"]), _text(said["query"])
    return f"{place}?{query}" if query else place


def _quoted(digits: str, longest: int | None = None) -> str:
    return f'"{_text(digits, longest) or _NOTHING}"'


def _text(digits: str, longest: int | None = None) -> str:
    r"""Return what was written in hexadecimal; quotes, backslashes and what is not printable ASCII become \xHH."""
    if digits == _NOTHING:
        return ""
    return bytes.fromhex(digits)[:longest].decode("latin-1").translate(_ESCAPES)
