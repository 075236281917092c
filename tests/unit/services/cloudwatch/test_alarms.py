"""Alarms are evaluated when their time comes, and everything that follows is in the store."""

import msgspec
import pytest

from homeport.kit.clock import FixedClock
from homeport.services.cloudwatch.alarms.model import Alarm, Comparison, State
from homeport.services.cloudwatch.distribution import of_values
from homeport.services.cloudwatch.model import Datum, metric_of
from homeport.services.cloudwatch.queries import MetricStat
from homeport.services.cloudwatch.reconcilers.alarms import Alarms
from homeport.services.cloudwatch.store import alarms, datapoints

REGION = "us-east-1"
START = 1_700_000_400
METRIC = metric_of("Test", "Load", {})
ACTION = "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:x"


def alarm(**changes):
    rule = Alarm(
        name="high",
        comparison=Comparison.GREATER,
        threshold=50.0,
        periods=3,
        stat=MetricStat(METRIC, 60, "Average"),
        alarm_actions=(ACTION,),
    )
    return msgspec.structs.replace(rule, **changes)


class World:
    """A store, a clock that stands still, and the evaluation."""

    def __init__(self, database):
        self.database = database
        self.clock = FixedClock(START)
        self.woken: list[str] = []
        self.reconciler = Alarms(database, self.clock, self.woken.append, ("scaling",))

    async def put(self, rule):
        async with self.database.transaction() as tx:
            await alarms.put(tx, REGION, rule, self.clock.now())

    async def minute(self, value):
        """Let a minute pass in which *value* is measured, if anything; evaluate as the server would."""
        if value is not None:
            async with self.database.transaction() as tx:
                await datapoints.publish(tx, REGION, [Datum(METRIC, self.clock.now(), of_values({value: 1.0}))])
        for _ in range(12):
            self.clock.advance(5)
            await self.reconciler.pass_()

    async def record(self, name="high"):
        async with self.database.snapshot() as tx:
            return await alarms.find(tx, REGION, name)

    async def calling(self):
        async with self.database.snapshot() as tx:
            return [record.alarm.name for _, _, record in await alarms.calling(tx, "arn:aws:autoscaling:")]


@pytest.fixture
def world(in_store):
    def run(work):
        async def main(database):
            await work(World(database))

        in_store(main)

    return run


def test_an_alarm_goes_off_after_three_minutes_and_calms_down_after_one(world):
    async def work(world):
        await world.put(alarm())
        states = []
        for value in (10.0, 90.0, 90.0, 90.0, 90.0, 10.0, 10.0):
            await world.minute(value)
            states.append((await world.record()).state)
        # A minute is looked at five seconds after its end.
        assert states == [State.INSUFFICIENT_DATA, *[State.OK] * 3, State.ALARM, State.ALARM, State.OK]
        assert world.woken == ["scaling"] * 3

    world(work)


def test_who_carries_out_actions_finds_the_alarms_that_call(world):
    async def work(world):
        await world.put(alarm(periods=1))
        await world.minute(10.0)
        await world.minute(90.0)
        assert await world.calling() == []
        await world.minute(90.0)
        assert await world.calling() == ["high"]
        await world.put(alarm(periods=1, actions_enabled=False))
        assert await world.calling() == []

    world(work)


def test_a_silent_metric_leaves_an_alarm_without_data(world):
    async def work(world):
        await world.put(alarm(periods=1))
        await world.minute(10.0)
        await world.minute(None)
        assert (await world.record()).state is State.OK
        for _ in range(3):
            await world.minute(None)
        record = await world.record()
        assert (record.state, record.reason) == (
            State.INSUFFICIENT_DATA,
            "Insufficient Data: 1 datapoint was unknown.",
        )

    world(work)


def test_an_expression_that_comes_to_nothing_stops_no_other_alarm(world):
    async def work(world):
        stat = {"Metric": {"Namespace": "Test", "MetricName": "Load"}, "Period": 60, "Stat": "Average"}
        queries = (
            {"Id": "m", "MetricStat": stat, "ReturnData": False},
            {"Id": "e", "Expression": "m * (1 / 0)"},
        )
        await world.put(alarm(name="broken", stat=None, queries=queries))
        await world.put(alarm(periods=1))
        await world.minute(90.0)
        await world.minute(90.0)
        assert (await world.record("broken")).state is State.INSUFFICIENT_DATA
        assert (await world.record()).state is State.ALARM

    world(work)


def test_many_alarms_are_evaluated_in_one_pass(world):
    async def work(world):
        for number in range(60):
            await world.put(alarm(name=f"alarm-{number}", periods=1))
        await world.minute(90.0)
        await world.minute(90.0)
        assert len(await world.calling()) == 60

    world(work)


def test_an_alarm_of_a_short_period_is_evaluated_every_ten_seconds(world):
    async def work(world):
        await world.put(alarm(periods=2, stat=MetricStat(METRIC, 10, "Maximum")))
        states = []
        for second in range(40):
            value = 90.0 if 15 <= second < 35 else 10.0
            async with world.database.transaction() as tx:
                datum = Datum(METRIC, world.clock.now(), of_values({value: 1.0}), resolution=1)
                await datapoints.publish(tx, REGION, [datum])
            world.clock.advance(1)
            await world.reconciler.pass_()
            states.append((await world.record()).state)
        went_off = states.index(State.ALARM) + 1
        assert went_off == 30, "two periods of ten seconds, of which the first had a breaching value"
        assert state_changes(states) == [State.INSUFFICIENT_DATA, State.OK, State.ALARM]

    world(work)


def state_changes(states):
    return [state for n, state in enumerate(states) if n == 0 or state is not states[n - 1]]


def test_a_period_of_five_minutes_is_looked_at_every_minute(world):
    async def work(world):
        await world.put(alarm(periods=1, stat=MetricStat(METRIC, 300, "Sum"), threshold=100.0))
        for _ in range(6):
            await world.minute(10.0)
        assert (await world.record()).state is State.OK
        await world.minute(90.0)
        await world.minute(0.0)
        assert (await world.record()).state is State.ALARM

    world(work)
