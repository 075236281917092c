"""What was changed, and which of it the nodes have not been told."""

from collections.abc import Iterable
from dataclasses import dataclass

from homeport.db.database import Tx
from homeport.fleet import assignments
from homeport.services.route53.model import Change, Key


@dataclass(frozen=True, slots=True)
class Untold:
    """
    A zone, or with a *key* a record set in it, that nodes know otherwise or not at all; or that they still know.

    Without a zone the key is that of a health check.
    """

    zone: str
    key: Key | None

    @classmethod
    def of_check(cls, check: str) -> "Untold":
        return cls("", Key(check, "healthcheck"))


async def record(tx: Tx, id_: str, now: float, comment: str | None) -> Change:
    """Give a change its number."""
    row = await tx.fetch_one("SELECT COALESCE(MAX(number), 0) + 1 FROM route53_changes")
    assert row is not None, "an aggregate is a row"
    change = Change(id_, int(row[0]), now, comment)
    await tx.execute(
        "INSERT INTO route53_changes (number, id, submitted, comment) VALUES (?, ?, ?, ?)",
        change.number,
        change.id,
        change.submitted,
        change.comment,
    )
    return change


async def find(tx: Tx, id_: str) -> Change | None:
    row = await tx.fetch_one("SELECT id, number, submitted, comment FROM route53_changes WHERE id = ?", id_)
    return None if row is None else Change(*row)


async def mark(tx: Tx, change: Change, things: Iterable[Untold]) -> None:
    """Note what nodes must be told because of a change."""
    for thing in things:
        key = thing.key or Key("", "")
        await tx.execute(
            """INSERT INTO route53_untold (zone, name, kind, set_identifier, change_number) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT (zone, name, kind, set_identifier) DO UPDATE SET change_number = excluded.change_number""",
            thing.zone,
            key.name,
            key.kind,
            key.set_identifier,
            change.number,
        )


async def is_in_force(tx: Tx, change: Change) -> bool:
    """
    Say whether a change, and all before it, are in force on every node that is connected.

    A node that is not will take them before anything else when it comes back.
    """
    rows = await tx.fetch("SELECT node, synced FROM route53_nodes")
    synced = {str(node): int(number) for node, number in rows}
    return all(synced.get(node.name, 0) >= change.number for node in await assignments.nodes(tx) if node.connected)


async def record_telling(tx: Tx, node: assignments.Node, *, wrote: bool) -> None:
    """
    Note that a node was told what there was to tell, and whether that made a difference to its assignment.

    It is in force when the node says that it has taken the assignment as it is now; at once if there is nothing to take.
    """
    row = await tx.fetch_one(
        """SELECT COALESCE((SELECT MIN(change_number) - 1 FROM route53_untold),
                           (SELECT MAX(number) FROM route53_changes), 0)"""
    )
    assert row is not None, "a value is a row"
    pending = await tx.fetch_one("SELECT MAX(generation) FROM route53_tellings WHERE node = ?", node.name)
    if wrote:
        if not node.connected:  # when it comes back it takes everything at once
            await tx.execute("DELETE FROM route53_tellings WHERE node = ?", node.name)
        await tx.execute(
            """INSERT INTO route53_tellings (node, generation, change_number) VALUES (?, ?, ?)
               ON CONFLICT (node, generation) DO UPDATE SET change_number = excluded.change_number""",
            node.name,
            await assignments.generation(tx, node.name),
            row[0],
        )
    elif pending is not None and pending[0] is not None:
        await tx.execute(
            "UPDATE route53_tellings SET change_number = ? WHERE node = ? AND generation = ?",
            row[0],
            node.name,
            pending[0],
        )
    else:
        await _synced(tx, node.name, row[0])


async def record_taking(tx: Tx, node: str, generation: int) -> None:
    """Note that a node goes by its assignment up to *generation*."""
    row = await tx.fetch_one(
        "SELECT MAX(change_number) FROM route53_tellings WHERE node = ? AND generation <= ?", node, generation
    )
    if row is not None and row[0] is not None:
        await tx.execute("DELETE FROM route53_tellings WHERE node = ? AND generation <= ?", node, generation)
        await _synced(tx, node, row[0])


async def _synced(tx: Tx, node: str, number: int) -> None:
    await tx.execute("UPDATE route53_nodes SET synced = ? WHERE node = ? AND synced < ?", number, node, number)


async def anything_to_tell(tx: Tx) -> bool:
    """Say whether there is a node to which there is something to say."""
    nodes = {node.name for node in await assignments.nodes(tx)}
    if nodes - await informed_nodes(tx):
        return True
    return bool(nodes) and await tx.fetch_one("SELECT 1 FROM route53_untold LIMIT 1") is not None


async def untold(tx: Tx, limit: int) -> list[Untold]:
    """Return what is to be told, the oldest first."""
    rows = await tx.fetch(
        "SELECT zone, name, kind, set_identifier FROM route53_untold ORDER BY change_number LIMIT ?", limit
    )
    return [Untold(zone, Key(name, kind, identifier) if kind else None) for zone, name, kind, identifier in rows]


async def told(tx: Tx, thing: Untold) -> None:
    key = thing.key or Key("", "")
    await tx.execute(
        "DELETE FROM route53_untold WHERE zone = ? AND name = ? AND kind = ? AND set_identifier = ?",
        thing.zone,
        key.name,
        key.kind,
        key.set_identifier,
    )


async def informed_nodes(tx: Tx) -> set[str]:
    """Return the nodes that were once told everything."""
    return {node for (node,) in await tx.fetch("SELECT node FROM route53_nodes")}


async def informed(tx: Tx, node: str) -> None:
    await tx.execute("INSERT INTO route53_nodes (node) VALUES (?) ON CONFLICT (node) DO NOTHING", node)


async def forget(tx: Tx, before: float) -> None:
    """Forget the changes submitted before that time, but for the last: numbers must never begin again."""
    await tx.execute(
        "DELETE FROM route53_changes WHERE submitted < ? AND number < (SELECT MAX(number) FROM route53_changes)", before
    )
