"""No read of events or streams costs more than what it returns: every query is a range of an index."""

from tests.unit.services.explained import Explained

from homeport.kit.ids import CountingIds
from homeport.services.logs import events, store
from homeport.services.logs.events import Range
from homeport.services.logs.ingest import ensure_task_streams
from homeport.services.logs.model import Gap
from homeport.services.logs.search import Merge


def test_reads_are_ranges_of_an_index(in_store):
    async def work(database):
        async with database.transaction() as tx:
            await ensure_task_streams(
                tx, region="r", group="g", streams=["a", "b"], create_group=True, now=1, ids=CountingIds()
            )
            group = await store.get_group(tx, "r", "g")
            for name in ("a", "b"):
                stream = await store.get_stream(tx, group, name)
                await events.add(tx, group, stream.id, [(number, "x") for number in range(1, 500)], ingested=1)
        async with database.snapshot() as tx:
            watched = Explained(tx)
            group = await store.get_group(watched, "r", "g")
            stream = await store.get_stream(watched, group, "a")
            for forward in (True, False):
                gap = Gap(250, 0)
                assert len(await events.page(watched, stream.id, gap, Range(0, 400), forward=forward, limit=9)) == 9
                streams = await store.list_streams_between(watched, group, 0, 400)
                found = [each async for each in Merge(watched, streams, Range(0, 400), None, forward=forward)]
                assert len(found) == 2 * 399
            for descending in (True, False):
                await store.list_streams(watched, group, after=None, descending=descending, limit=5)
                await store.list_streams_by_last_event(watched, group, after=None, descending=descending, limit=5)
            await store.list_groups(watched, "r", prefix="g", limit=5)
        assert watched.plans
        assert [plan for plan in watched.plans if "SCAN" in plan or "TEMP B-TREE" in plan] == []

    in_store(work)
