"""
The attributes of target groups, with AWS's defaults, and which of their values Homeport honours.  Pure.

A value that AWS would take and that changes nothing here is refused, so that nobody relies on it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from homeport.aws.errors import AwsError
from homeport.services.elbv2.errors import InvalidConfigurationRequest, ValidationError
from homeport.services.elbv2.model.target_groups import TargetGroup, TargetType

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


_HEALTH = {
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": fixed("1"),
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
        honours=("round_robin", "least_outstanding_requests"),
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
    "proxy_protocol_v2.enabled": flag(fixed=True),
    "stickiness.enabled": flag(),
    "stickiness.type": choice("source_ip"),
    "load_balancing.cross_zone.enabled": _CROSS_ZONE,
    "target_health_state.unhealthy.connection_termination.enabled": flag("true", fixed=True),
    "target_health_state.unhealthy.draining_interval_seconds": fixed("0"),
}
FUNCTION = {
    **_HEALTH,
    "lambda.multi_value_headers.enabled": flag(),
}


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
    slow = attributes["slow_start.duration_seconds"] != "0"
    if slow and attributes["load_balancing.algorithm.type"] != "round_robin":
        raise InvalidConfigurationRequest(  # unconfirmed
            "You cannot enable both slow start and the least outstanding requests algorithm on a target group"
        )
    by_application = attributes["stickiness.type"] == "app_cookie" and attributes["stickiness.enabled"] == "true"
    if by_application and not attributes["stickiness.app_cookie.cookie_name"]:
        raise InvalidConfigurationRequest(  # unconfirmed
            "You must specify a cookie name for application-based stickiness"
        )
