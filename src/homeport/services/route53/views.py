"""Route 53's resources in AWS's shapes."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.services.route53.model import NAME_SERVERS, Association, Change, HostedZone, Location, RecordSet

_API = "https://route53.amazonaws.com/2013-04-01"


def zone_view(zone: HostedZone) -> dict[str, Any]:
    config: dict[str, Any] = {"PrivateZone": zone.private}
    if zone.comment is not None:
        config["Comment"] = zone.comment
    view: dict[str, Any] = {
        "Id": f"/hostedzone/{zone.id}",
        "Name": zone.name,
        "CallerReference": zone.caller_reference,
        "Config": config,
        "ResourceRecordSetCount": zone.record_sets,
    }
    if zone.owner is not None:
        view["LinkedService"] = {
            "ServicePrincipal": zone.owner.principal,
            "Description": zone.owner.description,
        }
    return view


def summary_view(zone: HostedZone, account: str) -> dict[str, Any]:
    owner = {"OwningService": zone.owner.principal} if zone.owner is not None else {"OwningAccount": account}
    return {"HostedZoneId": zone.id, "Name": zone.name, "Owner": owner}


def zone_location(zone: HostedZone) -> str:
    return f"{_API}/hostedzone/{zone.id}"


def delegation_set_view() -> dict[str, Any]:
    return {"NameServers": [name.rstrip(".") for name in NAME_SERVERS]}


def vpc_view(association: Association) -> dict[str, Any]:
    return {"VPCRegion": association.region, "VPCId": association.vpc}


def change_view(change: Change, *, told: bool) -> dict[str, Any]:
    view: dict[str, Any] = {
        "Id": f"/change/{change.id}",
        "Status": "INSYNC" if told else "PENDING",
        "SubmittedAt": change.submitted,
    }
    if change.comment is not None:
        view["Comment"] = change.comment
    return view


def record_set_view(record_set: RecordSet) -> dict[str, Any]:
    alias = record_set.alias
    view: dict[str, Any] = {
        "Name": record_set.name,
        "Type": record_set.kind,
        "SetIdentifier": record_set.set_identifier or None,
        "Weight": record_set.weight,
        "Failover": record_set.failover or None,
        "Region": record_set.region or None,
        "GeoLocation": _location_view(record_set.location),
        "MultiValueAnswer": record_set.multivalue or None,
        "HealthCheckId": record_set.health_check or None,
        "TTL": record_set.ttl,
        "ResourceRecords": [{"Value": value} for value in record_set.values] or None,
        "AliasTarget": None
        if alias is None
        else {"HostedZoneId": alias.zone, "DNSName": alias.name, "EvaluateTargetHealth": alias.evaluate_health},
    }
    return {name: value for name, value in view.items() if value is not None}


def _location_view(location: Location | None) -> dict[str, str] | None:
    if location is None:
        return None
    view = {
        "ContinentCode": location.continent,
        "CountryCode": location.country,
        "SubdivisionCode": location.subdivision,
    }
    return {name: value for name, value in view.items() if value}


def tag_set_view(resource_type: str, resource: str, tags: Mapping[str, str]) -> dict[str, Any]:
    content: Sequence[dict[str, str]] = [{"Key": key, "Value": tags[key]} for key in sorted(tags)]
    return {"ResourceType": resource_type, "ResourceId": resource, "Tags": list(content)}
