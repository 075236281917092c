"""
Health checks: what they may be, and what nodes are told of them.

https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from homeport.aws.fields import Fields
from homeport.services.route53.errors import InvalidInput
from homeport.services.route53.names import BadName, canonical_name
from homeport.wire import messages as wire

CALCULATED = "CALCULATED"
ALARM = "CLOUDWATCH_METRIC"

_PROBES = {"HTTP": "HTTP", "HTTP_STR_MATCH": "HTTP", "HTTPS": "HTTPS", "HTTPS_STR_MATCH": "HTTPS", "TCP": "TCP"}
_PORTS = {"HTTP": 80, "HTTPS": 443}


class CheckConfig(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was declared of a check; what was left out has Route 53's default."""

    kind: str
    address: str = ""
    name: str = ""
    port: int = 0
    path: str = ""
    search: str = ""
    interval: int = 30
    threshold: int = 3
    server_name: bool | None = None
    regions: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    needed: int = 0
    inverted: bool = False
    disabled: bool = False
    alarm_region: str = ""
    alarm_name: str = ""
    insufficient: str = ""  # what a lack of data means; LastKnownStatus unless something else was said

    @property
    def probe(self) -> str:
        """HTTP, HTTPS or TCP; empty for a check that is reckoned from others."""
        return _PROBES.get(self.kind, "")


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """
    A health check; its *version* grows with every update.

    Of one that goes by an alarm *passes* is what that last said.
    """

    id: str
    caller_reference: str
    version: int
    config: CheckConfig
    passes: bool = True


def read_config(document: Mapping[str, Any]) -> CheckConfig:
    """Return a HealthCheckConfig as it will be kept, or raise InvalidInput."""
    with Fields(document, "HealthCheckConfig") as fields:
        kind = fields.take("Type", str)
        if kind not in _PROBES and kind not in {CALCULATED, ALARM}:
            raise InvalidInput(f"Homeport does not support health checks of type {kind}.")
        if fields.take("MeasureLatency", bool, False):
            raise InvalidInput("Homeport does not support the parameter 'MeasureLatency' of health checks.")
        alarm = fields.take("AlarmIdentifier", dict, {})
        return CheckConfig(
            kind=kind,
            alarm_region=alarm.get("Region", ""),
            alarm_name=alarm.get("Name", ""),
            insufficient=fields.take("InsufficientDataHealthStatus", str, ""),
            address=fields.take("IPAddress", str, ""),
            name=fields.take("FullyQualifiedDomainName", str, ""),
            port=fields.take("Port", int, 0) or _PORTS.get(_PROBES.get(kind, ""), 0),
            path=fields.take("ResourcePath", str, ""),
            search=fields.take("SearchString", str, ""),
            interval=fields.take("RequestInterval", int, 30),
            threshold=fields.take("FailureThreshold", int, 3),
            server_name=fields.take("EnableSNI", bool, None),
            regions=tuple(fields.take("Regions", list, [])),
            children=tuple(fields.take("ChildHealthChecks", list, [])),
            needed=fields.take("HealthThreshold", int, 0),
            inverted=fields.take("Inverted", bool, False),
            disabled=fields.take("Disabled", bool, False),
        )


def check_config(config: CheckConfig, pool: tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]) -> None:
    """
    Hold the members of a check against each other; *pool* is the range of this machine's public addresses.

    The sentences are our own (unconfirmed).
    """
    if (config.kind == ALARM) != bool(config.alarm_name):
        raise InvalidInput(f"AlarmIdentifier is for health checks of type {ALARM}, and required there.")
    if config.kind == ALARM:
        if config.address or config.name or config.port or config.search or config.children:
            raise InvalidInput("A health check that goes by an alarm has no endpoint and no children.")
        return
    if config.kind == CALCULATED:
        if not config.children:
            raise InvalidInput("ChildHealthChecks is required for a calculated health check.")
        if config.address or config.name or config.port or config.search:
            raise InvalidInput("A calculated health check has no endpoint.")
        return
    if config.children or config.needed:
        raise InvalidInput("ChildHealthChecks and HealthThreshold are for calculated health checks.")
    if not config.address and not config.name:
        raise InvalidInput("Either IPAddress or FullyQualifiedDomainName is required.")
    if not config.port:
        raise InvalidInput("Port is required for a health check of type TCP.")
    if config.kind.endswith("_STR_MATCH") != bool(config.search):
        raise InvalidInput(f"SearchString is for types that end in _STR_MATCH, and required there; not {config.kind}.")
    if config.path and config.probe == "TCP":
        raise InvalidInput("ResourcePath is not for health checks of type TCP.")
    if config.interval not in (10, 30) or not 1 <= config.threshold <= 10:
        raise InvalidInput("RequestInterval must be 10 or 30, and FailureThreshold from 1 to 10.")
    _check_endpoint(config, pool)


def _check_endpoint(config: CheckConfig, pool: tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]) -> None:
    if config.name:
        try:
            canonical_name(config.name)
        except BadName as problem:
            raise InvalidInput(f"Invalid fully qualified domain name: {problem}") from None
    if not config.address:
        return
    try:
        address = ipaddress.ip_address(config.address)
    except ValueError:
        raise InvalidInput(f"Invalid IP address: {config.address}") from None
    ours = address.version == 4 and pool[0] <= address <= pool[1]
    if not address.is_global and not ours:
        raise InvalidInput(
            f"Invalid parameter : {config.address}: health checks reach public addresses only, not those of local, "
            "private, nonroutable, or multicast ranges"
        )


def check_item(check: HealthCheck) -> wire.EndpointCheck:
    """Return a check as nodes are told of it."""
    config = check.config
    if config.kind == ALARM:
        return wire.EndpointCheck(id=check.id, decided=(config.disabled or check.passes) != config.inverted)
    return wire.EndpointCheck(
        id=check.id,
        probe=config.probe,
        address=config.address,
        name=config.name,
        port=config.port,
        path=config.path if config.path.startswith("/") else f"/{config.path}",
        search=config.search,
        interval=config.interval,
        threshold=config.threshold,
        server_name=config.probe == "HTTPS" and config.server_name is not False,
        children=config.children,
        needed=config.needed,
        inverted=config.inverted,
        disabled=config.disabled,
    )


def config_view(config: CheckConfig) -> dict[str, Any]:
    view: dict[str, Any] = {
        "Type": config.kind,
        "IPAddress": config.address or None,
        "FullyQualifiedDomainName": config.name or None,
        "Port": config.port or None,
        "ResourcePath": config.path or None,
        "SearchString": config.search or None,
        "Regions": list(config.regions) or None,
        "Inverted": config.inverted,
        "Disabled": config.disabled,
    }
    if config.kind == ALARM:
        view |= {
            "AlarmIdentifier": {"Region": config.alarm_region, "Name": config.alarm_name},
            "InsufficientDataHealthStatus": config.insufficient or None,
        }
    elif config.kind == CALCULATED:
        view |= {"ChildHealthChecks": list(config.children), "HealthThreshold": config.needed}
    else:
        view |= {
            "RequestInterval": config.interval,
            "FailureThreshold": config.threshold,
            "MeasureLatency": False,
            "EnableSNI": config.probe == "HTTPS" and config.server_name is not False,
        }
    return {name: value for name, value in view.items() if value is not None}
