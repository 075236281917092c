"""Load balancers, target groups and targets in the shapes of AWS's API."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.services.elbv2.model.load_balancers import Kind, Listener, LoadBalancer, Rule
from homeport.services.elbv2.model.target_groups import TargetGroup, TargetType
from homeport.services.elbv2.model.targets import Target, TargetState


def target_group_view(group: TargetGroup, load_balancers: Sequence[str] = ()) -> dict[str, Any]:
    document, check = group.document, group.document.health_check
    view: dict[str, Any] = {
        "TargetGroupArn": group.arn,
        "TargetGroupName": group.name,
        "HealthCheckEnabled": check.enabled,
        "HealthCheckIntervalSeconds": check.interval,
        "HealthCheckTimeoutSeconds": check.timeout,
        "HealthyThresholdCount": check.healthy_threshold,
        "UnhealthyThresholdCount": check.unhealthy_threshold,
        "LoadBalancerArns": list(load_balancers),
        "TargetType": document.target_type,
        "IpAddressType": "ipv4",
    }
    if check.asks:
        view |= {"HealthCheckPath": check.path, "Matcher": {"HttpCode": check.codes}}
    if document.target_type is not TargetType.LAMBDA:
        view |= {
            "Protocol": document.protocol,
            "Port": document.port,
            "VpcId": document.vpc,
            "HealthCheckProtocol": check.protocol,
            "HealthCheckPort": check.port,
        }
    if document.protocol_version:
        view["ProtocolVersion"] = document.protocol_version
    return view


def target_view(target: Target) -> dict[str, Any]:
    view: dict[str, Any] = {"Id": target.id}
    if target.port:
        view["Port"] = target.port
    if target.id == target.address:
        view["AvailabilityZone"] = target.zone
    return view


def target_health_view(described: Mapping[str, Any], state: TargetState, check_port: str) -> dict[str, Any]:
    """Return a target, as *described*, with its state; *check_port* is where it is checked, empty for a function."""
    health = {"State": state.state, "Reason": state.reason, "Description": state.description}
    view: dict[str, Any] = {
        "Target": dict(described),
        "TargetHealth": {name: value for name, value in health.items() if value},
    }
    if check_port:
        view["HealthCheckPort"] = check_port
    return view


def attributes_view(attributes: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in attributes.items()]


def load_balancer_view(balancer: LoadBalancer) -> dict[str, Any]:
    document = balancer.document
    state = {"Code": balancer.state, **({"Reason": balancer.reason} if balancer.reason else {})}
    return {
        "LoadBalancerArn": balancer.arn,
        "LoadBalancerName": balancer.name,
        "DNSName": document.dns_name,
        "CanonicalHostedZoneId": balancer.hosted_zone,
        "CreatedTime": balancer.created_at,
        "Scheme": document.scheme,
        "VpcId": balancer.vpc,
        "State": state,
        "Type": document.kind,
        "AvailabilityZones": zones_view(balancer),
        "IpAddressType": "ipv4",
        **({"SecurityGroups": list(document.security_groups)} if document.security_groups else {}),
        **({"EnablePrefixForIpv6SourceNat": "off"} if document.kind is Kind.NETWORK else {}),
    }


def zones_view(balancer: LoadBalancer) -> list[dict[str, Any]]:
    return [
        {"ZoneName": zone.zone, "SubnetId": zone.subnet, "LoadBalancerAddresses": []} for zone in balancer.live_zones
    ]


def listener_view(listener: Listener, default: Rule) -> dict[str, Any]:
    document = listener.document
    secured: dict[str, Any] = {}
    if document.certificates:
        secured = {
            "Certificates": [{"CertificateArn": document.certificates[0]}],
            "SslPolicy": document.ssl_policy,
        }
    if document.protocol == "HTTPS":
        secured["MutualAuthentication"] = {"Mode": "off"}
    return {
        "ListenerArn": listener.arn,
        "LoadBalancerArn": listener.load_balancer,
        "Port": listener.port,
        "Protocol": document.protocol,
        "DefaultActions": list(default.document.actions),
        **secured,
    }


def rule_view(rule: Rule) -> dict[str, Any]:
    return {
        "RuleArn": rule.arn,
        "Priority": "default" if rule.is_default else str(rule.priority),
        "Conditions": list(rule.document.conditions),
        "Actions": list(rule.document.actions),
        "IsDefault": rule.is_default,
    }
