"""A real HAProxy takes what is said to it while it runs."""

import functools
import itertools
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.ports import free_port

from homeport.node.balancing.config import Place, Rendered, fingerprint, render
from homeport.node.balancing.model import (
    Desired,
    Placed,
    backend_of,
    first_backend_of,
    open_backend_of,
    server_of,
)
from homeport.node.balancing.process import Process, Proxy, ProxyFailed
from homeport.node.balancing.sync import commands
from homeport.wire.messages import (
    Forward,
    GroupStickiness,
    Listener,
    ListenerRule,
    LoadBalancer,
    Target,
    TargetGroup,
    TargetHealthCheck,
    TargetState,
    WeightedGroup,
)

pytestmark = pytest.mark.kernel

CHECKS = tuple(
    TargetHealthCheck(protocol=protocol, port=port, interval=300)
    for protocol, port in itertools.product(("HTTP", "HTTPS", "TCP"), ("traffic-port", "81"))
)


@functools.cache
def port(number: int) -> int:
    """Return the port of a listener, the same each time: the proxy lives beside what the other worker starts."""
    return free_port()


def group(number: int, protocol: str, check: TargetHealthCheck, changes: dict[str, Any]) -> TargetGroup:
    fields: dict[str, Any] = {"protocol": protocol, "health_check": check} | changes
    return TargetGroup(id=f"targetgroup/g/{number:016x}", vpc="vpc-1", **fields)


def groups(kind: str) -> list[TargetGroup]:
    variants: list[dict[str, Any]]
    if kind == "network":
        protocols, variants = ("TCP", "TLS"), [{}, {"stickiness": GroupStickiness(kind="source_ip")}]
    else:
        sticky = GroupStickiness(kind="lb_cookie")
        protocols, variants = (
            ("HTTP", "HTTPS"),
            [
                {},
                {"protocol_version": "HTTP2"},
                {"algorithm": "least_outstanding_requests", "slow_start": 30, "stickiness": sticky},
            ],
        )
    return [group(number, *each) for number, each in enumerate(itertools.product(protocols, CHECKS, variants))]


def desired(kind: str, made: Iterable[TargetGroup], targets: Iterable[Target]) -> Desired:
    found = {each.id: each for each in made}
    listeners = tuple(
        Listener(
            id=id_,
            port=port(number),
            protocol="HTTP" if kind == "application" else "TCP",
            rules=(ListenerRule(id="d", action=Forward(target_groups=(WeightedGroup(target_group=id_),))),),
        )
        for number, id_ in enumerate(found)
    )
    balancer = LoadBalancer(id="app/x/00000000000000b1", kind=kind, vpc="vpc-1", enis=(), listeners=listeners)
    return Desired(balancer, found, {target.id: target for target in targets})


@asynccontextmanager
async def proxy(folder: Path, wanted: Desired) -> AsyncIterator[tuple[Proxy, Process]]:
    found = Proxy(folder / "lb", lambda: Path(f"/proc/{os.getpid()}/ns/net"))
    placed = [Placed(target, TargetState.INITIAL) for target in wanted.targets.values()]
    try:
        yield (
            found,
            await found.start(fingerprint(wanted), lambda place: render(wanted, placed, place), (), None),
        )
    finally:
        await found.destroy()
        assert found.processes() == []


@pytest.mark.parametrize("kind", ["application", "network"])
async def test_targets_of_every_kind_of_group_can_come_and_go(box: None, tmp_path: Path, kind: str):
    made = groups(kind)
    targets = [Target(id=f"{each.id}/127.0.0.1:9", target_group=each.id, address="127.0.0.1", port=9) for each in made]
    states = dict.fromkeys((target.id for target in targets), TargetState.UNHEALTHY)
    async with proxy(tmp_path, desired(kind, made, ())) as (found, process):
        admin, wanted = found.admin(process), desired(kind, made, targets)
        await admin.tell(commands(wanted, await admin.look(), states, ()))
        seen = {(server.backend, server.name): server.status for server in (await admin.look()).servers}
        for target in targets:
            assert seen[backend_of(target.target_group), server_of(target)].split(" ")[0] in ("NOLB", "DOWN"), target
            assert seen[open_backend_of(target.target_group), server_of(target)] == "no check", target
            assert (first_backend_of(target.target_group), server_of(target)) in seen, target
        await admin.tell(commands(wanted, await admin.look(), states, states))  # they have been checked
        assert commands(wanted, await admin.look(), states, states) == []
        assert fingerprint(wanted) == process.fingerprint
        await admin.tell(commands(desired(kind, made, ()), await admin.look(), {}, ()))
        assert (await admin.look()).servers == ()


@pytest.mark.parametrize("kind", ["application", "network"])
async def test_targets_that_a_process_begins_with_are_told_of_in_the_same_way(box: None, tmp_path: Path, kind: str):
    made = groups(kind)
    targets = [Target(id=f"{each.id}/127.0.0.1:9", target_group=each.id, address="127.0.0.1", port=9) for each in made]
    wanted = desired(kind, made, targets)
    async with proxy(tmp_path, wanted) as (found, process):
        admin = found.admin(process)
        assert {server.status for server in (await admin.look()).servers} == {"MAINT"}
        states = dict.fromkeys(wanted.targets, TargetState.INITIAL)
        await admin.tell(commands(wanted, await admin.look(), states, states))
        backends = {backend_of(each.id) for each in made}
        main = [server.status for server in (await admin.look()).servers if server.backend in backends]
        assert {status.split(" ")[0] for status in main} <= {"NOLB", "DOWN"}
        assert len(main) == len(targets)


async def test_a_process_leaves_only_the_files_that_are_needed(box: None, tmp_path: Path):
    first, second = (desired("application", groups("application")[:number], ()) for number in (1, 2))
    async with proxy(tmp_path, first) as (found, process):
        replaced = await found.start(fingerprint(second), lambda place: render(second, (), place), [process], process)
        await found.ended(process)
        assert found.processes() == [replaced]

        def broken(place: Place) -> Rendered:
            return Rendered("global\n    nothing of the kind\n", "", {"key.pem": "secret"})

        for _ in range(2):
            with pytest.raises(ProxyFailed, match="unknown keyword 'nothing'"):
                await found.start("broken", broken, [replaced], replaced)
        assert await found.serves(replaced)
        names = {path.name for path in (tmp_path / "lb").iterdir()}
        assert not {name for name in names if name.startswith("broken")}
        third = await found.start(fingerprint(first), lambda place: render(first, (), place), [replaced], replaced)
        await found.ended(replaced)
        files = render(first, (), Place("x", tmp_path)).files
        own = {f"{third.run}{suffix}" for suffix in (".cfg", ".sock", ".state", ".log")}
        left = {path.name for path in (tmp_path / "lb").iterdir()}
        assert {name for name in left if not name.startswith(replaced.run)} == {"empty", *files, *own}
