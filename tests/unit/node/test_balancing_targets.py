"""What a running proxy is told about targets, and what is told of them."""

import asyncio
from collections.abc import Mapping

import pytest
from msgspec.structs import replace
from tests.unit.node.virtual import virtual

from homeport.node.balancing.admin import AdminError, Count, Seen, ServerSeen, parse
from homeport.node.balancing.backend import POOL
from homeport.node.balancing.counters import Tally
from homeport.node.balancing.model import Desired
from homeport.node.balancing.observe import CHECKING, FAILED, HEALTHY, REGISTERING, TIMED_OUT, Health, health
from homeport.node.balancing.records import TargetRecord
from homeport.node.balancing.sync import commands
from homeport.node.balancing.targets import TargetReports, Targets
from homeport.wire.messages import (
    Forward,
    Listener,
    ListenerRule,
    LoadBalancer,
    Target,
    TargetGroup,
    TargetState,
    WeightedGroup,
)

GROUP = TargetGroup(id="targetgroup/web/1", vpc="vpc-1")
ADDRESS = "10.0.0.5:80"
TARGET = Target(id=f"{GROUP.id}/{ADDRESS}", target_group=GROUP.id, address="10.0.0.5", port=80)
RULE = ListenerRule(id="d", action=Forward(target_groups=(WeightedGroup(target_group=GROUP.id),)))
BALANCER = LoadBalancer(
    id="app/web/b1",
    kind="application",
    vpc="vpc-1",
    enis=("eni-1",),
    listeners=(Listener(id="l", port=80, protocol="HTTP", rules=(RULE,)),),
)
FIRST = f"targetgroup.web.1.first/{ADDRESS}"
PROBE = [
    f"add server {FIRST} {ADDRESS} check inter 1s fastinter 100ms rise 1 fall 2",
    f"enable health {FIRST}",
    f"set server {FIRST} state ready",
]
MAIN, OPEN = f"targetgroup.web.1/{ADDRESS}", f"targetgroup.web.1.open/{ADDRESS}"
BEGIN = [
    f"set server {MAIN} weight 0",
    f"set server {MAIN} state ready",
    f"set server {MAIN} health stopping",
    f"set server {MAIN} weight 100",
]


def desired(*targets: Target, balancer: LoadBalancer = BALANCER, group: TargetGroup = GROUP) -> Desired:
    return Desired(balancer, {group.id: group}, {target.id: target for target in targets})


def seen(main: str, opened: str = "MAINT", sessions: int = 0, first: tuple[str, str] | None = None) -> Seen:
    return Seen(
        (
            ServerSeen("targetgroup.web.1", ADDRESS, main, sessions=sessions),
            ServerSeen("targetgroup.web.1.open", ADDRESS, opened),
            *([ServerSeen("targetgroup.web.1.first", ADDRESS, *first)] if first is not None else ()),
        )
    )


def told(target: Target, what: Seen, state: TargetState | None = None) -> list[str]:
    states: Mapping[str, TargetState] = {} if state is None else {target.id: state}
    return commands(desired(target), what, states, () if state is None else (target.id,))


def test_a_new_target_is_added_and_waits_for_its_first_check():
    options = "check inter 30s rise 5 fall 2"
    add = [f"add server {MAIN} {ADDRESS} {options} {POOL} weight 0", f"enable health {MAIN}"]
    assert told(TARGET, Seen()) == [*add, *BEGIN, *PROBE]
    waiting = seen("NOLB", first=("UP", "INI"))
    assert told(TARGET, waiting, TargetState.INITIAL) == []


def test_the_first_check_that_passes_is_enough():
    passed = seen("NOLB", first=("UP", "L7OK"))
    assert told(TARGET, passed, TargetState.INITIAL) == [f"set server {MAIN} health up"]
    assert told(TARGET, seen("NOLB", first=("DOWN", "L7STS")), TargetState.INITIAL) == []
    over = told(TARGET, seen("UP", "no check", first=("UP", "L7OK")), TargetState.HEALTHY)
    assert over == [f"set server {FIRST} state maint", f"shutdown sessions server {FIRST}", f"del server {FIRST}"]


def test_a_target_that_has_been_checked_is_asked_while_none_is_healthy():
    opened = [f"set server {OPEN} state ready"]
    assert told(TARGET, seen("UP"), TargetState.HEALTHY) == opened
    assert told(TARGET, seen("DOWN"), TargetState.UNHEALTHY) == opened
    assert told(TARGET, seen("UP", "no check"), TargetState.HEALTHY) == []
    add = [f"add server {OPEN} {ADDRESS} {POOL}", *opened]
    only = Seen(seen("UP").servers[:1])
    assert told(TARGET, only, TargetState.HEALTHY) == add


def test_a_draining_target_is_taken_out_everywhere():
    draining = replace(TARGET, draining=True)
    out = [f"set server {MAIN} state maint", f"set server {OPEN} state maint"]
    assert told(draining, seen("UP", "no check"), TargetState.HEALTHY) == out
    assert told(draining, seen("MAINT"), TargetState.DRAINING) == []
    assert told(draining, Seen()) == []


def test_a_target_registered_again_begins_anew():
    assert commands(desired(TARGET), seen("MAINT"), {TARGET.id: TargetState.DRAINED}, ()) == [*BEGIN, *PROBE]
    assert commands(desired(TARGET), seen("UP"), {TARGET.id: TargetState.HEALTHY}, ())[:4] == BEGIN


def test_a_target_that_is_gone_is_cut_off_by_an_application_load_balancer():
    gone = [f"set server {MAIN} state maint", f"shutdown sessions server {MAIN}", f"del server {MAIN}"]
    assert commands(desired(), Seen(seen("UP").servers[:1]), {}, ()) == gone


@pytest.mark.parametrize("cut", [True, False])
def test_a_network_load_balancer_cuts_off_only_who_asks_for_it(cut: bool):
    balancer, group = replace(BALANCER, kind="network"), replace(GROUP, connection_termination=cut)
    lines = commands(desired(balancer=balancer, group=group), Seen(seen("MAINT").servers[:1]), {}, ())
    assert lines == [*([f"shutdown sessions server {MAIN}"] if cut else []), f"del server {MAIN}"]


@pytest.mark.parametrize(
    ("status", "check", "code", "wanted"),
    [
        ("UP", "L7OK", "200", HEALTHY),
        ("UP 1/2", "L4CON", "", HEALTHY),
        ("NOLB", "INI", "", CHECKING),
        ("DOWN", "L4TOUT", "", TIMED_OUT),
        ("DOWN", "L7TOUT", "", TIMED_OUT),
        ("DOWN 1/5", "L4CON", "", FAILED),
        (
            "DOWN",
            "L7STS",
            "503",
            Health(
                TargetState.UNHEALTHY, "Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]"
            ),
        ),
        ("MAINT", "", "", HEALTHY),  # it was, and a proxy that has just begun is about to be told
    ],
)
def test_the_health_of_a_target_in_the_words_of_aws(status: str, check: str, code: str, wanted: Health):
    assert health(ServerSeen("b", "s", status, check, code), HEALTHY) == wanted


def test_a_target_stays_as_it_was_while_its_next_check_is_under_way():
    statistics = "# pxname,svname,status,check_status,check_code,scur\nb,s,DOWN,* L7STS,0,0\n"
    (server,) = parse(statistics).servers
    assert health(server, TIMED_OUT) == TIMED_OUT
    assert health(server, CHECKING) == CHECKING


def test_a_target_that_is_not_there_yet_is_being_registered():
    assert health(None, REGISTERING) == REGISTERING


class Life:
    """One target's reports."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, int, TargetState]] = []
        self.saved: dict[str, TargetRecord | None] = {}
        self.targets = Targets("app/web/b1", TargetReports(self.saved.update, self._send), ())

    def _send(self, record: TargetRecord) -> None:
        observed = record.observed
        self.sent.append((observed.registration, observed.sequence, observed.state))

    async def look(self, target: Target | None, what: Seen, now: float = 1000.0, *, busy: bool = False) -> None:
        wanted = desired(target) if target is not None else desired()
        self.targets.look(wanted, what, now, lambda _: busy)
        await asyncio.sleep(0)


@virtual
async def test_a_target_is_drained_when_nothing_is_under_way_or_the_delay_is_over():
    draining = replace(TARGET, draining=True, draining_since=1000.0)
    life = Life()
    await life.look(TARGET, seen("NOLB"))
    await life.look(TARGET, seen("UP"))
    await life.look(TARGET, seen("UP"))
    await life.look(draining, seen("UP"))  # not told yet
    await life.look(draining, seen("MAINT", sessions=1))
    await life.look(draining, seen("MAINT"), busy=True)  # by a process that finishes
    assert life.sent == [(1, 1, "initial"), (1, 2, "healthy"), (1, 3, "draining")]
    await life.look(draining, seen("MAINT"))
    assert life.sent[3:] == [(1, 4, "drained")]
    late = Life()
    await late.look(draining, seen("MAINT", sessions=1), 1000.0 + GROUP.deregistration_delay)
    assert late.sent == [(1, 1, "drained")]


@virtual
async def test_another_registration_is_another_life():
    life = Life()
    await life.look(replace(TARGET, draining=True, draining_since=1000.0), seen("MAINT"), busy=True)
    again = replace(TARGET, registration=2)
    await life.look(again, seen("NOLB"))
    assert life.sent == [(1, 1, "draining"), (2, 2, "initial")]
    await life.look(None, seen("NOLB"))
    assert life.saved == {TARGET.id: None}


def test_counts_of_processes_add_up():
    tally = Tally()
    tally.take("a", Seen(listeners={"port-80": Count(5)}, backends={"targetgroup.web.1": Count(3, (3, 0, 0, 0))}))
    tally.take("a", Seen(listeners={"port-80": Count(9)}, backends={"targetgroup.web.1": Count(7, (6, 0, 0, 1))}))
    tally.take("b", Seen(listeners={"port-80": Count(2)}, backends={"targetgroup.web.1.open": Count(1, failures=1)}))
    counters = tally.counters(frozenset({GROUP.id}))
    assert counters.listeners == {80: Count(11)}
    assert counters.groups == {GROUP.id: Count(8, (6, 0, 0, 1), 1)}


def test_what_is_no_table_of_statistics_is_said():
    with pytest.raises(AdminError, match="Unknown command"):
        parse("Unknown command: 'x'")
