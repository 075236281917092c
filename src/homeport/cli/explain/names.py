"""Why a name says what it says: which zone answers, which of its names, which of its record sets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dns.name
import dns.rdatatype

from homeport.node.naming.zones import LoadedZone, Match, Names, labels_of, parse_name
from homeport.services.route53.documents import policies, read_changes
from homeport.services.route53.model import RecordSet
from homeport.services.route53.names import canonical_name, wire_name
from homeport.services.route53.own import is_reserved
from homeport.services.route53.projection import record_set_item
from homeport.wire.messages import Zone


@dataclass(frozen=True, slots=True)
class Question:
    """A name, a type, and the VPC that asks; without one the machine itself does."""

    name: str
    kind: str
    vpc: str = ""


@dataclass(frozen=True, slots=True)
class Zones:
    """The hosted zones that the asker may be answered from, in AWS's shapes: the VPC's private ones, and public ones."""

    private: Sequence[Mapping[str, Any]] = ()
    public: Sequence[Mapping[str, Any]] = ()

    def place(self, question: Question) -> tuple[str, str]:
        """Return the ids of the private and of the public zone that the name is in, empty where there is none."""
        private_ones = _items(self.private, question.vpc) if question.vpc else []
        names = Names([*private_ones, *_items(self.public, "")])
        labels = labels_of(parse_name(wire_name(canonical_name(question.name))))
        private = names.private_zone(question.vpc, labels) if question.vpc else None
        return _id(private), _id(names.public_zone(labels))

    def name(self, zone: str) -> str:
        return next(str(each["Name"]) for each in (*self.private, *self.public) if _bare(each["Id"]) == zone)


@dataclass(frozen=True, slots=True)
class Contents:
    """A zone's record sets, and what the health checks that they name have found last."""

    zone: str
    record_sets: Sequence[Mapping[str, Any]]
    health: Mapping[str, str] = field(default_factory=dict)


def _items(zones: Sequence[Mapping[str, Any]], vpc: str) -> list[Zone]:
    vpcs = (vpc,) if vpc else ()
    return [Zone(id=_bare(zone["Id"]), name=wire_name(zone["Name"]), vpcs=vpcs) for zone in zones]


def _bare(id_: str) -> str:
    return id_.rpartition("/")[2]


def _id(zone: LoadedZone | None) -> str:
    return zone.item.id if zone is not None and zone.item is not None else ""


def explain_elsewhere(question: Question) -> str:
    """Say what becomes of a name that is in no zone of one's own."""
    if is_reserved(question.name):
        return f"{question.name} is in Homeport's own zone: see `homeport explain balancer`, and `homeport dns` for its answer."
    if question.vpc:
        return (
            f"{question.name} is in no zone: the VPC's own names are looked at, then the machine's resolvers are asked."
        )
    return f"{question.name} is in no public zone: the resolver refuses it, and leaves it to the machine's own."


def explain_name(question: Question, zones: Zones, contents: Contents) -> Iterator[str]:
    """Yield what there is to say of a name that is in the zone of *contents*."""
    private, public = zones.place(question)
    kind = "private" if contents.zone == private else "public"
    yield f"Zone {zones.name(contents.zone)} ({contents.zone}, {kind}) answers for {question.name}"
    if private and public:
        yield f"It hides the public zone {zones.name(public)} ({public}), whatever that has."
    models = [_model(document) for document in contents.record_sets]
    item = Zone(id=contents.zone, name=wire_name(zones.name(contents.zone)))
    names = Names([item, *(record_set_item(contents.zone, model) for model in models)])
    zone = names.zone(contents.zone)
    assert zone is not None, "it was just declared"
    labels = labels_of(parse_name(wire_name(canonical_name(question.name))))
    match = zone.match(labels)
    if match.node is None:
        yield "The name does not exist, nor does a wildcard cover it: NXDOMAIN."
        return
    if match.delegation >= 0:
        yield "The name is delegated by NS records to other name servers: the answer is a referral."
        return
    answering = _answering(zone, labels, match)
    if not match.exact:
        yield f"Nothing of that name exists; the wildcard {answering} covers it."
    here = [model for model in models if wire_name(model.name) == answering]
    yield from _explain_sets(question, here, contents.health)


def _answering(zone: LoadedZone, labels: tuple[bytes, ...], match: Match) -> str:
    """Return the name in the zone that answers, in DNS's own form."""
    if match.exact:
        return _text(labels)
    wildcards = ((b"*", *labels[position:]) for position in range(1, len(labels)))
    return next(_text(wildcard) for wildcard in wildcards if zone.find(wildcard) is match.node)


def _text(labels: tuple[bytes, ...]) -> str:
    return dns.name.Name([*labels, b""]).to_text()


def _explain_sets(question: Question, here: Sequence[RecordSet], health: Mapping[str, str]) -> Iterator[str]:
    kinds = {model.kind for model in here}
    wanted = "CNAME" if "CNAME" in kinds else question.kind
    sets = [model for model in here if model.kind == wanted]
    if not sets:
        there = ", ".join(sorted(kinds)) or "only names below it"
        yield f"The name exists, without records of type {question.kind} (there: {there}): an answer without data."
        return
    if wanted != question.kind:
        yield "The name stands for another one (CNAME), with which the question goes on:"
    policy = policies(sets[0])
    if policy:
        yield f"Routing is {policy[0]}; of these sets each answer chooses:"
    for model in sets:
        yield f"  {_describe(model)}{_health(model, health)}"


def _describe(model: RecordSet) -> str:
    what = ", ".join(model.values)
    if model.alias is not None:
        what = f"alias of {model.alias.name}" + (", as healthy as that is" if model.alias.evaluate_health else "")
    where = model.location
    rule = {
        "weighted": f"weight {model.weight}",
        "latency": model.region,
        "failover": model.failover.lower(),
        "geolocation": "/".join(filter(None, (where.continent, where.country, where.subdivision))) if where else "",
    }
    chosen = [rule[each] for each in policies(model) if each in rule]
    return ": ".join(filter(None, (model.set_identifier, ", ".join([*chosen, what]))))


def _health(model: RecordSet, health: Mapping[str, str]) -> str:
    if not model.health_check:
        return ""
    return f" [{health.get(model.health_check) or 'not checked yet, so healthy'}]"


def _model(document: Mapping[str, Any]) -> RecordSet:
    changes, _ = read_changes({"Changes": [{"Action": "CREATE", "ResourceRecordSet": dict(document)}]})
    return changes[0].record_set


def known_kind(kind: str) -> bool:
    """Say whether DNS has a type of that name."""
    try:
        return bool(dns.rdatatype.from_text(kind))
    except dns.rdatatype.UnknownRdatatype:
        return False
