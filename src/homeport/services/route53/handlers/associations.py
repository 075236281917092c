"""The VPCs in which private zones answer."""

from collections.abc import Mapping
from typing import Any

from homeport.aws.call import Call
from homeport.aws.paging import decode_token, encode_token
from homeport.services.route53 import errors, keeping, views
from homeport.services.route53.handlers.zones import PAGE, changeable_zone, checked_vpc
from homeport.services.route53.model import HostedZone
from homeport.services.route53.paging import page_size
from homeport.services.route53.service import NAMES, route53
from homeport.services.route53.store import zones


@route53.operation("AssociateVPCWithHostedZone")
async def associate_vpc_with_hosted_zone(
    call: Call, *, hosted_zone_id: str, vpc: Mapping[str, str], comment: str | None = None
) -> dict[str, Any]:
    zone = await _private_zone(call, hosted_zone_id)
    id_, region = await checked_vpc(call.tx, vpc)
    change = await keeping.start_change(call.tx, call.ids, call.now(), comment)
    await keeping.associate(call.tx, zone, id_, region, change)
    call.wake(NAMES)
    return {"ChangeInfo": views.change_view(change, told=False)}


@route53.operation("DisassociateVPCFromHostedZone")
async def disassociate_vpc_from_hosted_zone(
    call: Call, *, hosted_zone_id: str, vpc: Mapping[str, str], comment: str | None = None
) -> dict[str, Any]:
    zone = await _private_zone(call, hosted_zone_id)
    change = await keeping.start_change(call.tx, call.ids, call.now(), comment)
    await keeping.disassociate(call.tx, zone, vpc.get("VPCId", ""), change)
    call.wake(NAMES)
    return {"ChangeInfo": views.change_view(change, told=False)}


async def _private_zone(call: Call, zone: str) -> HostedZone:
    found = await changeable_zone(call.tx, zone)
    if not found.private:
        raise errors.zone_public()
    return found


@route53.operation("ListHostedZonesByVPC", reads=True)
async def list_hosted_zones_by_vpc(
    call: Call, *, vpc_id: str, vpc_region: str, max_items: str | None = None, next_token: str | None = None
) -> dict[str, Any]:
    await checked_vpc(call.tx, {"VPCId": vpc_id, "VPCRegion": vpc_region})
    size = page_size(max_items, PAGE)
    key = decode_token(next_token, (str,), lambda: errors.InvalidPaginationToken("The pagination token is not valid."))
    found = await zones.page_of_vpc(call.tx, vpc_id, key[0] if key is not None else "", size + 1)
    answer: dict[str, Any] = {
        "HostedZoneSummaries": [views.summary_view(zone, call.account) for zone in found[:size]],
        "MaxItems": str(size),
    }
    if len(found) > size:
        answer["NextToken"] = encode_token((found[size - 1].name,))
    return answer
