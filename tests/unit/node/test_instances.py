"""An instance's life on a node, from its arrival to the last trace of it."""

import asyncio
import os
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.unit.node.virtual import VirtualClock, pass_time, until, virtual
from tests.unit.node.world import GROUP, VPC, World, eni, instance_task

from homeport.node.instances.runner import InstanceRunner
from homeport.runtime.protocol import Limits, Running
from homeport.wire.messages import (
    Eni,
    Instance,
    InstanceMetadata,
    InstanceObserved,
    InstancePhase,
    NetworkMode,
    StopCause,
    TaskPhase,
)

METADATA = InstanceMetadata(
    account="123456789012",
    region="us-east-1",
    availability_zone="us-east-1a",
    availability_zone_id="use1-az1",
    image="ami-1",
    instance_type="c5.large",
    reservation="r-1",
)
INSTANCE = Instance(
    id="i-1", interface="eni-5", cpus=2, memory=4096, metadata=METADATA, user_data=b"#!/bin/sh\necho hello\n"
)
SYSTEM = "i-1-system"


def attached(number: int = 5, index: int = 0) -> Eni:
    return replace(eni(number), instance="i-1", device_index=index)


class Node(World):
    """A node with instances of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.own_instances = True

    @property
    def directory(self) -> Path:
        return self.folder / "state/instances/i-1"

    @property
    def instance(self) -> InstanceRunner:
        runner = self.agent.instances.find("i-1")
        assert runner is not None
        return runner

    def observations(self) -> list[InstanceObserved]:
        return [m for m in self.sent if isinstance(m, InstanceObserved)]

    async def reaches(self, phase: InstancePhase) -> InstanceObserved:
        await until(lambda: self.observations() and self.observations()[-1].phase is phase)
        return self.observations()[-1]

    def launch(self, instance: Instance = INSTANCE) -> None:
        self.put(VPC, GROUP, attached(), instance)

    def finish_boot(self, config: str = "ECS_CLUSTER=web\n", errors: str = "") -> None:
        """Leave what the system container leaves at the end of a boot."""
        (self.directory / "ecs/ecs.config").write_text(config)
        (self.directory / "cloud/result.json").write_text(f'{{"v1": {{"errors": [{errors}]}}}}')
        mark = self.directory / "cloud/boot-finished.new"
        mark.touch()
        now = VirtualClock().now()
        os.utime(mark, (now, now))
        mark.rename(self.directory / "cloud/boot-finished")

    async def started(self, starts: int = 1) -> None:
        await until(lambda: self.runtime.starting.count(SYSTEM) == starts)
        await until(lambda: isinstance(self.machine.containers[SYSTEM].state, Running))

    async def boot(self) -> InstanceObserved:
        self.launch()
        await self.started()
        self.finish_boot()
        return await self.reaches(InstancePhase.RUNNING)


@virtual
async def test_instance_boots_and_says_what_its_agent_is_told(tmp_path: Path):
    node = await Node(tmp_path).start()
    node.launch()
    await node.started()
    assert node.observations()[-1].phase is InstancePhase.PENDING
    assert (node.directory / "scripts/once/part-001").read_text() == "#!/bin/sh\necho hello\n"
    assert (node.directory / "etc/hosts").read_text() == (
        "127.0.0.1 localhost\n10.0.0.5 ip-10-0-0-5.ec2.internal ip-10-0-0-5\n"
    )
    assert node.machine.groups["i-1"] == Limits(
        cpu_quota=2.0, memory_bytes=4096 << 20, pids=node.machine.groups["i-1"].pids
    )
    node.finish_boot("# mine\nECS_CLUSTER=web\n")
    seen = await node.reaches(InstancePhase.RUNNING)
    assert (seen.agent, seen.reason) == ({"ECS_CLUSTER": "web"}, "")
    runner = node.instance
    assert (runner.running, runner.wanted, runner.address) == (True, True, "10.0.0.5")
    assert set(node.network.network.interfaces) == {"eni-5"}
    assert node.network.network.interfaces["eni-5"].device == "eth0"
    assert node.network.network.interfaces["eni-5"].host == "i-1"


@virtual
async def test_failed_user_data_is_reported_and_keeps_nothing_from_running(tmp_path: Path):
    node = await Node(tmp_path).start()
    node.launch()
    await node.started()
    node.finish_boot(errors='"Runparts: 1 failures (part-001) in 1 attempted commands"')
    seen = await node.reaches(InstancePhase.RUNNING)
    assert seen.reason == "Runparts: 1 failures (part-001) in 1 attempted commands"


@virtual
async def test_stop_keeps_the_disk_and_start_goes_on_with_it(tmp_path: Path):
    node = await Node(tmp_path).start()
    await node.boot()
    node.put(replace(INSTANCE, running=False))
    seen = await node.reaches(InstancePhase.STOPPED)
    assert seen.agent == {}
    assert not node.network.network.interfaces
    assert "i-1" not in node.machine.groups
    assert SYSTEM in node.machine.containers  # its disk
    await pass_time(10)
    node.put(INSTANCE)
    await node.started(2)
    assert node.observations()[-1].phase is InstancePhase.PENDING  # the mark there is the last boot's
    node.finish_boot()
    await node.reaches(InstancePhase.RUNNING)
    assert [verb for verb, name in node.runtime.calls if name == SYSTEM].count("create") == 1
    phases = [m.phase for m in node.observations()]
    assert phases[phases.index(InstancePhase.STOPPING) :] == [
        InstancePhase.STOPPING,
        InstancePhase.STOPPED,
        InstancePhase.PENDING,
        InstancePhase.RUNNING,
    ]


@virtual
async def test_terminated_instance_leaves_nothing(tmp_path: Path):
    node = await Node(tmp_path).start()
    await node.boot()
    node.drop(INSTANCE, attached(), VPC, GROUP)
    await node.reaches(InstancePhase.GONE)
    await until(lambda: not list(node.agent.instances))
    assert InstancePhase.STOPPED not in [m.phase for m in node.observations()]
    assert not node.machine.containers
    assert not node.machine.groups
    assert not node.network.network.interfaces
    assert not node.network.network.vpcs
    assert not node.directory.exists()
    assert node.agent._store.load().instances == ()


@virtual
async def test_stopped_instance_can_be_terminated(tmp_path: Path):
    node = await Node(tmp_path).start()
    await node.boot()
    node.put(replace(INSTANCE, running=False))
    await node.reaches(InstancePhase.STOPPED)
    node.drop(INSTANCE, attached())
    await node.reaches(InstancePhase.GONE)
    assert not node.machine.containers


@virtual
async def test_instance_is_remembered_until_the_server_knows_it_is_gone(tmp_path: Path):
    node = await Node(tmp_path).start()
    await node.boot()
    node.acks = False
    node.drop(INSTANCE, attached())
    await node.reaches(InstancePhase.GONE)
    await node.crash()
    node.sent.clear()
    await node.start()
    assert node.agent.resend()
    assert node.observations()[-1].phase is InstancePhase.GONE
    node.acks = True
    node.agent.resend()
    await until(lambda: not list(node.agent.instances))


@virtual
async def test_system_container_that_dies_is_started_again(tmp_path: Path):
    node = await Node(tmp_path).start()
    await node.boot()
    node.runtime.end(SYSTEM, 137)
    begun = asyncio.get_running_loop().time()
    await node.started(2)
    assert 1 <= asyncio.get_running_loop().time() - begun < 1.5
    assert [m.phase for m in node.observations()].count(InstancePhase.RUNNING) == 1


@virtual
async def test_what_cannot_be_made_is_said_and_tried_again(tmp_path: Path):
    node = await Node(tmp_path).start()
    node.network.refuse["eni-5"] = "address in use"
    node.launch()
    await until(lambda: node.observations() and node.observations()[-1].reason)
    assert node.observations()[-1].reason == "eni-5: address in use"
    assert node.observations()[-1].phase is InstancePhase.PENDING
    node.network.refuse.clear()
    await node.started()
    assert node.observations()[-1].reason == ""


@virtual
async def test_interface_is_attached_to_a_running_instance(tmp_path: Path):
    node = await Node(tmp_path).start()
    await node.boot()
    node.put(attached(6, 1))
    await until(lambda: "eni-6" in node.network.network.interfaces)
    made = node.network.network.interfaces["eni-6"]
    assert (made.host, made.device, made.primary) == ("i-1", "eth1", False)
    node.drop(attached(6, 1))
    await until(lambda: "eni-6" not in node.network.network.interfaces)
    assert "eni-5" in node.network.network.interfaces


@virtual
async def test_tasks_end_with_their_instance_and_before_its_namespace(tmp_path: Path):
    node = await Node(tmp_path).start()
    await node.boot()
    node.put(instance_task(1, NetworkMode.HOST))
    await node.phase(TaskPhase.RUNNING)
    assert node.machine.containers["000000000001app"].spec.group == "i-1/t1"
    node.acks = False  # nothing may depend on the server
    node.put(replace(INSTANCE, running=False))
    seen = await node.phase(TaskPhase.STOPPED)
    assert seen.cause is StopCause.HOST_LOST
    await node.reaches(InstancePhase.STOPPED)
    groups = [name for verb, name in node.runtime.calls if verb == "remove_group"]
    assert groups == ["i-1/t1", "i-1"]


@virtual
@pytest.mark.parametrize("tick", range(1, 24))
async def test_kill_at_any_moment_of_a_life_loses_nothing(tmp_path: Path, tick: int):
    node = await Node(tmp_path).start()
    node.launch()
    for _ in range(tick):
        await asyncio.sleep(0)
    await node.crash()
    await node.start()
    await until(
        lambda: SYSTEM in node.machine.containers and isinstance(node.machine.containers[SYSTEM].state, Running)
    )
    await until(lambda: (node.directory / "cloud").exists())
    node.finish_boot()
    await node.reaches(InstancePhase.RUNNING)
    node.drop(INSTANCE, attached(), VPC, GROUP)
    for _ in range(tick):
        await asyncio.sleep(0)
    await node.crash()
    await node.start()
    await until(lambda: not list(node.agent.instances))
    assert not node.machine.containers
    assert not node.machine.groups
    assert not node.network.network.interfaces
    assert not node.directory.exists()
    sequences = [m.sequence for m in node.observations()]
    assert sequences == sorted(sequences)


@virtual
async def test_kill_while_running_harms_nothing(tmp_path: Path):
    node = await Node(tmp_path).start()
    await node.boot()
    calls = len(node.runtime.calls)
    await node.crash()
    await node.start()
    await pass_time(10)
    assert node.instance.running
    assert [verb for verb, _ in node.runtime.calls[calls:]] == []
    assert set(node.network.network.interfaces) == {"eni-5"}
    assert all("eni-5" in applied.interfaces for applied in node.network.applied[-2:])


@virtual
async def test_machine_that_was_started_anew_gets_everything_back(tmp_path: Path):
    node = await Node(tmp_path).start()
    await node.boot()
    await node.crash()
    node.machine.groups.clear()
    node.runtime.end(SYSTEM, None)
    await node.network.destroy()
    await node.start()
    assert not node.instance.running  # there is nothing yet that a task could run in
    await node.started(2)
    assert "i-1" in node.machine.groups
    assert set(node.network.network.interfaces) == {"eni-5"}
    await until(lambda: node.instance.running)
    assert node.observations()[-1].phase is InstancePhase.RUNNING
