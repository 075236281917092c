"""Rows of clusters."""

from collections.abc import Sequence

import msgspec

from homeport.db.database import Row, Tx
from homeport.services.ecs import tags as tagging
from homeport.services.ecs.model.clusters import Cluster, ClusterDocument

_RECORD = "arn, name, status, document, tags"


_decode = msgspec.json.Decoder(ClusterDocument).decode
_encode = msgspec.json.Encoder().encode


def _cluster(row: Row) -> Cluster:
    arn, name, status, document, tags = row
    return Cluster(arn, name, status, _decode(document), tagging.from_json(tags))


def arn_of(account: str, region: str, name: str) -> str:
    return f"arn:aws:ecs:{region}:{account}:cluster/{name}"


async def put(tx: Tx, cluster: Cluster, *, region: str, inactive_since: float | None = None) -> None:
    """Write the cluster as it is given, whether or not there was one."""
    await tx.execute(
        """INSERT INTO ecs_clusters (arn, region, name, status, document, tags, inactive_since)
           VALUES (?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (arn) DO UPDATE SET status = excluded.status, document = excluded.document,
               tags = excluded.tags, inactive_since = excluded.inactive_since""",
        cluster.arn,
        region,
        cluster.name,
        cluster.status,
        _encode(cluster.document).decode(),
        tagging.to_json(cluster.tags),
        inactive_since,
    )


async def find(tx: Tx, arn: str) -> Cluster | None:
    row = await tx.fetch_one(f"SELECT {_RECORD} FROM ecs_clusters WHERE arn = ?", arn)
    return None if row is None else _cluster(row)


async def among(tx: Tx, arns: Sequence[str]) -> dict[str, Cluster]:
    """Return those clusters that exist, whatever their status, by ARN."""
    marks = ", ".join("?" * len(arns))
    rows = await tx.fetch(f"SELECT {_RECORD} FROM ecs_clusters WHERE arn IN ({marks})", *arns)
    return {row[0]: _cluster(row) for row in rows}


async def page(tx: Tx, region: str, *, after: str, limit: int) -> list[tuple[str, str]]:
    """Return (name, ARN) of up to *limit* active clusters after the name *after*."""
    rows = await tx.fetch(
        """SELECT name, arn FROM ecs_clusters WHERE region = ? AND status = 'ACTIVE' AND name > ?
            ORDER BY name LIMIT ?""",
        region,
        after,
        limit,
    )
    return [(row[0], row[1]) for row in rows]


async def remove_inactive(tx: Tx, before: float) -> int:
    """Remove the clusters that were deleted before that time, and say how many they were."""
    return await tx.execute("DELETE FROM ecs_clusters WHERE inactive_since < ?", before)
