"""Zones and record sets as nodes are told of them: in DNS's own form."""

from collections.abc import Sequence

from homeport.services.route53.balancers import plain_name
from homeport.services.route53.model import OWN_ZONE, AliasTarget, Association, HostedZone, Key, Location, RecordSet
from homeport.services.route53.names import wire_name
from homeport.services.route53.values import wire_value
from homeport.wire import messages as wire


def zone_item(zone: HostedZone, associations: Sequence[Association]) -> wire.Zone:
    return wire.Zone(
        id=zone.id,
        name=wire_name(zone.name),
        vpcs=tuple(association.vpc for association in associations),
        created=zone.created,
    )


def record_set_id(zone: str, key: Key) -> str:
    return f"{zone}/{wire_name(key.name)}/{key.kind}/{key.set_identifier}"


def record_set_item(zone: str, record_set: RecordSet) -> wire.RecordSet:
    return wire.RecordSet(
        id=record_set_id(zone, record_set.key),
        zone=zone,
        name=wire_name(record_set.name),
        kind=record_set.kind,
        ttl=record_set.ttl or 0,
        values=tuple(wire_value(record_set.kind, value) for value in record_set.values),
        alias=_alias(zone, record_set.alias),
        set_identifier=record_set.set_identifier,
        weight=record_set.weight,
        failover=record_set.failover,
        region=record_set.region,
        geography=_geography(record_set.location),
        multivalue=record_set.multivalue,
        health_check=record_set.health_check,
    )


def _alias(zone: str, alias: AliasTarget | None) -> wire.Alias | None:
    """An alias of anything outside its own zone is one of a load balancer, whose name is in Homeport's own."""
    if alias is None:
        return None
    if alias.zone == zone:
        return wire.Alias(zone=zone, name=wire_name(alias.name), evaluate_health=alias.evaluate_health)
    return wire.Alias(zone=OWN_ZONE, name=wire_name(plain_name(alias.name)), evaluate_health=alias.evaluate_health)


def _geography(location: Location | None) -> wire.Geography | None:
    if location is None:
        return None
    return wire.Geography(continent=location.continent, country=location.country, subdivision=location.subdivision)
