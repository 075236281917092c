"""Rules of listeners: conditions, actions and priorities."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from homeport.aws.call import Call
from homeport.aws.paging import Keyset, Page, cut_page
from homeport.services.elbv2 import errors, lookup
from homeport.services.elbv2.forwarding import check_actions
from homeport.services.elbv2.handlers.listeners import tell
from homeport.services.elbv2.model.load_balancers import MAX_RULES, Kind, Rule, RuleDocument
from homeport.services.elbv2.paging import PAGE_SIZE, invalid_marker
from homeport.services.elbv2.service import elbv2
from homeport.services.elbv2.store import listeners as store
from homeport.services.elbv2.store import tags as tag_store
from homeport.services.elbv2.tags import parse_tags
from homeport.services.elbv2.validation.actions import parse_actions
from homeport.services.elbv2.validation.conditions import parse_conditions
from homeport.services.elbv2.views import rule_view


@elbv2.operation("CreateRule")
async def create_rule(
    call: Call,
    *,
    listener_arn: str,
    conditions: Sequence[Mapping[str, Any]],
    priority: int,
    actions: Sequence[Mapping[str, Any]],
    tags: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    listener = await lookup.listener(call.tx, call.region, listener_arn)
    balancer = await lookup.load_balancer(call.tx, call.region, listener.load_balancer)
    if balancer.kind is not Kind.APPLICATION:
        raise errors.InvalidConfigurationRequest(  # unconfirmed
            "Rules are supported for listeners of application load balancers only"
        )
    document = RuleDocument(actions=parse_actions(actions, "actions"), conditions=parse_conditions(conditions))
    groups = await check_actions(call.tx, balancer, listener.document.protocol, document.actions)
    if await store.find_with_priority(call.tx, listener.arn, priority) is not None:
        raise errors.priority_in_use(priority)
    if await store.count_rules(call.tx, balancer.arn) >= MAX_RULES:
        raise errors.TooManyRules("The maximum number of rules on the load balancer has been reached")  # unconfirmed
    arn = listener.arn.replace(":listener/", ":listener-rule/") + f"/{call.ids.hex(16)}"
    rule = Rule(arn, listener.arn, balancer.arn, priority, document)
    await store.put_rule(call.tx, rule)
    await tag_store.put(call.tx, arn, parse_tags(tags))
    await tell(call, balancer.arn, groups)
    return {"Rules": [rule_view(rule)]}


@elbv2.operation("DescribeRules", reads=True)
async def describe_rules(
    call: Call,
    *,
    listener_arn: str | None = None,
    rule_arns: Sequence[str] = (),
    marker: str | None = None,
    page_size: int = PAGE_SIZE,
) -> dict[str, Any]:
    if (listener_arn is None) == (not rule_arns):
        raise errors.ValidationError("You must specify either listener rule ARNs or a listener ARN")
    if listener_arn is None:
        found = [await lookup.rule(call.tx, call.region, arn) for arn in dict.fromkeys(rule_arns)]
        page = Page(found, None)
    else:
        listener = await lookup.listener(call.tx, call.region, listener_arn)
        start = Keyset(("priority",), marker, kinds=(int,), invalid=invalid_marker)
        rows = await store.rules_page(
            call.tx, listener.arn, condition=start.condition, values=start.values, limit=page_size + 1
        )
        page = cut_page(rows, page_size, key=lambda rule: (rule.priority,))
    return page.with_token({"Rules": [rule_view(rule) for rule in page.items]}, "NextMarker")


@elbv2.operation("ModifyRule")
async def modify_rule(
    call: Call,
    *,
    rule_arn: str,
    conditions: Sequence[Mapping[str, Any]] | None = None,
    actions: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    rule = await lookup.rule(call.tx, call.region, rule_arn)
    if rule.is_default:
        raise errors.OperationNotPermitted(f"Default rule '{rule.arn}' cannot be modified")  # unconfirmed
    listener = await lookup.listener(call.tx, call.region, rule.listener)
    balancer = await lookup.load_balancer(call.tx, call.region, rule.load_balancer)
    document = RuleDocument(
        actions=rule.document.actions if actions is None else parse_actions(actions, "actions"),
        conditions=rule.document.conditions if conditions is None else parse_conditions(conditions),
    )
    groups = await check_actions(call.tx, balancer, listener.document.protocol, document.actions)
    changed = replace(rule, document=document)
    await store.put_rule(call.tx, changed)
    await tell(call, balancer.arn, [*groups, *rule.target_groups])
    return {"Rules": [rule_view(changed)]}


@elbv2.operation("DeleteRule")
async def delete_rule(call: Call, *, rule_arn: str) -> None:
    rule = await lookup.rule(call.tx, call.region, rule_arn)
    if rule.is_default:
        raise errors.OperationNotPermitted(f"Default rule '{rule.arn}' cannot be deleted")
    await store.delete_rule(call.tx, rule)
    await tell(call, rule.load_balancer, rule.target_groups)


@elbv2.operation("SetRulePriorities")
async def set_rule_priorities(call: Call, *, rule_priorities: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    wanted = {pair.get("RuleArn", ""): pair.get("Priority") for pair in rule_priorities}
    changed = []
    for arn, priority in wanted.items():
        rule = await lookup.rule(call.tx, call.region, arn)
        if rule.is_default:
            raise errors.OperationNotPermitted(f"Default rule '{arn}' cannot be given a priority")  # unconfirmed
        if priority is None:
            raise errors.ValidationError("A priority must be specified")  # unconfirmed
        changed.append(replace(rule, priority=priority))
    await store.vacate_priorities(call.tx, changed)
    for rule in changed:
        if await store.find_with_priority(call.tx, rule.listener, rule.priority) is not None:
            raise errors.priority_in_use(rule.priority)
        await store.put_rule(call.tx, rule)
    for balancer in {rule.load_balancer for rule in changed}:
        await tell(call, balancer, ())
    return {"Rules": [rule_view(rule) for rule in changed]}
