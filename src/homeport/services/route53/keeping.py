"""
Zones and record sets made, changed and removed, with note taken of what nodes must be told.

For this service's handlers, and for services that keep zones of their own (Cloud Map): these have an `Owner`, and nobody
else may change them.  Whoever calls wakes `route53.names` after the commit.
"""

from collections.abc import Iterable, Mapping, Sequence

from homeport.db.database import Tx
from homeport.kit.ids import Ids
from homeport.services.route53 import errors
from homeport.services.route53.model import (
    HOSTMASTER,
    NAME_SERVERS,
    NS_TTL,
    SOA_MINIMUM,
    SOA_TTL,
    Association,
    Change,
    HostedZone,
    Key,
    RecordSet,
)
from homeport.services.route53.store import changes, records, zones
from homeport.services.route53.store.changes import Untold


def new_zone_id(ids: Ids) -> str:
    return f"Z{ids.hex(20).upper()}"


def new_change_id(ids: Ids) -> str:
    return f"C{ids.hex(20).upper()}"


async def get_zone(tx: Tx, zone: str) -> HostedZone:
    """Return a zone, or raise NoSuchHostedZone."""
    found = await zones.find(tx, zone)
    if found is None:
        raise errors.zone_missing(zone)
    return found


async def start_change(tx: Tx, ids: Ids, now: float, comment: str | None = None) -> Change:
    """Return a change to which what follows is reckoned."""
    return await changes.record(tx, new_change_id(ids), now, comment)


async def create_zone(
    tx: Tx, zone: HostedZone, vpcs: Sequence[tuple[str, str]], change: Change, *, soa_ttl: int = SOA_TTL
) -> None:
    """
    Make a zone with its SOA and NS records; *vpcs* are pairs of id and region, of a private zone.

    Raises ConflictingDomainExists if one of the VPCs has a zone of that name.
    """
    await zones.insert(tx, zone)
    for vpc, region in vpcs:
        await associate(tx, zone, vpc, region, change)
    await changes.mark(tx, change, [Untold(zone.id, None)])
    await put_records(tx, zone, own_records(zone, soa_ttl=soa_ttl), (), change)


async def set_soa_ttl(tx: Tx, zone: HostedZone, ttl: int, change: Change) -> None:
    """Say for how long the SOA record holds, and with it that a name is not there."""
    await put_records(tx, zone, [_soa(zone, ttl)], (), change)


async def delete_zone(tx: Tx, zone: HostedZone, change: Change) -> None:
    """Remove a zone and all that is in it."""
    gone = [Untold(zone.id, record_set.key) for record_set in await records.every(tx, zone.id)]
    await zones.delete(tx, zone.id)
    await changes.mark(tx, change, [Untold(zone.id, None), *gone])


async def put_records(
    tx: Tx, zone: HostedZone, puts: Iterable[RecordSet], deletes: Iterable[Key], change: Change
) -> None:
    """Store record sets as given, and delete those with the keys *deletes* as far as they are there."""
    changed: dict[Key, RecordSet | None] = dict.fromkeys(deletes)
    changed |= {record_set.key: record_set for record_set in puts}
    present = {key: await records.find(tx, zone.id, key) for key in changed}
    differing = {key: new for key, new in changed.items() if new != present[key]}
    growth = sum((new is not None) - (present[key] is not None) for key, new in differing.items())
    await write_records(tx, zone, differing, growth, change)


async def write_records(
    tx: Tx, zone: HostedZone, changed: Mapping[Key, RecordSet | None], growth: int, change: Change
) -> None:
    """Store what differs from before; *growth* is by how many record sets the zone is larger then."""
    await records.write(tx, zone.id, changed)
    await zones.grow(tx, zone.id, growth)
    # A change that changes nothing is one all the same, and in force when those before it are.
    await changes.mark(tx, change, [Untold(zone.id, key) for key in changed or (None,)])


async def associate(tx: Tx, zone: HostedZone, vpc: str, region: str, change: Change) -> None:
    """Have a private zone answer in a VPC; in one that it answers in already nothing changes."""
    present = await zones.find_association(tx, vpc, zone.name)
    if present is not None:
        if present.zone == zone.id:
            return
        raise errors.domain_conflicts(vpc, region, present.zone)
    await zones.associate(tx, zone, vpc, region)
    await changes.mark(tx, change, [Untold(zone.id, None)])


async def disassociate(tx: Tx, zone: HostedZone, vpc: str, change: Change) -> None:
    """Have a private zone answer no longer in a VPC, which must not be its last."""
    present: list[Association] = await zones.associations(tx, zone.id)
    if vpc not in {association.vpc for association in present}:
        raise errors.association_missing(vpc, zone.id)
    if len(present) == 1:
        raise errors.last_association()
    await zones.disassociate(tx, zone, vpc)
    await changes.mark(tx, change, [Untold(zone.id, None)])


def own_records(zone: HostedZone, *, soa_ttl: int = SOA_TTL) -> list[RecordSet]:
    """Return the records that every zone has."""
    return [_soa(zone, soa_ttl), _ns(zone)]


def _soa(zone: HostedZone, ttl: int) -> RecordSet:
    value = f"{NAME_SERVERS[0]} {HOSTMASTER} 1 7200 900 1209600 {SOA_MINIMUM}"
    return RecordSet(name=zone.name, kind="SOA", ttl=ttl, values=(value,))


def _ns(zone: HostedZone) -> RecordSet:
    return RecordSet(name=zone.name, kind="NS", ttl=NS_TTL, values=NAME_SERVERS)
