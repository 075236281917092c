"""Rows of container instances, their attributes and what tasks take of them."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from homeport.db.database import Row, Tx
from homeport.services.ecs import tags as tagging
from homeport.services.ecs.model.container_instances import (
    ContainerInstance,
    Registration,
    Share,
    Status,
    Used,
    give_back,
    take,
)
from homeport.services.ecs.store import services

_COLUMNS = """id, arn, cluster, ec2_instance, status, registered_at, document, used, tags,
    (SELECT n.connected FROM ec2_instances e JOIN nodes n ON n.name = e.node
     WHERE e.id = ecs_container_instances.ec2_instance AND e.state = 'running')"""

_encode = msgspec.json.Encoder().encode
_registration = msgspec.json.Decoder(Registration).decode
_used = msgspec.json.Decoder(Used).decode


async def _load(tx: Tx, rows: Sequence[Row]) -> list[ContainerInstance]:
    custom: dict[str, dict[str, str]] = {row[0]: {} for row in rows}
    if rows:
        marks = ", ".join("?" * len(custom))
        for id_, name, value in await tx.fetch(
            f"SELECT container_instance, name, value FROM ecs_attributes WHERE container_instance IN ({marks})", *custom
        ):
            custom[id_][name] = value
    return [_read(row, custom[row[0]]) for row in rows]


def _read(row: Row, custom: Mapping[str, str]) -> ContainerInstance:
    id_, arn, cluster, machine, status, registered_at, document, used, tags, connected = row
    return ContainerInstance(
        id_,
        arn,
        cluster,
        machine,
        Status(status),
        registered_at,
        _registration(document),
        _used(used),
        tagging.from_json(tags),
        custom,
        bool(connected),
    )


async def insert(tx: Tx, instance: ContainerInstance) -> None:
    await tx.execute(
        """INSERT INTO ecs_container_instances
           (id, arn, cluster, ec2_instance, status, registered_at, document, used, tags, inactive_since)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)""",
        instance.id,
        instance.arn,
        instance.cluster,
        instance.ec2_instance,
        instance.status,
        instance.registered_at,
        _encode(instance.registration).decode(),
        _encode(instance.used).decode(),
        tagging.to_json(instance.tags),
    )
    await services.mark_cluster_due(tx, instance.cluster)


async def update(tx: Tx, instance: ContainerInstance, *, inactive_since: float | None = None) -> None:
    """Write a container instance's status, registration and tags; what tasks take of it has functions of its own."""
    await tx.execute(
        "UPDATE ecs_container_instances SET status = ?, document = ?, tags = ?, inactive_since = ? WHERE id = ?",
        instance.status,
        _encode(instance.registration).decode(),
        tagging.to_json(instance.tags),
        inactive_since,
        instance.id,
    )
    await services.mark_cluster_due(tx, instance.cluster)


async def find(tx: Tx, id_: str) -> ContainerInstance | None:
    found = await among(tx, [id_])
    return found.get(id_)


async def among(tx: Tx, ids: Sequence[str]) -> dict[str, ContainerInstance]:
    """Return those that exist, whatever their status, by id."""
    marks = ", ".join("?" * len(ids))
    rows = await tx.fetch(f"SELECT {_COLUMNS} FROM ecs_container_instances WHERE id IN ({marks})", *ids)
    return {each.id: each for each in await _load(tx, rows)}


async def draining(tx: Tx, ids: Collection[str]) -> frozenset[str]:
    """Return those among *ids* that are to be emptied."""
    if not ids:
        return frozenset()
    marks = ", ".join("?" * len(ids))
    rows = await tx.fetch(f"SELECT id FROM ecs_container_instances WHERE id IN ({marks}) AND status = 'DRAINING'", *ids)
    return frozenset(row[0] for row in rows)


async def in_cluster(tx: Tx, cluster: str, *statuses: Status) -> list[ContainerInstance]:
    """Return a cluster's container instances with one of these statuses, by id."""
    marks = ", ".join("?" * len(statuses))
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM ecs_container_instances WHERE cluster = ? AND status IN ({marks}) ORDER BY id",
        cluster,
        *statuses,
    )
    return await _load(tx, rows)


async def count(tx: Tx, cluster: str) -> int:
    """Return how many container instances a cluster has: those registering, active or draining."""
    row = await tx.fetch_one(
        """SELECT COUNT(*) FROM ecs_container_instances
           WHERE cluster = ? AND status IN ('REGISTERING', 'ACTIVE', 'DRAINING')""",
        cluster,
    )
    return int(row[0]) if row is not None else 0


async def of_machine(tx: Tx, ec2_instance: str) -> list[ContainerInstance]:
    """Return the container instances that a machine is or has been, the latest last."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM ecs_container_instances WHERE ec2_instance = ? ORDER BY registered_at, id",
        ec2_instance,
    )
    return await _load(tx, rows)


async def on_node(tx: Tx, node: str) -> list[ContainerInstance]:
    """Return the container instances, whatever their status, whose machines run on that node."""
    rows = await tx.fetch(
        f"""SELECT {_COLUMNS} FROM ecs_container_instances
            WHERE ec2_instance IN (SELECT id FROM ec2_instances WHERE node = ? AND state = 'running') ORDER BY id""",
        node,
    )
    return await _load(tx, rows)


async def registered(tx: Tx) -> list[ContainerInstance]:
    """Return all that are not INACTIVE."""
    rows = await tx.fetch(f"SELECT {_COLUMNS} FROM ecs_container_instances WHERE status <> 'INACTIVE' ORDER BY id")
    return await _load(tx, rows)


async def change_share(tx: Tx, id_: str, before: Share | None, after: Share | None) -> None:
    """Put a task's share *after* in the place of *before*; None where the task has none."""
    if before == after:
        return
    row = await tx.fetch_one("SELECT used FROM ecs_container_instances WHERE id = ?", id_)
    if row is None:
        return  # it was removed, an hour after it had been deregistered
    used = _used(row[0])
    used = give_back(used, before) if before is not None else used
    used = take(used, after) if after is not None else used
    await tx.execute("UPDATE ecs_container_instances SET used = ? WHERE id = ?", _encode(used).decode(), id_)


async def put_attribute(tx: Tx, id_: str, name: str, value: str) -> None:
    await tx.execute(
        """INSERT INTO ecs_attributes (container_instance, name, value) VALUES (?, ?, ?)
           ON CONFLICT (container_instance, name) DO UPDATE SET value = excluded.value""",
        id_,
        name,
        value,
    )


async def delete_attribute(tx: Tx, id_: str, name: str) -> None:
    await tx.execute("DELETE FROM ecs_attributes WHERE container_instance = ? AND name = ?", id_, name)


async def remove_inactive(tx: Tx, before: float, limit: int) -> int:
    """Remove container instances that became inactive before that time, and say how many they were."""
    rows = await tx.fetch(
        "SELECT id FROM ecs_container_instances WHERE inactive_since < ? ORDER BY inactive_since LIMIT ?", before, limit
    )
    for (id_,) in rows:
        await tx.execute("DELETE FROM ecs_attributes WHERE container_instance = ?", id_)
        await tx.execute("DELETE FROM ecs_container_instances WHERE id = ?", id_)
    return len(rows)
