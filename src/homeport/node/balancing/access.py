"""
What proxies say of requests while these are logged, in HAProxy's words.

It is one datagram a request, to the node, at the loopback of the load balancer's namespace: so it reaches the node's next
process as well as this one, from proxies that finish, too, and no proxy ever waits for it.  Whatever clients choose is
written in hexadecimal, so spaces part the fields.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from homeport.node.balancing.conditions import of_rule, when
from homeport.wire.messages import FixedResponse, Forward, Listener, ListenerRule, LoadBalancer, Redirect

ADDRESS, PORT = "127.0.0.1", 5140
LARGEST = 65507  # bytes that a datagram can hold
MARK = "request"  # what a proxy says of other things begins otherwise

_EXPRESSIONS = MappingProxyType(
    {
        "mark": MARK,
        "connection": "%[var(sess.connection)]",
        "client": "%ci:%cp",
        "address": "%fi",
        "port": "%fp",
        "created": "%[var(txn.created)]",  # microseconds since the epoch
        "ended": "%[date(0,us)]",
        "receiving": "%TR",  # milliseconds, as those that follow; -1 where it did not come that far
        "queueing": "%Tw",
        "connecting": "%Tc",
        "responding": "%Tr",
        "status": "%ST",
        "cause": "%ts",  # why it ended; first who it was, C for the client
        "target_status": "%[var(txn.given)]",
        "received": "%U",
        "sent": "%B",
        "method": "%[var(txn.method),hex]",
        "uri": "%[var(txn.uri),hex]",
        "host": "%[var(txn.host),hex]",
        "version": "%HV",
        "agent": "%[var(txn.agent),hex]",
        "trace": "%[var(txn.traced),hex]",
        "cipher": "%sslc",
        "tls": "%sslv",
        "resumed": "%[ssl_fc_is_resumed]",
        "domain": "%[ssl_fc_sni,hex]",
        "certificate": "%[ssl_f_sha1,hex]",
        "rule": "%[var(txn.matched)]",  # PRIORITY:ACTION
        "group": "%[var(txn.group)]",
        "target": "%s",
        "place": "%[var(txn.place),hex]",
        "query": "%[var(txn.query),hex]",
    }
)
FIELDS = tuple(_EXPRESSIONS)


def parse(said: bytes) -> Mapping[str, str] | None:
    """Return the fields of what a proxy has said of a request; None if it was said of something else."""
    words = said.decode("ascii", errors="replace").split()
    return dict(zip(FIELDS, words, strict=True)) if words[:1] == [MARK] and len(words) == len(FIELDS) else None


def beginning(balancer: LoadBalancer) -> Iterator[str]:
    """Yield what comes before a request is touched."""
    if balancer.access_log is None:
        return
    yield f"log {ADDRESS}:{PORT} len {LARGEST} format raw local0"
    yield f"log-format '{' '.join(_EXPRESSIONS.values())}'"
    yield "option dontlognull"
    yield "tcp-request session set-var(sess.connection) uuid"
    yield "http-request set-var(txn.created) date(0,us)"
    yield "http-request set-var(txn.method) method"
    yield "http-request set-var(txn.uri) pathq"
    yield "http-request set-var(txn.host) req.hdr(host)"
    yield "http-request set-var(txn.agent) req.fhdr(user-agent)"


def chosen(balancer: LoadBalancer, listener: Listener) -> Iterator[str]:
    """Yield what comes when the rule is known, and the request's identity."""
    if balancer.access_log is None:
        return
    yield "http-request set-var(txn.traced) req.fhdr(X-Amzn-Trace-Id)"
    for number, rule in enumerate(listener.rules):
        said = f"{rule.priority}:{_action(rule)}"
        yield f"http-request set-var(txn.matched) str({said}){when(of_rule(listener, number))}"
    yield "http-response set-var(txn.given) status"


def _action(rule: ListenerRule) -> str:
    match rule.action:
        case Forward():
            return "forward"
        case Redirect():
            return "redirect"
        case FixedResponse():
            return "fixed-response"
