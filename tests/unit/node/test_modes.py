"""What a task on an instance has in each network mode, and what becomes of it when the instance goes."""

import asyncio
from functools import partial
from pathlib import Path

from msgspec.structs import replace
from tests.unit.node.virtual import pass_time, until, virtual
from tests.unit.node.world import BUSYBOX, GROUP, VPC, Host, World, container, eni, instance_task, task

from homeport.network.desired import Binding as DesiredBinding
from homeport.network.desired import Sandbox
from homeport.node.tasks.container import rlimits
from homeport.runtime.fake import Program
from homeport.runtime.protocol import Image, Rlimit, Spec
from homeport.wire.messages import Binding, Dependency, NetworkMode, PortMapping, RestartPolicy, StopCause, TaskPhase

AWSVPC, BRIDGE, HOST, NONE = NetworkMode.AWSVPC, NetworkMode.BRIDGE, NetworkMode.HOST, NetworkMode.NONE
WEB = container("web", port_mappings=(PortMapping(container_port=80),))


async def on_instance(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.instances.hosts["i-1"] = Host()
    return await world.start()


def spec_of(world: World, name: str = "app", number: int = 1) -> Spec:
    return world.machine.containers[f"{number:012x}{name}"].spec


def etc(world: World, file: str, name: str = "app", number: int = 1) -> str:
    source = next(mount.source for mount in spec_of(world, name, number).mounts if mount.target == f"/etc/{file}")
    assert source is not None
    return source.read_text()


@virtual
async def test_bridge_containers_have_a_namespace_an_address_and_host_ports_each(tmp_path: Path):
    world = await on_instance(tmp_path)
    ranged = container("db", port_mappings=(PortMapping(container_port=5000, last_port=5001, protocol="udp"),))
    world.run_on_instance(instance_task(1, BRIDGE, WEB, ranged))
    seen = await world.phase(TaskPhase.RUNNING)
    assert list(world.instances.sandboxes.values()) == [
        Sandbox("000000000001web", "i-1", "172.17.0.2", (DesiredBinding("tcp", 32_768, 80),)),
        Sandbox(
            "000000000001db",
            "i-1",
            "172.17.0.3",
            (DesiredBinding("udp", 32_769, 5000), DesiredBinding("udp", 32_770, 5001)),
        ),
    ]
    assert seen.containers[0].bindings == (Binding(container_port=80, host_port=32_768),)
    assert seen.containers[1].bindings == (
        Binding(container_port=5000, last_port=5001, host_port=32_769, last_host_port=32_770, protocol="udp"),
    )
    namespaces = {spec_of(world, name).network_namespace for name in ("web", "db")}
    assert namespaces == {world.network.namespace(f"000000000001{name}") for name in ("web", "db")}


@virtual
async def test_two_copies_get_different_host_ports_and_return_them(tmp_path: Path):
    world = await on_instance(tmp_path)
    world.instances.hosts["i-1"].agent = {"ECS_DYNAMIC_HOST_PORT_RANGE": "40000-40001"}
    copies = [instance_task(number, BRIDGE, WEB) for number in range(3)]
    world.run_on_instance(*copies[:2])
    for number in (0, 1):
        seen = await world.phase(TaskPhase.RUNNING, f"t{number}")
        assert seen.containers[0].bindings[0].host_port == 40_000 + number
    world.put(replace(copies[0], stop=True))
    await world.phase(TaskPhase.STOPPED, "t0")
    assert set(world.instances.sandboxes) == {"000000000001web"}
    world.put(copies[2])
    seen = await world.phase(TaskPhase.RUNNING, "t2")
    assert seen.containers[0].bindings[0].host_port == 40_000


@virtual
async def test_a_port_that_is_taken_fails_the_container_and_the_task_if_it_is_essential(tmp_path: Path):
    world = await on_instance(tmp_path)
    static = (PortMapping(container_port=80, host_port=80),)
    world.run_on_instance(instance_task(1, BRIDGE, container(port_mappings=static)))
    await world.phase(TaskPhase.RUNNING)
    minor = container("minor", port_mappings=static, essential=False)
    world.run_on_instance(instance_task(2, BRIDGE, container(), minor))
    seen = await world.phase(TaskPhase.RUNNING, "t2")
    assert seen.containers[1].reason.endswith("Bind for 0.0.0.0:80 failed: port is already allocated")
    assert "000000000002minor" not in world.instances.sandboxes
    world.run_on_instance(instance_task(3, BRIDGE, container(port_mappings=static)))
    seen = await world.phase(TaskPhase.STOPPED, "t3")
    assert (seen.cause, seen.reason) == (StopCause.FAILED_TO_START, seen.containers[0].reason)
    assert not any(name.startswith("000000000003") for name in world.instances.sandboxes)


@virtual
async def test_a_port_of_a_process_on_the_instance_is_not_chosen(tmp_path: Path):
    world = await on_instance(tmp_path)
    world.instances.listening = {("i-1", "tcp", 32_768)}
    world.run_on_instance(instance_task(1, BRIDGE, WEB))
    seen = await world.phase(TaskPhase.RUNNING)
    assert seen.containers[0].bindings[0].host_port == 32_769


@virtual
async def test_host_mode_joins_the_instance(tmp_path: Path):
    world = await on_instance(tmp_path)
    mapped = container(port_mappings=(PortMapping(container_port=80, host_port=80),))
    world.run_on_instance(instance_task(1, HOST, mapped, container("raw", capabilities_add=("NET_RAW",))))
    seen = await world.phase(TaskPhase.RUNNING)
    assert not world.instances.sandboxes
    assert seen.containers[0].bindings == ()
    spec = spec_of(world)
    assert spec.network_namespace == world.network.namespace("i-1")
    assert (spec.hostname, spec.capabilities_drop) == ("ip-10-0-0-9", ("NET_RAW",))
    assert spec_of(world, "raw").capabilities_drop == ()
    assert etc(world, "hosts") == "127.0.0.1 localhost\n"
    assert etc(world, "resolv.conf") == "search ec2.internal\nnameserver 10.0.0.2\n"


@virtual
async def test_host_mode_changes_no_network_setting_of_the_instance(tmp_path: Path):
    world = await on_instance(tmp_path)
    world.run_on_instance(instance_task(1, HOST, container(sysctls={"net.core.somaxconn": "99"})))
    seen = await world.phase(TaskPhase.STOPPED)
    assert seen.reason == (
        "CannotCreateContainerError: sysctl 'net.core.somaxconn' not allowed in host network namespace"
    )


@virtual
async def test_mode_none_has_a_loopback_and_no_resolver(tmp_path: Path):
    world = await on_instance(tmp_path)
    world.run_on_instance(instance_task(1, NONE, container(), container("b")))
    await world.phase(TaskPhase.RUNNING)
    assert set(world.instances.sandboxes.values()) == {
        Sandbox("000000000001app", "i-1"),
        Sandbox("000000000001b", "i-1"),
    }
    assert spec_of(world).network_namespace == world.network.namespace("000000000001app")
    assert etc(world, "resolv.conf") == ""
    assert etc(world, "hosts") == "127.0.0.1 localhost\n"


@virtual
async def test_a_container_without_network_has_a_loopback_in_every_mode(tmp_path: Path):
    world = await on_instance(tmp_path)
    alone = container("alone", network_disabled=True)
    world.run_on_instance(*(instance_task(n, mode, container(), alone) for n, mode in ((1, BRIDGE), (2, HOST))))
    for number in (1, 2):
        await world.phase(TaskPhase.RUNNING, f"t{number}")
        name = f"{number:012x}alone"
        assert world.instances.sandboxes[name] == Sandbox(name, "i-1")
        assert spec_of(world, "alone", number).network_namespace == world.network.namespace(name)
        assert etc(world, "resolv.conf", "alone", number) == ""


@virtual
async def test_awsvpc_on_an_instance_has_its_interface_and_the_instances_terms(tmp_path: Path):
    world = await on_instance(tmp_path)
    world.put(VPC, GROUP, eni(), task(instance="i-1", launch_type="EC2"))
    await world.phase(TaskPhase.RUNNING)
    spec = world.machine.containers["t1-app"].spec
    assert spec.group == "i-1/t1"
    assert spec.environment["AWS_EXECUTION_ENV"] == "AWS_ECS_EC2"
    assert rlimits(task(instance="i-1"), container(), {}) == (Rlimit("nofile", 32_768, 65_536),)
    assert spec.network_namespace == world.network.namespace("eni-5")
    assert not world.instances.sandboxes


@virtual
async def test_what_a_bridge_container_finds_in_etc(tmp_path: Path):
    world = await on_instance(tmp_path)
    world.images.local["db"] = Image(
        "i2", "", 1, (), environment=("PGDATA=/data", "PATH=/bin"), exposed_ports=("5432/tcp",)
    )
    ports = tuple(PortMapping(container_port=port, protocol=p) for port, p in ((9001, "tcp"), (9002, "tcp")))
    own = container(
        "web",
        links=("db:my-db", "cache"),
        extra_hosts=(("legacy", "10.9.9.9"), ("up", "host-gateway")),
        dns_servers=("10.0.0.53",),
        dns_search=("corp.example",),
        hostname="front.example",
        environment={"MY_DB_NAME": "mine"},
    )
    db = container("db", image="db", port_mappings=(*ports, PortMapping(container_port=9000)))
    world.run_on_instance(instance_task(1, BRIDGE, own, db, container("cache", hostname="kept")))
    await world.phase(TaskPhase.RUNNING)
    assert etc(world, "hosts", "web").splitlines() == [
        "127.0.0.1 localhost",
        "10.9.9.9 legacy",
        "172.17.0.1 up",
        "172.17.0.3 my-db 000000000001 db",
        "172.17.0.4 cache kept",
        "172.17.0.2 front.example front",
    ]
    assert etc(world, "resolv.conf", "web") == "search corp.example\nnameserver 10.0.0.53\n"
    assert etc(world, "hostname", "web") == "front.example\n"
    assert etc(world, "hosts", "db").splitlines()[1:] == ["172.17.0.3 000000000001"]
    assert etc(world, "resolv.conf", "db") == "search ec2.internal\nnameserver 10.0.0.2\n"
    found = spec_of(world, "web").environment
    assert {name: found[name] for name in found if name.startswith(("MY_DB", "CACHE"))} == {
        "MY_DB_PORT": "tcp://172.17.0.3:5432",
        "MY_DB_PORT_5432_TCP": "tcp://172.17.0.3:5432",
        "MY_DB_PORT_5432_TCP_ADDR": "172.17.0.3",
        "MY_DB_PORT_5432_TCP_PORT": "5432",
        "MY_DB_PORT_5432_TCP_PROTO": "tcp",
        "MY_DB_PORT_9000_TCP_START": "tcp://172.17.0.3:9000",
        "MY_DB_PORT_9000_TCP_PORT_START": "9000",
        "MY_DB_PORT_9002_TCP_END": "tcp://172.17.0.3:9002",
        "MY_DB_PORT_9002_TCP_PORT_END": "9002",
        **{
            f"MY_DB_PORT_{port}_TCP{what}": value
            for port in (9000, 9001, 9002)
            for what, value in (
                ("", f"tcp://172.17.0.3:{port}"),
                ("_ADDR", "172.17.0.3"),
                ("_PORT", str(port)),
                ("_PROTO", "tcp"),
            )
        },
        "MY_DB_NAME": "mine",
        "MY_DB_ENV_PGDATA": "/data",
        "CACHE_NAME": "/web/cache",
    }


@virtual
async def test_a_linked_container_runs_first(tmp_path: Path):
    world = await on_instance(tmp_path)
    gate = world.runtime.gates["000000000001db"] = asyncio.Event()
    world.run_on_instance(instance_task(1, BRIDGE, container("web", links=("db",)), container("db")))
    await pass_time(5)
    assert world.runtime.starting == ["000000000001db"]
    gate.set()
    await world.phase(TaskPhase.RUNNING)
    assert world.runtime.starting == ["000000000001db", "000000000001web"]


@virtual
async def test_a_link_to_what_has_ended_keeps_a_container_from_starting(tmp_path: Path):
    world = await on_instance(tmp_path)
    world.runtime.programs["short",] = Program(exit_codes=(0,))
    short = container("db", essential=False, command=("short",))
    needs = (Dependency(container="db", condition="COMPLETE"),)
    web = container("web", links=("db",), depends_on=needs)
    world.run_on_instance(instance_task(1, BRIDGE, web, short))
    seen = await world.phase(TaskPhase.STOPPED)
    assert seen.containers[0].reason.endswith("because dependency will never start")


@virtual
async def test_a_link_is_known_after_a_crash(tmp_path: Path):
    world = await on_instance(tmp_path)
    world.images.local["db"] = Image("i2", "", 1, (), exposed_ports=("5432/tcp",))
    gate = world.runtime.gates["000000000001db"] = asyncio.Event()
    spec = instance_task(1, BRIDGE, container("web", links=("db",)), container("db", image="db"))
    world.run_on_instance(spec)
    await until(lambda: world.runtime.starting)
    await world.runtime.remove("000000000001web")
    await world.crash()
    gate.set()
    await world.start()
    await world.phase(TaskPhase.RUNNING)
    assert spec_of(world, "web").environment["DB_PORT"] == "tcp://172.17.0.3:5432"


@virtual
async def test_a_task_waits_for_its_instance(tmp_path: Path):
    world = World(tmp_path)
    host = world.instances.hosts["i-1"] = Host(running=False)
    await world.start()
    world.run_on_instance(instance_task(1, BRIDGE))
    await pass_time(60)
    assert world.last().phase is TaskPhase.ACCEPTED
    assert not world.runtime.calls
    host.running = True
    world.agent.roster.hosts_changed()
    await world.phase(TaskPhase.RUNNING)


@virtual
async def test_what_runs_on_a_lost_instance_is_killed_at_once_and_in_no_order(tmp_path: Path):
    world = await on_instance(tmp_path)
    needs = (Dependency(container="db", condition="START"),)
    policy = RestartPolicy(period=0)
    specs = [
        instance_task(1, BRIDGE, container("db", restart_policy=policy), container("web", depends_on=needs)),
        instance_task(2, HOST),
        instance_task(3, NONE),
        instance_task(4, BRIDGE, instance="i-2"),
    ]
    world.instances.hosts["i-2"] = Host()
    world.run_on_instance(*specs)
    for spec in specs:
        await world.phase(TaskPhase.RUNNING, spec.id)
    begun = asyncio.get_running_loop().time()
    assert len(world.agent.roster.tasks_on("i-1")) == 3
    world.runtime.calls.clear()
    world.instances.hosts["i-1"].wanted = False
    world.agent.roster.hosts_changed()
    for spec in specs[:3]:
        seen = await world.phase(TaskPhase.STOPPED, spec.id)
        assert (seen.cause, seen.reason) == (StopCause.HOST_LOST, "")
        assert {c.exit_code for c in seen.containers} == {137}
    assert asyncio.get_running_loop().time() - begun < 1
    assert {verb for verb, _ in world.runtime.calls} == {"ensure_group", "SIGKILL", "remove", "remove_group"}
    assert set(world.instances.sandboxes) == {"000000000004app"}
    assert not any(runner.on_instance for runner in world.agent.roster.tasks_on("i-1"))
    assert world.last("t4").phase is TaskPhase.RUNNING
    for spec in specs[:3]:
        world.drop(spec)
    await until(lambda: not world.agent.roster.tasks_on("i-1"))


@virtual
async def test_a_polite_stop_ends_with_its_instance(tmp_path: Path):
    world = await on_instance(tmp_path)
    world.runtime.programs["sh",] = Program(ignores=("SIGTERM",))
    spec = instance_task(1, BRIDGE, container(stop_timeout=1000))
    world.run_on_instance(spec)
    await world.phase(TaskPhase.RUNNING)
    world.put(replace(spec, stop=True))
    await pass_time(5)
    del world.instances.hosts["i-1"]
    world.agent.roster.hosts_changed()
    begun = asyncio.get_running_loop().time()
    seen = await world.phase(TaskPhase.STOPPED)
    assert asyncio.get_running_loop().time() - begun < 1
    assert seen.cause is StopCause.NONE  # it was asked to end before


@virtual
async def test_a_task_for_no_instance_of_this_node_ends(tmp_path: Path):
    world = await World(tmp_path).start()
    world.run_on_instance(instance_task(1, BRIDGE))
    seen = await world.phase(TaskPhase.STOPPED)
    assert seen.cause is StopCause.HOST_LOST
    assert not world.runtime.calls or {verb for verb, _ in world.runtime.calls} <= {"remove", "remove_group"}


@virtual
async def test_an_instance_lost_while_the_node_was_down_takes_its_tasks(tmp_path: Path):
    world = await on_instance(tmp_path)
    world.run_on_instance(instance_task(1, BRIDGE))
    await world.phase(TaskPhase.RUNNING)
    await world.crash()
    world.instances.hosts["i-1"].wanted = False
    await world.start()
    seen = await world.phase(TaskPhase.STOPPED)
    assert seen.cause is StopCause.HOST_LOST
    assert not world.instances.sandboxes


@virtual
async def test_addresses_and_ports_stay_over_a_crash_and_are_not_given_twice(tmp_path: Path):
    world = await on_instance(tmp_path)
    world.run_on_instance(instance_task(1, BRIDGE, WEB))
    before = await world.phase(TaskPhase.RUNNING)
    made = dict(world.instances.sandboxes)
    await world.crash()
    world.instances.sandboxes.clear()  # what is held is asked for again
    await world.start()
    world.run_on_instance(instance_task(2, BRIDGE, WEB))
    await world.phase(TaskPhase.RUNNING, "t2")
    assert world.instances.sandboxes["000000000001web"] == made["000000000001web"]
    assert world.runner_of("t1").observed.containers[0].bindings == before.containers[0].bindings
    assert world.runtime.starting.count("000000000001web") == 1
    assert world.instances.sandboxes["000000000002web"].address == "172.17.0.3"


@virtual
async def test_what_is_chosen_is_written_down_before_anything_is_made(tmp_path: Path):
    world = await on_instance(tmp_path)
    world.instances.gate = asyncio.Event()
    world.run_on_instance(instance_task(1, BRIDGE, WEB))
    await until(lambda: world.instances.sandboxes)
    (record,) = world.agent._store.load().tasks
    (made,) = world.instances.sandboxes.values()
    assert record.state.containers["web"].address == made.address
    assert record.state.containers["web"].bindings[0].host_port == made.bindings[0].host_port
    await world.crash()
    world.instances.listening = {("i-1", "tcp", made.bindings[0].host_port)}  # a second choice would differ
    world.instances.gate.set()
    await world.start()
    await world.phase(TaskPhase.RUNNING)
    assert list(world.instances.sandboxes.values()) == [made]


@virtual
async def test_a_sandbox_that_cannot_be_made_fails_the_task(tmp_path: Path):
    world = await on_instance(tmp_path)
    world.instances.refuse["000000000001app"] = "no more devices"
    world.run_on_instance(instance_task(1, BRIDGE))
    seen = await world.phase(TaskPhase.STOPPED)
    assert (seen.cause, seen.reason) == (StopCause.FAILED_TO_START, "ContainerNetworkingError: no more devices")
    assert not world.instances.sandboxes


@virtual
async def test_the_agents_pull_behaviour_is_the_instances(tmp_path: Path):
    world = await on_instance(tmp_path)
    reference = "registry.example/web:1"
    world.images.local[reference] = BUSYBOX
    world.images.failures[reference] = "no such host"
    outcomes = {}
    for number, behaviour in enumerate(("default", "prefer-cached", "once", "always")):
        world.instances.hosts["i-1"].agent = {"ECS_IMAGE_PULL_BEHAVIOR": behaviour}
        world.images.pulls.clear()
        world.run_on_instance(instance_task(number, BRIDGE, container(image=reference)))
        await until(partial(world.has_come_to, f"t{number}", (TaskPhase.RUNNING, TaskPhase.STOPPED)))
        outcomes[behaviour] = (world.last(f"t{number}").phase, len(world.images.pulls))
    assert outcomes == {
        "default": (TaskPhase.RUNNING, 1),
        "prefer-cached": (TaskPhase.RUNNING, 0),
        "once": (TaskPhase.RUNNING, 0),
        "always": (TaskPhase.STOPPED, 1),
    }


@virtual
async def test_a_container_is_found_by_its_address_on_its_instance_only(tmp_path: Path):
    world = await on_instance(tmp_path)
    world.instances.hosts["i-2"] = Host()
    world.run_on_instance(instance_task(1, BRIDGE, WEB), instance_task(2, BRIDGE, instance="i-2"))
    await world.phase(TaskPhase.RUNNING)
    await world.phase(TaskPhase.RUNNING, "t2")
    roster = world.agent.roster
    first, second = (roster.find_sandbox(instance, "172.17.0.2") for instance in ("i-1", "i-2"))
    assert first is not None
    assert second is not None
    runner, found = first
    assert (runner.spec.id, found.name, second[0].spec.id) == ("t1", "web", "t2")
    assert roster.find_sandbox("i-1", "172.17.0.3") is None
    world.put(replace(runner.spec, stop=True))
    await world.phase(TaskPhase.STOPPED)
    assert roster.find_sandbox("i-1", "172.17.0.2") is None
