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


async def is_told(tx: Tx, change: Change) -> bool:
    """Say whether nothing of a change, or of those before it, is left to be told; nobody to tell is told at once."""
    if not await assignments.nodes(tx):
        return True
    found = await tx.fetch_one("SELECT 1 FROM route53_untold WHERE change_number <= ? LIMIT 1", change.number)
    return found is None


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
    """Forget the changes submitted before that time."""
    await tx.execute("DELETE FROM route53_changes WHERE submitted < ?", before)
