"""
What each node shall have, as rows numbered by the node's generation.

Writers: ECS placement (tasks and their interfaces), EC2 (VPCs, security groups, instances and what is attached to
them).  Readers: the sessions.
"""

from dataclasses import dataclass

import msgspec

from homeport.db.database import Tx
from homeport.wire.messages import Assignment, Change, Drop, Facts, Item

_encode = msgspec.json.Encoder().encode
_decode_item: "msgspec.json.Decoder[Item]" = msgspec.json.Decoder(Item)
_decode_facts = msgspec.json.Decoder(Facts)


@dataclass(frozen=True, slots=True)
class Node:
    """A machine that has joined, when it last did (seconds since the epoch), and whether its session is open."""

    name: str
    facts: Facts
    seen_at: float
    connected: bool = False


async def register(tx: Tx, name: str, facts: Facts, now: float) -> None:
    """Record that the node *name* exists, with what it is made of, and that it is connected."""
    await tx.execute(
        """INSERT INTO nodes (name, facts, generation, seen_at, connected) VALUES (?, ?, 0, ?, 1)
           ON CONFLICT (name) DO UPDATE SET facts = excluded.facts, seen_at = excluded.seen_at, connected = 1""",
        name,
        _encode(facts).decode(),
        now,
    )


async def nodes(tx: Tx) -> list[Node]:
    """Return every node that ever joined, by name."""
    rows = await tx.fetch("SELECT name, facts, seen_at, connected FROM nodes ORDER BY name")
    return [Node(name, _decode_facts.decode(facts), seen, bool(connected)) for name, facts, seen, connected in rows]


async def set_disconnected(tx: Tx, name: str | None = None) -> None:
    """Record that the node's session has ended; without a name, that no node has one: a server has just begun."""
    if name is None:
        await tx.execute("UPDATE nodes SET connected = 0")
    else:
        await tx.execute("UPDATE nodes SET connected = 0 WHERE name = ?", name)


async def put(tx: Tx, node: str, item: Item) -> None:
    """Assign *item* to the node, replacing what it had under that kind and id."""
    await _write(tx, node, type(item).__name__, item.id, _encode(item).decode())


async def put_missing(tx: Tx, node: str, item: Item) -> bool:
    """Assign *item* unless the node already has exactly that; says whether it wrote."""
    kind, body = type(item).__name__, _encode(item).decode()
    row = await tx.fetch_one("SELECT body FROM assignments WHERE node = ? AND kind = ? AND id = ?", node, kind, item.id)
    if row is not None and row[0] == body:
        return False
    await _write(tx, node, kind, item.id, body)
    return True


async def drop(tx: Tx, node: str, kind: str, id: str) -> bool:  # noqa: A002 - the wire's own name for it
    """Take an item away from the node; says whether there was one."""
    row = await tx.fetch_one("SELECT body FROM assignments WHERE node = ? AND kind = ? AND id = ?", node, kind, id)
    if row is None or row[0] is None:
        return False
    await _write(tx, node, kind, id, None)
    return True


async def _write(tx: Tx, node: str, kind: str, item_id: str, body: str | None) -> None:
    row = await tx.fetch_one("UPDATE nodes SET generation = generation + 1 WHERE name = ? RETURNING generation", node)
    assert row is not None, f"assignments are for nodes that have joined, {node} has not"
    await tx.execute(
        """INSERT INTO assignments (node, kind, id, generation, body) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (node, kind, id) DO UPDATE SET generation = excluded.generation, body = excluded.body""",
        node,
        kind,
        item_id,
        row[0],
        body,
    )


async def generation(tx: Tx, node: str) -> int:
    """Return the number of the node's assignment as it is now."""
    row = await tx.fetch_one("SELECT generation FROM nodes WHERE name = ?", node)
    assert row is not None, f"{node} has not joined"
    return int(row[0])


async def items(tx: Tx, node: str, kind: str) -> list[Item]:
    """Return the node's items of one kind, such as "Vpc"."""
    rows = await tx.fetch(
        "SELECT body FROM assignments WHERE node = ? AND kind = ? AND body IS NOT NULL ORDER BY id", node, kind
    )
    return [_decode_item.decode(body) for (body,) in rows]


async def assignment(tx: Tx, node: str) -> Assignment:
    """Return everything the node shall have."""
    row = await tx.fetch_one("SELECT generation FROM nodes WHERE name = ?", node)
    assert row is not None, f"{node} has not joined"
    rows = await tx.fetch("SELECT body FROM assignments WHERE node = ? AND body IS NOT NULL ORDER BY generation", node)
    return Assignment(generation=row[0], items=tuple(_decode_item.decode(body) for (body,) in rows))


async def change_since(tx: Tx, node: str, generation: int) -> Change | None:
    """Return what was written after *generation*, or None if nothing was."""
    rows = await tx.fetch(
        "SELECT kind, id, generation, body FROM assignments WHERE node = ? AND generation > ? ORDER BY generation",
        node,
        generation,
    )
    if not rows:
        return None
    return Change(
        previous=generation,
        generation=rows[-1][2],
        puts=tuple(_decode_item.decode(body) for _, _, _, body in rows if body is not None),
        drops=tuple(Drop(kind=kind, id=item_id) for kind, item_id, _, body in rows if body is None),
    )


async def forget_drops(tx: Tx, node: str) -> None:
    """
    Remove the rows that only say "dropped".

    Only when the node is about to get its whole assignment, in which a dropped item is simply absent.
    """
    await tx.execute("DELETE FROM assignments WHERE node = ? AND body IS NULL", node)
