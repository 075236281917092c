"""How targets are checked: AWS's defaults by protocol, and what a request may change of them."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from homeport.services.elbv2.errors import InvalidConfigurationRequest, ValidationError
from homeport.services.elbv2.model.target_groups import HTTP_PROTOCOLS, TRAFFIC_PORT, HealthCheck, TargetType

_CODE = re.compile(r"(\d{3})(?:-(\d{3}))?", re.ASCII)

#: A request's members for a health check: those that are there are numbers and texts that fit AWS's model.
Asked = Mapping[str, Any]


def health_check(asked: Asked, target_type: TargetType, protocol: str) -> HealthCheck:
    """Return the check of a new group with targets of *protocol*, or refuse it."""
    if target_type is TargetType.LAMBDA:
        default = HealthCheck(enabled=False, protocol="", port="", interval=35, timeout=30)
    elif protocol in HTTP_PROTOCOLS:
        default = HealthCheck()
    else:
        default = _of_network(asked.get("HealthCheckProtocol", "TCP"))
    return changed(default, asked, target_type, protocol)


def _of_network(protocol: str) -> HealthCheck:
    if protocol in HTTP_PROTOCOLS:
        return HealthCheck(protocol=protocol, timeout=6 if protocol == "HTTP" else 10, codes="200-399")
    return HealthCheck(protocol=protocol, timeout=10, path="", codes="")


def changed(check: HealthCheck, asked: Asked, target_type: TargetType, protocol: str) -> HealthCheck:
    """Return *check* with what a request asks for, or refuse it."""
    check = _other_protocol(check, asked, target_type, protocol)
    names = {
        "HealthCheckEnabled": "enabled",
        "HealthCheckPort": "port",
        "HealthCheckPath": "path",
        "HealthCheckIntervalSeconds": "interval",
        "HealthCheckTimeoutSeconds": "timeout",
        "HealthyThresholdCount": "healthy_threshold",
        "UnhealthyThresholdCount": "unhealthy_threshold",
    }
    values = {field: asked[name] for name, field in names.items() if name in asked}
    if not check.asks and ("path" in values or "Matcher" in asked):  # unconfirmed
        raise InvalidConfigurationRequest(
            f"You cannot specify a health check path or matcher for health checks of protocol {check.protocol}"
        )
    if "Matcher" in asked:
        values["codes"] = _codes(asked["Matcher"], highest=499 if _is_application(target_type, protocol) else 599)
    wanted = replace(check, **values)
    _check_consistent(wanted, target_type)
    return wanted


def _other_protocol(check: HealthCheck, asked: Asked, target_type: TargetType, protocol: str) -> HealthCheck:
    wanted = asked.get("HealthCheckProtocol", check.protocol)
    if wanted == check.protocol:
        return check
    if target_type is TargetType.LAMBDA:  # unconfirmed
        raise InvalidConfigurationRequest(
            "You cannot specify a health check protocol for a target group of type lambda"
        )
    takes = HTTP_PROTOCOLS if _is_application(target_type, protocol) else (*HTTP_PROTOCOLS, "TCP")
    if wanted not in takes:
        raise ValidationError(f"Health check protocol '{wanted}' must be one of '{', '.join(takes)}'")  # unconfirmed
    if (wanted in HTTP_PROTOCOLS) == check.asks:
        return replace(check, protocol=wanted)
    of_wanted = _of_network(wanted)
    return replace(check, protocol=wanted, path=of_wanted.path, codes=of_wanted.codes)


def _is_application(target_type: TargetType, protocol: str) -> bool:
    return target_type is TargetType.LAMBDA or protocol in HTTP_PROTOCOLS


def _codes(matcher: Mapping[str, str], *, highest: int) -> str:
    """Return the codes that mean health: "200", "200,301" or "200-299"."""
    if "GrpcCode" in matcher:
        raise InvalidConfigurationRequest(
            "Homeport does not support gRPC codes: target groups have no protocol version GRPC."
        )
    codes = matcher.get("HttpCode", "")
    if not codes:
        raise ValidationError("Health check matcher HTTP code cannot be empty")
    for part in codes.split(","):
        found = _CODE.fullmatch(part)
        if found is None:
            raise ValidationError(f"Health check matcher HTTP code '{codes}' is not valid")  # unconfirmed
        low, high = int(found[1]), int(found[2] or found[1])
        if not 200 <= low <= high <= highest:
            raise ValidationError(f"Health check matcher HTTP code '{codes}' must be within '200-{highest}' inclusive")
    return codes


def _check_consistent(check: HealthCheck, target_type: TargetType) -> None:
    if check.timeout >= check.interval and check.enabled:  # unconfirmed for equal values
        raise ValidationError(
            f"Health check timeout '{check.timeout}' must be smaller than the interval '{check.interval}'"
        )
    if check.asks and not check.path.startswith("/"):
        raise ValidationError(f"Health check path '{check.path}' must begin with '/' character")
    if any(ord(character) <= ord(" ") or ord(character) == 127 for character in check.path):
        raise ValidationError(f"Health check path '{check.path}' must not contain spaces or control characters")
    if target_type is TargetType.LAMBDA:
        return
    if not check.enabled:
        raise InvalidConfigurationRequest(
            "Health check enabled must be true for target groups with target type 'instance' or 'ip'"  # unconfirmed
        )
    if check.port != TRAFFIC_PORT and not _is_port(check.port):
        raise ValidationError(
            f"Health check port '{check.port}' must be '{TRAFFIC_PORT}' or a port between 1 and 65535"  # unconfirmed
        )


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text) <= 65535
