"""Load balancers of a real agent over time: checks, drains, changes, and what is killed."""

import asyncio
import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.kernel.node.balancinglab import (
    ADDRESS,
    API,
    CHECK,
    WEB,
    balancer,
    default,
    listener,
    listens,
    site,
    target,
    to,
)
from tests.kernel.node.nodelab import VPC, eni
from tests.kernel.node.webs import Client, Load, get, until

from homeport.wire.messages import (
    FixedResponse,
    Forward,
    SecurityGroup,
    TargetState,
    WeightedGroup,
)

pytestmark = [pytest.mark.kernel, pytest.mark.slow]


async def test_a_target_is_told_of_as_its_health_checks_say(tmp_path: Path, root_filesystem: Path):
    async with site(tmp_path, root_filesystem) as at:
        first, second = await at.web(11, health=503), await at.web(12, silent=True)
        one, other = target(WEB, 11), target(WEB, 12)
        matching = replace(WEB, health_check=replace(CHECK, timeout=3, matcher="200,210-211", healthy_threshold=3))
        await at.balance(balancer(listener(default(to(WEB)))), matching)
        at.server.put(one, other)
        await at.settled(one, TargetState.UNHEALTHY)
        await at.settled(other, TargetState.UNHEALTHY)
        seen = [(each.state, each.reason, each.description) for each in at.server.targets[one.id]]
        assert seen[-2:] == [
            (TargetState.INITIAL, "Elb.InitialHealthChecking", "Initial health checks in progress"),
            (
                TargetState.UNHEALTHY,
                "Target.ResponseCodeMismatch",
                "Health checks failed with these codes: [503]",
            ),
        ]
        last = at.server.targets[other.id][-1]
        assert (last.reason, last.description) == ("Target.Timeout", "Request timed out")
        # none is healthy: all of them are asked
        assert {(await get(at.client, ADDRESS)).body for _ in range(4)} == {b"web-11", b"web-12"}
        first.health, checks = 211, first.checks
        await at.settled(one, TargetState.HEALTHY)
        assert first.checks - checks >= 3  # once unhealthy, a target must pass as often as the threshold says
        assert {(await get(at.client, ADDRESS)).body for _ in range(4)} == {b"web-11"}
        second.silent = False
        await at.settled(other, TargetState.HEALTHY)
        await second.exit()
        await at.settled(other, TargetState.UNHEALTHY)
        last = at.server.targets[other.id][-1]
        assert (last.reason, last.description) == ("Target.FailedHealthChecks", "Health checks failed")


async def test_a_dead_target_is_out_of_rotation_within_its_health_settings(tmp_path: Path, root_filesystem: Path):
    async with site(tmp_path, root_filesystem) as at:
        webs = [await at.web(11), await at.web(12)]
        await at.balance(balancer(listener(default(to(WEB)))), WEB)
        await at.register(target(WEB, 11), target(WEB, 12))
        load = Load(at.client, ADDRESS).start()
        await load.more(100)
        await webs[0].exit()
        began = time.monotonic()
        await at.settled(target(WEB, 11), TargetState.UNHEALTHY)
        assert time.monotonic() - began < 30  # two checks a second apart, not two of the usual thirty
        asked = dict(load.by)
        await load.more(100)
        await load.stop()
        assert load.by[b"web-11"] == asked[b"web-11"]
        # only what the target had been given when it died
        assert len(load.failed) <= load.clients, load.failed


async def test_targets_that_drain_and_exit_fail_no_request(tmp_path: Path, root_filesystem: Path):
    async with site(tmp_path, root_filesystem) as at:
        await at.balance(balancer(listener(default(to(WEB)))), WEB)
        webs = {11: await at.web(11, delay=0.02)}
        await at.register(target(WEB, 11))
        load = Load(at.client, ADDRESS, clients=6).start()
        for number in range(12, 18):  # one after the other, as a rolling deployment does
            webs[number] = await at.web(number, delay=0.02)
            await at.register(target(WEB, number))
            await load.more(30)
            old = number - 1
            at.server.put(target(WEB, old, draining=True, draining_since=0.0 + 1e12))
            await at.settled(target(WEB, old), TargetState.DRAINED)
            at.server.drop(target(WEB, old))
            await webs[old].exit()
        await load.more(100)
        await load.stop()
        assert load.failed == []
        assert load.by.keys() == {web.name.encode() for web in webs.values()}
        assert len(at.processes()) == 1
        assert len(list((at.server.folder / "run/balancers").rglob("*.cfg"))) == 1  # no reload


async def test_what_is_under_way_is_finished_until_the_delay_is_over(tmp_path: Path, root_filesystem: Path):
    async with site(tmp_path, root_filesystem) as at:
        held = asyncio.Event()
        web = await at.web(11, held=held)
        short = replace(WEB, deregistration_delay=2)
        await at.balance(balancer(listener(default(to(WEB)))), short)
        await at.register(target(WEB, 11))
        slow = asyncio.create_task(get(at.client, ADDRESS))
        await until(lambda: web.seen)
        at.server.put(target(WEB, 11, draining=True, draining_since=1e12))
        await at.settled(target(WEB, 11), TargetState.DRAINING)
        assert (await get(at.client, ADDRESS)).status == 503  # nothing new
        held.set()
        assert (await slow).status == 200
        await at.settled(target(WEB, 11), TargetState.DRAINED)
        again = target(WEB, 11, registration=2)
        await at.register(again)
        states = [each.state for each in at.server.targets[again.id] if each.registration == 2]
        assert states[0] is TargetState.INITIAL
        held.clear()
        slow = asyncio.create_task(get(at.client, ADDRESS))
        await until(lambda: len(web.seen) == 2)
        at.server.put(replace(again, draining=True, draining_since=1.0))  # the delay was over long ago
        await at.settled(again, TargetState.DRAINED)
        at.server.drop(again)
        assert (await slow).status in (502, 503, 504)  # cut off
        held.set()


async def test_a_changed_listener_loses_no_request_and_no_state(tmp_path: Path, root_filesystem: Path):
    async with site(tmp_path, root_filesystem) as at:
        for number in (11, 12, 13):
            await at.web(number, delay=0.01)
        blue, green = (
            Forward(
                target_groups=(
                    WeightedGroup(target_group=WEB.id, weight=weights[0]),
                    WeightedGroup(target_group=API.id, weight=weights[1]),
                )
            )
            for weights in ((1, 0), (0, 1))
        )
        await at.balance(balancer(listener(default(blue))), WEB, API)
        await at.register(target(WEB, 11), target(WEB, 12), target(API, 13))
        idle = Client(at.client, ADDRESS)
        assert (await idle.request()).status == 200
        load = Load(at.client, ADDRESS, clients=6).start()
        await load.more(50)
        told = len(at.server.targets[target(WEB, 11).id])
        for number in range(6):
            old = at.processes()
            extra = listener(default(FixedResponse(status=200)), port=8000 + number)
            at.server.put(balancer(listener(default(blue)), extra))
            await until(partial(at.newest_is_not_of, old))
            await until(partial(at.is_open, 8000 + number))
            await load.more(50)
        at.server.put(balancer(listener(default(green))))  # as blue/green deployments do
        await until(lambda: b"web-13" in load.by)
        assert (await idle.request()).status == 200  # by the process that was there when it connected
        await load.more(50)
        await load.stop()
        assert load.failed == []
        assert len(at.server.targets[target(WEB, 11).id]) == told  # healthy all the time
        await until(lambda: len(at.processes()) == 1)  # the others have nothing left to do


async def test_it_serves_on_when_the_proxy_or_the_node_is_killed(tmp_path: Path, root_filesystem: Path):
    async with site(tmp_path, root_filesystem) as at:
        await at.web(11)
        sick = await at.web(12, health=500)
        await at.balance(balancer(listener(default(to(WEB)))), WEB)
        await at.register(target(WEB, 11))
        at.server.put(target(WEB, 12))
        await at.settled(target(WEB, 12), TargetState.UNHEALTHY)
        (proxy,) = at.processes()
        load = Load(at.client, ADDRESS).start()
        await load.more(50)
        at.server.kill_agent()
        await load.more(50)
        assert (await get(at.client, ADDRESS)).status == 200
        checks = sick.checks
        await until(lambda: sick.checks > checks)  # health checks go on
        sick.health = 200
        await until(lambda: b"web-12" in load.by)  # and have their effect
        at.server.start_agent()
        await at.settled(target(WEB, 12), TargetState.HEALTHY)
        assert at.processes() == [proxy]
        assert load.failed == []
        os.kill(proxy, signal.SIGKILL)
        await until(lambda: at.processes() not in ([], [proxy]))
        await load.more(50)
        await load.stop()
        assert load.by.keys() == {b"web-11", b"web-12"}
        cut = [failure for failure in load.failed if "111" not in failure]  # those it had, and refusals until the next
        assert len(cut) <= load.clients, load.failed
        at.server.kill_agent()
        os.kill(at.processes()[0], signal.SIGKILL)
        await until(lambda: at.processes() == [])
        at.server.drop(target(WEB, 11))
        at.server.start_agent()
        await until(lambda: at.processes())
        await until(lambda: listens(at, 80))
        assert (await get(at.client, ADDRESS)).body == b"web-12"
        told = [each.state for each in at.server.targets[target(WEB, 12).id]]
        assert told[-1] is TargetState.HEALTHY


async def test_a_target_that_swallows_packets_costs_time_but_no_request(tmp_path: Path, root_filesystem: Path):
    slow = replace(WEB, health_check=replace(CHECK, interval=300))
    async with site(tmp_path, root_filesystem) as at:
        await at.web(11)
        await at.web(12)
        await at.balance(balancer(listener(default(to(WEB)))), slow)
        await at.register(target(WEB, 11), target(WEB, 12))
        deaf = replace(eni(12), groups=("sg-deaf",))
        at.server.put(SecurityGroup(id="sg-deaf", vpc=VPC.id), deaf)
        other = Client(at.client, eni(12).address)

        async def refused() -> bool:
            try:
                async with asyncio.timeout(3):  # in which a packet that is lost is sent again
                    await other.open()
            except TimeoutError:
                return True
            other.close()
            return False

        while not await refused():
            await asyncio.sleep(0.05)
        replies = await asyncio.gather(*(get(at.client, ADDRESS) for _ in range(6)))
        assert {(reply.status, reply.body) for reply in replies} == {(200, b"web-11")}
        at.server.put(target(WEB, 11, draining=True, draining_since=1e12))
        await at.settled(target(WEB, 11), TargetState.DRAINED)
        assert (await get(at.client, ADDRESS)).status == 504


async def test_a_target_that_has_begun_is_given_more_and_more(tmp_path: Path, root_filesystem: Path):
    slow = replace(WEB, slow_start=300)
    async with site(tmp_path, root_filesystem) as at:
        await at.web(11)
        await at.web(12)
        await at.balance(balancer(listener(default(to(WEB)))), WEB)
        await at.register(target(WEB, 11))
        before = at.processes()
        at.server.put(slow)  # a process that is started with a healthy target knows no beginning of it
        await until(lambda: at.processes() and not set(before) & set(at.processes()))
        await at.register(target(WEB, 12))
        bodies = [(await get(at.client, ADDRESS)).body for _ in range(60)]
        assert 0 < bodies.count(b"web-12") < 20  # a tenth or so of its share
