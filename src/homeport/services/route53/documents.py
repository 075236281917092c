"""Record sets as requests write them, read member by member."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeport.aws.fields import Fields
from homeport.services.route53.errors import InvalidChangeBatch, InvalidInput
from homeport.services.route53.model import AliasTarget, Location, RecordSet
from homeport.services.route53.names import BadName, canonical_name

_POLICIES = "[Weight, Region, Failover, GeoLocation, MultiValueAnswer, GeoProximityLocation, or CidrRoutingConfig]"
_CONTINENTS = frozenset({"", "AF", "AN", "AS", "EU", "NA", "OC", "SA"})
_COUNTRY = re.compile(r"(\*|[A-Z]{2})?", re.ASCII)
_DIVIDED = frozenset({"US", "UA"})
_CONTENTS = "[AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId]"


@dataclass(frozen=True, slots=True)
class Requested:
    """One change of a batch."""

    action: str  # CREATE, DELETE or UPSERT
    record_set: RecordSet

    def __str__(self) -> str:
        return describe(self.action, self.record_set)


def describe(action: str, record_set: RecordSet) -> str:
    """Name a change as AWS's errors do."""
    identifier = record_set.set_identifier or "null"
    return f"[Action={action}, Name={record_set.name}, Type={record_set.kind}, SetIdentifier={identifier}]"


def read_changes(batch: Mapping[str, Any]) -> tuple[list[Requested], str | None]:
    """Return the changes of a ChangeBatch and its comment, or raise InvalidInput for what is incomplete."""
    with Fields(batch, "ChangeBatch") as fields:
        comment = fields.take("Comment", str, None)
        return [_read_change(change) for change in fields.take_each("Changes")], comment


def _read_change(change: Fields) -> Requested:
    action = change.take("Action", str)
    inner = change.take_fields("ResourceRecordSet")
    assert inner is not None, "the model requires it"
    with inner as fields:
        record_set = _read_record_set(fields)
    _check_members(action, record_set)
    return Requested(action, record_set)


def _read_record_set(fields: Fields) -> RecordSet:
    alias = fields.take_fields("AliasTarget")
    name = fields.take("Name", str)
    try:
        canonical = canonical_name(name)
        target = _read_alias(alias) if alias is not None else None
    except BadName as problem:
        raise InvalidChangeBatch([f"FATAL problem: {problem}"]) from None
    return RecordSet(
        name=canonical,
        kind=fields.take("Type", str),
        ttl=fields.take("TTL", int, None),
        values=_read_values(fields.take("ResourceRecords", list, [])),
        alias=target,
        set_identifier=fields.take("SetIdentifier", str, ""),
        weight=fields.take("Weight", int, None),
        failover=fields.take("Failover", str, ""),
        region=fields.take("Region", str, ""),
        location=_read_location(fields.take_fields("GeoLocation")),
        health_check=fields.take("HealthCheckId", str, ""),
        multivalue=fields.take("MultiValueAnswer", bool, False),
    )


def _read_values(records: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(record["Value"] for record in records)


def _read_alias(alias: Fields) -> AliasTarget:
    with alias as fields:
        return AliasTarget(
            zone=fields.take("HostedZoneId", str).rpartition("/")[2],
            name=canonical_name(fields.take("DNSName", str)),
            evaluate_health=fields.take("EvaluateTargetHealth", bool),
        )


def _read_location(location: Fields | None) -> Location | None:
    if location is None:
        return None
    with location as fields:
        found = Location(
            continent=fields.take("ContinentCode", str, ""),
            country=fields.take("CountryCode", str, ""),
            subdivision=fields.take("SubdivisionCode", str, ""),
        )
    if bool(found.continent) == bool(found.country) or (found.subdivision and not found.country):  # unconfirmed
        raise InvalidInput("Invalid request: Expected exactly one of [ContinentCode, or CountryCode] in GeoLocation")
    if found.continent not in _CONTINENTS or _COUNTRY.fullmatch(found.country) is None:  # unconfirmed
        raise InvalidInput(f"Invalid geo location: {found.continent or found.country}")
    if found.subdivision and found.country not in _DIVIDED:  # unconfirmed
        raise InvalidInput(f"Invalid geo location: {found.country} has no subdivision {found.subdivision}")
    return found


def policies(record_set: RecordSet) -> list[str]:
    """Return the routing policies that a record set has, as AWS's sentences call them; there should be one at most."""
    present = {
        "weighted": record_set.weight is not None,
        "latency": bool(record_set.region),
        "failover": bool(record_set.failover),
        "geolocation": record_set.location is not None,
        "multivalue answer": record_set.multivalue,
    }
    return [name for name, given in present.items() if given]


def _check_members(action: str, record_set: RecordSet) -> None:
    """Hold a record set's members against each other."""
    where = f"in Change with {describe(action, record_set)}"
    plain = record_set.ttl is not None or bool(record_set.values)
    whole = record_set.ttl is not None and bool(record_set.values)
    if record_set.alias is not None and plain:
        raise InvalidInput(f"Invalid request: Expected exactly one of {_CONTENTS}, but found more than one {where}")
    if record_set.alias is None and not whole:
        raise InvalidInput(f"Invalid request: Expected exactly one of {_CONTENTS}, but found none {where}")
    chosen = policies(record_set)
    if chosen and not record_set.set_identifier:
        raise InvalidInput(f"Invalid request: Missing field 'SetIdentifier' {where}")
    if len(chosen) > 1:
        raise InvalidInput(f"Invalid request: Expected exactly one of {_POLICIES}, but found more than one {where}")
    if record_set.set_identifier and not chosen:
        raise InvalidInput(f"Invalid request: Expected exactly one of {_POLICIES}, but found none {where}")
