"""Cloud Map's operations by resource; importing this package registers them all."""

from homeport.services.servicediscovery.handlers import (
    discovery,
    dns_namespaces,
    instances,
    namespaces,
    operations,
    service_attributes,
    services,
    tags,
)

__all__ = [
    "discovery",
    "dns_namespaces",
    "instances",
    "namespaces",
    "operations",
    "service_attributes",
    "services",
    "tags",
]
