"""What a target group does, in HAProxy's words."""

from collections.abc import Collection, Iterator

from homeport.node.balancing.answers import Files, page
from homeport.node.balancing.conditions import quoted
from homeport.node.balancing.frontend import sticky_cookies
from homeport.node.balancing.model import Placed, backend_of, first_backend_of, open_backend_of, server_of
from homeport.wire.messages import LoadBalancer, TargetGroup

WEIGHT = 100  # of every target that is given requests: slow start counts up to it
_IDEMPOTENT = "GET HEAD OPTIONS TRACE PUT DELETE"
_SECURE = ("HTTPS", "TLS")
#: HAProxy's own defaults, which a server that is added while it runs does not get: no connection to it would be kept.
POOL = "pool-max-conn -1 pool-purge-delay 5s"


def backends(
    files: Files, balancer: LoadBalancer, group: TargetGroup, placed: Collection[Placed]
) -> Iterator[list[str]]:
    """
    Yield the sections of a target group.

    The first knows which targets are healthy.  The second is asked while none is, and then gives requests to all that
    were checked, as AWS does.  The third is asked by nobody: HAProxy checks what is added to it for the first time only
    after a whole interval, so new targets are here, too, and checked at once and often until they answer.
    """
    if group.target_type == "lambda":
        # A function cannot be called yet; what AWS answers when a call fails is said.
        yield [f"backend {backend_of(group.id)}", f"http-request {page(files, 502)}"]
        yield [f"backend {open_backend_of(group.id)}", f"http-request {page(files, 502)}"]
        return
    application = balancer.kind == "application"
    common = [f"balance {_ALGORITHMS.get(group.algorithm, 'roundrobin')}"]
    if group.stickiness is not None and group.stickiness.kind == "source_ip":
        common = ["balance source", "hash-type consistent"]
    if application:
        common.append(f"http-request disable-l7-retry if !{{ method {_IDEMPOTENT} }}")
        common += _stickiness(group)
    ordered = sorted(placed, key=lambda each: each.target.id)
    options = server_options(group)
    yield [
        f"backend {backend_of(group.id)}",
        *common,
        *_health_check(group),
        f"default-server {options}",  # what is added later does not take it: it is said again there
        *(f"server {server_of(each.target)} {server_of(each.target)} weight {WEIGHT}" for each in ordered),
    ]
    closed = [f"http-request {page(files, 503)} if {{ nbsrv eq 0 }}"] if application else []
    transport = open_options(group)
    yield [
        f"backend {open_backend_of(group.id)}",
        *closed,
        *common,
        *([f"default-server {transport}"] if transport else ()),
        *(f"server {server_of(each.target)} {server_of(each.target)}" for each in ordered),
    ]
    yield [f"backend {first_backend_of(group.id)}", *_health_check(group)]


_ALGORITHMS = {
    "round_robin": "roundrobin",
    "least_outstanding_requests": "leastconn",
    "weighted_random": "random",
}


def server_options(group: TargetGroup) -> str:
    """Return how a target is spoken to and checked."""
    check = group.health_check
    words = [
        "check",
        f"inter {check.interval}s",
        f"rise {check.healthy_threshold}",
        f"fall {check.unhealthy_threshold}",
        *([f"slowstart {group.slow_start}s"] if group.slow_start else ()),
        *_transport(group),
        *_check_transport(group),
    ]
    return " ".join(words)


def first_options(group: TargetGroup) -> str:
    """Return how a new target is checked until it answers: soon, then every second."""
    return " ".join(("check inter 1s fastinter 100ms rise 1 fall 2", *_transport(group), *_check_transport(group)))


def _check_transport(group: TargetGroup) -> list[str]:
    secure = group.health_check.protocol in _SECURE and group.protocol not in _SECURE
    return ["check-ssl", "verify", "none"] if secure else []


def open_options(group: TargetGroup) -> str:
    """Return how a target is spoken to that is not checked."""
    return " ".join(_transport(group))


def _transport(group: TargetGroup) -> list[str]:
    # a target's certificate is not verified, as on AWS
    words = ["ssl", "verify", "none"] if group.protocol in _SECURE else []
    if group.protocol_version == "HTTP2":
        words += ["proto", "h2"]
    if group.proxy_protocol:
        words.append("send-proxy-v2")
    return words


def _health_check(group: TargetGroup) -> Iterator[str]:
    check = group.health_check
    port = "" if check.port == "traffic-port" else f" port {check.port}"
    secure = " ssl" if check.protocol in _SECURE else ""
    if group.proxy_protocol:  # checks come with it, too, as the load balancer's own
        secure += " send-proxy"
    yield f"timeout check {check.timeout}s"
    if check.protocol in ("HTTP", "HTTPS"):
        yield "option httpchk"
        yield f"http-check connect{port}{secure}"
        host = "hdr Host %[srv_name] hdr User-Agent ELB-HealthChecker/2.0"
        yield f"http-check send meth GET uri {quoted(check.path)} ver HTTP/1.1 {host}"
        yield f"http-check expect status {check.matcher}"
    else:
        yield "option tcp-check"
        yield f"tcp-check connect{port}{secure}"


def _stickiness(group: TargetGroup) -> Iterator[str]:
    sticky = group.stickiness
    if sticky is None:
        return
    server = "%[srv_name,base64]"
    match sticky.kind:
        case "lb_cookie":
            yield "use-server %[req.cook(AWSALB),b64dec] if { req.cook(AWSALB) -m found }"
            yield from sticky_cookies("AWSALB", "AWSALBCORS", server, sticky.seconds)
        case "app_cookie":
            yield "use-server %[req.cook(AWSALBAPP-0),b64dec] if { req.cook(AWSALBAPP-0) -m found }"
            rest = f"Expires=%[date({sticky.seconds}),http_date]; Path=/"
            given = f"{{ {quoted(f'res.cook({sticky.cookie})')} -m found }}"
            yield f"http-response add-header Set-Cookie 'AWSALBAPP-0={server}; {rest}' if {given}"
