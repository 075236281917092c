"""Load balancers: made, described, deleted; their attributes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from homeport.aws.call import Call
from homeport.aws.paging import Keyset, Page, cut_page
from homeport.services.ec2 import store as ec2
from homeport.services.elbv2 import access_logs, errors, lookup, placing
from homeport.services.elbv2 import attributes as known
from homeport.services.elbv2.model.load_balancers import (
    MAX_LOAD_BALANCERS,
    BalancerDocument,
    Kind,
    LoadBalancer,
    dns_name,
)
from homeport.services.elbv2.paging import MARKER, PAGE_SIZE, invalid_marker
from homeport.services.elbv2.securing import note_uses
from homeport.services.elbv2.service import BALANCING, elbv2
from homeport.services.elbv2.store import listeners as listener_store
from homeport.services.elbv2.store import load_balancers as store
from homeport.services.elbv2.store import tags as tag_store
from homeport.services.elbv2.store import target_groups
from homeport.services.elbv2.tags import parse_tags
from homeport.services.elbv2.validation.names import check_name
from homeport.services.elbv2.views import attributes_view, load_balancer_view


@elbv2.operation("CreateLoadBalancer")
async def create_load_balancer(
    call: Call,
    *,
    name: str,
    subnets: Sequence[str] = (),
    subnet_mappings: Sequence[Mapping[str, Any]] = (),
    security_groups: Sequence[str] = (),
    scheme: str = "internet-facing",
    tags: Sequence[Mapping[str, str]] = (),
    type: str = "application",  # noqa: A002 - the member's name
    ip_address_type: str = "ipv4",
) -> dict[str, Any]:
    check_name(name, "Load balancer")
    if name.startswith("internal-"):
        raise errors.ValidationError(f"Load balancer name '{name}' cannot begin with 'internal-'")  # unconfirmed
    if type == "gateway":
        raise errors.InvalidConfigurationRequest("Homeport does not support gateway load balancers.")
    check_address_type(ip_address_type)
    kind = Kind(type)
    found = await placing.find_subnets(call, kind, placing.wanted_subnets(subnets, subnet_mappings))
    vpc = found[0].vpc
    if kind is Kind.APPLICATION and not security_groups:
        security_groups = [(await ec2.default_security_group(call.tx, vpc)).id]
    groups = await placing.find_groups(call, vpc, security_groups) if security_groups else []
    digits = call.ids.hex(16)
    document = BalancerDocument(
        kind=kind,
        scheme=scheme,
        dns_name=dns_name(kind, name, scheme, call.region, digits),
        security_groups=tuple(group.id for group in groups),
    )
    there = await store.find_by_name(call.tx, call.region, name)
    if there is not None:
        return {"LoadBalancers": [load_balancer_view(_same(there, document, [subnet.id for subnet in found]))]}
    if await store.count(call.tx, call.region) >= MAX_LOAD_BALANCERS:
        raise errors.TooManyLoadBalancers("The maximum number of load balancers has been reached")  # unconfirmed
    await placing.check_room(call, found, public=scheme == "internet-facing")
    arn = call.arn("elasticloadbalancing", f"loadbalancer/{kind.short}/{name}/{digits}")
    balancer = LoadBalancer(arn, call.region, name, call.now(), vpc, document)
    balancer = replace(balancer, zones=await placing.enter(call, balancer, found, groups))
    await store.insert(call.tx, balancer)
    await tag_store.put(call.tx, arn, parse_tags(tags))
    call.wake(BALANCING)
    return {"LoadBalancers": [load_balancer_view(balancer)]}


def check_address_type(ip_address_type: str) -> None:
    """Refuse IPv6, which no packet here has."""
    if ip_address_type != "ipv4":
        raise errors.InvalidConfigurationRequest(
            f"Homeport has no IPv6: the address type {ip_address_type} is not supported."
        )


def _same(there: LoadBalancer, wanted: BalancerDocument, subnets: Sequence[str]) -> LoadBalancer:
    """Return a load balancer that exists under the wanted name, if it is the one that is wanted."""
    has = (there.kind, there.document.scheme, set(there.document.security_groups))
    if has != (wanted.kind, wanted.scheme, set(wanted.security_groups)) or set(there.subnets) != set(subnets):
        raise errors.DuplicateLoadBalancerName(
            f"A load balancer with the same name '{there.name}' exists, but with different settings"
        )
    return there


@elbv2.operation("DescribeLoadBalancers", reads=True)
async def describe_load_balancers(
    call: Call,
    *,
    load_balancer_arns: Sequence[str] = (),
    names: Sequence[str] = (),
    marker: str | None = None,
    page_size: int = PAGE_SIZE,
) -> dict[str, Any]:
    if load_balancer_arns and names:
        raise errors.ValidationError("Load balancer ARNs and names cannot be specified at the same time")  # unconfirmed
    page = await _page(call, load_balancer_arns, names, marker, page_size)
    return page.with_token({"LoadBalancers": [load_balancer_view(balancer) for balancer in page.items]}, "NextMarker")


async def _page(
    call: Call, arns: Sequence[str], names: Sequence[str], marker: str | None, size: int
) -> Page[LoadBalancer]:
    if arns:
        return Page([await lookup.load_balancer(call.tx, call.region, arn) for arn in dict.fromkeys(arns)], None)
    if names:
        found = {name: await store.find_by_name(call.tx, call.region, name) for name in names}
        missing = [name for name, balancer in found.items() if balancer is None]
        if missing:
            raise errors.LoadBalancerNotFound(f"Load balancers '[{', '.join(missing)}]' not found")
        return Page([balancer for balancer in found.values() if balancer is not None], None)
    start = Keyset(("name",), marker, kinds=MARKER, invalid=invalid_marker)
    rows = await store.page(call.tx, call.region, condition=start.condition, values=start.values, limit=size + 1)
    return cut_page(rows, size, key=lambda balancer: (balancer.name,))


@elbv2.operation("DeleteLoadBalancer")
async def delete_load_balancer(call: Call, *, load_balancer_arn: str) -> None:
    if not lookup.is_load_balancer_arn(load_balancer_arn):
        raise errors.not_an_arn(load_balancer_arn, "load balancer")
    balancer = await store.find(call.tx, load_balancer_arn)
    if balancer is None or balancer.region != call.region or balancer.deleted_at is not None:
        return  # as on AWS, what is gone already is no error
    if known.balancer_attributes_of(balancer)["deletion_protection.enabled"] == "true":
        raise errors.OperationNotPermitted(
            f"Load balancer '{balancer.arn}' cannot be deleted because deletion protection is enabled"
        )
    for listener in await listener_store.listeners_of(call.tx, balancer.arn):
        await target_groups.mark_stale(call.tx, await listener_store.delete_listener(call.tx, listener))
    await note_uses(call.tx, balancer.arn)
    await store.update(call.tx, replace(balancer, deleted_at=call.now()))
    await tag_store.forget(call.tx, balancer.arn)
    call.wake(BALANCING)


@elbv2.operation("DescribeLoadBalancerAttributes", reads=True)
async def describe_load_balancer_attributes(call: Call, *, load_balancer_arn: str) -> dict[str, Any]:
    balancer = await lookup.load_balancer(call.tx, call.region, load_balancer_arn)
    return {"Attributes": attributes_view(known.balancer_attributes_of(balancer))}


@elbv2.operation("ModifyLoadBalancerAttributes", reads=True)  # a bucket is asked before anything is written
async def modify_load_balancer_attributes(
    call: Call, *, load_balancer_arn: str, attributes: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    balancer = await lookup.load_balancer(call.tx, call.region, load_balancer_arn)
    wanted = known.changed(known.balancer_known(balancer), "Load balancer", attributes)
    values = {**known.balancer_attributes_of(balancer), **wanted}
    if values[access_logs.ENABLED] == "true" and any(name.startswith("access_logs.") for name in wanted):
        await access_logs.check(call, balancer, values)
    async with call.database.transaction() as tx:
        balancer = await lookup.load_balancer(tx, call.region, load_balancer_arn)
        changed = replace(balancer, attributes={**balancer.attributes, **wanted})
        await store.update(tx, changed)
    call.wake(BALANCING)
    return {"Attributes": attributes_view(known.balancer_attributes_of(changed))}


@elbv2.operation("DescribeCapacityReservation", reads=True)
async def describe_capacity_reservation(call: Call, *, load_balancer_arn: str) -> dict[str, Any]:
    await lookup.load_balancer(call.tx, call.region, load_balancer_arn)
    return {"DecreaseRequestsRemaining": 2, "CapacityReservationState": []}
