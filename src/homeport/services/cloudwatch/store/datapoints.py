"""
Datapoints in the store: one row per metric, interval and unit.

What is published for an interval that has a row is merged into it.  Every read is a range of the primary key.
"""

from collections.abc import Iterable, Mapping

import msgspec

from homeport.db.database import Row, Tx
from homeport.services.cloudwatch.distribution import Distribution, merge
from homeport.services.cloudwatch.model import RETENTION, Datapoint, Datum, Metric
from homeport.services.cloudwatch.store import metrics

_SUMS = "timestamp, resolution, unit, sample_count, total, minimum, maximum"


async def publish(tx: Tx, region: str, data: Iterable[Datum]) -> None:
    """Add *data* to the metrics of *region*, which are made where they are new."""
    newest: dict[Metric, int] = {}
    parts: dict[tuple[int, int, int, str], list[Distribution]] = {}
    for datum in data:
        begin = int(datum.timestamp // datum.resolution * datum.resolution)
        newest[datum.metric] = max(newest.get(datum.metric, 0), int(datum.timestamp))
        key = (datum.metric.id_in(region), begin, datum.resolution, datum.unit)
        parts.setdefault(key, []).append(datum.distribution)
    await metrics.touch(tx, region, newest)
    for (metric_id, begin, resolution, unit), found in parts.items():
        await _add(tx, metric_id, Datapoint(begin, resolution, unit, merge(found)))


async def _add(tx: Tx, metric_id: int, point: Datapoint) -> None:
    """Merge *point* into its row."""
    row = await tx.fetch_one(
        f"SELECT {_SUMS}, distribution FROM cloudwatch_datapoints "
        "WHERE metric_id = ? AND timestamp = ? AND resolution = ? AND unit = ?",
        *(metric_id, point.timestamp, point.resolution, point.unit),
    )
    samples = point.distribution if row is None else merge([_point(row).distribution, point.distribution])
    await tx.execute(
        f"INSERT INTO cloudwatch_datapoints (metric_id, {_SUMS}, distribution) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (metric_id, timestamp, resolution, unit) DO UPDATE SET sample_count = excluded.sample_count, "
        "total = excluded.total, minimum = excluded.minimum, maximum = excluded.maximum, "
        "distribution = excluded.distribution",
        *(metric_id, point.timestamp, point.resolution, point.unit),
        *(samples.count, samples.total, samples.low, samples.high, _written(samples)),
    )


def _written(samples: Distribution) -> str | None:
    if samples.values is None or samples.low == samples.high:
        return None
    # Whole numbers without their fraction: most counts are 1, and there may be many.
    return msgspec.json.encode([(_short(value), _short(times)) for value, times in samples.values.items()]).decode()


def _short(number: float) -> float | int:
    return int(number) if abs(number) < 1e15 and number == int(number) else number


def _values(low: float, high: float, count: float, written: str | None) -> Mapping[float, float] | None:
    if written:
        return dict(msgspec.json.decode(written, type=list[tuple[float, float]]))
    return {low: count} if low == high else None


def _point(row: Row) -> Datapoint:
    timestamp, resolution, unit, count, total, low, high, written = row
    samples = Distribution(count, total, low, high, _values(low, high, count, written))
    return Datapoint(timestamp, resolution, unit, samples)


async def read(
    tx: Tx, metric_id: int, start: int, end: float, *, unit: str | None = None, values: bool = False
) -> list[Datapoint]:
    """
    Return the datapoints from *start* (inclusive) to *end* (exclusive), oldest first.

    A *unit* selects; without *values* only the four sums are read, from which no percentile follows.
    """
    condition, chosen = (" AND unit = ?", (unit,)) if unit is not None else ("", ())
    rows = await tx.fetch(
        f"SELECT {_SUMS}, {'distribution' if values else 'NULL'} FROM cloudwatch_datapoints "
        f"WHERE metric_id = ? AND timestamp >= ? AND timestamp < ?{condition} ORDER BY timestamp",
        *(metric_id, start, end, *chosen),
    )
    return [_point(row) for row in rows]


async def coarsen(tx: Tx, resolution: int, now: float, limit: int) -> bool:
    """
    Merge some datapoints that are too old for *resolution* into the next coarser one, or drop them at the last.

    False when there are none left.
    """
    kept, coarser = RETENTION[resolution]
    rows = await tx.fetch(
        f"SELECT metric_id, {_SUMS}, distribution FROM cloudwatch_datapoints "
        "WHERE resolution = ? AND timestamp < ? ORDER BY timestamp LIMIT ?",
        *(resolution, int(now - kept), limit),
    )
    for metric_id, *row in rows:
        point = _point(row)
        if coarser:
            begin = point.timestamp // coarser * coarser
            await _add(tx, metric_id, Datapoint(begin, coarser, point.unit, point.distribution))
        await tx.execute(
            "DELETE FROM cloudwatch_datapoints WHERE metric_id = ? AND timestamp = ? AND resolution = ? AND unit = ?",
            *(metric_id, point.timestamp, resolution, point.unit),
        )
    return bool(rows)
