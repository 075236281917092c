"""What a load balancer did in a minute is the difference of its counters, and is said once."""

import asyncio
from dataclasses import dataclass, field

from tests.unit.node.virtual import virtual

from homeport.kit.clock import FixedClock
from homeport.node.balancing.admin import Count, parse
from homeport.node.balancing.counters import Counters, difference, total
from homeport.node.balancing.records import TargetRecord
from homeport.node.balancing.targets import Entry
from homeport.node.balancing.traffic import TrafficReporter
from homeport.wire.balancing import TargetObserved, TargetState
from homeport.wire.metrics import BalancerTraffic, GroupTraffic

GROUP = "targetgroup/web/0000000000000001"


@dataclass
class Runner:
    """A load balancer, as far as it is asked here."""

    counters: Counters
    id: str = "app/web/1"
    gone: bool = False
    targets: list[Entry] = field(default_factory=list)


def target(number: int, state: TargetState, group: str = GROUP) -> Entry:
    observed = TargetObserved(
        target=f"{group}/10.0.0.{number}:80", registration=1, balancer="app/web/1", sequence=1, state=state
    )
    return Entry(TargetRecord(observed=observed))


def counted(requests: int, ok: int, failures: int = 0, seconds: float = 0.0) -> Count:
    return Count(requests, (ok, 0, 0, requests - ok), failures, seconds)


def reporter(*runners: Runner) -> tuple[TrafficReporter, list[BalancerTraffic]]:
    sent: list[BalancerTraffic] = []
    return TrafficReporter(runners, FixedClock(), sent.append), sent


def test_a_minute_is_the_difference_between_two_looks() -> None:
    runner = Runner(Counters({80: counted(100, 90)}, {GROUP: counted(80, 75)}))
    runner.targets = [
        target(1, TargetState.HEALTHY),
        target(2, TargetState.HEALTHY),
        target(3, TargetState.UNHEALTHY),
        target(4, TargetState.INITIAL),
        target(5, TargetState.HEALTHY, "targetgroup/other/1"),
    ]
    looking, sent = reporter(runner)
    looking.report(0)
    assert sent == [], "what was counted before the first look is of nobody knows when"
    runner.counters = Counters({80: counted(110, 97), 81: counted(5, 5)}, {GROUP: counted(92, 85, 1, 0.25)})
    looking.report(60)
    assert sent == [
        BalancerTraffic(
            minute=60,
            balancer="app/web/1",
            requests=15,
            responses=(12, 0, 0, 3),
            groups=(
                GroupTraffic(
                    group=GROUP,
                    requests=12,
                    responses=(10, 0, 0, 2),
                    failures=1,
                    response_seconds=0.25,
                    healthy=2,
                    unhealthy=1,
                ),
            ),
        )
    ]
    looking.report(120)
    assert (sent[1].requests, sent[1].groups[0].requests) == (0, 0)


def test_a_load_balancer_that_came_since_counts_from_nothing() -> None:
    runners: list[Runner] = []
    sent: list[BalancerTraffic] = []
    looking = TrafficReporter(runners, FixedClock(), sent.append)
    looking.report(0)
    runners.append(Runner(Counters({80: counted(7, 7)}, {GROUP: counted(7, 7)})))
    looking.report(60)
    assert (sent[0].requests, sent[0].groups[0].requests) == (7, 7)
    runners[0].gone = True
    looking.report(120)
    assert len(sent) == 1


def test_a_group_that_comes_back_is_not_counted_again() -> None:
    runner = Runner(Counters({}, {GROUP: counted(50, 50)}))
    looking, sent = reporter(runner)
    looking.report(0)
    runner.counters = Counters()
    looking.report(60)
    runner.counters = Counters({}, {GROUP: counted(51, 51)})
    looking.report(120)
    assert [sum(group.requests for group in each.groups) for each in sent] == [0, 1]


class EarlyClock:
    """The wall clock of a loop whose sleeps end a hundredth of a second before they should."""

    def now(self) -> float:
        return asyncio.get_running_loop().time() * 0.9998 + 1_700_000_400.0


@virtual
async def test_each_minute_is_said_once_though_sleep_ends_early() -> None:
    runner = Runner(Counters())
    sent: list[BalancerTraffic] = []
    looking = asyncio.create_task(TrafficReporter([runner], EarlyClock(), sent.append).run())
    await asyncio.sleep(600)
    looking.cancel()
    minutes = [each.minute for each in sent]
    assert minutes == [1_700_000_400 + 60 * n for n in range(1, 9)]


def test_of_two_averages_the_newer_is_taken() -> None:
    whole = total([Count(response_seconds=0.5), Count(response_seconds=0.25), Count()])
    assert whole.response_seconds == 0.25
    assert difference(Count(response_seconds=0.5), Count(response_seconds=0.1)).response_seconds == 0.5


def test_haproxy_says_how_long_targets_took() -> None:
    columns = "pxname,svname,status,check_status,check_code,scur,stot,req_tot,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx"
    table = f"# {columns},econ,eresp,rtime\nweb,BACKEND,UP,,,0,3,3,3,0,0,0,0,0,125\n"
    assert parse(table).backends["web"].response_seconds == 0.125
