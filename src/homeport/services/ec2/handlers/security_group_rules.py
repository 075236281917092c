"""Rules of security groups: authorize, revoke, modify, describe."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from homeport.aws.call import Call
from homeport.aws.fields import Fields
from homeport.services.ec2 import errors, rules
from homeport.services.ec2.handlers.documents import Documents, describe, parse_tag_specifications
from homeport.services.ec2.handlers.security_groups import get_group
from homeport.services.ec2.model import SecurityGroup, SecurityGroupRule
from homeport.services.ec2.rules import Spec
from homeport.services.ec2.service import NETWORK, ec2
from homeport.services.ec2.store import security_groups, tags, vpcs
from homeport.services.ec2.validation import check_rule_description
from homeport.services.ec2.views import permissions_view, revoked_rule_view, rule_view


def _single_permission(
    call: Call,
    *,
    ip_protocol: str | None,
    from_port: int | None,
    to_port: int | None,
    cidr_ip: str | None,
    source_security_group_name: str | None,
    source_security_group_owner_id: str | None,
) -> list[dict[str, Any]]:
    """Return the one permission that the older members of a request describe."""
    given: dict[str, Any] = {"IpProtocol": ip_protocol, "FromPort": from_port, "ToPort": to_port}
    permission = {name: value for name, value in given.items() if value is not None}
    if cidr_ip is not None:
        permission["IpRanges"] = [{"CidrIp": cidr_ip}]
    if source_security_group_name is not None:
        owner = source_security_group_owner_id or call.account
        permission["UserIdGroupPairs"] = [{"GroupName": source_security_group_name, "UserId": owner}]
        permission.setdefault("IpProtocol", rules.ALL)
    return [permission] if permission else []


async def _resolved(call: Call, group: SecurityGroup, specs: Sequence[Spec]) -> list[Spec]:
    """Return *specs* with group names turned into ids, all of them groups of the same VPC."""
    resolved: list[Spec] = []
    for spec in specs:
        if not spec.source.startswith("name:"):
            resolved.append(spec)
            continue
        name = spec.source.removeprefix("name:")
        found = await security_groups.find_by_name(call.tx, group.vpc, name)
        if found is None:
            raise errors.not_found("InvalidGroup.NotFound", "security group", [name])
        resolved.append(replace(spec, source=found.id))
    referenced = [spec.source for spec in resolved if "/" not in spec.source]
    for other in await security_groups.get_security_groups(call.tx, call.region, referenced):
        if other.vpc != group.vpc:
            raise errors.NotFound(
                "You have specified two resources that belong to different networks.", code="InvalidGroup.NotFound"
            )
    return resolved


async def _authorize(
    call: Call, group: SecurityGroup, permissions: Documents, specifications: Documents, *, egress: bool
) -> dict[str, Any]:
    given = parse_tag_specifications(specifications, "security-group-rule")
    specs = await _resolved(call, group, rules.split_permissions(permissions, call.account))
    added = rules.plan_authorize(group, egress, specs, call.ids)
    for rule in added:
        await security_groups.insert_rule(call.tx, rule)
        await tags.put(call.tx, call.region, rule.id, given)
    call.wake(NETWORK)
    return {"Return": True, "SecurityGroupRules": [rule_view(rule, given, call.account) for rule in added]}


@ec2.operation("AuthorizeSecurityGroupIngress")
async def authorize_security_group_ingress(
    call: Call,
    *,
    group_id: str | None = None,
    group_name: str | None = None,
    ip_permissions: Documents = (),
    ip_protocol: str | None = None,
    from_port: int | None = None,
    to_port: int | None = None,
    cidr_ip: str | None = None,
    source_security_group_name: str | None = None,
    source_security_group_owner_id: str | None = None,
    tag_specifications: Documents = (),
) -> dict[str, Any]:
    group = await get_group(call, group_id, group_name)
    single = _single_permission(
        call,
        ip_protocol=ip_protocol,
        from_port=from_port,
        to_port=to_port,
        cidr_ip=cidr_ip,
        source_security_group_name=source_security_group_name,
        source_security_group_owner_id=source_security_group_owner_id,
    )
    return await _authorize(call, group, [*ip_permissions, *single], tag_specifications, egress=False)


@ec2.operation("AuthorizeSecurityGroupEgress")
async def authorize_security_group_egress(
    call: Call, *, group_id: str, ip_permissions: Documents = (), tag_specifications: Documents = ()
) -> dict[str, Any]:
    group = await get_group(call, group_id, None)
    return await _authorize(call, group, ip_permissions, tag_specifications, egress=True)


async def _revoke(
    call: Call, group: SecurityGroup, permissions: Documents, rule_ids: Sequence[str], *, egress: bool
) -> dict[str, Any]:
    if rule_ids and permissions:
        raise errors.InvalidParameterCombination(
            "The parameters ipPermissions and securityGroupRuleIds may not be used together"
        )
    unknown: list[Spec] = []
    if rule_ids:
        revoked = _rules_by_id(group, rule_ids, egress=egress)
    else:
        specs = await _resolved(call, group, rules.split_permissions(permissions, call.account))
        revoked, unknown = rules.plan_revoke(group, egress, specs)
    if unknown and not (await vpcs.get_vpc(call.tx, call.region, group.vpc)).is_default:
        raise errors.NotFound(
            "The specified rule does not exist in this security group.", code="InvalidPermission.NotFound"
        )
    for rule in revoked:
        await security_groups.delete_rule(call.tx, rule)
    call.wake(NETWORK)
    return {
        "Return": True,
        "UnknownIpPermissions": permissions_view(unknown, call.account),
        "RevokedSecurityGroupRules": [revoked_rule_view(rule) for rule in revoked],
    }


def _rules_by_id(group: SecurityGroup, ids: Sequence[str], *, egress: bool) -> list[SecurityGroupRule]:
    """Return the group's rules of one direction that have *ids*."""
    by_id = {rule.id: rule for rule in group.rules if rule.egress == egress}
    absent = [id_ for id_ in ids if id_ not in by_id]
    if absent:
        raise errors.not_found(security_groups.RULES.missing, security_groups.RULES.noun, absent)
    return [by_id[id_] for id_ in dict.fromkeys(ids)]


@ec2.operation("RevokeSecurityGroupIngress")
async def revoke_security_group_ingress(
    call: Call,
    *,
    group_id: str | None = None,
    group_name: str | None = None,
    ip_permissions: Documents = (),
    security_group_rule_ids: Sequence[str] = (),
    ip_protocol: str | None = None,
    from_port: int | None = None,
    to_port: int | None = None,
    cidr_ip: str | None = None,
    source_security_group_name: str | None = None,
    source_security_group_owner_id: str | None = None,
) -> dict[str, Any]:
    group = await get_group(call, group_id, group_name)
    single = _single_permission(
        call,
        ip_protocol=ip_protocol,
        from_port=from_port,
        to_port=to_port,
        cidr_ip=cidr_ip,
        source_security_group_name=source_security_group_name,
        source_security_group_owner_id=source_security_group_owner_id,
    )
    return await _revoke(call, group, [*ip_permissions, *single], security_group_rule_ids, egress=False)


@ec2.operation("RevokeSecurityGroupEgress")
async def revoke_security_group_egress(
    call: Call, *, group_id: str, ip_permissions: Documents = (), security_group_rule_ids: Sequence[str] = ()
) -> dict[str, Any]:
    group = await get_group(call, group_id, None)
    return await _revoke(call, group, ip_permissions, security_group_rule_ids, egress=True)


@ec2.operation("ModifySecurityGroupRules")
async def modify_security_group_rules(call: Call, *, group_id: str, security_group_rules: Documents) -> dict[str, Any]:
    group = await get_group(call, group_id, None)
    changed = {rule.id: rule for rule in group.rules}
    for number, document in enumerate(security_group_rules, 1):
        with Fields(document, f"SecurityGroupRule.{number}") as fields:
            id_ = fields.take("SecurityGroupRuleId", str)
            wanted = fields.take("SecurityGroupRule", dict, {})
        if id_ not in changed:
            raise errors.not_found(security_groups.RULES.missing, security_groups.RULES.noun, [id_])
        with Fields(wanted, f"SecurityGroupRule.{number}.SecurityGroupRule") as fields:
            changed[id_] = _modified(changed[id_], fields)
    await _check_modified(call, group, list(changed.values()))
    await security_groups.replace_rules(call.tx, list(changed.values()))
    call.wake(NETWORK)
    return {"Return": True}


def _modified(rule: SecurityGroupRule, fields: Fields) -> SecurityGroupRule:
    """Return *rule* with the meaning that a request gives it; the source stays of its kind."""
    protocol = rules.parse_protocol(fields.take("IpProtocol", str, rule.protocol))
    first, last = fields.take("FromPort", int, None), fields.take("ToPort", int, None)
    cidr, cidr6 = fields.take("CidrIpv4", str, None), fields.take("CidrIpv6", str, None)
    group = fields.take("ReferencedGroupId", str, None)
    description = fields.take("Description", str, "")
    check_rule_description(description)
    given = [source for source in (cidr, cidr6, group) if source is not None]
    if len(given) != 1:
        raise errors.InvalidParameterCombination("Exactly one source or destination must be specified for a rule")
    source = given[0] if group is not None else rules.parse_source(given[0])
    if (group is not None, ":" in source) != (rule.references_group, rule.is_ipv6):
        raise errors.InvalidParameterValue("You may not change the source type of a security group rule.")
    from_port, to_port = rules.check_ports(protocol, first, last)
    return replace(
        rule, protocol=protocol, from_port=from_port, to_port=to_port, source=source, description=description
    )


async def _check_modified(call: Call, group: SecurityGroup, changed: Sequence[SecurityGroupRule]) -> None:
    """The groups that rules name must be in the same VPC, and no two rules may mean the same."""
    await _resolved(call, group, [Spec(r.protocol, r.from_port, r.to_port, r.source) for r in changed])
    if len({rule.identity for rule in changed}) < len(changed):
        raise errors.InvalidParameterValue("The specified rule already exists", code="InvalidPermission.Duplicate")


@ec2.operation("DescribeSecurityGroupRules", reads=True)
async def describe_security_group_rules(
    call: Call,
    *,
    security_group_rule_ids: Sequence[str] = (),
    filters: Documents = (),
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    return await describe(
        call,
        security_groups.RULES,
        rule_view,
        "SecurityGroupRules",
        ids=security_group_rule_ids,
        filters=filters,
        max_results=max_results,
        next_token=next_token,
    )
