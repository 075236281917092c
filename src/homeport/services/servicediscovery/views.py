"""Cloud Map's resources in AWS's shapes."""

from typing import Any

from homeport.services.servicediscovery.model import (
    DNS_HTTP,
    HTTP,
    DiscoverableService,
    Instance,
    Namespace,
    Operation,
)

View = dict[str, Any]

#: AWS keeps the threshold of custom health checks at one.
_CUSTOM_HEALTH = {"FailureThreshold": 1}


def namespace_arn(region: str, account: str, namespace_id: str) -> str:
    return f"arn:aws:servicediscovery:{region}:{account}:namespace/{namespace_id}"


def service_arn(region: str, account: str, service_id: str) -> str:
    return f"arn:aws:servicediscovery:{region}:{account}:service/{service_id}"


def namespace_summary(namespace: Namespace, region: str, account: str) -> View:
    document = namespace.document
    dns: View = {}
    if document.type != HTTP:
        dns = {"HostedZoneId": document.hosted_zone, "SOA": {"TTL": document.soa_ttl}}
    view: View = {
        "Id": namespace.id,
        "Arn": namespace_arn(region, account, namespace.id),
        "ResourceOwner": account,
        "Name": namespace.name,
        "Type": document.type,
        "ServiceCount": namespace.service_count,
        "Properties": {"DnsProperties": dns, "HttpProperties": {"HttpName": namespace.http_name}},
        "CreateDate": document.created,
    }
    return view | ({"Description": document.description} if document.description else {})


def namespace_view(namespace: Namespace, region: str, account: str) -> View:
    return namespace_summary(namespace, region, account) | {"CreatorRequestId": namespace.document.creator_request_id}


def service_summary(service: DiscoverableService, region: str, account: str) -> View:
    document = service.document
    view: View = {
        "Id": service.id,
        "Arn": service_arn(region, account, service.id),
        "ResourceOwner": account,
        "Name": service.name,
        "Type": HTTP if document.dns is None else DNS_HTTP,
        "InstanceCount": service.instance_count,
        "CreateDate": document.created,
        "CreatedByAccount": account,
    }
    if document.description:
        view["Description"] = document.description
    if document.dns is not None:
        view["DnsConfig"] = {
            "NamespaceId": service.namespace_id,
            "RoutingPolicy": document.dns.routing_policy,
            "DnsRecords": [{"Type": record.type, "TTL": record.ttl} for record in document.dns.records],
        }
    if document.endpoint_check is not None:
        check = document.endpoint_check
        view["HealthCheckConfig"] = {"Type": check.type, "FailureThreshold": check.threshold} | (
            {"ResourcePath": check.path} if check.path else {}
        )
    if document.custom_health:
        view["HealthCheckCustomConfig"] = _CUSTOM_HEALTH
    return view


def service_view(service: DiscoverableService, region: str, account: str) -> View:
    return service_summary(service, region, account) | {
        "NamespaceId": service.namespace_id,
        "CreatorRequestId": service.document.creator_request_id,
    }


def instance_summary(instance: Instance, account: str) -> View:
    return {"Id": instance.id, "Attributes": dict(instance.attributes), "CreatedByAccount": account}


def instance_view(instance: Instance, account: str) -> View:
    return instance_summary(instance, account) | {"CreatorRequestId": instance.document.creator_request_id}


def discovered_view(instance: Instance, namespace: Namespace, service: DiscoverableService) -> View:
    """Return an instance as DiscoverInstances shows it."""
    return {
        "InstanceId": instance.id,
        "NamespaceName": namespace.http_name,
        "ServiceName": service.name,
        "HealthStatus": instance.status,
        "Attributes": dict(instance.attributes),
    }


def operation_summary(operation: Operation) -> View:
    return {"Id": operation.id, "Status": operation.status}


def operation_view(operation: Operation, account: str) -> View:
    targets = {"SERVICE": operation.service_id, "INSTANCE": operation.instance_id}
    if operation.type.endswith("_NAMESPACE"):
        targets = {"NAMESPACE": operation.namespace_id}
    view: View = {
        "Id": operation.id,
        "OwnerAccount": account,
        "Type": operation.type,
        "Status": operation.status,
        "CreateDate": operation.created,
        "UpdateDate": operation.created,
        "Targets": {kind: target for kind, target in targets.items() if target},
    }
    if operation.error_code:
        view |= {"ErrorCode": operation.error_code, "ErrorMessage": operation.error_message}
    return view
