"""Lines from nodes are stored exactly once, whatever the transport does to the batches."""

import asyncio
from itertools import accumulate, count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from homeport.db.sqlite import SqliteDatabase
from homeport.kit.clock import FixedClock
from homeport.kit.ids import CountingIds, RandomIds
from homeport.services.logs import store
from homeport.services.logs.errors import InvalidParameter
from homeport.services.logs.events import Range, page
from homeport.services.logs.ingest import MAX_EVENT_BYTES, LogGroupMissing, append, ensure_task_streams
from homeport.services.logs.model import DAY, Gap
from homeport.services.logs.reconcilers.expiry import REMEMBERED_DAYS, expire
from homeport.wire.frames import WireError
from homeport.wire.messages import LogBatch, LogEvent

REGION, GROUP, STREAM, SOURCE = "us-east-1", "/ecs/web", "ecs/web/0123", "0123/web"
NOW = 1_700_000_000.0


async def prepare(database, stream=STREAM):
    async with database.transaction() as tx:
        await ensure_task_streams(
            tx, region=REGION, group=GROUP, streams=[stream], create_group=True, now=NOW, ids=RandomIds()
        )


class Crash(Exception):
    """The server ends here."""


def batch(start, lines, *, final=False, source=SOURCE):
    """A batch in which every line takes as many bytes as it has characters, and one more."""
    events = tuple(LogEvent(timestamp=1_000_000 + start + at, message=line) for at, line in enumerate(lines))
    end = start + sum(len(line) + 1 for line in lines)
    return LogBatch(
        source=source, region=REGION, group=GROUP, stream=STREAM, start=start, end=end, events=events, final=final
    )


async def send(database, item, now=NOW):
    async with database.transaction() as tx:
        return await append(tx, item, now)


async def send_and_crash(database, item):
    """Append in a transaction that never commits."""
    async with database.transaction() as tx:
        await append(tx, item, NOW)
        raise Crash


async def stored(database, name=STREAM):
    async with database.snapshot() as tx:
        group = await store.get_group(tx, REGION, GROUP)
        stream = await store.get_stream(tx, group, name)
        found = await page(tx, stream.id, Gap(0, -1), Range(0, 2**62), forward=True, limit=10_000)
        return [event.message for event in found]


def test_a_batch_moves_the_mark_and_a_repeat_does_not(in_store):
    async def work(database):
        await prepare(database)
        assert await send(database, batch(0, ["one", "two"])) == 8
        assert await send(database, batch(0, ["one", "two"])) == 8
        assert await send(database, batch(0, ["one", "two", "three"])) == 8
        assert await send(database, batch(20, ["later"])) == 8
        assert await send(database, batch(8, ["three"])) == 14
        assert await stored(database) == ["one", "two", "three"]

    in_store(work)


def test_an_undone_transaction_leaves_neither_lines_nor_mark(in_store):
    async def work(database):
        await prepare(database)
        with pytest.raises(Crash):
            await send_and_crash(database, batch(0, ["one"]))
        assert await stored(database) == []
        assert await send(database, batch(0, ["one"])) == 4
        assert await stored(database) == ["one"]

    in_store(work)


def test_a_repeated_last_batch_is_remembered_until_it_is_forgotten(in_store):
    async def work(database):
        await prepare(database)
        clock = FixedClock(NOW)
        assert await send(database, batch(0, ["bye"], final=True)) == 4
        clock.advance((REMEMBERED_DAYS - 1) * DAY / 1000)
        await expire(database, clock)
        assert await send(database, batch(0, ["bye"], final=True)) == 4
        assert await stored(database) == ["bye"]
        clock.advance(2 * DAY / 1000)
        await expire(database, clock)
        async with database.snapshot() as tx:
            assert await tx.fetch("SELECT * FROM log_cursors") == []

    in_store(work)


def test_an_open_source_is_never_forgotten(in_store):
    async def work(database):
        await prepare(database)
        await send(database, batch(0, ["one"]))
        await expire(database, FixedClock(NOW + 400 * DAY / 1000))
        assert await send(database, batch(0, ["one"])) == 4

    in_store(work)


def test_lines_for_a_deleted_stream_go_nowhere_but_are_acknowledged(in_store):
    async def work(database):
        await prepare(database)
        async with database.transaction() as tx:
            group = await store.get_group(tx, REGION, GROUP)
            await store.remove_stream(tx, group, await store.get_stream(tx, group, STREAM))
        assert await send(database, batch(0, ["lost"])) == 5
        async with database.transaction() as tx:
            await store.remove_group(tx, group)
        assert await send(database, batch(5, ["lost"])) == 10
        await prepare(database)
        assert await send(database, batch(10, ["kept"])) == 15
        assert await stored(database) == ["kept"]

    in_store(work)


def test_events_in_no_bytes_break_the_protocol(in_store):
    async def work(database):
        await prepare(database)
        bad = LogBatch(
            source=SOURCE, region=REGION, group=GROUP, stream=STREAM, start=0, end=0, events=batch(0, ["x"]).events
        )
        with pytest.raises(WireError):
            await send(database, bad)

    in_store(work)


def test_an_empty_last_batch_finishes_the_source(in_store):
    async def work(database):
        await prepare(database)
        assert await send(database, batch(0, [], final=True)) == 0
        assert await send(database, batch(0, [], final=True)) == 0
        await expire(database, FixedClock(NOW + (REMEMBERED_DAYS + 1) * DAY / 1000))
        async with database.snapshot() as tx:
            assert await tx.fetch("SELECT * FROM log_cursors") == []

    in_store(work)


def test_long_lines_are_cut_between_characters_and_empty_ones_are_no_events(in_store):
    async def work(database):
        await prepare(database)
        line = "x" + "é" * MAX_EVENT_BYTES
        await send(database, batch(0, ["", line, ""]))
        parts = await stored(database)
        assert "".join(parts) == line
        assert [len(part.encode()) <= MAX_EVENT_BYTES for part in parts] == [True] * 3

    in_store(work)


def test_ensure_makes_group_and_streams_once(in_store):
    async def work(database):
        with pytest.raises(LogGroupMissing):
            async with database.transaction() as tx:
                await ensure_task_streams(
                    tx, region=REGION, group=GROUP, streams=["a"], create_group=False, now=NOW, ids=CountingIds()
                )
        await prepare(database)
        await send(database, batch(0, ["one"]))
        ids = CountingIds()
        ids.count = 100
        async with database.transaction() as tx:
            await ensure_task_streams(
                tx, region=REGION, group=GROUP, streams=[STREAM, "b"], create_group=True, now=NOW, ids=ids
            )
        assert await stored(database) == ["one"]
        async with database.snapshot() as tx:
            assert await store.find_group(tx, "eu-west-1", GROUP) is None

    in_store(work)


@pytest.mark.parametrize(("group", "stream"), [("has space", "a"), ("aws/x", "a"), ("g", "a:b"), ("g", ""), ("", "a")])
def test_ensure_refuses_names_that_cloudwatch_refuses(in_store, group, stream):
    async def work(database):
        async with database.transaction() as tx:
            with pytest.raises(InvalidParameter):
                await ensure_task_streams(
                    tx, region=REGION, group=group, streams=[stream], create_group=True, now=NOW, ids=CountingIds()
                )

    in_store(work)


LINES = [f"line {number}" for number in range(12)]


@st.composite
def transports(draw):
    """
    How the batches of a source may travel: each delivery is a range of lines, in any order and number.

    A delivery's transaction may be undone by a crash, and its answer may be lost.
    """
    return draw(
        st.lists(
            st.tuples(st.integers(0, 12), st.integers(0, 6), st.sampled_from(["taken", "undone", "raced"])),
            max_size=25,
        )
    )


OFFSETS = list(accumulate((len(line) + 1 for line in LINES), initial=0))


@pytest.mark.slow
@pytest.mark.slow
def test_every_line_is_stored_exactly_once(tmp_path):
    """Each example has a stream and a source of its own in one store."""
    with asyncio.Runner() as runner:
        database = runner.run(open_store(tmp_path / "store.db"))
        numbers = count()

        @settings(max_examples=200)
        @given(transports())
        def delivered(deliveries):
            runner.run(deliver(database, f"example-{next(numbers)}", deliveries))

        try:
            delivered()
        finally:
            runner.run(database.close())


async def open_store(path):
    return SqliteDatabase(path)


async def deliver(database, name, deliveries):
    """Put a source's lines through *deliveries*, then let the node finish, and look at every step."""

    def item_of(start, lines, **options):
        return structs.replace(batch(start, lines, source=name, **options), stream=name)

    await prepare(database, name)
    held = 0
    for first, number, fate in deliveries:
        item = item_of(OFFSETS[first], LINES[first : first + number])
        if fate == "undone":
            with pytest.raises(Crash):
                await send_and_crash(database, item)
        elif fate == "raced":  # an old session's delivery and its repeat in a new one
            answers = await asyncio.gather(send(database, item), send(database, item))
            assert max(answers) >= held
            held = max(answers)
        else:
            answer = await send(database, item)
            assert answer >= held
            held = answer
        assert await stored(database, name) == LINES[: OFFSETS.index(held)]
    while held < OFFSETS[-1]:  # the node goes on from wherever the server is
        first = OFFSETS.index(held)
        held = await send(database, item_of(held, LINES[first : first + 5], final=first + 5 >= len(LINES)))
    assert await stored(database, name) == LINES
