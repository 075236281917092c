"""Listeners, and the default rules that come with them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from msgspec.structs import replace as with_fields

from homeport.aws.call import Call
from homeport.aws.paging import Keyset, Page, cut_page
from homeport.services.elbv2 import attributes as known
from homeport.services.elbv2 import errors, lookup
from homeport.services.elbv2.forwarding import check_actions
from homeport.services.elbv2.model.load_balancers import (
    DEFAULT_PRIORITY,
    MAX_LISTENERS,
    Kind,
    Listener,
    ListenerDocument,
    LoadBalancer,
    Rule,
    RuleDocument,
)
from homeport.services.elbv2.paging import PAGE_SIZE, invalid_marker
from homeport.services.elbv2.securing import is_secure, listener_document, note_uses
from homeport.services.elbv2.service import BALANCING, elbv2
from homeport.services.elbv2.store import listeners as store
from homeport.services.elbv2.store import load_balancers, target_groups
from homeport.services.elbv2.store import tags as tag_store
from homeport.services.elbv2.tags import parse_tags
from homeport.services.elbv2.validation.actions import parse_actions
from homeport.services.elbv2.views import attributes_view, listener_view


@elbv2.operation("CreateListener")
async def create_listener(
    call: Call,
    *,
    load_balancer_arn: str,
    default_actions: Sequence[Mapping[str, Any]],
    protocol: str = "",
    port: int = 0,
    ssl_policy: str = "",
    certificates: Sequence[Mapping[str, Any]] = (),
    tags: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    balancer = await lookup.load_balancer(call.tx, call.region, load_balancer_arn)
    if not port:
        raise errors.ValidationError("A listener port must be specified")
    document = await listener_document(call.tx, call.region, balancer.kind, protocol, ssl_policy, certificates)
    actions = parse_actions(default_actions, "defaultActions")
    groups = await check_actions(call.tx, balancer, protocol, actions)
    there = await store.find_on_port(call.tx, balancer.arn, port)
    if there is not None:
        rule = await store.default_rule(call.tx, there.arn)
        if (with_fields(there.document, attributes={}), rule.document.actions) != (document, actions):
            raise duplicate(balancer)
        return {"Listeners": [listener_view(there, rule)]}
    if len(await store.listeners_of(call.tx, balancer.arn)) >= MAX_LISTENERS:
        raise errors.TooManyListeners("The maximum number of listeners has been reached")  # unconfirmed
    arn = call.arn("elasticloadbalancing", f"listener/{balancer.id}/{call.ids.hex(16)}")
    listener = Listener(arn, balancer.arn, port, document)
    rule = Rule(
        arn.replace(":listener/", ":listener-rule/") + f"/{call.ids.hex(16)}",
        *(arn, balancer.arn, DEFAULT_PRIORITY, RuleDocument(actions=actions)),
    )
    await store.put_listener(call.tx, listener)
    await store.put_rule(call.tx, rule)
    await tag_store.put(call.tx, arn, parse_tags(tags))
    await note_uses(call.tx, balancer.arn)
    await tell(call, balancer.arn, groups)
    return {"Listeners": [listener_view(listener, rule)]}


def duplicate(balancer: LoadBalancer) -> errors.DuplicateListener:
    return errors.DuplicateListener(f"A listener already exists on this port for this load balancer '{balancer.arn}'")


async def tell(call: Call, load_balancer: str, groups: Sequence[str]) -> None:
    """Have the node told of a load balancer whose rules have changed, and of the *groups* they concern."""
    await load_balancers.mark_stale(call.tx, load_balancer)
    await target_groups.mark_stale(call.tx, groups)
    call.wake(BALANCING)


@elbv2.operation("DescribeListeners", reads=True)
async def describe_listeners(
    call: Call,
    *,
    load_balancer_arn: str | None = None,
    listener_arns: Sequence[str] = (),
    marker: str | None = None,
    page_size: int = PAGE_SIZE,
) -> dict[str, Any]:
    if (load_balancer_arn is None) == (not listener_arns):
        raise errors.ValidationError("You must specify either listener ARNs or a load balancer ARN")
    if load_balancer_arn is None:
        found = [await lookup.listener(call.tx, call.region, arn) for arn in dict.fromkeys(listener_arns)]
        page = Page(found, None)
    else:
        balancer = await lookup.load_balancer(call.tx, call.region, load_balancer_arn)
        after = Keyset(("port",), marker, kinds=(int,), invalid=invalid_marker).values
        rows = [
            listener
            for listener in await store.listeners_of(call.tx, balancer.arn)
            if not after or listener.port > after[0]
        ]
        page = cut_page(rows, page_size, key=lambda listener: (listener.port,))
    views = [listener_view(listener, await store.default_rule(call.tx, listener.arn)) for listener in page.items]
    return page.with_token({"Listeners": views}, "NextMarker")


@elbv2.operation("ModifyListener")
async def modify_listener(
    call: Call,
    *,
    listener_arn: str,
    port: int | None = None,
    protocol: str | None = None,
    ssl_policy: str = "",
    certificates: Sequence[Mapping[str, Any]] = (),
    default_actions: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    listener = await lookup.listener(call.tx, call.region, listener_arn)
    balancer = await lookup.load_balancer(call.tx, call.region, listener.load_balancer)
    document = await _changed_document(call, balancer, listener, protocol, ssl_policy, certificates)
    rule = await store.default_rule(call.tx, listener.arn)
    actions = rule.document.actions if default_actions is None else parse_actions(default_actions, "defaultActions")
    groups = await check_actions(call.tx, balancer, document.protocol, actions)
    if port is not None and port != listener.port and await store.find_on_port(call.tx, balancer.arn, port):
        raise duplicate(balancer)
    changed = Listener(listener.arn, balancer.arn, port or listener.port, document)
    with_actions = Rule(rule.arn, rule.listener, rule.load_balancer, rule.priority, RuleDocument(actions=actions))
    await store.put_listener(call.tx, changed)
    await store.put_rule(call.tx, with_actions)
    await note_uses(call.tx, balancer.arn)
    await tell(call, balancer.arn, [*groups, *rule.target_groups])
    return {"Listeners": [listener_view(changed, with_actions)]}


async def _changed_document(
    call: Call,
    balancer: LoadBalancer,
    listener: Listener,
    protocol: str | None,
    ssl_policy: str,
    certificates: Sequence[Mapping[str, Any]],
) -> ListenerDocument:
    """Return what a listener is after a change; certificates beside the default one stay with a listener that ends TLS."""
    there = listener.document
    wanted = protocol or there.protocol
    if not is_secure(wanted):
        plain = await listener_document(call.tx, call.region, balancer.kind, wanted, ssl_policy, certificates)
        return with_fields(plain, attributes=there.attributes)
    default = certificates or [{"CertificateArn": arn} for arn in there.certificates[:1]]
    document = await listener_document(
        call.tx, call.region, balancer.kind, wanted, ssl_policy or there.ssl_policy, default
    )
    others = [arn for arn in there.certificates[1:] if arn not in document.certificates]
    return with_fields(document, certificates=(*document.certificates, *others), attributes=there.attributes)


@elbv2.operation("DeleteListener")
async def delete_listener(call: Call, *, listener_arn: str) -> None:
    listener = await lookup.listener(call.tx, call.region, listener_arn)
    groups = await store.delete_listener(call.tx, listener)
    await note_uses(call.tx, listener.load_balancer)
    await tell(call, listener.load_balancer, sorted(groups))


async def _kind(call: Call, listener: Listener) -> Kind:
    return (await lookup.load_balancer(call.tx, call.region, listener.load_balancer)).kind


@elbv2.operation("DescribeListenerAttributes", reads=True)
async def describe_listener_attributes(call: Call, *, listener_arn: str) -> dict[str, Any]:
    listener = await lookup.listener(call.tx, call.region, listener_arn)
    return {"Attributes": attributes_view(known.listener_attributes_of(listener, await _kind(call, listener)))}


@elbv2.operation("ModifyListenerAttributes")
async def modify_listener_attributes(
    call: Call, *, listener_arn: str, attributes: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    listener = await lookup.listener(call.tx, call.region, listener_arn)
    kind = await _kind(call, listener)
    wanted = known.changed(known.listener_known(kind), "Listener", attributes)
    document = with_fields(listener.document, attributes={**listener.document.attributes, **wanted})
    changed = replace(listener, document=document)
    await store.put_listener(call.tx, changed)
    await tell(call, listener.load_balancer, ())
    return {"Attributes": attributes_view(known.listener_attributes_of(changed, kind))}
