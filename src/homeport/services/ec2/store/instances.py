"""Instances, and what a type is: some of AWS's table, some a node."""

from collections.abc import Collection, Sequence

import msgspec

from homeport.db.database import Row, Tx
from homeport.fleet import assignments
from homeport.fleet.assignments import Node
from homeport.services.ec2.instance import Instance, State
from homeport.services.ec2.instance_types import InstanceType, find_instance_type, node_of_type, type_of_node
from homeport.services.ec2.store import tags
from homeport.services.ec2.store.instance_filters import COLUMNS, INSTANCES, read_instance
from homeport.services.ec2.store.selection import get, marks

_encode = msgspec.json.Encoder().encode


async def get_instance(tx: Tx, region: str, instance: str) -> Instance:
    """Return an instance, or raise InvalidInstanceID.NotFound."""
    return (await get(tx, INSTANCES, region, instance)).instance


async def find_instance(tx: Tx, instance: str) -> Instance | None:
    """Return an instance of any region; a terminated one is there for an hour."""
    row = await tx.fetch_one(f"SELECT {COLUMNS} FROM ec2_instances WHERE id = ?", instance)
    return None if row is None else read_instance(row)


async def states_of(tx: Tx, ids: Collection[str]) -> dict[str, State]:
    """Return the states of those of *ids* that exist."""
    rows = await tx.fetch(f"SELECT id, state FROM ec2_instances WHERE id IN ({marks(ids)})", *ids)
    return {row[0]: State(row[1]) for row in rows}


async def instances_of_reservation(tx: Tx, reservation: str) -> list[Instance]:
    """Return the instances of one launch in their order."""
    rows = await tx.fetch(
        f"SELECT {COLUMNS} FROM ec2_instances WHERE reservation = ? ORDER BY launch_index", reservation
    )
    return _read(rows)


async def instances_in(tx: Tx, *states: State) -> list[Instance]:
    """Return the instances of all regions that are in one of *states*, by id."""
    wanted = marks(states)
    return _read(await tx.fetch(f"SELECT {COLUMNS} FROM ec2_instances WHERE state IN ({wanted}) ORDER BY id", *states))


async def live_on_nodes(tx: Tx) -> dict[str, int]:
    """Return how many instances each node has that are not terminated."""
    rows = await tx.fetch("SELECT node, COUNT(*) FROM ec2_instances WHERE state <> 'terminated' GROUP BY node")
    return {row[0]: row[1] for row in rows}


async def count_of_type(tx: Tx, instance_type: str) -> int:
    """Return how many instances of a type there are that are not terminated; asked of the types that stand for nodes."""
    row = await tx.fetch_one(
        "SELECT COUNT(*) FROM ec2_instances WHERE node = ? AND type = ? AND state <> 'terminated'",
        node_of_type(instance_type),
        instance_type,
    )
    assert row is not None, "a count is always one row"
    return int(row[0])


async def find_type(tx: Tx, name: str) -> InstanceType | None:
    """Return a type of AWS's table, or the one that stands for a node which has joined."""
    node = node_of_type(name)
    if node is None:
        return find_instance_type(name)
    return next((type_of(joined) for joined in await assignments.nodes(tx) if joined.name == node), None)


def type_of(node: Node) -> InstanceType:
    """Return the type that stands for a node."""
    return type_of_node(node.name, vcpus=node.facts.cpus, memory_mib=node.facts.memory)


async def insert_instance(tx: Tx, instance: Instance) -> None:
    """Add an instance, of which its node has yet to be told."""
    await tx.execute(
        f"""INSERT INTO ec2_instances ({COLUMNS}, stale)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)""",
        instance.id,
        instance.region,
        instance.reservation,
        instance.launch_index,
        instance.type,
        instance.image,
        instance.vpc,
        instance.subnet,
        instance.zone,
        instance.interface,
        instance.node,
        _encode(instance.options).decode(),
        instance.launched_at,
        instance.launched_by,
        instance.state,
        instance.state_reason,
        instance.transition_reason,
        instance.terminated_at,
        int(instance.rebooting),
        _agent(instance),
        instance.observed_sequence,
        int(instance.assigned),
    )


async def update_instance(tx: Tx, instance: Instance) -> None:
    """Write all of an instance that changes in its life, of which its node may have to be told."""
    await tx.execute(
        """UPDATE ec2_instances SET type = ?, interface = ?, options = ?, launched_at = ?, state = ?, state_reason = ?,
           transition_reason = ?, terminated_at = ?, rebooting = ?, agent = ?, observed_sequence = ?, stale = 1
           WHERE id = ?""",
        instance.type,
        instance.interface,
        _encode(instance.options).decode(),
        instance.launched_at,
        instance.state,
        instance.state_reason,
        instance.transition_reason,
        instance.terminated_at,
        int(instance.rebooting),
        _agent(instance),
        instance.observed_sequence,
        instance.id,
    )


def _agent(instance: Instance) -> str | None:
    return None if instance.agent is None else _encode(instance.agent).decode()


async def mark_stale(tx: Tx, instance: str) -> None:
    """Note that the node may have to be told of a change to what is attached to the instance."""
    await tx.execute("UPDATE ec2_instances SET stale = 1 WHERE id = ?", instance)


async def stale_instances(tx: Tx, limit: int) -> list[Instance]:
    """Return instances whose nodes may have to be told of a change."""
    return _read(await tx.fetch(f"SELECT {COLUMNS} FROM ec2_instances WHERE stale = 1 ORDER BY id LIMIT {limit}"))


async def mark_told(tx: Tx, instance: str, *, assigned: bool) -> None:
    """Note that the node was told of the instance as it is, and whether it has ever had it."""
    await tx.execute("UPDATE ec2_instances SET stale = 0, assigned = ? WHERE id = ?", int(assigned), instance)


async def forget_terminated(tx: Tx, before: float, limit: int) -> int:
    """Delete instances that were terminated before then and have no task's interface left; returns how many."""
    rows = await tx.fetch(
        f"""SELECT id, reservation FROM ec2_instances i WHERE terminated_at < ?
            AND NOT EXISTS (SELECT 1 FROM ec2_interfaces e WHERE e.instance = i.id)
            ORDER BY terminated_at LIMIT {limit}""",
        before,
    )
    for instance, reservation in rows:
        await tx.execute("DELETE FROM ec2_instances WHERE id = ?", instance)
        await tags.forget(tx, instance)
        if await tx.fetch_one("SELECT 1 FROM ec2_instances WHERE reservation = ?", reservation) is None:
            await tags.forget(tx, reservation)  # its client token
    return len(rows)


def _read(rows: Sequence[Row]) -> list[Instance]:
    return [read_instance(row) for row in rows]
