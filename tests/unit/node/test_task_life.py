"""A task's life on a node, from its arrival to the last trace of it."""

import asyncio
from pathlib import Path

from msgspec.structs import replace
from tests.unit.node.virtual import pass_time, until, virtual
from tests.unit.node.world import GROUP, VPC, World, container, eni, task

from homeport.runtime.fake import Program
from homeport.runtime.protocol import ExecResult, Image
from homeport.wire.messages import Dependency, HealthCheck, RestartPolicy, StopCause, TaskPhase

PROBE = ("/bin/sh", "-c", "true")


@virtual
async def test_task_runs_and_is_reported(tmp_path: Path):
    world = await World(tmp_path).start()
    world.run_task(task())
    seen = await world.phase(TaskPhase.RUNNING)
    assert seen.containers[0].status == "RUNNING"
    assert seen.containers[0].image_digest == "sha256:aa"
    assert seen.started_at is not None
    assert [verb for verb, _ in world.runtime.calls] == ["ensure_group", "create", "start"]
    assert set(world.network.network.interfaces) == {"eni-5"}


@virtual
async def test_launch_takes_no_time(tmp_path: Path):
    world = await World(tmp_path).start()
    await asyncio.sleep(0)
    before = asyncio.get_running_loop().time()
    world.run_task(task())
    for _ in range(60):
        await asyncio.sleep(0)
    assert world.last().phase is TaskPhase.RUNNING
    assert asyncio.get_running_loop().time() - before < 1e-6


@virtual
async def test_essential_exit_ends_the_task_and_stop_goes_in_reverse_order(tmp_path: Path):
    world = await World(tmp_path).start()
    needs = (Dependency(container="db", condition="START"),)
    world.run_task(task(container("db"), container("web", depends_on=needs), container("log", essential=False)))
    await world.phase(TaskPhase.RUNNING)
    world.runtime.end("t1-log", 0)
    await pass_time(1)
    assert world.last().phase is TaskPhase.RUNNING
    world.runtime.calls.clear()
    world.put(replace(task(container("db"), container("web", depends_on=needs), container("log")), stop=True))
    seen = await world.phase(TaskPhase.STOPPED)
    signals = [name for verb, name in world.runtime.calls if verb == "SIGTERM"]
    assert signals == ["t1-web", "t1-db"]
    assert seen.cause is StopCause.NONE
    assert {c.name: c.exit_code for c in seen.containers} == {"db": 143, "web": 143, "log": 0}
    assert not world.machine.containers
    assert not world.machine.groups


@virtual
async def test_a_finished_essential_container_stops_the_others(tmp_path: Path):
    world = await World(tmp_path).start()
    world.run_task(task(container("a"), container("b", essential=False)))
    await world.phase(TaskPhase.RUNNING)
    world.runtime.end("t1-a", 3)
    seen = await world.phase(TaskPhase.STOPPED)
    assert seen.cause is StopCause.ESSENTIAL_EXITED
    assert seen.reason == "Essential container in task exited"
    assert [c.exit_code for c in seen.containers] == [3, 143]


@virtual
async def test_dropped_task_leaves_nothing(tmp_path: Path):
    world = await World(tmp_path).start()
    spec = task(volumes=("data",))
    world.run_task(spec)
    await world.phase(TaskPhase.RUNNING)
    world.drop(spec, eni(), VPC, GROUP)
    await world.phase(TaskPhase.GONE)
    await until(lambda: not list(world.agent.roster))
    assert not world.network.network.interfaces
    assert not world.network.network.vpcs
    assert not (tmp_path / "state/tasks/t1").exists()
    assert world.agent._store.load().tasks == ()


@virtual
async def test_interface_stays_until_the_containers_are_gone(tmp_path: Path):
    world = await World(tmp_path).start()
    world.runtime.programs["sh",] = Program(ignores=("SIGTERM",))
    spec = task(container(stop_timeout=7))
    world.run_task(spec)
    await world.phase(TaskPhase.RUNNING)
    begun = asyncio.get_running_loop().time()
    world.drop(spec, eni())
    await pass_time(6)
    assert "eni-5" in world.network.network.interfaces
    await world.phase(TaskPhase.GONE)
    assert 7 <= asyncio.get_running_loop().time() - begun < 9
    assert not world.network.network.interfaces


@virtual
async def test_image_that_cannot_be_had_fails_the_task(tmp_path: Path):
    world = await World(tmp_path).start()
    world.images.failures["docker.io/no/such:1"] = "pull access denied for docker.io/no/such:1"
    world.run_task(task(container("a"), container("b", image="docker.io/no/such:1", essential=False)))
    seen = await world.phase(TaskPhase.STOPPED)
    reason = "CannotPullContainerError: pull access denied for docker.io/no/such:1"
    assert (seen.cause, seen.reason) == (StopCause.FAILED_TO_START, reason)
    assert seen.containers[1].reason == reason
    assert seen.containers[1].exit_code is None


@virtual
async def test_a_moved_tag_is_seen_and_a_silent_registry_does_not_matter(tmp_path: Path):
    world = await World(tmp_path).start()
    name = "registry.test/web:1"
    world.images.local[name] = Image("old", "sha256:old", 1, ())
    world.images.remote[name] = Image("new", "sha256:new", 1, ())
    world.run_task(task(container(image=name)))
    assert (await world.phase(TaskPhase.RUNNING)).containers[0].image_digest == "sha256:new"
    del world.images.remote[name]
    world.put(eni(6), task(container(image=name, runtime_id="t2-app"), id="t2", eni="eni-6"))
    await until(lambda: any(getattr(m, "task", "") == "t2" for m in world.sent))
    await until(lambda: world.last("t2").phase is TaskPhase.RUNNING)
    assert world.last("t2").containers[0].image_digest == "sha256:new"  # as it was pulled last


@virtual
async def test_stop_while_pulling_cancels_the_pull(tmp_path: Path):
    world = await World(tmp_path).start()
    world.images.held.clear()
    spec = task(container(image="docker.io/big"))
    world.run_task(spec)
    await until(lambda: world.images.pulls)
    world.put(replace(spec, stop=True))
    seen = await world.phase(TaskPhase.STOPPED)
    assert (seen.cause, seen.reason) == (StopCause.NONE, "")
    assert seen.containers[0].exit_code is None


@virtual
async def test_stop_while_starting_waits_for_the_start_and_then_stops(tmp_path: Path):
    world = await World(tmp_path).start()
    gate = world.runtime.gates["t1-app"] = asyncio.Event()
    spec = task()
    world.run_task(spec)
    await until(lambda: "t1-app" in world.runtime.starting)
    world.put(replace(spec, stop=True))
    await pass_time(5)
    assert ("remove", "t1-app") not in world.runtime.calls
    gate.set()
    seen = await world.phase(TaskPhase.STOPPED)
    assert seen.containers[0].exit_code == 143


@virtual
async def test_network_that_cannot_be_made_fails_the_task(tmp_path: Path):
    world = await World(tmp_path).start()
    world.network.refuse["eni-5"] = "address in use"
    world.run_task(task())
    seen = await world.phase(TaskPhase.STOPPED)
    assert seen.reason == "ResourceInitializationError: failed to configure ENI: address in use"
    assert seen.cause is StopCause.FAILED_TO_START
    assert "create" not in [verb for verb, _ in world.runtime.calls]


@virtual
async def test_containers_that_cannot_be_created_or_started_say_why(tmp_path: Path):
    failures = {
        "Create": Program(create_failure="no such executable"),
        "Start": Program(start_failure="no such executable"),
    }
    for word, program in failures.items():
        world = await World(tmp_path / word).start()
        world.runtime.programs["sh",] = program
        world.run_task(task())
        seen = await world.phase(TaskPhase.STOPPED)
        assert seen.containers[0].reason == f"Cannot{word}ContainerError: no such executable"
        assert seen.cause is StopCause.FAILED_TO_START


@virtual
async def test_dependencies_hold_before_a_container_starts(tmp_path: Path):
    world = await World(tmp_path).start()
    check = HealthCheck(command=("CMD-SHELL", "true"), interval=5, start_period=60, retries=2)
    world.runtime.commands[PROBE] = ExecResult(1, "")
    world.run_task(
        task(
            container("init", essential=False),
            container("db", health_check=check, depends_on=(Dependency(container="init", condition="SUCCESS"),)),
            container("web", depends_on=(Dependency(container="db", condition="HEALTHY"),)),
        )
    )
    await until(lambda: ("start", "t1-init") in world.runtime.calls)
    await pass_time(3)
    assert ("start", "t1-db") not in world.runtime.calls
    world.runtime.end("t1-init", 0)
    await until(lambda: ("start", "t1-db") in world.runtime.calls)
    await pass_time(13)
    assert ("start", "t1-web") not in world.runtime.calls
    assert world.last().containers[1].health == "UNKNOWN"  # its start period
    world.runtime.commands[PROBE] = ExecResult(0, "")
    seen = await world.phase(TaskPhase.RUNNING)
    assert seen.containers[1].health == "HEALTHY"
    world.runtime.commands[PROBE] = ExecResult(1, "")
    await until(lambda: world.last().containers[1].health == "UNHEALTHY", 20)
    assert world.last().phase is TaskPhase.RUNNING


@virtual
async def test_a_dependency_that_fails_keeps_its_dependents_from_starting(tmp_path: Path):
    world = await World(tmp_path).start()
    needs = (Dependency(container="init", condition="SUCCESS"),)
    world.run_task(task(container("init", essential=False), container("web", depends_on=needs)))
    await until(lambda: ("start", "t1-init") in world.runtime.calls)
    world.runtime.end("t1-init", 1)
    seen = await world.phase(TaskPhase.STOPPED)
    assert seen.containers[1].exit_code == 143
    assert seen.containers[1].reason == (
        "CannotStartContainerError: dependency graph: failed to resolve container ordering dependency [init] "
        "for target [web] as dependency did not exit successfully."
    )
    assert ("start", "t1-web") not in world.runtime.calls


@virtual
async def test_a_dependency_over_its_start_timeout_ends_the_wait(tmp_path: Path):
    world = await World(tmp_path).start()
    needs = (Dependency(container="init", condition="COMPLETE"),)
    world.run_task(task(container("init", essential=False, start_timeout=20), container("web", depends_on=needs)))
    begun = asyncio.get_running_loop().time()
    seen = await world.phase(TaskPhase.STOPPED)
    assert seen.containers[1].reason.endswith("dependency [init] for target [web] has timed out.")
    assert 20 <= asyncio.get_running_loop().time() - begun < 20.2


@virtual
async def test_restart_policy_starts_the_same_container_again(tmp_path: Path):
    world = await World(tmp_path).start()
    policy = RestartPolicy(ignored_exit_codes=(0,), period=60)
    world.run_task(task(container(restart_policy=policy)))
    await world.phase(TaskPhase.RUNNING)
    await pass_time(61)
    world.runtime.end("t1-app", 5)
    await until(lambda: world.last().containers[0].restarts == 1)
    assert not any(c.status == "STOPPED" for m in world.sent for c in getattr(m, "containers", ()))
    assert world.machine.containers["t1-app"].runs == 2
    world.runtime.end("t1-app", 5)  # too soon after the last start
    seen = await world.phase(TaskPhase.STOPPED)
    assert seen.containers[0].exit_code == 5


@virtual
async def test_ignored_exit_codes_are_not_restarted(tmp_path: Path):
    world = await World(tmp_path).start()
    world.run_task(task(container(restart_policy=RestartPolicy(ignored_exit_codes=(0,), period=60))))
    await world.phase(TaskPhase.RUNNING)
    await pass_time(100)
    world.runtime.end("t1-app", 0)
    await world.phase(TaskPhase.STOPPED)
    assert ("start", "t1-app") in world.runtime.calls


@virtual
async def test_out_of_memory_is_named(tmp_path: Path):
    world = await World(tmp_path).start()
    world.run_task(task())
    await world.phase(TaskPhase.RUNNING)
    world.runtime.end("t1-app", 137, out_of_memory=True)
    seen = await world.phase(TaskPhase.STOPPED)
    assert seen.containers[0].exit_code == 137
    assert seen.containers[0].reason == "OutOfMemoryError: Container killed due to memory usage"


@virtual
async def test_nothing_is_restarted_forgotten_or_orphaned_by_a_crash(tmp_path: Path):
    world = await World(tmp_path).start()
    world.run_task(task())
    await world.phase(TaskPhase.RUNNING)
    sequence = world.last().sequence
    await world.crash()
    await world.start()
    await pass_time(1)
    assert world.machine.containers["t1-app"].runs == 1
    await world.crash()
    world.runtime.end("t1-app", 9)
    await world.start()
    seen = await world.phase(TaskPhase.STOPPED)
    assert seen.containers[0].exit_code == 9
    assert seen.sequence > sequence
    assert ("start", "t1-app") in world.runtime.calls
    assert world.runtime.calls.count(("start", "t1-app")) == 1


@virtual
async def test_containers_of_no_task_are_removed(tmp_path: Path):
    world = await World(tmp_path).start()
    world.run_task(task())
    await world.phase(TaskPhase.RUNNING)
    await world.crash()
    (tmp_path / "state/node.db").unlink()
    world.items.clear()
    await world.start()
    assert not world.machine.containers
    assert not world.machine.groups


@virtual
async def test_a_task_is_never_run_again_after_it_was_gone(tmp_path: Path):
    world = await World(tmp_path).start()
    spec = task()
    world.run_task(spec)
    await world.phase(TaskPhase.RUNNING)
    world.acks = False
    world.drop(spec, eni())
    await world.phase(TaskPhase.GONE)
    world.put(eni(), spec)  # a server restored from a backup
    await pass_time(10)
    assert world.last().phase is TaskPhase.GONE
    assert world.runtime.calls.count(("start", "t1-app")) == 1


@virtual
async def test_tasks_that_arrive_together_share_an_apply(tmp_path: Path):
    world = await World(tmp_path).start()
    await pass_time(1)
    world.network.applied.clear()
    world.network.gate = asyncio.Event()
    for number in range(10, 30):
        world.put(
            VPC, GROUP, eni(number), task(container(runtime_id=f"r{number}"), id=f"t{number}", eni=f"eni-{number}")
        )
        await asyncio.sleep(0)
    world.network.gate.set()
    await until(lambda: len(world.machine.containers) == 20)
    assert len(world.network.applied) == 2


@virtual
async def test_unacknowledged_reports_are_kept_over_a_crash(tmp_path: Path):
    world = await World(tmp_path).start()
    world.acks = False
    spec = task()
    world.run_task(spec)
    await world.phase(TaskPhase.RUNNING)
    world.drop(spec, eni())
    await world.phase(TaskPhase.GONE)
    await world.crash()
    world.sent.clear()
    world.acks = True
    await world.start()
    await world.phase(TaskPhase.GONE)
    await until(lambda: not list(world.agent.roster))
