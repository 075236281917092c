"""Kill the agent at random moments: nothing is restarted, lost, doubled or left behind."""

import asyncio
import random
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.kernel.node.nodelab import GROUP, VPC, Server, container, eni, instance, lab

from homeport.wire.messages import InstancePhase, NetworkMode, PortMapping, Task, TaskPhase

pytestmark = [pytest.mark.kernel, pytest.mark.fault, pytest.mark.slow]

KILLS = 30
COUNTING = "echo begin; i=0; while [ $i -lt {lines} ]; do echo $i; i=$((i+1)); sleep 0.02; done; exit 7"


def begin(server: Server, number: int, lines: int) -> Task:
    return server.run(number, container(COUNTING.format(lines=lines)))


def check_output(server: Server, spec: Task, lines: int | None) -> None:
    found = server.output(spec)
    wanted = ["begin", *(str(n) for n in range(lines if lines is not None else len(found) - 1))]
    assert found == (wanted if found or lines is not None else []), f"{spec.id}: {found[:5]}...{found[-5:]}"


async def test_agent_killed_at_random_moments(tmp_path: Path, root_filesystem: Path):
    dice = random.Random(4)
    async with lab(tmp_path, root_filesystem) as server:
        running: dict[int, tuple[Task, int]] = {}
        ended: list[tuple[int, Task, int | None]] = []
        number = 100
        for _ in range(KILLS):
            for _ in range(dice.randint(1, 3)):
                lines = dice.choice((0, 20, 400))
                running[number] = (begin(server, number, lines), lines)
                number += 1
            if len(running) > 3:
                key = dice.choice(list(running))
                spec, _ = running.pop(key)
                if dice.random() < 0.5 or server.last(spec) is None:  # the server drops only what was seen
                    server.put(replace(spec, stop=True))
                else:
                    server.drop(spec, eni(key))
                ended.append((key, spec, None))
            if dice.random() < 0.8:
                await server.until(lambda: server.writer is not None)
            await asyncio.sleep(dice.choice((0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.3)))  # the moment is the point
            server.kill_agent()
            server.start_agent()
        for key, (spec, lines) in running.items():
            seen = await server.phase(spec, TaskPhase.STOPPED)
            assert seen.containers[0].exit_code == 7, seen
            ended.append((key, spec, lines))
        for key, spec, _ in ended:
            if server.last(spec) is None:
                await server.phase(spec, TaskPhase.STOPPED)
            server.drop(spec, eni(key))
        for _, spec, said in ended:
            await server.phase(spec, TaskPhase.GONE)
            await server.until(partial(has_said_all, server, spec))
            check_output(server, spec, said)
        server.drop(GROUP, VPC)
        phases = list(TaskPhase)
        for reports in server.seen.values():
            order = [phases.index(report.phase) for report in reports]
            assert order == sorted(order)


def has_said_all(server: Server, spec: Task) -> bool:
    return not server.output(spec) or f"{spec.id}/app" in server.finished


def check_bindings(server: Server, tasks: list[Task]) -> None:
    """Whatever was chosen for a task stayed its own, and was nobody else's while both ran."""
    ports: dict[str, int] = {}
    for spec in tasks:
        reported = {
            binding.host_port for seen in server.seen.get(spec.id, ()) for binding in seen.containers[0].bindings
        }
        assert len(reported) <= 1, f"{spec.id} had {reported}"
        if reported:
            ports[spec.id] = reported.pop()
    running = [spec.id for spec in tasks if (seen := server.last(spec)) and seen.phase is TaskPhase.RUNNING]
    published = [ports[task] for task in running if task in ports]
    assert len(set(published)) == len(published), published


async def test_agent_killed_at_random_moments_with_tasks_on_an_instance(tmp_path: Path, root_filesystem: Path):
    dice = random.Random(11)
    mapped = (PortMapping(container_port=80),)
    async with lab(tmp_path, root_filesystem) as server:
        host = await server.launch(9)
        tasks: list[Task] = []
        for number in range(200, 200 + KILLS):
            mode = dice.choice((NetworkMode.BRIDGE, NetworkMode.BRIDGE, NetworkMode.HOST, NetworkMode.NONE))
            lines = dice.choice((0, 20, 2000))
            ports = mapped if mode is NetworkMode.BRIDGE else ()
            container_ = container(COUNTING.format(lines=lines), port_mappings=ports, stop_timeout=1)
            tasks.append(server.run_on(host, number, mode, container_))
            if dice.random() < 0.4:
                server.put(replace(dice.choice(tasks), stop=True))
            if dice.random() < 0.8:
                await server.until(lambda: server.writer is not None)
            await asyncio.sleep(dice.choice((0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3)))  # the moment is the point
            server.kill_agent()
            server.start_agent()
        for spec in tasks:
            await server.phase(spec, TaskPhase.RUNNING)
        check_bindings(server, tasks)
        server.put(replace(host, running=False))
        await asyncio.sleep(dice.choice((0.0, 0.02, 0.05)))
        server.kill_agent()
        server.start_agent()
        for spec in tasks:
            await server.phase(spec, TaskPhase.STOPPED)
            server.drop(spec)
        await server.instance_phase(host, InstancePhase.STOPPED)
        for spec in tasks:
            await server.phase(spec, TaskPhase.GONE)
            await server.until(partial(has_said_all, server, spec))
            check_output(server, spec, None)
        server.drop(*instance(9), GROUP, VPC)
        await server.instance_phase(host, InstancePhase.GONE)
