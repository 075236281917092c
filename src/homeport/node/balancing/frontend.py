"""
What a listener does, in HAProxy's words.

The first rule that fits leaves its number in txn.rule; what follows asks for that number.  So a rule that forwards keeps
those below it from answering, and headers are changed only after every condition has seen them as they came.  What cannot
be otherwise is not asked, for every condition costs each request time: a listener's only rule, its only target group.
"""

import base64
from collections.abc import Container, Iterator, Mapping

from homeport.node.balancing import access, pages
from homeport.node.balancing.answers import Files, fixed, page, redirect
from homeport.node.balancing.conditions import acls, of_rule, quoted, when
from homeport.node.balancing.model import backend_of, open_backend_of
from homeport.wire.messages import (
    FixedResponse,
    Forward,
    Listener,
    ListenerRule,
    LoadBalancer,
    Redirect,
    TargetGroup,
    WeightedGroup,
)

_DICE = "%[rand(4294967295),hex,bytes(8,8),lower]"
_SPAN = f"1-%[date,hex,bytes(8,8),lower]-{_DICE * 3}"
_DEFAULT_PORTS = {"HTTP": 80, "HTTPS": 443}
_UNDECIDED = "!{ var(txn.group) -m found }"
_OPEN_IF = "!{ stopping }"  # a proxy that is being replaced takes all of its servers for gone


def frontend(
    files: Files, balancer: LoadBalancer, listener: Listener, known: Mapping[str, TargetGroup]
) -> Iterator[str]:
    """Yield the lines of a listener's section; *known* are the target groups there are."""
    yield f"frontend port-{listener.port}"
    yield f"bind :{listener.port}{_tls(files, balancer, listener)}"
    if balancer.kind == "network":
        yield from _stream(listener, known)
        return
    yield "tcp-request session set-var(sess.begun) date"
    yield from access.beginning(balancer)
    yield "http-request set-var(txn.begun) date"
    for number, rule in enumerate(listener.rules):
        lines, names = acls(rule, f"rule-{number}")
        yield from lines
        if len(listener.rules) > 1:
            yield f"http-request set-var(txn.rule) int({number}){when('!{ var(txn.rule) -m found }', *names)}"
    if balancer.access_log is not None:  # which names the identity of what is answered here, too
        yield from _trace()
    yield from access.chosen(balancer, listener)
    for number, rule in enumerate(listener.rules):
        yield from _action(files, listener, number, rule, known)
    yield f"http-after-response set-header Connection close if {{ date,sub(sess.begun) ge {balancer.client_keep_alive} }}"
    yield from _unconnected()
    yield from _answer_headers(listener)
    if not _answers_all(listener):
        yield from _headers(balancer, listener)
        yield from _use_backend(listener, known)


def _answers_all(listener: Listener) -> bool:
    """Say whether the only rule is to answer: HAProxy warns of what would come after that and is never reached."""
    return len(listener.rules) == 1 and not isinstance(listener.rules[0].action, Forward)


def _use_backend(listener: Listener, known: Mapping[str, TargetGroup]) -> Iterator[str]:
    actions = [rule.action for rule in listener.rules if isinstance(rule.action, Forward)]
    led_to = sorted({each.target_group for action in actions for each in _weighted(action)} & known.keys())
    if len(led_to) == 1:
        yield from _backend_of_one(known[led_to[0]])
        return
    for id_ in led_to:
        if known[id_].minimum_healthy > 1:
            chosen = f"{{ var(txn.group) -m str {backend_of(id_)} }}"
            yield f"use_backend {open_backend_of(id_)}{when(chosen, _too_few(known[id_]), _OPEN_IF)}"
    yield f"use_backend %[var(txn.group)].open if {{ var(txn.group),nbsrv eq 0 }} {_OPEN_IF}"
    yield "use_backend %[var(txn.group)]"


def _backend_of_one(group: TargetGroup) -> Iterator[str]:
    yield f"use_backend {open_backend_of(group.id)}{when(_too_few(group), _OPEN_IF)}"
    yield f"default_backend {backend_of(group.id)}"


def _too_few(group: TargetGroup) -> str:
    """Return the condition under which unhealthy targets are given requests, too."""
    return f"{{ nbsrv({backend_of(group.id)}) lt {group.minimum_healthy} }}"


def _stream(listener: Listener, known: Mapping[str, TargetGroup]) -> Iterator[str]:
    action = listener.rules[-1].action if listener.rules else None
    groups = action.target_groups if isinstance(action, Forward) else ()
    group = next((weighted.target_group for weighted in groups if weighted.target_group in known), None)
    if group is None:
        yield "tcp-request connection reject"
        return
    yield from _backend_of_one(known[group])


def _unconnected() -> Iterator[str]:
    """Set the status of the answer that says that no target could be connected to."""
    marked = f"{{ res.hdr({pages.UNCONNECTED}) -m found }}"
    long = f"{{ {pages.TOOK_LONG} gt 0 }}"
    for status, condition in ((504, f"{marked} {long}"), (502, f"{marked} !{long}")):
        reason = pages.title(status)[4:]
        yield f"http-after-response set-status {status} reason '{reason}' if {condition}"
    yield f"http-after-response del-header {pages.UNCONNECTED}"


def _answer_headers(listener: Listener) -> Iterator[str]:
    for name, value in listener.response_headers:
        yield f"http-after-response set-header {name} {quoted(value.replace('%', '%%'))}"
    if not listener.server_header:
        yield "http-after-response del-header Server"


# --- TLS


def _tls(files: Files, balancer: LoadBalancer, listener: Listener) -> str:
    if listener.protocol not in ("HTTPS", "TLS"):
        return ""
    names = [files.put(f"{each.chain.strip()}\n{each.private_key.strip()}\n", "pem") for each in listener.certificates]
    certificates = files.put("".join(f"{name}\n" for name in names), "list")
    alpn = ("h2,http/1.1" if balancer.http2 else "http/1.1") if listener.protocol == "HTTPS" else ""
    oldest, newest = tls_versions(listener.ssl_policy)
    words = (f" ssl crt-list {certificates}", f" alpn {alpn}" if alpn else "")
    return "".join((*words, f" ssl-min-ver {oldest}", f" ssl-max-ver {newest}"))


def tls_versions(policy: str) -> tuple[str, str]:
    """
    Return the oldest and the newest version of TLS that a security policy allows.

    Its ciphers are OpenSSL's defaults.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
    """
    newest = "TLSv1.3" if "TLS13" in policy else "TLSv1.2"
    for version in ("1-3", "1-2", "1-1"):
        if any(f"{family}-{version}" in policy for family in ("TLS13", "TLS", "FS")):
            return f"TLSv{version.replace('-', '.')}", newest
    return "TLSv1.0", newest


# --- Rules


def _action(files: Files, listener: Listener, number: int, rule: ListenerRule, known: Container[str]) -> Iterator[str]:
    chosen = of_rule(listener, number)
    match rule.action:
        case FixedResponse():
            yield f"http-request {fixed(files, rule.action)}{when(chosen)}"
        case Redirect():
            for action, condition in redirect(files, rule.action, listener):
                yield f"http-request {action}{when(chosen, condition)}"
        case Forward():
            yield from _forward(files, rule.action, chosen, known)


def _weighted(action: Forward) -> list[WeightedGroup]:
    """Return the target groups that are given requests."""
    return [group for group in action.target_groups if group.weight > 0]


def _forward(files: Files, action: Forward, chosen: str, known: Container[str]) -> Iterator[str]:
    groups = _weighted(action)
    there = [group for group in groups if group.target_group in known]
    if action.sticky_seconds:
        for group in there:
            name = backend_of(group.target_group)
            stuck = f"{{ req.cook(AWSALBTG) -m str -- {_token(name)} }}"
            yield f"http-request set-var(txn.group) str({name}){when(chosen, _UNDECIDED, stuck)}"
    if len(groups) == 1:
        for group in there:
            yield f"http-request set-var(txn.group) str({backend_of(group.target_group)}){when(chosen)}"
    elif groups:
        yield f"http-request set-var(txn.dice) rand({sum(group.weight for group in groups)}){when(chosen, _UNDECIDED)}"
        below = 0
        for group in groups:
            below += group.weight
            if group in there:
                name = backend_of(group.target_group)
                dice = f"{{ var(txn.dice) -m int {below - group.weight}:{below - 1} }}"
                yield f"http-request set-var(txn.group) str({name}){when(chosen, _UNDECIDED, dice)}"
    if not there or len(there) < len(groups):
        yield f"http-request {page(files, 503)}{when(chosen, _UNDECIDED)}"
    if action.sticky_seconds:
        yield from sticky_cookies("AWSALBTG", "AWSALBTGCORS", "%[var(txn.group),base64]", action.sticky_seconds, chosen)


def _token(name: str) -> str:
    return base64.b64encode(name.encode()).decode()


def sticky_cookies(name: str, cross_origin: str, value: str, seconds: int, condition: str = "") -> Iterator[str]:
    """Yield the lines that give a client a cookie, and the same for requests from other sites."""
    rest = f"Expires=%[date({seconds}),http_date]; Path=/"
    yield f"http-response add-header Set-Cookie '{name}={value}; {rest}'{when(condition)}"
    yield f"http-response add-header Set-Cookie '{cross_origin}={value}; {rest}; SameSite=None; Secure'{when(condition)}"


# --- Headers


def _headers(balancer: LoadBalancer, listener: Listener) -> Iterator[str]:
    if balancer.drop_invalid_header_fields:
        yield "http-request del-header [^A-Za-z0-9-] -m reg"
    if not balancer.preserve_host_header:
        yield from _host(listener)
    yield from _forwarded_for(balancer)
    yield f"http-request set-header X-Forwarded-Proto {listener.protocol.lower()}"
    yield f"http-request set-header X-Forwarded-Port {listener.port}"
    if balancer.access_log is None:
        yield from _trace()
    if balancer.tls_headers and listener.protocol == "HTTPS":
        yield "http-request set-header X-Amzn-Tls-Version %[ssl_fc_protocol]"
        yield "http-request set-header X-Amzn-Tls-Cipher-Suite %[ssl_fc_cipher]"


def _host(listener: Listener) -> Iterator[str]:
    """Name the port in the Host header where it is not the protocol's own, and only there."""
    if _DEFAULT_PORTS.get(listener.protocol) == listener.port:
        named = f"{{ req.hdr(host) -m end :{listener.port} }}"  # few do: the others are spared the expression
        yield f"http-request replace-header Host ^(.*):{listener.port}$ \\1 if {named}"
    else:
        host = f"%[req.hdr(host)]:{listener.port}"
        yield f"http-request set-header Host {host} if {{ req.hdr(host) -m found }} !{{ req.hdr(host) -m reg :[0-9]+$ }}"


def _forwarded_for(balancer: LoadBalancer) -> Iterator[str]:
    client = "%[src]:%[src_port]" if balancer.xff_client_port else "%[src]"
    match balancer.xff_header_processing:
        case "append":
            yield "http-request set-var(txn.via) req.fhdr(X-Forwarded-For)"
            before = "'%[var(txn.via)], " + client + "'"
            yield f"http-request set-header X-Forwarded-For {before} if {{ var(txn.via) -m len gt 0 }}"
            yield f"http-request set-header X-Forwarded-For {client} if !{{ var(txn.via) -m len gt 0 }}"
        case "remove":
            yield "http-request del-header X-Forwarded-For"


def _trace() -> Iterator[str]:
    """Give the request an identity that is seen in logs of all it passes."""
    header = "http-request set-header X-Amzn-Trace-Id"
    given = "{ req.fhdr(X-Amzn-Trace-Id) -m found }"
    yield f"http-request set-var(txn.trace) req.fhdr(X-Amzn-Trace-Id),regsub(Self=[^;]*;?,) if {given}"
    rooted = "{ var(txn.trace) -m sub Root= }"
    some = "{ var(txn.trace) -m len gt 0 }"
    yield f"{header} Root={_SPAN} if !{some}"
    yield f"{header} Self={_SPAN};%[var(txn.trace)] if {rooted}"
    yield f"{header} Root={_SPAN};%[var(txn.trace)] if {some} !{rooted}"
