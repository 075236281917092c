"""
The DNS records of a service's instances.  Pure.

An instance has a record set of each of its service's types at the service's name, told from its neighbours' by the instance's
id; of those an answer has up to eight (MULTIVALUE) or one (WEIGHTED).  An SRV record leads to a name of the instance's own.
https://docs.aws.amazon.com/cloud-map/latest/api/API_DnsRecord.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from homeport.aws.fields import Fields
from homeport.services.route53.model import AliasTarget, RecordSet
from homeport.services.route53.names import BadName, canonical_name
from homeport.services.servicediscovery.errors import InvalidInput
from homeport.services.servicediscovery.model import (
    ALIAS_DNS_NAME,
    CNAME,
    DNS_PRIVATE,
    IPV4,
    IPV6,
    PORT,
    DiscoverableService,
    DnsConfig,
    DnsRecord,
    EndpointCheck,
    Instance,
    Namespace,
    ServiceDocument,
)

#: What records of each type take their value from.
_SOURCES = {"A": IPV4, "AAAA": IPV6, "CNAME": CNAME}
_COMBINATIONS = ({"A"}, {"AAAA"}, {"A", "AAAA"}, {"SRV"}, {"CNAME"})
_MULTIVALUE, _WEIGHTED = "MULTIVALUE", "WEIGHTED"


def parse_dns_config(document: Mapping[str, Any], namespace_id: str) -> DnsConfig:
    """Return the DnsConfig of a service that is to be created in a namespace."""
    with Fields(document, "DnsConfig") as fields:
        named = fields.take("NamespaceId", str, namespace_id)
        policy = fields.take("RoutingPolicy", str, _MULTIVALUE)
        records = parse_records(fields)
    if named != namespace_id:
        raise InvalidInput("The NamespaceId of the service and that of its DnsConfig differ.")
    config = DnsConfig(policy, records)
    if config.types not in _COMBINATIONS or len(config.types) != len(records):
        raise InvalidInput("The DNS records of a service must be A, AAAA, A and AAAA, SRV, or CNAME, each once.")
    if "CNAME" in config.types and policy != _WEIGHTED:
        raise InvalidInput("A service with CNAME records must have the routing policy WEIGHTED.")
    return config


def parse_endpoint_check(document: Mapping[str, Any], path: str) -> EndpointCheck:
    """Return the HealthCheckConfig of a service; *path* says where it stands in the request."""
    with Fields(document, path) as fields:
        kind = fields.take("Type", str)
        resource = fields.take("ResourcePath", str, "")
        threshold = fields.take("FailureThreshold", int, 1)
    if kind == "TCP" and resource:
        raise InvalidInput("You can't specify a ResourcePath for a health check of the type TCP.")
    return EndpointCheck(kind, resource or ("" if kind == "TCP" else "/"), threshold)


def check_endpoint_check(namespace: Namespace, document: ServiceDocument) -> None:
    """Refuse a Route 53 health check where a service can have none."""
    if document.endpoint_check is None:
        return
    if document.custom_health:
        raise InvalidInput("You can't specify both HealthCheckConfig and HealthCheckCustomConfig.")
    if namespace.document.type == DNS_PRIVATE:
        raise InvalidInput("You can't specify a HealthCheckConfig for a service in a private DNS namespace.")
    if document.dns is not None and "CNAME" in document.dns.types:
        raise InvalidInput("You can't specify both CNAME for Type and settings for HealthCheckConfig.")


def parse_records(fields: Fields) -> tuple[DnsRecord, ...]:
    """Return the DnsRecords of a DnsConfig that is being read."""
    return tuple(
        DnsRecord(record.take("Type", str), record.take("TTL", int)) for record in fields.take_each("DnsRecords")
    )


def service_name(namespace: Namespace, service: DiscoverableService) -> str:
    """Return the domain name of a service, or raise InvalidInput if it is too long for one."""
    return _domain(f"{service.name}.{namespace.name}")


def record_sets(namespace: Namespace, service: DiscoverableService, instance: Instance) -> Iterator[RecordSet]:
    """Yield the record sets that an instance has while it is published."""
    if service.document.dns is None:
        return
    weighted = service.document.dns.routing_policy == _WEIGHTED
    name = service_name(namespace, service)
    host = _domain(f"{instance.id}.{service.name}.{namespace.name}") if "SRV" in service.document.dns.types else ""
    if instance.document.alias_zone:
        yield from _aliases(name, service.document.dns, instance)
        return
    for record in service.document.dns.records:
        value = f"1 1 {instance.attributes[PORT]} {host}" if host else instance.attributes[_SOURCES[record.type]]
        yield RecordSet(
            name=name,
            kind=record.type,
            ttl=record.ttl,
            values=(value,),
            set_identifier=instance.id,
            weight=1 if weighted else None,
            multivalue=not weighted,
            health_check=instance.document.health_check,
        )
        if host:
            yield from _of_host(host, record.ttl, instance)


def _aliases(name: str, dns: DnsConfig, instance: Instance) -> Iterator[RecordSet]:
    """Yield what stands for a load balancer; as on AWS its health is asked for."""
    target = AliasTarget(
        zone=instance.document.alias_zone, name=_domain(instance.attributes[ALIAS_DNS_NAME]), evaluate_health=True
    )
    for kind in sorted(dns.types):
        yield RecordSet(name=name, kind=kind, alias=target, set_identifier=instance.id, weight=1)


def _of_host(host: str, ttl: int, instance: Instance) -> Iterator[RecordSet]:
    for kind, source in (("A", IPV4), ("AAAA", IPV6)):
        if source in instance.attributes:
            yield RecordSet(name=host, kind=kind, ttl=ttl, values=(instance.attributes[source],))


def _domain(text: str) -> str:
    try:
        return canonical_name(text)
    except BadName as problem:
        raise InvalidInput(str(problem)) from None
