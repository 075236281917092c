"""Tasks on instances, in every network mode, on the real kernel."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.kernel.node.nodelab import GROUP, VPC, Server, container, eni, instance, lab

from homeport.wire.messages import Dependency, InstancePhase, NetworkMode, PortMapping, StopCause, TaskPhase

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

FIRST_PORT = 32_768  # of the dynamic ones
SERVING = "while true; do echo {} | nc -l -p {}; done"
ASK = "until nc -w 2 {} {} </dev/null 2>/dev/null | grep .; do :; done"


async def answers(server: Server, number: int, *places: tuple[str, int]) -> list[str]:
    """Return what a Fargate task hears at each address and port."""
    script = "; ".join(ASK.format(*place) for place in places)
    prober = server.run(number, container(script))
    await server.phase(prober, TaskPhase.STOPPED)
    return server.output(prober)


async def test_containers_of_a_bridge_task_share_no_localhost_and_meet_by_links(tmp_path: Path, root_filesystem: Path):
    async with lab(tmp_path, root_filesystem) as server:
        host = await server.launch(9)
        started = (Dependency(container="db", condition="START"),)
        asking = f"{ASK.format('store', 5432)}; nc -w 2 127.0.0.1 5432 </dev/null 2>/dev/null || echo alone; env; cat /etc/hosts"
        spec = server.run_on(
            host,
            50,
            NetworkMode.BRIDGE,
            container(
                SERVING.format("data", 5432),
                "db",
                port_mappings=(PortMapping(container_port=5432),),
                stop_timeout=1,
            ),
            container(asking, links=("db:store",), depends_on=started),
        )
        seen = await server.phase(spec, TaskPhase.STOPPED)
        assert seen.containers[1].exit_code == 0, server.explain()
        output = server.output(spec)
        assert output[:2] == ["data", "alone"]
        variables = dict(line.split("=", 1) for line in output if "=" in line)
        assert variables["STORE_PORT_5432_TCP_ADDR"] == "172.17.0.2"
        assert variables["AWS_EXECUTION_ENV"] == "AWS_ECS_EC2"
        assert variables["HOSTNAME"] == spec.containers[1].runtime_id[:12]
        assert f"172.17.0.3 {variables['HOSTNAME']}" in output


async def test_containers_of_an_awsvpc_task_on_an_instance_share_localhost(tmp_path: Path, root_filesystem: Path):
    async with lab(tmp_path, root_filesystem) as server:
        host = await server.launch(9)
        spec = server.run(
            51,
            container(SERVING.format("shared", 8080), "web", stop_timeout=1),
            container(f"{ASK.format('127.0.0.1', 8080)}; ip -o -4 addr show dev eth0"),
            instance=host.id,
        )
        seen = await server.phase(spec, TaskPhase.STOPPED)
        assert seen.cause is StopCause.ESSENTIAL_EXITED, server.explain()
        assert server.output(spec)[0] == "shared"
        assert f"inet {eni(51).address}/20" in server.output(spec)[1]


async def test_two_copies_answer_on_different_host_ports(tmp_path: Path, root_filesystem: Path):
    async with lab(tmp_path, root_filesystem) as server:
        host = await server.launch(9)
        mapped = (PortMapping(container_port=80),)
        copies = [
            server.run_on(host, n, NetworkMode.BRIDGE, container(SERVING.format(f"copy{n}", 80), port_mappings=mapped))
            for n in (52, 53)
        ]
        seen = [await server.phase(spec, TaskPhase.RUNNING) for spec in copies]
        ports = [observed.containers[0].bindings[0].host_port for observed in seen]
        assert ports == [FIRST_PORT, FIRST_PORT + 1]
        address = eni(9).address
        assert await answers(server, 54, (address, ports[0]), (address, ports[1])) == ["copy52", "copy53"]


async def test_a_host_mode_container_serves_on_the_instances_address(tmp_path: Path, root_filesystem: Path):
    async with lab(tmp_path, root_filesystem) as server:
        host = await server.launch(9)
        script = f"ip -o -4 addr show dev eth0; hostname; {SERVING.format('hosted', 9000)}"
        spec = server.run_on(host, 55, NetworkMode.HOST, container(script))
        await server.phase(spec, TaskPhase.RUNNING)
        assert await answers(server, 56, (eni(9).address, 9000)) == ["hosted"]
        await server.until(lambda: len(server.output(spec)) == 2)
        assert f"inet {eni(9).address}/20" in server.output(spec)[0]
        assert server.output(spec)[1] == f"ip-{eni(9).address.replace('.', '-')}"


async def test_bridge_and_host_mode_reach_the_vpcs_resolver_and_the_api(tmp_path: Path, root_filesystem: Path):
    async with lab(tmp_path, root_filesystem) as server:
        host = await server.launch(9)
        script = f"nslookup {eni(9).dns_name}; nc -w 60 {VPC.dns} 4566 </dev/null >/dev/null && echo open"
        for number, mode in ((77, NetworkMode.BRIDGE), (78, NetworkMode.HOST)):
            spec = server.run_on(host, number, mode, container(script))
            await server.phase(spec, TaskPhase.STOPPED)
            output = server.output(spec)
            assert any(eni(9).address in line for line in output if "Address" in line), output
            assert output[-1] == "open"


async def test_ports_that_are_taken_are_skipped_or_refused(tmp_path: Path, root_filesystem: Path):
    async with lab(tmp_path, root_filesystem) as server:
        host = await server.launch(9)
        listening = SERVING.format("here", FIRST_PORT)
        process = server.run_on(host, 70, NetworkMode.HOST, container(listening))
        await server.phase(process, TaskPhase.RUNNING)
        assert await answers(server, 71, (eni(9).address, FIRST_PORT)) == ["here"]
        mapped = (PortMapping(container_port=80), PortMapping(container_port=81, host_port=8080))
        bridged = server.run_on(host, 72, NetworkMode.BRIDGE, container("sleep 1000", port_mappings=mapped))
        seen = await server.phase(bridged, TaskPhase.RUNNING)
        assert [binding.host_port for binding in seen.containers[0].bindings] == [FIRST_PORT + 1, 8080]
        for number, port, words in (
            (73, 8080, "Bind for 0.0.0.0:8080 failed: port is already allocated"),
            (74, FIRST_PORT, f"listen tcp4 0.0.0.0:{FIRST_PORT}: bind: address already in use"),
        ):
            static = (PortMapping(container_port=80, host_port=port),)
            refused = server.run_on(host, number, NetworkMode.BRIDGE, container("sleep 1", port_mappings=static))
            seen = await server.phase(refused, TaskPhase.STOPPED)
            assert seen.cause is StopCause.FAILED_TO_START
            assert seen.reason.endswith(words)


async def test_a_host_mode_container_cannot_listen_in_on_the_bridge(tmp_path: Path, root_filesystem: Path):
    async with lab(tmp_path, root_filesystem) as server:
        host = await server.launch(9)
        script = "grep CapEff /proc/self/status"
        usual = server.run_on(host, 75, NetworkMode.HOST, container(script))
        asking = server.run_on(host, 76, NetworkMode.HOST, container(script, capabilities_add=("NET_RAW",)))
        found = []
        for spec in (usual, asking):
            await server.phase(spec, TaskPhase.STOPPED)
            found.append(bool(int(server.output(spec)[0].split()[1], 16) & 1 << 13))
        assert found == [False, True]


async def test_mode_none_has_only_a_loopback_for_each_container(tmp_path: Path, root_filesystem: Path):
    async with lab(tmp_path, root_filesystem) as server:
        host = await server.launch(9)
        script = "ip -o link | cut -d: -f2; ip route; nc -w 1 127.0.0.1 7000 </dev/null 2>/dev/null || echo alone"
        serving = container(SERVING.format("other", 7000), "web", stop_timeout=1)
        started = (Dependency(container="web", condition="START"),)
        spec = server.run_on(host, 57, NetworkMode.NONE, serving, container(script, depends_on=started))
        await server.phase(spec, TaskPhase.STOPPED)
        assert [line.strip() for line in server.output(spec)] == ["lo", "alone"]


async def test_tasks_end_with_their_instance_and_leave_it(tmp_path: Path, root_filesystem: Path):
    async with lab(tmp_path, root_filesystem) as server:
        host = await server.launch(9)
        deaf = "trap '' TERM; while true; do sleep 0.05; done"
        modes = {60: NetworkMode.BRIDGE, 61: NetworkMode.HOST, 62: NetworkMode.NONE}
        tasks = [server.run_on(host, n, mode, container(deaf, stop_timeout=600)) for n, mode in modes.items()]
        tasks.append(server.run(63, container(deaf, stop_timeout=600), instance=host.id))
        for spec in tasks:
            await server.phase(spec, TaskPhase.RUNNING)
        server.put(replace(host, running=False))
        for spec in tasks:
            seen = await server.phase(spec, TaskPhase.STOPPED)
            assert seen.cause is StopCause.HOST_LOST
            assert seen.containers[0].exit_code == 137
        server.drop(*tasks, eni(63))
        await server.instance_phase(host, InstancePhase.STOPPED)
        server.drop(*instance(9), GROUP, VPC)
        await server.instance_phase(host, InstancePhase.GONE)


async def test_bridge_tasks_outlive_the_agent_with_their_addresses_and_ports(tmp_path: Path, root_filesystem: Path):
    async with lab(tmp_path, root_filesystem) as server:
        host = await server.launch(9)
        mapped = (PortMapping(container_port=80),)
        serving = container(SERVING.format("still here", 80), port_mappings=mapped)
        spec = server.run_on(host, 64, NetworkMode.BRIDGE, serving)
        before = await server.phase(spec, TaskPhase.RUNNING)
        server.kill_agent()
        server.start_agent()
        await server.until(lambda: server.writer is not None)
        other = server.run_on(host, 65, NetworkMode.BRIDGE, serving)
        seen = await server.phase(other, TaskPhase.RUNNING)
        assert seen.containers[0].bindings[0].host_port == FIRST_PORT + 1
        last = server.last(spec)
        assert last is not None
        assert last.containers[0].bindings == before.containers[0].bindings
        assert last.containers[0].restarts == 0
        assert await answers(server, 66, (eni(9).address, FIRST_PORT)) == ["still here"]
