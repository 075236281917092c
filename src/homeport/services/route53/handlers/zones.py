"""Hosted zones: made, shown, listed, commented and deleted."""

from collections.abc import Mapping
from typing import Any

from homeport.aws.call import Call
from homeport.aws.fields import Fields
from homeport.db.database import Tx
from homeport.services.ec2.store import vpcs
from homeport.services.route53 import errors, keeping, views
from homeport.services.route53.model import HostedZone
from homeport.services.route53.names import BadName, canonical_name
from homeport.services.route53.own import is_reserved
from homeport.services.route53.paging import page_size
from homeport.services.route53.service import NAMES, route53
from homeport.services.route53.store import zones

PAGE = 100
_REQUIRED = 2  # record sets that every zone has: SOA and NS


@route53.operation("CreateHostedZone")
async def create_hosted_zone(
    call: Call,
    *,
    name: str,
    caller_reference: str,
    vpc: Mapping[str, str] | None = None,
    hosted_zone_config: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    comment = _comment(hosted_zone_config, private=vpc is not None)
    if await zones.find_by_reference(call.tx, caller_reference) is not None:
        raise errors.zone_exists()
    made = HostedZone(
        id=keeping.new_zone_id(call.ids),
        name=_domain(name),
        caller_reference=caller_reference,
        private=vpc is not None,
        created=call.now(),
        comment=comment,
    )
    places = [await checked_vpc(call.tx, vpc)] if vpc is not None else []
    change = await keeping.start_change(call.tx, call.ids, call.now())
    await keeping.create_zone(call.tx, made, places, change)
    call.wake(NAMES)
    zone = await keeping.get_zone(call.tx, made.id)
    answer = {
        "HostedZone": views.zone_view(zone),
        "ChangeInfo": views.change_view(change, told=False),
        "DelegationSet": views.delegation_set_view(),
        "Location": views.zone_location(zone),
    }
    if vpc is not None:
        answer["VPC"] = views.vpc_view((await zones.associations(call.tx, zone.id))[0])
    return answer


def _comment(config: Mapping[str, Any] | None, *, private: bool) -> str | None:
    if config is None:
        return None
    with Fields(config, "HostedZoneConfig") as fields:
        if fields.take("PrivateZone", bool, private) and not private:
            raise errors.InvalidInput("You must specify a VPC for a private hosted zone.")  # unconfirmed
        return fields.take("Comment", str, None)


def _domain(name: str) -> str:
    try:
        domain = canonical_name(name)
    except BadName as problem:
        raise errors.domain_invalid(name, str(problem)) from None
    if is_reserved(domain):
        raise errors.InvalidDomainName(f"{domain} is reserved by AWS!")
    if domain == "." or "\\052" in domain:
        raise errors.domain_invalid(name, "a zone is a domain of one label or more, without wildcards")
    return domain


async def checked_vpc(tx: Tx, vpc: Mapping[str, str]) -> tuple[str, str]:
    """Return a VPC's id and region, or raise InvalidVPCId if there is none such."""
    id_, region = vpc.get("VPCId", ""), vpc.get("VPCRegion", "")
    found = await vpcs.find_vpcs(tx, [id_])
    if not found or found[0].region != region:
        raise errors.vpc_invalid(id_, region)
    return id_, region


@route53.operation("GetHostedZone", reads=True)
async def get_hosted_zone(call: Call, *, id: str) -> dict[str, Any]:  # noqa: A002 - AWS's name
    zone = await keeping.get_zone(call.tx, id)
    answer: dict[str, Any] = {"HostedZone": views.zone_view(zone)}
    if zone.private:
        return {**answer, "VPCs": [views.vpc_view(a) for a in await zones.associations(call.tx, zone.id)]}
    return {**answer, "DelegationSet": views.delegation_set_view()}


@route53.operation("GetHostedZoneCount", reads=True)
async def get_hosted_zone_count(call: Call) -> dict[str, Any]:
    return {"HostedZoneCount": await zones.count(call.tx)}


@route53.operation("GetDNSSEC", reads=True)
async def get_dnssec(call: Call, *, hosted_zone_id: str) -> dict[str, Any]:
    zone = await keeping.get_zone(call.tx, hosted_zone_id)
    if zone.private:
        raise errors.InvalidArgument("Operation is unsupported for private hosted zones.")  # unconfirmed
    return {"Status": {"ServeSignature": "NOT_SIGNING"}, "KeySigningKeys": []}


@route53.operation("ListHostedZones", reads=True)
async def list_hosted_zones(
    call: Call, *, marker: str = "", max_items: str | None = None, hosted_zone_type: str | None = None
) -> dict[str, Any]:
    size = page_size(max_items, PAGE)
    found = await zones.page(call.tx, marker, size + 1, private_only=hosted_zone_type is not None)
    answer: dict[str, Any] = {
        "HostedZones": [views.zone_view(zone) for zone in found[:size]],
        "Marker": marker,
        "IsTruncated": len(found) > size,
        "MaxItems": str(size),
    }
    if len(found) > size:
        answer["NextMarker"] = found[size].id
    return answer


@route53.operation("ListHostedZonesByName", reads=True)
async def list_hosted_zones_by_name(
    call: Call, *, dns_name: str | None = None, hosted_zone_id: str | None = None, max_items: str | None = None
) -> dict[str, Any]:
    if hosted_zone_id is not None and dns_name is None:
        raise errors.InvalidInput("HostedZoneId needs a DNSName.")  # unconfirmed
    size = page_size(max_items, PAGE)
    start = _started(dns_name) if dns_name else ""
    found = await zones.page_by_name(call.tx, start, hosted_zone_id or "", size + 1)
    answer: dict[str, Any] = {
        "HostedZones": [views.zone_view(zone) for zone in found[:size]],
        "DNSName": dns_name,
        "HostedZoneId": hosted_zone_id,
        "IsTruncated": len(found) > size,
        "MaxItems": str(size),
    }
    if len(found) > size:
        answer |= {"NextDNSName": found[size].name, "NextHostedZoneId": found[size].id}
    return answer


def _started(name: str) -> str:
    try:
        return canonical_name(name)
    except BadName as problem:
        raise errors.domain_invalid(name, str(problem)) from None


@route53.operation("UpdateHostedZoneComment")
async def update_hosted_zone_comment(
    call: Call,
    *,
    id: str,  # noqa: A002 - AWS's name
    comment: str | None = None,
) -> dict[str, Any]:
    zone = await changeable_zone(call.tx, id)
    await zones.set_comment(call.tx, zone.id, comment)
    return {"HostedZone": views.zone_view(await keeping.get_zone(call.tx, id))}


@route53.operation("DeleteHostedZone")
async def delete_hosted_zone(call: Call, *, id: str) -> dict[str, Any]:  # noqa: A002 - AWS's name
    zone = await changeable_zone(call.tx, id)
    if zone.record_sets > _REQUIRED:
        raise errors.zone_not_empty()
    change = await keeping.start_change(call.tx, call.ids, call.now())
    await keeping.delete_zone(call.tx, zone, change)
    call.wake(NAMES)
    return {"ChangeInfo": views.change_view(change, told=False)}


async def changeable_zone(tx: Tx, zone: str) -> HostedZone:
    """Return a zone that its owner changes through this service; those of other services are refused."""
    found = await keeping.get_zone(tx, zone)
    if found.owner is not None:
        raise errors.zone_managed(zone, found.owner.service, found.owner.resource)
    return found
