"""Record sets: changed in batches, listed in AWS's order."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from homeport.aws.call import Call
from homeport.services.route53 import balancers, errors, keeping, views
from homeport.services.route53.batch import Scope, plan
from homeport.services.route53.documents import Requested, read_changes
from homeport.services.route53.handlers.health_checks import get_check
from homeport.services.route53.handlers.zones import changeable_zone
from homeport.services.route53.model import HostedZone, Key
from homeport.services.route53.names import BadName, canonical_name
from homeport.services.route53.paging import page_size
from homeport.services.route53.service import NAMES, route53
from homeport.services.route53.store import records

PAGE = 300


@route53.operation("ChangeResourceRecordSets")
async def change_resource_record_sets(
    call: Call, *, hosted_zone_id: str, change_batch: Mapping[str, Any]
) -> dict[str, Any]:
    requested, comment = read_changes(change_batch)
    zone = await changeable_zone(call.tx, hosted_zone_id)
    mentioned = {change.record_set.name for change in requested}
    mentioned |= {change.record_set.alias.name for change in requested if change.record_set.alias is not None}
    present = await records.at_names(call.tx, zone.id, mentioned)
    outcome = plan(await _scope(call, zone, requested), present, requested)
    for check in {each.record_set.health_check for each in requested if each.action != "DELETE"} - {""}:
        await get_check(call, check)
    change = await keeping.start_change(call.tx, call.ids, call.now(), comment)
    await keeping.write_records(call.tx, zone, outcome.changed, outcome.growth, change)
    call.wake(NAMES)
    return {"ChangeInfo": views.change_view(change, told=False)}


async def _scope(call: Call, zone: HostedZone, requested: Sequence[Requested]) -> Scope:
    """Return the zone as changes to it need to know it, with the load balancers that they make aliases of."""
    outside = [alias for each in requested if (alias := each.record_set.alias) is not None and alias.zone != zone.id]
    known = await balancers.known_targets(call.tx, outside)
    return Scope(zone.id, zone.name, partial(balancers.is_target, known))


@route53.operation("ListResourceRecordSets", reads=True)
async def list_resource_record_sets(
    call: Call,
    *,
    hosted_zone_id: str,
    start_record_name: str | None = None,
    start_record_type: str | None = None,
    start_record_identifier: str | None = None,
    max_items: str | None = None,
) -> dict[str, Any]:
    zone = await keeping.get_zone(call.tx, hosted_zone_id)
    if start_record_type is not None and start_record_name is None:
        raise errors.InvalidInput("The request contains a type but no name.")  # unconfirmed
    if start_record_identifier is not None and start_record_type is None:
        raise errors.InvalidInput("The request contains an identifier but no type.")  # unconfirmed
    start = Key(_started(start_record_name), start_record_type or "", start_record_identifier or "")
    size = page_size(max_items, PAGE)
    found = await records.page(call.tx, zone.id, start, size + 1)
    answer: dict[str, Any] = {
        "ResourceRecordSets": [views.record_set_view(record_set) for record_set in found[:size]],
        "IsTruncated": len(found) > size,
        "MaxItems": str(size),
    }
    if len(found) > size:
        following = found[size]
        answer |= {"NextRecordName": following.name, "NextRecordType": following.kind}
        if following.set_identifier:
            answer["NextRecordIdentifier"] = following.set_identifier
    return answer


def _started(name: str | None) -> str:
    if not name:
        return ""
    try:
        return canonical_name(name)
    except BadName as problem:
        raise errors.InvalidInput(f"Invalid start record name: {problem}") from None  # unconfirmed
