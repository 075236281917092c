"""What Cloud Map is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

HTTP = "HTTP"
DNS_PRIVATE = "DNS_PRIVATE"
DNS_PUBLIC = "DNS_PUBLIC"
DNS_HTTP = "DNS_HTTP"

HEALTHY = "HEALTHY"
UNHEALTHY = "UNHEALTHY"
UNKNOWN = "UNKNOWN"

EC2_INSTANCE_ID = "AWS_EC2_INSTANCE_ID"
ALIAS_DNS_NAME = "AWS_ALIAS_DNS_NAME"
CNAME = "AWS_INSTANCE_CNAME"
IPV4 = "AWS_INSTANCE_IPV4"
IPV6 = "AWS_INSTANCE_IPV6"
PORT = "AWS_INSTANCE_PORT"
INIT_HEALTH = "AWS_INIT_HEALTH_STATUS"

#: The attributes that say something to Cloud Map itself; all others are a user's own.
RESERVED = frozenset({EC2_INSTANCE_ID, ALIAS_DNS_NAME, CNAME, IPV4, IPV6, PORT, INIT_HEALTH})
ADDRESSING = frozenset({CNAME, IPV4, IPV6, PORT})

#: AWS's quotas (general reference, "AWS Cloud Map endpoints and quotas").
MAX_NAMESPACES = 50
MAX_INSTANCES_OF_NAMESPACE = 2000
MAX_INSTANCES_OF_SERVICE = 1000


class NamespaceDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a namespace was declared as; of DNS namespaces, also the hosted zone that was made for it."""

    type: str
    created: float
    creator_request_id: str = ""
    description: str = ""
    vpc: str = ""
    hosted_zone: str = ""
    soa_ttl: int | None = None  # seconds


@dataclass(frozen=True, slots=True)
class Namespace:
    id: str
    name: str
    http_name: str  # what DiscoverInstances knows it by
    document: NamespaceDocument
    service_count: int = 0
    instance_count: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)


class DnsRecord(msgspec.Struct, frozen=True):
    """A kind of record that each instance gets; *ttl* in seconds."""

    type: str
    ttl: int


class DnsConfig(msgspec.Struct, frozen=True):
    """The records of a service's instances."""

    routing_policy: str
    records: tuple[DnsRecord, ...]

    @property
    def types(self) -> frozenset[str]:
        return frozenset(record.type for record in self.records)


class EndpointCheck(msgspec.Struct, frozen=True):
    """The Route 53 health check that each instance of a service gets."""

    type: str  # HTTP, HTTPS or TCP
    path: str
    threshold: int


class ServiceDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a service was declared as."""

    created: float
    creator_request_id: str = ""
    description: str = ""
    dns: DnsConfig | None = None
    custom_health: bool = False
    endpoint_check: EndpointCheck | None = None

    @property
    def checked(self) -> bool:
        """Whether its instances are known to be healthy or not."""
        return self.custom_health or self.endpoint_check is not None


@dataclass(frozen=True, slots=True)
class DiscoverableService:
    """A service; *revision* grows with every registration and deregistration."""

    id: str
    namespace_id: str
    name: str
    document: ServiceDocument
    instance_count: int = 0
    revision: int = 1
    attributes: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def unique_name(self) -> str:
        """What no other service of the namespace may have: DNS does not tell upper from lower case."""
        return self.name.lower() if self.document.dns is not None else self.name


class InstanceDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an instance was registered with, and what was found out about that."""

    attributes: dict[str, str]
    creator_request_id: str = ""
    health_check: str = ""  # the id of the Route 53 health check that was made for it
    alias_zone: str = ""  # of the name of a load balancer, where that is what was registered


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance of a service; *health* is empty where the service has no health check."""

    id: str
    document: InstanceDocument
    health: str = ""

    @property
    def attributes(self) -> Mapping[str, str]:
        return self.document.attributes

    @property
    def status(self) -> str:
        return self.health or UNKNOWN


class Operation(NamedTuple):
    """A change that was asked for.  It was over when its request was answered."""

    id: str
    created: float
    type: str
    namespace_id: str = ""
    service_id: str = ""
    instance_id: str = ""
    error_code: str = ""  # empty: it succeeded
    error_message: str = ""

    @property
    def status(self) -> str:
        return "FAIL" if self.error_code else "SUCCESS"
