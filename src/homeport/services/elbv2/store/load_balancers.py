"""Rows of load balancers and of their interfaces."""

from collections.abc import Sequence

import msgspec

from homeport.db.database import Row, Tx, Value
from homeport.services.elbv2.model.load_balancers import BalancerDocument, BalancerZone, LoadBalancer
from homeport.services.elbv2.store import tags

_COLUMNS = (
    "arn, region, name, created_at, vpc, document, attributes, node, state, reason, observed_sequence, deleted_at"
)
_encode = msgspec.json.Encoder().encode
_decode_document = msgspec.json.Decoder(BalancerDocument).decode
_decode_attributes = msgspec.json.Decoder(dict[str, str]).decode


async def _load(tx: Tx, rows: Sequence[Row]) -> list[LoadBalancer]:
    return [_read(row, await _zones(tx, row[0])) for row in rows]


async def _zones(tx: Tx, load_balancer: str) -> tuple[BalancerZone, ...]:
    rows = await tx.fetch(
        """SELECT z.interface, z.subnet, z.zone, i.address, COALESCE(i.public_address, ''), z.leaving_since
           FROM elbv2_zones z JOIN ec2_interfaces i ON i.id = z.interface
           WHERE z.load_balancer = ? ORDER BY z.zone, z.interface""",
        load_balancer,
    )
    return tuple(BalancerZone(*row) for row in rows)


def _read(row: Row, zones: tuple[BalancerZone, ...]) -> LoadBalancer:
    arn, region, name, made, vpc, document, attributes, *observed = row
    node, state, reason, sequence, deleted = observed
    return LoadBalancer(
        arn=arn,
        region=region,
        name=name,
        created_at=made,
        vpc=vpc,
        document=_decode_document(document),
        attributes=_decode_attributes(attributes),
        node=node,
        state=state,
        reason=reason,
        observed_sequence=sequence,
        deleted_at=deleted,
        zones=zones,
    )


async def insert(tx: Tx, balancer: LoadBalancer) -> None:
    """Add a load balancer with its interfaces."""
    await tx.execute(
        """INSERT INTO elbv2_load_balancers (arn, region, name, id, created_at, vpc, document, attributes, state)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        *(balancer.arn, balancer.region, balancer.name, balancer.id, balancer.created_at, balancer.vpc),
        *(_encode(balancer.document).decode(), _encode(dict(balancer.attributes)).decode(), balancer.state),
    )
    for zone in balancer.zones:
        await add_zone(tx, balancer.arn, zone)


async def add_zone(tx: Tx, load_balancer: str, zone: BalancerZone) -> None:
    await tx.execute(
        "INSERT INTO elbv2_zones (load_balancer, interface, subnet, zone) VALUES (?, ?, ?, ?)",
        *(load_balancer, zone.interface, zone.subnet, zone.zone),
    )


async def leave_zone(tx: Tx, interface: str, now: float) -> None:
    """Note that a load balancer is leaving the subnet of one of its interfaces."""
    await tx.execute("UPDATE elbv2_zones SET leaving_since = ? WHERE interface = ?", now, interface)


async def left_before(tx: Tx, moment: float) -> list[str]:
    """Return the interfaces of subnets that their load balancers left before then."""
    rows = await tx.fetch("SELECT interface FROM elbv2_zones WHERE leaving_since < ?", moment)
    return [row[0] for row in rows]


async def forget_zone(tx: Tx, interface: str) -> None:
    await tx.execute("DELETE FROM elbv2_zones WHERE interface = ?", interface)


async def update(tx: Tx, balancer: LoadBalancer) -> None:
    """Write what users may change, of which the node has to be told."""
    await tx.execute(
        "UPDATE elbv2_load_balancers SET document = ?, attributes = ?, deleted_at = ?, stale = 1 WHERE arn = ?",
        *(_encode(balancer.document).decode(), _encode(dict(balancer.attributes)).decode()),
        *(balancer.deleted_at, balancer.arn),
    )


async def set_node(tx: Tx, arn: str, node: str) -> None:
    await tx.execute("UPDATE elbv2_load_balancers SET node = ?, stale = 1 WHERE arn = ?", node, arn)


async def observe(tx: Tx, balancer: LoadBalancer) -> None:
    """Write what the node has reported."""
    await tx.execute(
        "UPDATE elbv2_load_balancers SET state = ?, reason = ?, observed_sequence = ? WHERE arn = ?",
        *(balancer.state, balancer.reason, balancer.observed_sequence, balancer.arn),
    )


async def mark_stale(tx: Tx, arn: str) -> None:
    """Note that the node may have to be told of the load balancer."""
    await tx.execute("UPDATE elbv2_load_balancers SET stale = 1 WHERE arn = ?", arn)


async def mark_told(tx: Tx, arn: str) -> None:
    await tx.execute("UPDATE elbv2_load_balancers SET stale = 0 WHERE arn = ?", arn)


async def stale(tx: Tx, limit: int) -> list[LoadBalancer]:
    """Return load balancers of which a node may have to be told; deleted ones too."""
    rows = await tx.fetch(f"SELECT {_COLUMNS} FROM elbv2_load_balancers WHERE stale = 1 ORDER BY arn LIMIT ?", limit)
    return await _load(tx, rows)


async def deleted_before(tx: Tx, moment: float) -> list[LoadBalancer]:
    """Return load balancers that were deleted before then and are still held by their nodes."""
    rows = await tx.fetch(f"SELECT {_COLUMNS} FROM elbv2_load_balancers WHERE deleted_at < ?", moment)
    return await _load(tx, rows)


async def anything_to_do(tx: Tx, moment: float) -> bool:
    """
    Say whether a node may have to be told of anything, or something is to be given back that ended before *moment*.

    One look at what is marked: the reconciler is woken often, and mostly for nothing.
    """
    row = await tx.fetch_one(
        """SELECT 1 WHERE EXISTS (SELECT 1 FROM elbv2_load_balancers WHERE stale = 1)
           OR EXISTS (SELECT 1 FROM elbv2_target_groups WHERE stale = 1)
           OR EXISTS (SELECT 1 FROM elbv2_targets WHERE stale = 1)
           OR EXISTS (SELECT 1 FROM elbv2_zones WHERE leaving_since < ?)
           OR EXISTS (SELECT 1 FROM elbv2_load_balancers WHERE deleted_at < ?)""",
        *(moment, moment),
    )
    return row is not None


async def forget(tx: Tx, arn: str) -> None:
    """Delete what is left of a load balancer."""
    await tx.execute("DELETE FROM elbv2_zones WHERE load_balancer = ?", arn)
    await tx.execute("DELETE FROM elbv2_load_balancers WHERE arn = ?", arn)
    await tags.forget(tx, arn)


async def find(tx: Tx, arn: str) -> LoadBalancer | None:
    """Return a load balancer, be it deleted."""
    found = await _load(tx, await tx.fetch(f"SELECT {_COLUMNS} FROM elbv2_load_balancers WHERE arn = ?", arn))
    return found[0] if found else None


async def find_by_id(tx: Tx, id_: str) -> LoadBalancer | None:
    """Return the load balancer that a node calls *id_*, be it deleted."""
    found = await _load(tx, await tx.fetch(f"SELECT {_COLUMNS} FROM elbv2_load_balancers WHERE id = ?", id_))
    return found[0] if found else None


async def find_by_name(tx: Tx, region: str, name: str) -> LoadBalancer | None:
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM elbv2_load_balancers WHERE region = ? AND name = ? AND deleted_at IS NULL",
        *(region, name),
    )
    found = await _load(tx, rows)
    return found[0] if found else None


async def page(tx: Tx, region: str, *, condition: str, values: Sequence[Value], limit: int) -> list[LoadBalancer]:
    """Return the region's load balancers by name; *condition* is where a page starts."""
    rows = await tx.fetch(
        f"""SELECT {_COLUMNS} FROM elbv2_load_balancers WHERE region = ? AND deleted_at IS NULL{condition}
            ORDER BY name LIMIT ?""",
        *(region, *values, limit),
    )
    return await _load(tx, rows)


async def all_named(tx: Tx) -> list[LoadBalancer]:
    """Return all load balancers of all regions that have a name to be resolved."""
    return await _load(tx, await tx.fetch(f"SELECT {_COLUMNS} FROM elbv2_load_balancers WHERE deleted_at IS NULL"))


async def count(tx: Tx, region: str) -> int:
    row = await tx.fetch_one(
        "SELECT COUNT(*) FROM elbv2_load_balancers WHERE region = ? AND deleted_at IS NULL", region
    )
    assert row is not None, "a count is always one row"
    return int(row[0])


async def per_node(tx: Tx) -> dict[str, int]:
    """Return how many load balancers each node has."""
    rows = await tx.fetch("SELECT node, COUNT(*) FROM elbv2_load_balancers WHERE node IS NOT NULL GROUP BY node")
    return {row[0]: row[1] for row in rows}
