"""Rows of tasks.  The columns beside the documents repeat what queries and indexes need."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from homeport.db.database import Row, Tx
from homeport.services.ecs import tags
from homeport.services.ecs.model.clusters import Counts
from homeport.services.ecs.model.container_instances import Share
from homeport.services.ecs.model.services import TaskCounts
from homeport.services.ecs.model.tasks import RANK, Desired, Launch, Status, Task, TaskRecord
from homeport.services.ecs.store import container_instances, services

_encode = msgspec.json.Encoder().encode
_decode_task = msgspec.json.Decoder(Task).decode
_decode_launch = msgspec.json.Decoder(Launch).decode

_RECORD = "document, launch, tags, node, waiting, observed_sequence, protected_until"


def _record(row: Row) -> TaskRecord:
    document, launch, tags_json, node, waiting, sequence, protected = row
    return TaskRecord(
        _decode_task(document),
        _decode_launch(launch),
        tags.from_json(tags_json),
        node,
        waiting is not None,
        sequence,
        protected,
    )


def position(created_at: float, task_id: str) -> str:
    """Return the key by which tasks are listed: by creation, ties by id."""
    return f"{int(created_at * 1_000_000):016x}{task_id[:8]}"


async def insert(tx: Tx, record: TaskRecord) -> str:
    """Record a new task and return its document as it was written; what it takes of its instance is taken."""
    task, launch = record.task, record.launch
    await container_instances.change_share(tx, launch.container_instance, None, launch.share)
    document = _encode(task).decode()
    await tx.execute(
        """INSERT INTO ecs_tasks (id, position, cluster, desired_status, last_status, family, revision, started_by,
               launch_type, capacity_provider, node, waiting, observed_sequence, stopped_at, document, launch, tags,
               container_instance, service, service_revision, watched)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, 1, 0, NULL, ?, ?, ?, ?, ?, ?, ?)""",
        task.id,
        position(task.created_at, task.id),
        task.cluster_arn,
        task.desired_status,
        task.last_status,
        launch.family,
        launch.revision,
        task.started_by or None,
        task.launch_type,
        task.capacity_provider_name or None,
        document,
        _encode(launch).decode(),
        tags.to_json(record.tags),
        launch.container_instance or None,
        launch.service or None,
        launch.revision_of_service or None,
        1 if launch.service else None,
    )
    return document


def _share(record: TaskRecord) -> Share | None:
    """Return what the task has of its instance as it is now: nothing once it has stopped."""
    share, task = record.launch.share, record.task
    if share is None or task.last_status is Status.STOPPED:
        return None
    return msgspec.structs.replace(
        share,
        stage="running" if RANK[task.last_status] >= RANK[Status.RUNNING] else "pending",
        leaving=task.desired_status is Desired.STOPPED,
    )


async def update(tx: Tx, record: TaskRecord) -> str:
    """Write back what can change of a task, and what it has of its instance; return the document as it was written."""
    task, share = record.task, _share(record)
    await container_instances.change_share(tx, record.launch.container_instance, record.launch.share, share)
    launch = msgspec.structs.replace(record.launch, share=share)
    document = _encode(task).decode()
    await tx.execute(
        """UPDATE ecs_tasks SET desired_status = ?, last_status = ?, node = ?, waiting = ?, observed_sequence = ?,
               stopped_at = ?, document = ?, launch = ? WHERE id = ?""",
        task.desired_status,
        task.last_status,
        record.node,
        1 if record.waiting else None,
        record.observed_sequence,
        task.stopped_at or None,
        document,
        _encode(launch).decode(),
        task.id,
    )
    if launch.service:
        await services.mark_due(tx, launch.service)
    return document


async def find(tx: Tx, task_id: str) -> TaskRecord | None:
    row = await tx.fetch_one(f"SELECT {_RECORD} FROM ecs_tasks WHERE id = ?", task_id)
    return None if row is None else _record(row)


async def among(tx: Tx, ids: Sequence[str]) -> list[TaskRecord]:
    """Return those that exist."""
    marks = ", ".join("?" * len(ids))
    rows = await tx.fetch(f"SELECT {_RECORD} FROM ecs_tasks WHERE id IN ({marks})", *ids)
    return [_record(row) for row in rows]


async def documents(tx: Tx, cluster: str, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return document and tags, both JSON, of those tasks of *cluster* among *ids*."""
    marks = ", ".join("?" * len(ids))
    # The cluster is compared here: in the query it would lure the planner to an index over the whole cluster.
    rows = await tx.fetch(f"SELECT id, document, tags, cluster FROM ecs_tasks WHERE id IN ({marks})", *ids)
    return {task_id: (document, tags) for task_id, document, tags, of_cluster in rows if of_cluster == cluster}


async def waiting(tx: Tx, limit: int) -> list[TaskRecord]:
    """
    Return the tasks that placement has yet to look at, oldest first.

    Those whose instance's agent cannot be told anything go on waiting, unseen, so that they hold up nobody.
    """
    rows = await tx.fetch(
        f"""SELECT {_RECORD} FROM ecs_tasks WHERE waiting = 1 AND (
                container_instance IS NULL OR desired_status = 'STOPPED' OR EXISTS (
                    SELECT 1 FROM ecs_container_instances c JOIN ec2_instances e ON e.id = c.ec2_instance
                    JOIN nodes n ON n.name = e.node WHERE c.id = container_instance AND n.connected = 1))
            ORDER BY position LIMIT ?""",
        limit,
    )
    return [_record(row) for row in rows]


async def live_on_instance(tx: Tx, container_instance: str) -> list[TaskRecord]:
    """Return the tasks of a container instance that have not stopped."""
    rows = await tx.fetch(
        f"SELECT {_RECORD} FROM ecs_tasks WHERE container_instance = ? AND stopped_at IS NULL ORDER BY position",
        container_instance,
    )
    return [_record(row) for row in rows]


async def watched(tx: Tx, service: str) -> list[TaskRecord]:
    """Return the tasks of a service that have not stopped, and those of whose end it has yet to take note."""
    rows = await tx.fetch(f"SELECT {_RECORD} FROM ecs_tasks WHERE service = ? AND watched = 1", service)
    return [_record(row) for row in rows]


async def settle(tx: Tx, task_id: str) -> None:
    """Record that the task's service has taken note of its end."""
    await tx.execute("UPDATE ecs_tasks SET watched = NULL WHERE id = ?", task_id)


async def protect(tx: Tx, task_id: str, until: float | None) -> None:
    """Protect a task from scale-in and deployments until that time, or no longer."""
    await tx.execute("UPDATE ecs_tasks SET protected_until = ? WHERE id = ?", until, task_id)


async def counts_of_service(tx: Tx, service: str) -> TaskCounts:
    """Count the tasks of a service that are meant to run."""
    rows = await tx.fetch(
        """SELECT service_revision, last_status, COUNT(*) FROM ecs_tasks
           WHERE service = ? AND watched = 1 AND desired_status = 'RUNNING' GROUP BY service_revision, last_status""",
        service,
    )
    return TaskCounts({(revision, status): count for revision, status, count in rows})


async def page(
    tx: Tx, cluster: str, desired: Desired, *, after: str, limit: int, filters: Mapping[str, str]
) -> list[tuple[str, str]]:
    """
    Return (position, id) of up to *limit* tasks after the position *after*.

    *filters* gives equal values of the columns family, started_by, launch_type, container_instance and service; each
    has an index that ends in the position, so a page costs what it shows.
    """
    clauses = "".join(f" AND {column} = ?" for column in filters)
    rows = await tx.fetch(
        f"""SELECT position, id FROM ecs_tasks WHERE cluster = ? AND desired_status = ?{clauses} AND position > ?
            ORDER BY position LIMIT ?""",
        cluster,
        desired,
        *filters.values(),
        after,
        limit,
    )
    return [(row[0], row[1]) for row in rows]


async def counts(tx: Tx, cluster: str) -> Counts:
    """Return how many live tasks of the cluster are in each status."""
    rows = await tx.fetch(
        """SELECT launch_type, last_status, COUNT(*) FROM ecs_tasks WHERE cluster = ? AND stopped_at IS NULL
           GROUP BY launch_type, last_status""",
        cluster,
    )
    return Counts(tasks={(kind, status): count for kind, status, count in rows})


async def any_of_providers(tx: Tx, cluster: str, providers: Collection[str]) -> bool:
    """Say whether a live task of the cluster came through one of these capacity providers."""
    marks = ", ".join("?" * len(providers))
    row = await tx.fetch_one(
        f"""SELECT 1 FROM ecs_tasks WHERE cluster = ? AND capacity_provider IN ({marks}) AND stopped_at IS NULL
            LIMIT 1""",
        cluster,
        *providers,
    )
    return row is not None


async def live_on_nodes(tx: Tx) -> dict[str, int]:
    """Return how many live tasks each node has."""
    rows = await tx.fetch(
        "SELECT node, COUNT(*) FROM ecs_tasks WHERE node IS NOT NULL AND stopped_at IS NULL GROUP BY node"
    )
    return {row[0]: row[1] for row in rows}


async def uses_definition(tx: Tx, family: str, revision: int) -> bool:
    """Say whether a live task still runs that revision."""
    row = await tx.fetch_one(
        "SELECT 1 FROM ecs_tasks WHERE family = ? AND revision = ? AND stopped_at IS NULL LIMIT 1", family, revision
    )
    return row is not None


async def find_tags(tx: Tx, cluster: str, task_id: str) -> dict[str, str] | None:
    row = await tx.fetch_one("SELECT tags FROM ecs_tasks WHERE id = ? AND cluster = ?", task_id, cluster)
    return None if row is None else tags.from_json(row[0])


async def put_tags(tx: Tx, task_id: str, tagged: Mapping[str, str]) -> None:
    await tx.execute("UPDATE ecs_tasks SET tags = ? WHERE id = ?", tags.to_json(tagged), task_id)


async def remove_stopped(tx: Tx, before: float, limit: int) -> int:
    """
    Remove up to *limit* tasks that stopped before that time, and say how many they were.

    One whose service has yet to take note of its end is kept.
    """
    return await tx.execute(
        """DELETE FROM ecs_tasks WHERE id IN
            (SELECT id FROM ecs_tasks WHERE stopped_at < ? AND watched IS NULL ORDER BY stopped_at LIMIT ?)""",
        before,
        limit,
    )
