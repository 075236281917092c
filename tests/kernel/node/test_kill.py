"""Kill the agent at random moments: nothing is restarted, lost, doubled or left behind."""

import asyncio
import random
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from homeport.wire.messages import Task, TaskPhase

sys.path.insert(0, str(Path(__file__).parent))
from nodelab import GROUP, VPC, Server, container, eni, lab

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
            seen = await server.phase(spec, TaskPhase.STOPPED, 60)
            assert seen.containers[0].exit_code == 7, seen
            ended.append((key, spec, lines))
        for key, spec, _ in ended:
            if server.last(spec) is None:
                await server.phase(spec, TaskPhase.STOPPED, 60)
            server.drop(spec, eni(key))
        for _, spec, lines in ended:
            await server.phase(spec, TaskPhase.GONE, 60)
            await server.until(lambda spec=spec: not server.output(spec) or f"{spec.id}/app" in server.finished)
            check_output(server, spec, lines)
        server.drop(GROUP, VPC)
        phases = list(TaskPhase)
        for reports in server.seen.values():
            order = [phases.index(report.phase) for report in reports]
            assert order == sorted(order)
