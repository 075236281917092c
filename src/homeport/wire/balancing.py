"""Desired and observed state: load balancers, their target groups and the targets in them."""

from enum import StrEnum

import msgspec

from homeport.wire.base import Message


class Condition(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """What a rule asks of a request; one of the *values* is enough.  `*` is any text and `?` any character."""


class HostHeader(Condition, frozen=True, kw_only=True):
    """Patterns of the host the request names, whatever the case and without the port."""

    values: tuple[str, ...]


class PathPattern(Condition, frozen=True, kw_only=True):
    """Patterns of the path, without the query; the case counts."""

    values: tuple[str, ...]


class HttpHeader(Condition, frozen=True, kw_only=True):
    """Patterns of the values of the header *name*, whatever the case."""

    name: str
    values: tuple[str, ...]


class QueryPair(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Patterns of a key and its value; without a key the value of any."""

    value: str
    key: str = ""


class QueryString(Condition, frozen=True, kw_only=True):
    """Patterns of the query's parameters, whatever the case."""

    values: tuple[QueryPair, ...]


class SourceIp(Condition, frozen=True, kw_only=True):
    """Blocks of addresses, of which the connection must come; X-Forwarded-For does not count."""

    values: tuple[str, ...]


class RequestMethod(Condition, frozen=True, kw_only=True):
    """Methods, exactly as sent."""

    values: tuple[str, ...]


class Action(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """What becomes of a request."""


class WeightedGroup(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A target group and its share of the requests, 0 to 999."""

    target_group: str
    weight: int = 1


class Forward(Action, frozen=True, kw_only=True):
    """
    One of *target_groups* answers.

    With *sticky_seconds* a client stays with the group it was first given for so long (cookie AWSALBTG).
    """

    target_groups: tuple[WeightedGroup, ...]
    sticky_seconds: int = 0


class Redirect(Action, frozen=True, kw_only=True):
    """A redirect; each part may hold #{protocol}, #{host}, #{port}, #{path} and #{query}."""

    status: int  # 301 or 302
    protocol: str = "#{protocol}"
    host: str = "#{host}"
    port: str = "#{port}"
    path: str = "/#{path}"
    query: str = "#{query}"


class FixedResponse(Action, frozen=True, kw_only=True):
    """An answer of the load balancer's own."""

    status: int
    content_type: str = ""
    body: str = ""


class ListenerRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rule: all of its conditions must be met.  The default rule has none, and 0 for its *priority*."""

    id: str
    action: Forward | Redirect | FixedResponse
    conditions: tuple[HostHeader | PathPattern | HttpHeader | QueryString | SourceIp | RequestMethod, ...] = ()
    priority: int = 0


class Certificate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A certificate with its chain, and its private key, in PEM; what logs call it, and the *domains* it is for."""

    chain: str
    private_key: str
    name: str = ""
    domains: tuple[str, ...] = ()


class Listener(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A port the load balancer listens on.

    *rules* stand in the order of their priorities, the default rule last.  A network load balancer's listener
    has the default rule alone, which forwards to one group.  The first of *certificates* is the default, the
    others are chosen by the name that the client asks for.  *response_headers* (names and values) are put into every answer
    of an application load balancer; without *server_header* no answer says what served it.
    """

    id: str
    port: int
    protocol: str  # HTTP, HTTPS, TCP or TLS
    rules: tuple[ListenerRule, ...]
    certificates: tuple[Certificate, ...] = ()
    ssl_policy: str = ""
    response_headers: tuple[tuple[str, str], ...] = ()
    server_header: bool = True


class AccessLog(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    That a load balancer's requests are logged.

    *destination* means something to the server alone, which gets it back with every file.  *scope* stands before a target
    group's id where a log names it.
    """

    destination: str
    scope: str


class LoadBalancer(Message, frozen=True, kw_only=True):
    """
    A load balancer: one proxy in a network namespace of its own.

    The namespace holds *enis*, one in each of its subnets, which are items of their own and name it as their
    `balancer`.  The fields after *listeners* are its attributes, by AWS's names in short, times in seconds.
    """

    id: str  # the end of its ARN: "app/NAME/16 hex digits" or "net/NAME/16 hex digits"
    kind: str  # "application" or "network"
    vpc: str
    enis: tuple[str, ...]
    listeners: tuple[Listener, ...] = ()
    idle_timeout: int = 60
    client_keep_alive: int = 3600
    http2: bool = True
    drop_invalid_header_fields: bool = False
    preserve_host_header: bool = False
    xff_header_processing: str = "append"  # append, preserve or remove
    xff_client_port: bool = False
    tls_headers: bool = False  # tell targets of the TLS version and cipher suite
    access_log: AccessLog | None = None


class TargetHealthCheck(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the targets of a group are checked; times in seconds, thresholds in checks in a row."""

    protocol: str = "HTTP"  # HTTP, HTTPS or TCP
    port: str = "traffic-port"  # or a number
    path: str = "/"
    interval: int = 30
    timeout: int = 5
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2
    matcher: str = "200"  # codes and ranges: "200,301-302"


class GroupStickiness(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a client stays with the target it was first given."""

    kind: str  # lb_cookie (AWSALB), app_cookie (*cookie* is the application's own) or source_ip
    seconds: int = 86400
    cookie: str = ""


class TargetGroup(Message, frozen=True, kw_only=True):
    """A target group; its targets are items of their own.  Times in seconds."""

    id: str  # the end of its ARN: "targetgroup/NAME/16 hex digits"
    vpc: str
    protocol: str = "HTTP"  # HTTP, HTTPS, TCP or TLS
    protocol_version: str = "HTTP1"  # or HTTP2
    target_type: str = "ip"  # instance, ip or lambda; a group of type lambda answers 502
    health_check: TargetHealthCheck = TargetHealthCheck()
    algorithm: str = "round_robin"  # or least_outstanding_requests, weighted_random
    slow_start: int = 0
    stickiness: GroupStickiness | None = None
    deregistration_delay: int = 300
    connection_termination: bool = False  # end connections when the delay is over, on network load balancers
    minimum_healthy: int = 1  # with fewer healthy targets all are given requests, unhealthy ones too
    unhealthy_termination: bool = False  # end connections to a target that has become unhealthy, there too
    proxy_protocol: bool = False  # tell targets of the client by PROXY protocol version 2, on network load balancers


class Target(Message, frozen=True, kw_only=True):
    """
    A target: an address and a port of a group.

    *registration* grows with every registration of the same target, so that an observation of an earlier one is
    known for what it is.  A *draining* one is given nothing new; it was deregistered at *draining_since*
    (seconds since the epoch).
    """

    id: str  # "TARGET-GROUP/ADDRESS:PORT"
    target_group: str
    address: str
    port: int
    registration: int = 1
    draining: bool = False
    draining_since: float = 0.0


class TargetState(StrEnum):
    """A target as its load balancer sees it."""

    INITIAL = "initial"  # not yet checked often enough to be given requests
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DRAINING = "draining"
    DRAINED = "drained"  # nothing is in flight any more, or the delay is over: it can be dropped


class TargetObserved(Message, frozen=True, kw_only=True):
    """
    A target as it is; a higher *sequence* replaces a lower one.

    It concerns the target's *registration* alone.  *reason* is AWS's code (Target.Timeout, ...), empty when healthy.
    """

    target: str
    registration: int
    balancer: str
    sequence: int
    state: TargetState
    reason: str = ""
    description: str = ""


class BalancerState(StrEnum):
    """How far a load balancer is on the node."""

    PROVISIONING = "provisioning"
    ACTIVE = "active"
    FAILED = "failed"  # not as it was last declared; it is tried again, and what ran before runs on
    GONE = "gone"  # nothing of it is left on the node: its interfaces' addresses are free


class BalancerObserved(Message, frozen=True, kw_only=True):
    """A load balancer as it is; a higher *sequence* replaces a lower one.  *reason* says why it failed."""

    balancer: str
    sequence: int
    state: BalancerState
    reason: str = ""


class TargetAck(Message, frozen=True, kw_only=True):
    """The server has durably recorded the target's observation number *sequence*, or has no use for it."""

    target: str
    sequence: int


class BalancerAck(Message, frozen=True, kw_only=True):
    """The server has durably recorded the load balancer's observation number *sequence*."""

    balancer: str
    sequence: int


class AccessLogFile(Message, frozen=True, kw_only=True):
    """
    What clients of one *address* of a load balancer asked for until *ended*, seconds since the epoch.

    *body* is gzip, a line a request.  The node keeps a file, and says it again, until the server has it.
    """

    id: str  # eight letters and digits
    balancer: str
    destination: str
    address: str
    ended: int
    body: bytes


class AccessLogAck(Message, frozen=True, kw_only=True):
    """The server durably has the file, or has no use for it."""

    file: str
