"""Rules that AWS's model of Cloud Map does not state.  Pure."""

import ipaddress
from collections.abc import Mapping

from homeport.services.servicediscovery.errors import InvalidInput
from homeport.services.servicediscovery.model import (
    ADDRESSING,
    ALIAS_DNS_NAME,
    CNAME,
    EC2_INSTANCE_ID,
    HEALTHY,
    INIT_HEALTH,
    IPV4,
    IPV6,
    PORT,
    RESERVED,
    UNHEALTHY,
    DiscoverableService,
)

MAX_CUSTOM_ATTRIBUTES = 30
#: Characters of all keys and values of an instance together.
MAX_ATTRIBUTES_SIZE = 5000

#: What the records of a service take their values from.
_NEEDED = {"A": IPV4, "AAAA": IPV6, "CNAME": CNAME, "SRV": PORT}


def check_attributes(service: DiscoverableService, attributes: Mapping[str, str]) -> None:
    """Check what an instance is registered with against its service."""
    if len(attributes.keys() - RESERVED) > MAX_CUSTOM_ATTRIBUTES:
        raise InvalidInput(f"An instance can have at most {MAX_CUSTOM_ATTRIBUTES} custom attributes.")
    if sum(len(key) + len(value) for key, value in attributes.items()) > MAX_ATTRIBUTES_SIZE:
        raise InvalidInput(
            f"The keys and values of an instance's attributes can have at most {MAX_ATTRIBUTES_SIZE} characters in all."
        )
    _check_health(service, attributes)
    _check_ec2(service, attributes)
    _check_values(attributes)
    if ALIAS_DNS_NAME in attributes:
        _check_alias(service, attributes)
        return
    _check_needed(service, attributes)


def _check_health(service: DiscoverableService, attributes: Mapping[str, str]) -> None:
    health = attributes.get(INIT_HEALTH)
    if health is None:
        return
    if not service.document.custom_health:
        raise InvalidInput(f"{INIT_HEALTH} can be specified only if the service has a HealthCheckCustomConfig.")
    if health not in {HEALTHY, UNHEALTHY}:
        raise InvalidInput(f"{INIT_HEALTH} must be {HEALTHY} or {UNHEALTHY}.")


def _check_ec2(service: DiscoverableService, attributes: Mapping[str, str]) -> None:
    if EC2_INSTANCE_ID not in attributes:
        return
    if service.document.dns is not None:
        raise InvalidInput(f"{EC2_INSTANCE_ID} can be specified only in services that DNS does not answer for.")
    if attributes.keys() - {EC2_INSTANCE_ID, INIT_HEALTH}:
        raise InvalidInput(f"The only attribute that {EC2_INSTANCE_ID} can be combined with is {INIT_HEALTH}.")


def _check_values(attributes: Mapping[str, str]) -> None:
    if IPV4 in attributes and not _is_address(attributes[IPV4], 4):
        raise InvalidInput(f"The value of {IPV4} is not an IPv4 address: '{attributes[IPV4]}'.")
    if IPV6 in attributes and not _is_address(attributes[IPV6], 6):
        raise InvalidInput(f"The value of {IPV6} is not an IPv6 address: '{attributes[IPV6]}'.")
    port = attributes.get(PORT)
    if port is not None and not (port.isascii() and port.isdecimal() and len(port) <= 5 and 1 <= int(port) <= 65535):
        raise InvalidInput(f"The value of {PORT} must be a port from 1 to 65535, not '{port}'.")


def _is_address(text: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(text).version == version
    except ValueError:
        return False


def _check_alias(service: DiscoverableService, attributes: Mapping[str, str]) -> None:
    dns = service.document.dns
    if dns is None or dns.types - {"A", "AAAA"} or dns.routing_policy != "WEIGHTED":
        raise InvalidInput(f"{ALIAS_DNS_NAME} needs a service with A or AAAA records and the routing policy WEIGHTED.")
    if attributes.keys() & ADDRESSING:
        raise InvalidInput(f"{ALIAS_DNS_NAME} can't be combined with any of the AWS_INSTANCE attributes.")


def _check_needed(service: DiscoverableService, attributes: Mapping[str, str]) -> None:
    if service.document.dns is None:
        return
    types = service.document.dns.types
    for type_ in sorted(types):
        if _NEEDED[type_] not in attributes:
            raise InvalidInput(f"The service has {type_} records, which need the attribute {_NEEDED[type_]}.")
    if "SRV" in types and not {IPV4, IPV6} & attributes.keys():
        raise InvalidInput(f"The service has SRV records, which need the attribute {IPV4}, {IPV6} or both.")
