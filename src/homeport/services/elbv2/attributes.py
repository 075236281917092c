"""
The attributes of target groups, load balancers and listeners, with AWS's defaults, and which of their values Homeport honours.  Pure.

A value that AWS would take and that changes nothing here is refused, so that nobody relies on it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from homeport.aws.errors import AwsError
from homeport.services.elbv2.errors import InvalidConfigurationRequest, ValidationError
from homeport.services.elbv2.model.load_balancers import Kind, Listener, LoadBalancer
from homeport.services.elbv2.model.target_groups import MAX_TARGETS, TargetGroup, TargetType

Check = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Attribute:
    """A default, which values AWS takes (in words, *allowed*, for the refusal), and which of those have effect."""

    default: str
    takes: Check
    allowed: str
    honours: Check = lambda _: True


def number(default: int, low: int, high: int, *, or_zero: bool = False) -> Attribute:
    """Return an attribute whose values are whole numbers from *low* to *high*."""

    def takes(text: str) -> bool:
        if not text.isascii() or not text.isdigit():
            return False
        return low <= int(text) <= high or (or_zero and int(text) == 0)

    return Attribute(str(default), takes, f"{'0 or ' if or_zero else ''}between {low} and {high}")


def choice(default: str, *others: str, honours: Iterable[str] = ()) -> Attribute:
    """Return an attribute with a few values, of which only *honours* have effect where any are named."""
    values = (default, *others)
    honoured = tuple(honours) or values
    return Attribute(default, lambda text: text in values, f"one of {', '.join(values)}", lambda text: text in honoured)


def flag(default: str = "false", *, fixed: bool = False) -> Attribute:
    """Return an attribute that is true or false; with *fixed* only the default is honoured."""
    other = "true" if default == "false" else "false"
    return choice(default, other, honours=(default,) if fixed else ())


def fixed(default: str) -> Attribute:
    """Return an attribute of which only the default is honoured."""
    return Attribute(default, lambda _: True, "any", lambda text: text == default)


def text(default: str = "", longest: int = 1024) -> Attribute:
    return Attribute(default, lambda value: len(value) <= longest, f"at most {longest} characters")


MINIMUM_HEALTHY = "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count"
_HEALTH = {
    MINIMUM_HEALTHY: number(1, 1, MAX_TARGETS),
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": fixed("off"),
    "target_group_health.dns_failover.minimum_healthy_targets.count": fixed("1"),
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": fixed("off"),
}
_CROSS_ZONE = choice(
    "use_load_balancer_configuration", "true", "false", honours=("use_load_balancer_configuration", "true")
)
_WEEK = 604800

_RESERVED_COOKIES = ("AWSALB", "AWSALBAPP", "AWSALBTG")


def _cookie(name: str) -> bool:
    return len(name) <= 256 and not name.startswith(_RESERVED_COOKIES) and not set(name) & set(' \t,;="')


APPLICATION = {
    **_HEALTH,
    "deregistration_delay.timeout_seconds": number(300, 0, 3600),
    "stickiness.enabled": flag(),
    "stickiness.type": choice("lb_cookie", "app_cookie"),
    "stickiness.lb_cookie.duration_seconds": number(86400, 1, _WEEK),
    "stickiness.app_cookie.cookie_name": Attribute(
        "", _cookie, "the name of a cookie that does not begin with AWSALB, AWSALBAPP or AWSALBTG"
    ),
    "stickiness.app_cookie.duration_seconds": number(86400, 1, _WEEK),
    "slow_start.duration_seconds": number(0, 30, 900, or_zero=True),
    "load_balancing.algorithm.type": choice(
        "round_robin",
        "least_outstanding_requests",
        "weighted_random",
    ),
    "load_balancing.algorithm.anomaly_mitigation": choice("off", "on", honours=("off",)),
    "load_balancing.cross_zone.enabled": _CROSS_ZONE,
}
#: AWS's default for *preserve_client_ip* depends on protocol and type.  Here targets always see the load balancer's address.
NETWORK = {
    **_HEALTH,
    "deregistration_delay.timeout_seconds": number(300, 0, 3600),
    "deregistration_delay.connection_termination.enabled": flag(),
    "preserve_client_ip.enabled": flag(fixed=True),
    "proxy_protocol_v2.enabled": flag(),
    "stickiness.enabled": flag(),
    "stickiness.type": choice("source_ip"),
    "load_balancing.cross_zone.enabled": _CROSS_ZONE,
    "target_health_state.unhealthy.connection_termination.enabled": flag("true"),
    "target_health_state.unhealthy.draining_interval_seconds": fixed("0"),
}
FUNCTION = {
    **_HEALTH,
    MINIMUM_HEALTHY: fixed("1"),
    "lambda.multi_value_headers.enabled": flag(),
}

_S3 = {"s3.enabled": flag(), "s3.bucket": text(), "s3.prefix": text()}
_NO_S3 = {**_S3, "s3.enabled": flag(fixed=True)}
_BALANCER = {
    "deletion_protection.enabled": flag(),
    "ipv6.deny_all_igw_traffic": flag(fixed=True),
    "zonal_shift.config.enabled": flag(fixed=True),
}
APPLICATION_BALANCER = {
    **_BALANCER,
    **{f"access_logs.{name}": attribute for name, attribute in _S3.items()},
    **{f"connection_logs.{name}": attribute for name, attribute in _NO_S3.items()},
    **{f"health_check_logs.{name}": attribute for name, attribute in _NO_S3.items()},
    "load_balancing.cross_zone.enabled": flag("true", fixed=True),
    "idle_timeout.timeout_seconds": number(60, 1, 4000),
    "client_keep_alive.seconds": number(3600, 60, _WEEK),
    "routing.http2.enabled": flag("true"),
    "routing.http.drop_invalid_header_fields.enabled": flag(),
    "routing.http.preserve_host_header.enabled": flag(),
    "routing.http.xff_client_port.enabled": flag(),
    "routing.http.xff_header_processing.mode": choice("append", "preserve", "remove"),
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": flag(),
    "routing.http.desync_mitigation_mode": choice("defensive", "monitor", "strictest", honours=("defensive",)),
    "waf.fail_open.enabled": flag(fixed=True),
}
#: Cross-zone load balancing can be off, as AWS's default is, or on: every target gets its share either way.
NETWORK_BALANCER = {
    **_BALANCER,
    **{f"access_logs.{name}": attribute for name, attribute in _NO_S3.items()},
    "load_balancing.cross_zone.enabled": flag(),
    "dns_record.client_routing_policy": fixed("any_availability_zone"),
    "secondary_ips.auto_assigned.per_subnet": fixed("0"),
}

_RESPONSE = "routing.http.response."


def _header(longest: int = 1024, *values: str) -> Attribute:
    """Return an attribute that is the value of a header, or empty: then there is no such header."""

    def takes(value: str) -> bool:
        if values:
            return value in ("", *values)
        return len(value) <= longest and value.isascii() and value.isprintable()

    return Attribute("", takes, f"one of {', '.join(values)}" if values else f"at most {longest} printable characters")


#: The headers that a listener can put into every answer, by the word for them in attributes.
RESPONSE_HEADERS = {
    "strict_transport_security": ("Strict-Transport-Security", _header()),
    "access_control_allow_origin": ("Access-Control-Allow-Origin", _header()),
    "access_control_allow_methods": ("Access-Control-Allow-Methods", _header()),
    "access_control_allow_headers": ("Access-Control-Allow-Headers", _header()),
    "access_control_allow_credentials": ("Access-Control-Allow-Credentials", _header(0, "true")),
    "access_control_expose_headers": ("Access-Control-Expose-Headers", _header()),
    "access_control_max_age": ("Access-Control-Max-Age", _header()),
    "content_security_policy": ("Content-Security-Policy", _header()),
    "x_content_type_options": ("X-Content-Type-Options", _header(0, "nosniff")),
    "x_frame_options": ("X-Frame-Options", _header()),
}
SERVER_HEADER = f"{_RESPONSE}server.enabled"
APPLICATION_LISTENER = {
    SERVER_HEADER: flag("true"),
    **{f"{_RESPONSE}{word}.header_value": attribute for word, (_, attribute) in RESPONSE_HEADERS.items()},
}
NETWORK_LISTENER = {"tcp.idle_timeout.seconds": fixed("350")}


def balancer_known(balancer: LoadBalancer) -> Mapping[str, Attribute]:
    """Return the attributes that a load balancer has."""
    return APPLICATION_BALANCER if balancer.kind is Kind.APPLICATION else NETWORK_BALANCER


def balancer_attributes_of(balancer: LoadBalancer) -> dict[str, str]:
    """Return all attributes of a load balancer, as they are."""
    attributes = balancer_known(balancer)
    return {name: balancer.attributes.get(name, attribute.default) for name, attribute in attributes.items()}


def listener_known(kind: Kind) -> Mapping[str, Attribute]:
    """Return the attributes of a listener of a load balancer of that kind."""
    return APPLICATION_LISTENER if kind is Kind.APPLICATION else NETWORK_LISTENER


def listener_attributes_of(listener: Listener, kind: Kind) -> dict[str, str]:
    """Return all attributes of a listener, as they are."""
    changed = listener.document.attributes
    return {name: changed.get(name, attribute.default) for name, attribute in listener_known(kind).items()}


def response_headers(attributes: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the headers, with their values, that an application load balancer's listener puts into answers."""
    found = ((name, attributes[f"{_RESPONSE}{word}.header_value"]) for word, (name, _) in RESPONSE_HEADERS.items())
    return tuple((name, value) for name, value in found if value)


def known(group: TargetGroup) -> Mapping[str, Attribute]:
    """Return the attributes that a group has."""
    if group.target_type is TargetType.LAMBDA:
        return FUNCTION
    return APPLICATION if group.is_http else NETWORK


def attributes_of(group: TargetGroup) -> dict[str, str]:
    """Return all attributes of a group, as they are."""
    return {name: group.attributes.get(name, attribute.default) for name, attribute in known(group).items()}


def changed(attributes: Mapping[str, Attribute], noun: str, given: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the attributes that a request sets on a *noun* ("Target group"), or refuse them."""
    wanted: dict[str, str] = {}
    for item in given:
        name, value = item.get("Key", ""), item.get("Value", "")
        attribute = attributes.get(name)
        if attribute is None:
            raise ValidationError(f"{noun} attribute key '{name}' is not recognized")
        if name in wanted:
            raise ValidationError(f"{noun} attribute key '{name}' was specified more than once")  # unconfirmed
        if not attribute.takes(value):  # unconfirmed
            raise ValidationError(
                f"{noun} attribute value '{value}' is not valid for '{name}': it is {attribute.allowed}"
            )
        if not attribute.honours(value):
            raise not_honoured(name, value)
        wanted[name] = value
    return wanted


def not_honoured(name: str, value: str) -> AwsError:
    return InvalidConfigurationRequest(f"Homeport does not support the value '{value}' of the attribute '{name}'.")


def check_together(group: TargetGroup, attributes: Mapping[str, str]) -> None:
    """Refuse attributes of a group that AWS does not take together."""
    if not group.is_http:
        return
    slow, algorithm = attributes["slow_start.duration_seconds"] != "0", attributes["load_balancing.algorithm.type"]
    if slow and algorithm != "round_robin":
        raise InvalidConfigurationRequest(  # unconfirmed
            f"You cannot enable both slow start and the algorithm {algorithm} on a target group"
        )
    by_application = attributes["stickiness.type"] == "app_cookie" and attributes["stickiness.enabled"] == "true"
    if by_application and not attributes["stickiness.app_cookie.cookie_name"]:
        raise InvalidConfigurationRequest(  # unconfirmed
            "You must specify a cookie name for application-based stickiness"
        )
