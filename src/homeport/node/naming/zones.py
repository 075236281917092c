"""
Zones in memory, found and changed in time that depends on the labels of a name, never on how many records there are.

A name exists if it or anything below it has records (RFC 4592: empty non-terminals exist too), so each name counts the
record sets at and below it.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from homeport.wire.messages import Drop, Item, RecordSet, Zone

log = logging.getLogger(__name__)

#: The labels of a name, the most specific first, in lower case, without the root's.
Labels = tuple[bytes, ...]

_WILDCARD = b"*"
_KINDS = frozenset({"Zone", "RecordSet", "EndpointCheck"})  # what answers follow from


def labels_of(name: dns.name.Name) -> Labels:
    """Return the labels that an absolute name is looked up by."""
    return tuple(label.lower() for label in name.labels[:-1])


def labels_in(text: str) -> Labels:
    """Return the labels of a name in DNS's own form, without taking it apart where that is plain."""
    if "\\" in text or not text.endswith("."):
        return labels_of(parse_name(text))
    return tuple(text.lower().encode().split(b".")[:-1]) if text != "." else ()


def parse_name(text: str) -> dns.name.Name:
    """Return the absolute name that *text* stands for, with or without a dot at its end."""
    return dns.name.from_text(text, dns.name.root)


class Records:
    """A record set as it is served.  Its values are read once, when somebody first asks for them."""

    __slots__ = ("_rdatas", "item", "kind", "labels")

    def __init__(self, item: RecordSet) -> None:
        self.item = item
        self.kind: int = dns.rdatatype.from_text(item.kind)
        self.labels = labels_in(item.name)
        self._rdatas: tuple[dns.rdata.Rdata, ...] | None = None

    @property
    def rdatas(self) -> tuple[dns.rdata.Rdata, ...]:
        """The records; none if they cannot be read, which is said in the log."""
        if self._rdatas is None:
            self._rdatas = _read(self.item)
        return self._rdatas


Sets = dict[str, Records]  # by set identifier; the only one has none


@dataclass(slots=True)
class Node:
    """One name of a zone."""

    sets: dict[int, Sets] = field(default_factory=dict)  # by type
    below: int = 0  # record sets at and below this name


class LoadedZone:
    """A zone with its record sets.  These may come before their zone does; until then it answers nothing."""

    def __init__(self) -> None:
        self.item: Zone | None = None
        self.origin: Labels = ()
        self._nodes: dict[Labels, Node] = {}

    def __len__(self) -> int:
        return len(self._nodes)

    def find(self, labels: Labels) -> Node | None:
        """Return the name if it exists in the zone."""
        return self._nodes.get(labels)

    def put(self, records: Records) -> None:
        """Take a record set, in place of the one with its name, type and identifier."""
        sets = self._at(records.labels).sets.setdefault(records.kind, {})
        if records.item.set_identifier not in sets:
            self._count(records.labels, 1)
        sets[records.item.set_identifier] = records

    def drop(self, records: Records) -> None:
        """Forget a record set that the zone has."""
        sets = self._nodes[records.labels].sets
        del sets[records.kind][records.item.set_identifier]
        if not sets[records.kind]:
            del sets[records.kind]
        self._count(records.labels, -1)

    def _at(self, labels: Labels) -> Node:
        return self._nodes.setdefault(labels, Node())

    def _count(self, labels: Labels, change: int) -> None:
        """Count a set at a name and at all names above it; a name with none left does not exist."""
        for position in range(len(labels) + 1):
            node = self._at(labels[position:])
            node.below += change
            if not node.below:
                del self._nodes[labels[position:]]

    # --- Looking up

    def match(self, labels: Labels) -> "Match":
        """Return what the zone has to say of a name in it."""
        node: Node | None = None
        for length in range(len(self.origin), len(labels) + 1):
            suffix = labels[len(labels) - length :]
            found = self._nodes.get(suffix)
            if found is None:
                if length == len(self.origin):
                    return Match(None)
                return Match(
                    self._nodes.get((_WILDCARD, *suffix[1:]))
                )  # at the closest name that exists, and only there
            node = found
            if length > len(self.origin) and dns.rdatatype.NS in node.sets:
                return Match(node, delegation=len(labels) - length, exact=length == len(labels))
        return Match(node, exact=True)


@dataclass(frozen=True, slots=True)
class Match:
    """
    The name that answers, None where there is none.

    `delegation` is the number of labels before the name whose NS records hand it to another zone, -1 without such.
    """

    node: Node | None
    delegation: int = -1
    exact: bool = False


class Names:
    """All that the server has declared, and who may see it."""

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self._zones: dict[str, LoadedZone] = {}
        self._sets: dict[str, Records] = {}
        self._public: dict[Labels, list[LoadedZone]] = {}
        self._private: dict[str, dict[Labels, list[LoadedZone]]] = {}  # by VPC
        self._health: dict[str, bool] = {}
        self.version = 0  # changes with every change: what was worked out before may be wrong then
        self.change(items, ())

    def replace(self, items: Iterable[Item]) -> None:
        """Take *items* for everything there is; what is known as it is already costs a comparison."""
        wanted: dict[tuple[str, str], Item] = {
            (type(item).__name__, item.id): item for item in items if isinstance(item, Zone | RecordSet)
        }
        known: dict[tuple[str, str], Item] = {
            **{("Zone", id_): zone.item for id_, zone in self._zones.items() if zone.item is not None},
            **{("RecordSet", id_): records.item for id_, records in self._sets.items()},
        }
        self.change(
            [item for key, item in wanted.items() if known.get(key) != item],
            [Drop(kind=kind, id=id_) for kind, id_ in known if (kind, id_) not in wanted],
        )

    def change(self, puts: Iterable[Item], drops: Iterable[Drop]) -> bool:
        """Take a change; items that are not names are somebody else's.  Says whether there were any that are."""
        ours = False
        for drop in drops:
            ours |= drop.kind in _KINDS
            if drop.kind == "Zone":
                self._drop_zone(drop.id)
            elif drop.kind == "RecordSet":
                self._drop_records(drop.id)
        for item in puts:
            ours |= type(item).__name__ in _KINDS
            if isinstance(item, Zone):
                self._put_zone(item)
            elif isinstance(item, RecordSet):
                self._put_records(item)
        return ours

    def _put_zone(self, item: Zone) -> None:
        self._drop_zone(item.id)
        zone = self._zones.setdefault(item.id, LoadedZone())
        zone.item, zone.origin = item, labels_in(item.name)
        for table in self._tables(item):
            same = table.setdefault(zone.origin, [])
            same.append(zone)
            same.sort(key=_seniority)
        self.version += 1

    def _drop_zone(self, id_: str) -> None:
        zone = self._zones.get(id_)
        if zone is None or zone.item is None:
            return
        for table in self._tables(zone.item):
            table[zone.origin].remove(zone)
            if not table[zone.origin]:
                del table[zone.origin]
        zone.item = None
        self._forget_empty(id_)
        self.version += 1

    def _tables(self, item: Zone) -> Iterator[dict[Labels, list[LoadedZone]]]:
        """Yield the tables in which a zone is found: its VPCs', or everybody's."""
        if not item.vpcs:
            yield self._public
        for vpc in item.vpcs:
            yield self._private.setdefault(vpc, {})

    def _put_records(self, item: RecordSet) -> None:
        self._drop_records(item.id)
        records = self._sets[item.id] = Records(item)
        self._zones.setdefault(item.zone, LoadedZone()).put(records)
        self.version += 1

    def _drop_records(self, id_: str) -> None:
        records = self._sets.pop(id_, None)
        if records is None:
            return
        self._zones[records.item.zone].drop(records)
        self._forget_empty(records.item.zone)
        self.version += 1

    def _forget_empty(self, id_: str) -> None:
        zone = self._zones[id_]
        if zone.item is None and not len(zone):
            del self._zones[id_]

    # --- Looking up

    def healthy(self, health_check: str) -> bool:
        """Say whether a health check passes; what has none is always healthy."""
        return not health_check or self._health.get(health_check, True)

    def set_health(self, states: Mapping[str, bool]) -> None:
        """Take the states of all health checks: whether each passes."""
        if states != self._health:
            self._health = dict(states)
            self.version += 1

    def zone(self, id_: str) -> LoadedZone | None:
        """Return the zone with this id, if the server has declared it."""
        zone = self._zones.get(id_)
        return zone if zone is not None and zone.item is not None else None

    def public_zone(self, labels: Labels) -> LoadedZone | None:
        """Return the public zone that a name is in."""
        return _longest(self._public, labels)

    def private_zone(self, vpc: str, labels: Labels) -> LoadedZone | None:
        """Return the zone that a name is in as the VPC sees it and nobody else."""
        table = self._private.get(vpc)
        return _longest(table, labels) if table else None


def _longest(table: dict[Labels, list[LoadedZone]], labels: Labels) -> LoadedZone | None:
    for position in range(len(labels) + 1):
        found = table.get(labels[position:])
        if found:
            return found[0]
    return None


def _seniority(zone: LoadedZone) -> tuple[float, str]:
    assert zone.item is not None, "only zones that were declared are in tables"
    return zone.item.created, zone.item.id


def _read(item: RecordSet) -> tuple[dns.rdata.Rdata, ...]:
    """Read a record set's values; one that cannot be read has none, and that is said."""
    try:
        return tuple(
            dns.rdata.from_text(dns.rdataclass.IN, item.kind, value, origin=dns.name.root, relativize=False)
            for value in item.values
        )
    except dns.exception.DNSException as error:
        log.warning("the record set %s cannot be served: %s", item.id, error)
        return ()
