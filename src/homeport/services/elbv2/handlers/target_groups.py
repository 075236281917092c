"""Target groups and their attributes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from msgspec.structs import replace as with_fields

from homeport.aws.call import Call
from homeport.aws.paging import Keyset, Page, cut_page
from homeport.services.ec2 import store as ec2
from homeport.services.elbv2 import attributes as known
from homeport.services.elbv2 import errors, lookup
from homeport.services.elbv2 import targets as registry
from homeport.services.elbv2.model.target_groups import (
    HTTP_PROTOCOLS,
    MAX_TARGET_GROUPS,
    GroupDocument,
    TargetGroup,
    TargetType,
)
from homeport.services.elbv2.paging import MARKER, PAGE_SIZE, invalid_marker
from homeport.services.elbv2.service import BALANCING, elbv2
from homeport.services.elbv2.store import listeners
from homeport.services.elbv2.store import tags as tag_store
from homeport.services.elbv2.store import target_groups as store
from homeport.services.elbv2.tags import parse_tags
from homeport.services.elbv2.validation import health_checks
from homeport.services.elbv2.validation.names import check_name
from homeport.services.elbv2.views import attributes_view, target_group_view

_PROTOCOLS = (*HTTP_PROTOCOLS, "TCP", "TLS")
_HEALTH_CHECK = (
    "HealthCheckProtocol", "HealthCheckPort", "HealthCheckEnabled", "HealthCheckPath", "HealthCheckIntervalSeconds",
    "HealthCheckTimeoutSeconds", "HealthyThresholdCount", "UnhealthyThresholdCount", "Matcher",
)  # fmt: skip


@elbv2.operation("CreateTargetGroup")
async def create_target_group(
    call: Call,
    *,
    name: str,
    protocol: str = "",
    protocol_version: str = "",
    port: int = 0,
    vpc_id: str = "",
    health_check_protocol: str | None = None,
    health_check_port: str | None = None,
    health_check_enabled: bool | None = None,
    health_check_path: str | None = None,
    health_check_interval_seconds: int | None = None,
    health_check_timeout_seconds: int | None = None,
    healthy_threshold_count: int | None = None,
    unhealthy_threshold_count: int | None = None,
    matcher: Mapping[str, str] | None = None,
    target_type: str = "instance",
    tags: Sequence[Mapping[str, str]] = (),
    ip_address_type: str = "ipv4",
) -> dict[str, Any]:
    check_name(name, "Target group")
    if target_type == "alb" or ip_address_type != "ipv4":
        raise errors.InvalidConfigurationRequest(
            "Homeport does not support target groups of type alb, nor of addresses other than ipv4."
        )
    asked = _health_check(
        health_check_protocol, health_check_port, health_check_enabled, health_check_path, health_check_interval_seconds,
        health_check_timeout_seconds, healthy_threshold_count, unhealthy_threshold_count, matcher,
    )  # fmt: skip
    kind = TargetType(target_type)
    check = health_checks.health_check(asked, kind, protocol)
    document = GroupDocument(target_type=kind, health_check=check, protocol=protocol, port=port, vpc=vpc_id)
    document = with_fields(document, protocol_version=_protocol_version(document, protocol_version))
    return await _create(call, name, document, parse_tags(tags))


def _health_check(*asked: object) -> dict[str, object]:
    """Return what a request says of the health check, by AWS's names; *asked* are all of its members in their order."""
    return {name: value for name, value in zip(_HEALTH_CHECK, asked, strict=True) if value is not None}


def _protocol_version(document: GroupDocument, version: str) -> str:
    """Check what a group says of its targets' protocol, and return its version; groups of functions say nothing."""
    if document.target_type is TargetType.LAMBDA:
        if document.protocol or document.port or document.vpc or version:
            raise errors.ValidationError(  # unconfirmed
                "Protocol, port and VPC cannot be specified for target groups with target type 'lambda'"
            )
        return ""
    for value, noun in ((document.protocol, "protocol"), (document.port, "port"), (document.vpc, "VPC")):
        if not value:
            raise errors.ValidationError(f"A {noun} must be specified")
    if document.protocol not in _PROTOCOLS:
        raise errors.UnsupportedProtocol(f"Homeport does not support target groups of protocol {document.protocol}.")
    if document.protocol not in HTTP_PROTOCOLS:
        if version:
            raise errors.InvalidConfigurationRequest(  # unconfirmed
                f"Protocol version cannot be specified for target groups of protocol {document.protocol}"
            )
        return ""
    if version not in ("", "HTTP1", "HTTP2"):
        raise errors.InvalidConfigurationRequest(f"Homeport does not support the protocol version {version}.")
    return version or "HTTP1"


async def _vpc_exists(call: Call, vpc: str) -> bool:
    return any(found.region == call.region for found in await ec2.find_vpcs(call.tx, [vpc]))


async def _create(call: Call, name: str, document: GroupDocument, tags: Mapping[str, str]) -> dict[str, Any]:
    if document.vpc and not await _vpc_exists(call, document.vpc):
        raise errors.ValidationError(f"The VPC ID '{document.vpc}' is not found")
    there = await store.find_by_name(call.tx, call.region, name)
    if there is not None:
        if there.document != document:
            raise errors.DuplicateTargetGroupName(
                f"A target group with the same name '{name}' exists, but with different settings"
            )
        return {"TargetGroups": [await _view(call, there)]}
    if await store.count(call.tx, call.region) >= MAX_TARGET_GROUPS:
        raise errors.TooManyTargetGroups("The maximum number of target groups has been reached")  # unconfirmed
    arn = call.arn("elasticloadbalancing", f"targetgroup/{name}/{call.ids.hex(16)}")
    group = TargetGroup(arn, call.region, name, call.now(), document)
    await store.insert(call.tx, group)
    await tag_store.put(call.tx, arn, tags)
    return {"TargetGroups": [target_group_view(group)]}


@elbv2.operation("DescribeTargetGroups", reads=True)
async def describe_target_groups(
    call: Call,
    *,
    load_balancer_arn: str | None = None,
    target_group_arns: Sequence[str] = (),
    names: Sequence[str] = (),
    marker: str | None = None,
    page_size: int = PAGE_SIZE,
) -> dict[str, Any]:
    if sum(map(bool, (load_balancer_arn, target_group_arns, names))) > 1:
        raise errors.ValidationError(  # unconfirmed
            "Only one of load balancer ARN, target group ARNs and names can be specified"
        )
    if load_balancer_arn is not None:
        balancer = await lookup.load_balancer(call.tx, call.region, load_balancer_arn)
        target_group_arns = await listeners.groups_behind(call.tx, balancer.arn)
        if not target_group_arns:
            return {"TargetGroups": []}
    page = await _page(call, target_group_arns, names, marker, page_size)
    return page.with_token({"TargetGroups": [await _view(call, group) for group in page.items]}, "NextMarker")


async def _view(call: Call, group: TargetGroup) -> dict[str, Any]:
    return target_group_view(group, await lookup.load_balancers_of(call.tx, group))


async def _page(
    call: Call, arns: Sequence[str], names: Sequence[str], marker: str | None, size: int
) -> Page[TargetGroup]:
    if arns:
        return Page([await lookup.target_group(call.tx, call.region, arn) for arn in dict.fromkeys(arns)], None)
    if names:
        found = [await store.find_by_name(call.tx, call.region, name) for name in dict.fromkeys(names)]
        if any(group is None for group in found):
            raise errors.no_target_group()
        return Page([group for group in found if group is not None], None)
    start = Keyset(("name",), marker, kinds=MARKER, invalid=invalid_marker)
    rows = await store.page(call.tx, call.region, condition=start.condition, values=start.values, limit=size + 1)
    return cut_page(rows, size, key=lambda group: (group.name,))


@elbv2.operation("ModifyTargetGroup")
async def modify_target_group(
    call: Call,
    *,
    target_group_arn: str,
    health_check_protocol: str | None = None,
    health_check_port: str | None = None,
    health_check_path: str | None = None,
    health_check_enabled: bool | None = None,
    health_check_interval_seconds: int | None = None,
    health_check_timeout_seconds: int | None = None,
    healthy_threshold_count: int | None = None,
    unhealthy_threshold_count: int | None = None,
    matcher: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    group = await lookup.target_group(call.tx, call.region, target_group_arn)
    asked = _health_check(
        health_check_protocol, health_check_port, health_check_enabled, health_check_path, health_check_interval_seconds,
        health_check_timeout_seconds, healthy_threshold_count, unhealthy_threshold_count, matcher,
    )  # fmt: skip
    document = group.document
    check = health_checks.changed(document.health_check, asked, document.target_type, document.protocol)
    changed = replace(group, document=with_fields(document, health_check=check))
    await store.update(call.tx, changed)
    call.wake(BALANCING)
    return {"TargetGroups": [await _view(call, changed)]}


@elbv2.operation("DeleteTargetGroup")
async def delete_target_group(call: Call, *, target_group_arn: str) -> None:
    if not lookup.is_target_group_arn(target_group_arn):
        raise errors.not_an_arn(target_group_arn, "target group")
    group = await store.find(call.tx, target_group_arn)
    if group is None or group.region != call.region:
        return  # as on AWS, what is gone already is no error
    if await lookup.load_balancers_of(call.tx, group):
        raise errors.ResourceInUse(f"Target group '{group.arn}' is currently in use by a listener or a rule")
    if await registry.withdraw(call.tx, group):
        call.wake("fleet.sessions")
    await store.delete(call.tx, group.arn)


@elbv2.operation("DescribeTargetGroupAttributes", reads=True)
async def describe_target_group_attributes(call: Call, *, target_group_arn: str) -> dict[str, Any]:
    group = await lookup.target_group(call.tx, call.region, target_group_arn)
    return {"Attributes": attributes_view(known.attributes_of(group))}


@elbv2.operation("ModifyTargetGroupAttributes")
async def modify_target_group_attributes(
    call: Call, *, target_group_arn: str, attributes: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    group = await lookup.target_group(call.tx, call.region, target_group_arn)
    wanted = known.changed(known.known(group), "Target group", attributes)
    changed = replace(group, attributes={**group.attributes, **wanted})
    known.check_together(changed, known.attributes_of(changed))
    await store.update(call.tx, changed)
    call.wake(BALANCING)
    return {"Attributes": attributes_view(known.attributes_of(changed))}
