"""
Whether a batch of changes may be made, and what it then makes of a zone.

Pure.  Changes take effect in their order, each on what those before it left; one that is refused spoils the batch, and all
refusals are told together.  The sentences are AWS's where they are known (`unconfirmed` where not).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from homeport.services.route53.documents import Requested, policies
from homeport.services.route53.errors import InvalidChangeBatch
from homeport.services.route53.model import MAX_VALUES, Key, RecordSet
from homeport.services.route53.names import is_within
from homeport.services.route53.values import SINGLE, BadValue, read_value

MAX_CHANGES = 1_000
MAX_RECORDS = 1_000
MAX_CHARACTERS = 32_000

_UNROUTED = frozenset({"DS", "NS", "SOA"})
_NO_ALIAS = frozenset({"NS", "SOA"})

#: Says whether an alias may stand for a name and type of another zone than its own.
KnownTarget = Callable[[str, str, str], bool]  # zone, name, kind


@dataclass(frozen=True, slots=True)
class Scope:
    """The zone that changes are for."""

    id: str
    name: str
    known_target: KnownTarget = field(default=lambda *_: False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a batch comes to: each record set that is different now, None where it is gone."""

    changed: Mapping[Key, RecordSet | None]
    growth: int  # record sets more than before


class _Zone:
    """The record sets at the names that a batch is about, as they are so far."""

    def __init__(self, present: Mapping[Key, RecordSet]) -> None:
        self._present = present
        self.changed: dict[Key, RecordSet | None] = {}
        self._by_name: dict[str, set[Key]] = {}
        for key in present:
            self._by_name.setdefault(key.name, set()).add(key)

    def find(self, key: Key) -> RecordSet | None:
        return self.changed[key] if key in self.changed else self._present.get(key)

    def at(self, name: str) -> Iterator[RecordSet]:
        for key in self._by_name.get(name, ()):
            found = self.find(key)
            if found is not None:
                yield found

    def put(self, record_set: RecordSet) -> None:
        self.changed[record_set.key] = record_set
        self._by_name.setdefault(record_set.name, set()).add(record_set.key)

    def delete(self, key: Key) -> None:
        self.changed[key] = None

    def outcome(self) -> Outcome:
        growth = sum((new is not None) - (key in self._present) for key, new in self.changed.items())
        return Outcome({key: new for key, new in self.changed.items() if new != self._present.get(key)}, growth)


def plan(scope: Scope, present: Mapping[Key, RecordSet], changes: Sequence[Requested]) -> Outcome:
    """
    Return what *changes* make of a zone, or raise InvalidChangeBatch.

    *present* has every record set at the names that the changes and their aliases mention.
    """
    _check_size(changes)
    zone = _Zone(present)
    refusals: list[str] = []
    for change in changes:
        why = list(_check_form(scope, change.record_set))
        why = why or list(_check_place(scope, zone, change))
        refusals += why
        if why:
            continue
        if change.action == "DELETE":
            zone.delete(change.record_set.key)
        else:
            zone.put(change.record_set)
    if refusals:
        raise InvalidChangeBatch(list(dict.fromkeys(refusals)))
    return zone.outcome()


def _check_size(changes: Sequence[Requested]) -> None:
    """An UPSERT counts twice: it may delete and create."""
    weights = [2 if change.action == "UPSERT" else 1 for change in changes]
    values = [change.record_set.values for change in changes]
    characters = sum(weight * len("".join(each)) for weight, each in zip(weights, values, strict=True))
    if len(changes) > MAX_CHANGES or sum(w * len(v) for w, v in zip(weights, values, strict=True)) > MAX_RECORDS:
        raise InvalidChangeBatch([f"Number of records limit of {MAX_RECORDS} exceeded."])
    if characters > MAX_CHARACTERS:
        raise InvalidChangeBatch([f"Number of characters limit of {MAX_CHARACTERS} exceeded."])  # unconfirmed


# --- What a record set may be by itself


def _check_form(scope: Scope, record_set: RecordSet) -> Iterator[str]:
    name, kind = record_set.name, record_set.kind
    if not is_within(name, scope.name):
        yield f"RRSet with DNS name {name} is not permitted in zone {scope.name}"
        return
    if kind in {"CNAME", "DS"} and name == scope.name:
        yield f"RRSet of type {kind} with DNS name {name} is not permitted at apex in zone {scope.name}"
    if kind == "SOA" and name != scope.name:  # unconfirmed
        yield f"RRSet of type SOA with DNS name {name} is not permitted except at apex in zone {scope.name}"
    if kind == "NS" and name.startswith("\\052."):  # unconfirmed
        yield f"RRSet of type NS with DNS name {name} is not permitted: NS records cannot have a wildcard"
    if record_set.alias is not None and (kind in _NO_ALIAS or record_set.multivalue):  # unconfirmed
        yield f"RRSet with DNS name {name}, type {kind} cannot be an alias"
    if policies(record_set) and (kind in _UNROUTED or (record_set.multivalue and kind == "CNAME")):  # unconfirmed
        yield f"RRSet with DNS name {name}, type {kind} cannot have a {policies(record_set)[0]} routing policy"
    yield from _check_values(record_set)


def _check_values(record_set: RecordSet) -> Iterator[str]:
    seen: set[object] = set()
    for value in record_set.values:
        try:
            written = read_value(record_set.kind, value)
        except BadValue as problem:
            yield f"Invalid Resource Record: '{problem}'"
            continue
        if written in seen:
            yield f"Duplicate Resource Record: '{value}'"
        seen.add(written)
    if len(record_set.values) > (1 if record_set.kind in SINGLE else MAX_VALUES):  # unconfirmed
        yield f"RRSet with DNS name {record_set.name}, type {record_set.kind} has too many resource records"


# --- What it may be among others


def _check_place(scope: Scope, zone: _Zone, change: Requested) -> Iterator[str]:
    record_set = change.record_set
    present = zone.find(record_set.key)
    if change.action == "DELETE":
        yield from _check_deletion(scope, record_set, present)
        return
    if change.action == "CREATE" and present is not None:
        yield f"Tried to create resource record set {_shown(record_set.key)} but it already exists"
        return
    yield from _check_names(scope, zone, record_set)
    yield from _check_siblings(zone, record_set)
    yield from _check_alias(scope, zone, record_set)


def _shown(key: Key) -> str:
    identifier = f", set-identifier='{key.set_identifier}'" if key.set_identifier else ""
    return f"[name='{key.name}', type='{key.kind}'{identifier}]"


def _check_deletion(scope: Scope, record_set: RecordSet, present: RecordSet | None) -> Iterator[str]:
    tried = f"Tried to delete resource record set {_shown(record_set.key)}"
    if present is None:
        yield f"{tried} but it was not found"
    elif not _same(record_set, present):
        yield f"{tried} but the values provided do not match the current values"
    elif record_set.name == scope.name and record_set.kind == "SOA":
        yield "A HostedZone must contain exactly one SOA record."
    elif record_set.name == scope.name and record_set.kind == "NS":
        yield "A HostedZone must contain at least one NS record for the zone itself."


def _same(one: RecordSet, other: RecordSet) -> bool:
    """Compare record sets by what they mean: the order of values and how they are written does not matter."""
    return _meaning(one) == _meaning(other)


def _meaning(record_set: RecordSet) -> tuple[object, ...]:
    return (
        record_set.key,
        record_set.ttl,
        frozenset(read_value(record_set.kind, value) for value in record_set.values),
        record_set.alias,
        record_set.weight,
        record_set.failover,
        record_set.region,
        record_set.location,
        record_set.multivalue,
        record_set.health_check,
    )


def _check_names(scope: Scope, zone: _Zone, record_set: RecordSet) -> Iterator[str]:
    """A name that is an alias of another (CNAME) has no other records (RFC 1034, 3.6.2)."""
    others = {other.kind for other in zone.at(record_set.name)} - {record_set.kind}
    start = f"RRSet of type {record_set.kind} with DNS name {record_set.name} is not permitted"
    if record_set.kind == "CNAME" and others:
        yield f"{start} as it conflicts with other records with the same DNS name in zone {scope.name}"
    elif "CNAME" in others:
        yield (
            f"{start} because a conflicting RRSet of type CNAME with the same DNS name already exists in zone "
            f"{scope.name}"
        )


def _check_siblings(zone: _Zone, record_set: RecordSet) -> Iterator[str]:
    """Record sets of one name and type follow one routing policy."""
    siblings = [
        other for other in zone.at(record_set.name) if other.kind == record_set.kind and other.key != record_set.key
    ]
    if not siblings:
        return
    if not record_set.set_identifier:
        yield (
            f"RRSet with DNS name {record_set.name}, type {record_set.kind} cannot be created as other RRSets exist "
            "with the same name and type."
        )
        return
    start = (
        f"RRSet with DNS name {record_set.name}, type {record_set.kind}, SetIdentifier {record_set.set_identifier} "
        "cannot be created as"
    )
    (policy,) = policies(record_set)
    if any(policies(other) != [policy] for other in siblings):
        yield f"{start} a non-{policy} set exists with the same name and type."
    elif policy == "weighted" and any(_ttl_differs(record_set, other) for other in siblings):
        yield f"{start} weighted sets must contain the same TTL."
    elif policy in _DISTINCT and any(_DISTINCT[policy](other) == _DISTINCT[policy](record_set) for other in siblings):
        yield f"{start} a {policy} set with the same {_WHAT[policy]} exists with the same name and type."  # unconfirmed


def _ttl_differs(one: RecordSet, other: RecordSet) -> bool:
    return one.ttl is not None and other.ttl is not None and one.ttl != other.ttl


_DISTINCT: dict[str, Callable[[RecordSet], object]] = {
    "failover": lambda record_set: record_set.failover,
    "latency": lambda record_set: record_set.region,
    "geolocation": lambda record_set: record_set.location,
}
_WHAT = {"failover": "role", "latency": "region", "geolocation": "location"}


def _check_alias(scope: Scope, zone: _Zone, record_set: RecordSet) -> Iterator[str]:
    alias = record_set.alias
    if alias is None:
        return
    start = f"Tried to create an alias that targets {alias.name}, type {record_set.kind} in zone {alias.zone},"
    if alias.zone != scope.id:
        if not scope.known_target(alias.zone, alias.name, record_set.kind):
            yield f"{start} but that target was not found"
        return
    if not is_within(alias.name, scope.name):
        yield f"{start} but the alias target name does not lie within the target zone"
    elif alias.name == record_set.name:
        yield f"{start} but that target is the alias itself"  # unconfirmed
    elif not any(target.kind == record_set.kind for target in zone.at(alias.name)):
        yield f"{start} but that target was not found"
