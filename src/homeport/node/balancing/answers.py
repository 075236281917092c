"""The answers a listener gives itself: redirects and fixed responses, in HAProxy's words."""

import hashlib
from collections.abc import Iterator
from types import MappingProxyType

from homeport.node.balancing import pages
from homeport.node.balancing.conditions import quoted
from homeport.wire.messages import FixedResponse, Listener, Redirect

_BODILESS = frozenset({204, 304})
_OWN = f"hdr Server {pages.SERVER} hdr Date %[date,http_date]"


class Files:
    """Files beside the configuration; a name says what is in it, so one that exists is never written again."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def put(self, text: str, kind: str) -> str:
        """Have a file hold *text*, and return its name."""
        name = f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.{kind}"
        self.texts[name] = text
        return name


def page(files: Files, status: int) -> str:
    """Return the action that answers with AWS's page for a status."""
    return f"return status {status} content-type text/html file {files.put(pages.body(status), 'html')} {_OWN}"


def fixed(files: Files, action: FixedResponse) -> str:
    """Return the action that gives a fixed response."""
    content = ""
    if action.body and action.status not in _BODILESS:
        name = files.put(action.body, "body")
        content = f" content-type {quoted(action.content_type or 'text/plain')} file {name}"
    return f"return status {action.status}{content} {_OWN}"


def redirect(files: Files, action: Redirect, listener: Listener) -> Iterator[tuple[str, str]]:
    """Yield the actions, in order, that redirect a request, each with what must be true for it."""
    secure = listener.protocol == "HTTPS"
    own_protocol = "https" if secure else "http"
    values = MappingProxyType(
        {
            "protocol": own_protocol,
            "host": "%[req.hdr(host),field(1,:)]",
            "port": str(listener.port),
            "path": "%[path,regsub(^/,)]",
            "query": "%[query]",
        }
    )
    protocol = action.protocol.replace("#{protocol}", own_protocol).lower()
    place = "".join(_filled(part, values) for part in (action.host, ":", action.port, action.path))
    yield f"set-var-fmt(txn.query) {quoted(_filled(action.query, values))}", ""
    yield f"set-var-fmt(txn.place) {quoted(f'{protocol}://{place}')}", ""
    body = files.put(pages.body(action.status), "html")
    answer = f"return status {action.status} content-type text/html file {body} {_OWN}"
    yield f"{answer} hdr Location %[var(txn.place)]?%[var(txn.query)]", "{ var(txn.query) -m len gt 0 }"
    yield f"{answer} hdr Location %[var(txn.place)]", ""


def _filled(text: str, values: MappingProxyType[str, str]) -> str:
    """Return *text* as a format of HAProxy's, its placeholders filled."""
    text = text.replace("%", "%%")
    for name, value in values.items():
        text = text.replace(f"#{{{name}}}", value)
    return text
