"""Datapoints grow coarser with age and never change what they sum to; no read is longer than what it asks for."""

from tests.unit.services.explained import Explained

from homeport.kit.clock import FixedClock
from homeport.services.cloudwatch.distribution import of_values
from homeport.services.cloudwatch.model import DAY, HOUR, Datum, metric_of
from homeport.services.cloudwatch.reconcilers.expiry import expire
from homeport.services.cloudwatch.store import datapoints, metrics

REGION = "us-east-1"
START = 1_700_000_400  # an hour and all smaller periods begin
METRIC = metric_of("Test", "Load", {"Service": "web"})


async def publish(database, moments, resolution=60):
    data = [Datum(METRIC, moment, of_values({float(n): 1.0}), "Count", resolution) for n, moment in enumerate(moments)]
    async with database.transaction() as tx:
        await datapoints.publish(tx, REGION, data)


async def stored(database):
    async with database.snapshot() as tx:
        return await datapoints.read(tx, METRIC.id_in(REGION), 0, 1e10, values=True)


def shape(points):
    return [(point.timestamp - START, point.resolution, point.distribution.count) for point in points]


def test_old_datapoints_are_merged_into_coarser_ones_and_go_at_last(in_store):
    async def work(database):
        clock = FixedClock(START)
        await publish(database, [START + 20 * n for n in range(60)], resolution=1)  # twenty minutes
        whole = of_values({float(n): 1.0 for n in range(60)})
        expected = [(4 * HOUR, 60, 20), (16 * DAY, 300, 4), (64 * DAY, 3_600, 1)]
        for age, resolution, rows in expected:
            clock.seconds = START + age
            await expire(database, clock)
            found = await stored(database)
            assert [point.resolution for point in found] == [resolution] * rows
            assert sum(point.distribution.count for point in found) == whole.count
            assert sum(point.distribution.total for point in found) == whole.total
            values = {v: n for point in found for v, n in point.distribution.values.items()}
            assert values == whole.values
        clock.seconds = START + 456 * DAY
        await expire(database, clock)
        assert await stored(database) == []
        async with database.snapshot() as tx:
            assert await tx.fetch("SELECT * FROM cloudwatch_metrics") == []

    in_store(work)


def test_what_is_young_enough_stays_as_it_is(in_store):
    async def work(database):
        clock = FixedClock(START + 2 * HOUR)
        await publish(database, [START, START + 1], resolution=1)
        await publish(database, [START])
        before = await stored(database)
        await expire(database, clock)
        assert shape(await stored(database)) == shape(before) == [(0, 1, 1), (0, 60, 1), (1, 1, 1)]

    in_store(work)


def test_every_query_is_served_by_an_index(in_store):
    async def work(database):
        async with database.transaction() as tx:
            explained = Explained(tx)
            await datapoints.publish(explained, REGION, [Datum(METRIC, START, of_values({1.0: 1.0}))])
            await datapoints.read(explained, METRIC.id_in(REGION), START, START + 60, unit="None", values=True)
            await datapoints.coarsen(explained, 60, START + 20 * DAY, 10)
            await metrics.forget(explained, START, 10)
            await metrics.list_metrics(
                explained, REGION, namespace="Test", name="", dimensions=[], since=0, after=("", "", ""), limit=10
            )
        assert explained.scanned == []

    in_store(work)
