"""Hosted zones, the VPCs that they answer in, and tags."""

import json
from collections.abc import Mapping

from homeport.db.database import Row, Tx
from homeport.services.route53.model import Association, HostedZone, Owner
from homeport.services.route53.names import sort_key

_COLUMNS = "id, name, caller_reference, private, created, comment, owner, record_sets"


def _read(row: Row) -> HostedZone:
    id_, name, reference, private, created, comment, owner, record_sets = row
    owned = Owner(**json.loads(owner)) if owner is not None else None
    return HostedZone(id_, name, reference, bool(private), created, comment, owned, record_sets)


async def find(tx: Tx, zone: str) -> HostedZone | None:
    row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM route53_zones WHERE id = ?", zone)
    return None if row is None else _read(row)


async def find_by_reference(tx: Tx, reference: str) -> HostedZone | None:
    row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM route53_zones WHERE caller_reference = ?", reference)
    return None if row is None else _read(row)


async def insert(tx: Tx, zone: HostedZone) -> None:
    owner = zone.owner
    await tx.execute(
        """INSERT INTO route53_zones
           (id, name, sort_name, caller_reference, private, created, comment, owner, record_sets)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        zone.id,
        zone.name,
        sort_key(zone.name),
        zone.caller_reference,
        int(zone.private),
        zone.created,
        zone.comment,
        json.dumps({name: getattr(owner, name) for name in Owner.__slots__}) if owner is not None else None,
        zone.record_sets,
    )


async def delete(tx: Tx, zone: str) -> None:
    """Delete a zone with its record sets, associations and tags."""
    await tx.execute("DELETE FROM route53_record_sets WHERE zone = ?", zone)
    await tx.execute("DELETE FROM route53_associations WHERE zone = ?", zone)
    await tx.execute("DELETE FROM route53_tags WHERE resource_type = 'hostedzone' AND resource = ?", zone)
    await tx.execute("DELETE FROM route53_zones WHERE id = ?", zone)


async def set_comment(tx: Tx, zone: str, comment: str | None) -> None:
    await tx.execute("UPDATE route53_zones SET comment = ? WHERE id = ?", comment, zone)


async def grow(tx: Tx, zone: str, growth: int) -> None:
    """Count record sets that came or went."""
    await tx.execute("UPDATE route53_zones SET record_sets = record_sets + ? WHERE id = ?", growth, zone)


async def count(tx: Tx) -> int:
    row = await tx.fetch_one("SELECT COUNT(*) FROM route53_zones")
    assert row is not None, "a count is a row"
    return int(row[0])


async def page(tx: Tx, marker: str, limit: int, *, private_only: bool) -> list[HostedZone]:
    """Return zones by id, from *marker* on."""
    chosen = " AND private = 1" if private_only else ""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM route53_zones WHERE id >= ?{chosen} ORDER BY id LIMIT ?", marker, limit
    )
    return [_read(row) for row in rows]


async def page_by_name(tx: Tx, name: str, zone: str, limit: int) -> list[HostedZone]:
    """Return zones in the order of their names, from *name* and *zone* on."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM route53_zones WHERE (sort_name, id) >= (?, ?) ORDER BY sort_name, id LIMIT ?",
        sort_key(name) if name else "",
        zone,
        limit,
    )
    return [_read(row) for row in rows]


async def every_id(tx: Tx) -> list[str]:
    return [id_ for (id_,) in await tx.fetch("SELECT id FROM route53_zones ORDER BY id")]


# --- Associations


async def associate(tx: Tx, zone: HostedZone, vpc: str, region: str) -> None:
    await tx.execute(
        "INSERT INTO route53_associations (vpc, zone_name, zone, region) VALUES (?, ?, ?, ?)",
        vpc,
        zone.name,
        zone.id,
        region,
    )


async def disassociate(tx: Tx, zone: HostedZone, vpc: str) -> None:
    await tx.execute("DELETE FROM route53_associations WHERE vpc = ? AND zone_name = ?", vpc, zone.name)


async def find_association(tx: Tx, vpc: str, zone_name: str) -> Association | None:
    """Return the association of a VPC with the zone of a name, whichever zone that is."""
    row = await tx.fetch_one(
        "SELECT zone, vpc, region FROM route53_associations WHERE vpc = ? AND zone_name = ?", vpc, zone_name
    )
    return None if row is None else Association(*row)


async def associations(tx: Tx, zone: str) -> list[Association]:
    """Return the VPCs that a zone answers in."""
    rows = await tx.fetch("SELECT zone, vpc, region FROM route53_associations WHERE zone = ? ORDER BY vpc", zone)
    return [Association(*row) for row in rows]


async def page_of_vpc(tx: Tx, vpc: str, after: str, limit: int) -> list[HostedZone]:
    """Return the zones that answer in a VPC, by name, behind the one named *after*."""
    columns = ", ".join(f"z.{column}" for column in _COLUMNS.split(", "))
    rows = await tx.fetch(
        f"""SELECT {columns} FROM route53_associations a JOIN route53_zones z ON z.id = a.zone
            WHERE a.vpc = ? AND a.zone_name > ? ORDER BY a.zone_name LIMIT ?""",
        vpc,
        after,
        limit,
    )
    return [_read(row) for row in rows]


# --- Tags


async def tags(tx: Tx, resource_type: str, resource: str) -> dict[str, str]:
    row = await tx.fetch_one(
        "SELECT tags FROM route53_tags WHERE resource_type = ? AND resource = ?", resource_type, resource
    )
    return dict(json.loads(row[0])) if row is not None else {}


async def set_tags(tx: Tx, resource_type: str, resource: str, content: Mapping[str, str]) -> None:
    await tx.execute(
        """INSERT INTO route53_tags (resource_type, resource, tags) VALUES (?, ?, ?)
           ON CONFLICT (resource_type, resource) DO UPDATE SET tags = excluded.tags""",
        resource_type,
        resource,
        json.dumps(dict(content)),
    )
