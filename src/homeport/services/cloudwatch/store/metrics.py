"""Metrics in the store."""

from collections.abc import Mapping, Sequence

import msgspec

from homeport.db.database import Row, Tx, Value
from homeport.services.cloudwatch.model import Metric

_CHUNK = 500


def _metric(row: Row) -> Metric:
    return Metric(row[0], row[1], msgspec.json.decode(row[2], type=tuple[tuple[str, str], ...]))


async def touch(tx: Tx, region: str, newest: Mapping[Metric, int]) -> None:
    """Make the metrics that are new, and remember the time of the newest datapoint of each."""
    for metric, timestamp in newest.items():
        await tx.execute(
            "INSERT INTO cloudwatch_metrics (id, region, namespace, name, dimensions, newest) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET newest = excluded.newest WHERE cloudwatch_metrics.newest < excluded.newest",
            *(metric.id_in(region), region, metric.namespace, metric.name, metric.dimensions_key, timestamp),
        )


async def list_metrics(
    tx: Tx,
    region: str,
    *,
    namespace: str,
    name: str,
    dimensions: Sequence[tuple[str, str | None]],
    since: int,
    after: tuple[str, str, str],
    limit: int,
) -> list[Metric]:
    """
    Return the first *limit* metrics behind *after* that had a datapoint *since*, in their order.

    An empty namespace or name means any; every one of *dimensions* must be there, with that value unless it is None.
    """
    condition = " AND namespace = ?" if namespace else ""
    condition += " AND name = ?" if name else ""
    asked: list[Value] = [text for text in (namespace, name) if text]
    found: list[Metric] = []
    behind: tuple[str, str, str] = after
    while True:
        rows = await tx.fetch(
            "SELECT namespace, name, dimensions FROM cloudwatch_metrics "
            f"WHERE region = ?{condition} AND (namespace, name, dimensions) > (?, ?, ?) AND newest >= ? "
            f"ORDER BY namespace, name, dimensions LIMIT {_CHUNK}",
            *(region, *asked, *behind, since),
        )
        found += (metric for metric in map(_metric, rows) if _has(metric, dimensions))
        if len(rows) < _CHUNK or len(found) >= limit:
            return found[:limit]
        behind = (rows[-1][0], rows[-1][1], rows[-1][2])


def _has(metric: Metric, wanted: Sequence[tuple[str, str | None]]) -> bool:
    present = dict(metric.dimensions)
    return all(name in present and value in (None, present[name]) for name, value in wanted)


async def forget(tx: Tx, before: int, limit: int) -> bool:
    """Remove some metrics whose newest datapoint is from before that time; False when there are none left."""
    rows = await tx.fetch("SELECT id FROM cloudwatch_metrics WHERE newest < ? LIMIT ?", before, limit)
    for (key,) in rows:
        await tx.execute("DELETE FROM cloudwatch_metrics WHERE id = ?", key)
    return bool(rows)
