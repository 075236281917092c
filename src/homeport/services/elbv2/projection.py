"""
Load balancers, target groups and targets as nodes are told of them.

Tags, names and what only users look at stay here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace as with_fields

from homeport.services.acm.model import Certificate
from homeport.services.elbv2 import access_logs
from homeport.services.elbv2 import attributes as known
from homeport.services.elbv2.model.load_balancers import Kind, Listener, LoadBalancer, Rule
from homeport.services.elbv2.model.target_groups import TargetGroup
from homeport.services.elbv2.model.targets import Target
from homeport.wire import balancing as wire

#: How long an idle connection through a network load balancer lives, in seconds.
_NETWORK_IDLE = 350


@dataclass(frozen=True, slots=True)
class Told:
    """A listener with its rules by priority, and its certificates, the default first."""

    listener: Listener
    rules: Sequence[Rule]
    certificates: Sequence[Certificate] = ()


def balancer_item(balancer: LoadBalancer, listeners: Sequence[Told]) -> wire.LoadBalancer:
    """Return a load balancer with its *listeners*."""
    item = wire.LoadBalancer(
        id=balancer.id,
        kind=balancer.kind,
        vpc=balancer.vpc,
        enis=tuple(zone.interface for zone in balancer.live_zones),
        listeners=tuple(_listener(each, balancer.kind) for each in listeners),
        idle_timeout=_NETWORK_IDLE,
    )
    if balancer.kind is Kind.NETWORK:
        return item
    values = known.balancer_attributes_of(balancer)
    return with_fields(
        item,
        idle_timeout=int(values["idle_timeout.timeout_seconds"]),
        client_keep_alive=int(values["client_keep_alive.seconds"]),
        http2=_true(values, "routing.http2.enabled"),
        drop_invalid_header_fields=_true(values, "routing.http.drop_invalid_header_fields.enabled"),
        preserve_host_header=_true(values, "routing.http.preserve_host_header.enabled"),
        xff_header_processing=values["routing.http.xff_header_processing.mode"],
        xff_client_port=_true(values, "routing.http.xff_client_port.enabled"),
        tls_headers=_true(values, "routing.http.x_amzn_tls_version_and_cipher_suite.enabled"),
        access_log=access_logs.log_of(balancer, values),
    )


def _true(values: Mapping[str, str], name: str) -> bool:
    return values[name] == "true"


def _listener(told: Told, kind: Kind) -> wire.Listener:
    listener, attributes = told.listener, known.listener_attributes_of(told.listener, kind)
    return wire.Listener(
        id=listener.id,
        port=listener.port,
        protocol=listener.document.protocol,
        rules=tuple(
            wire.ListenerRule(
                id=rule.id,
                action=_action(rule.document.actions[-1]),
                conditions=tuple(_condition(condition) for condition in rule.document.conditions),
                priority=0 if rule.is_default else rule.priority,
            )
            for rule in told.rules
        ),
        certificates=tuple(
            wire.Certificate(
                chain=certificate.full_chain,
                private_key=certificate.private_key,
                name=certificate.arn,
                domains=certificate.summary.names,
            )
            for certificate in told.certificates
        ),
        ssl_policy=listener.document.ssl_policy,
        response_headers=known.response_headers(attributes) if kind is Kind.APPLICATION else (),
        server_header=attributes.get(known.SERVER_HEADER) != "false",
    )


def _action(action: Mapping[str, Any]) -> wire.Forward | wire.Redirect | wire.FixedResponse:
    match action["Type"]:
        case "forward":
            config = action["ForwardConfig"]
            sticky = config["TargetGroupStickinessConfig"]
            return wire.Forward(
                target_groups=tuple(
                    wire.WeightedGroup(target_group=group["TargetGroupArn"].rpartition(":")[2], weight=group["Weight"])
                    for group in config["TargetGroups"]
                ),
                sticky_seconds=sticky["DurationSeconds"] if sticky["Enabled"] else 0,
            )
        case "redirect":
            redirect = action["RedirectConfig"]
            return wire.Redirect(
                status=int(redirect["StatusCode"].removeprefix("HTTP_")),
                protocol=redirect["Protocol"],
                host=redirect["Host"],
                port=redirect["Port"],
                path=redirect["Path"],
                query=redirect["Query"],
            )
        case _:
            response = action["FixedResponseConfig"]
            return wire.FixedResponse(
                status=int(response["StatusCode"]),
                content_type=response["ContentType"],
                body=response.get("MessageBody", ""),
            )


Condition = wire.HostHeader | wire.PathPattern | wire.HttpHeader | wire.QueryString | wire.SourceIp | wire.RequestMethod


def _condition(condition: Mapping[str, Any]) -> Condition:
    match condition["Field"]:
        case "host-header":
            return wire.HostHeader(values=tuple(condition["HostHeaderConfig"]["Values"]))
        case "path-pattern":
            return wire.PathPattern(values=tuple(condition["PathPatternConfig"]["Values"]))
        case "http-header":
            header = condition["HttpHeaderConfig"]
            return wire.HttpHeader(name=header["HttpHeaderName"], values=tuple(header["Values"]))
        case "query-string":
            pairs = condition["QueryStringConfig"]["Values"]
            return wire.QueryString(
                values=tuple(wire.QueryPair(key=pair.get("Key", ""), value=pair["Value"]) for pair in pairs)
            )
        case "source-ip":
            return wire.SourceIp(values=tuple(condition["SourceIpConfig"]["Values"]))
        case _:
            return wire.RequestMethod(values=tuple(condition["HttpRequestMethodConfig"]["Values"]))


def group_item(group: TargetGroup) -> wire.TargetGroup:
    document, check, values = group.document, group.document.health_check, known.attributes_of(group)
    return wire.TargetGroup(
        id=group.id,
        vpc=document.vpc,
        protocol=document.protocol or "HTTP",
        protocol_version=document.protocol_version or "HTTP1",
        target_type=document.target_type,
        health_check=wire.TargetHealthCheck(
            protocol=check.protocol or "HTTP",
            port=check.port or "traffic-port",
            path=check.path,
            interval=check.interval,
            timeout=check.timeout,
            healthy_threshold=check.healthy_threshold,
            unhealthy_threshold=check.unhealthy_threshold,
            matcher=check.codes,
        ),
        algorithm=values.get("load_balancing.algorithm.type", "round_robin"),
        slow_start=int(values.get("slow_start.duration_seconds", "0")),
        stickiness=_stickiness(values),
        deregistration_delay=int(values.get("deregistration_delay.timeout_seconds", "0")),
        connection_termination=values.get("deregistration_delay.connection_termination.enabled") == "true",
        minimum_healthy=int(values[known.MINIMUM_HEALTHY]),
        unhealthy_termination=values.get("target_health_state.unhealthy.connection_termination.enabled") == "true",
        proxy_protocol=values.get("proxy_protocol_v2.enabled") == "true",
    )


def _stickiness(values: Mapping[str, str]) -> wire.GroupStickiness | None:
    if values.get("stickiness.enabled") != "true":
        return None
    kind = values["stickiness.type"]
    if kind == "source_ip":
        return wire.GroupStickiness(kind=kind)
    return wire.GroupStickiness(
        kind=kind,
        seconds=int(values[f"stickiness.{kind}.duration_seconds"]),
        cookie=values["stickiness.app_cookie.cookie_name"] if kind == "app_cookie" else "",
    )


def target_item(group: TargetGroup, target: Target) -> wire.Target:
    return wire.Target(
        id=f"{group.id}/{target.address}:{target.port}",
        target_group=group.id,
        address=target.address,
        port=target.port,
        registration=target.registration,
        draining=target.draining_since is not None,
        draining_since=target.draining_since or 0.0,
    )
