"""What containers on an instance read of themselves, and what a neighbour there does not."""

import json
from pathlib import Path

import pytest
from tests.unit.node.test_instances import Node
from tests.unit.node.virtual import VirtualClock, virtual
from tests.unit.node.world import container, eni, instance_task

from homeport.network.protocol import Traffic
from homeport.node.endpoints.documents import docker_name
from homeport.node.endpoints.http import Handler, Request
from homeport.node.endpoints.identity import InstancePlace, VpcPlace
from homeport.node.endpoints.introspection import Introspection
from homeport.node.endpoints.metadata import Metadata
from homeport.node.endpoints.protection import ProtectionEndpoint
from homeport.node.endpoints.stats import StatsReader
from homeport.wire.messages import NetworkMode, PortMapping, TaskPhase

WEB = container("my-web", port_mappings=(PortMapping(container_port=80),))
BRIDGE, HOST, AWSVPC = NetworkMode.BRIDGE, NetworkMode.HOST, NetworkMode.AWSVPC


async def neighbours(tmp_path: Path) -> tuple[Node, Metadata]:
    """Return an instance with two bridge tasks, at 172.17.0.2 and .3, one in host mode, one with an interface."""
    node = await Node(tmp_path).start()
    await node.boot()
    node.put(
        instance_task(1, BRIDGE, WEB),
        instance_task(2, BRIDGE),
        instance_task(3, HOST, container(port_mappings=(PortMapping(container_port=8080),))),
        eni(7),
        instance_task(4, AWSVPC, eni="eni-7"),
        instance_task(5, NetworkMode.NONE),
    )
    for number in range(1, 6):
        await node.phase(TaskPhase.RUNNING, f"t{number}")
    clock = VirtualClock()
    endpoint = ProtectionEndpoint(node.agent.protection.ask)
    return node, Metadata(StatsReader(node.runtime, node.network, clock), endpoint, clock)


def on_instance(node: Node, served: Metadata) -> Handler:
    return served.handler(InstancePlace(node.agent.roster, node.instance))


async def ask(served: Handler, path: str, peer: str):
    response = await served(Request("GET", path, "", b"", peer))
    return response.status, json.loads(response.body)


@virtual
async def test_bridge_containers_document(tmp_path: Path):
    node, served = await neighbours(tmp_path)
    node.network.carried["000000000001my-web"] = Traffic(rx_bytes=7)
    status, found = await ask(on_instance(node, served), "/v4/1-my-web", "172.17.0.2")
    assert status == 200
    assert found["Networks"] == [{"NetworkMode": "bridge", "IPv4Addresses": ["172.17.0.2"]}]
    assert found["Ports"] == [{"ContainerPort": 80, "Protocol": "tcp", "HostPort": 32_768, "HostIp": "0.0.0.0"}]
    family, name, tail = found["DockerName"].rpartition("-")[0], found["DockerName"], found["DockerName"][-20:]
    assert family == "ecs-web-3-my-web"
    assert name == f"{family}-{tail}"
    assert set(tail) <= set("0123456789abcdef")
    assert "Snapshotter" not in found
    _, whole = await ask(on_instance(node, served), "/v4/1-my-web/task", "172.17.0.2")
    assert (whole["LaunchType"], whole["VPCID"]) == ("EC2", "vpc-1")
    assert "ClockDrift" not in whole


@virtual
async def test_host_containers_document(tmp_path: Path):
    node, served = await neighbours(tmp_path)
    for own in ("10.0.0.5", "127.0.0.1", "172.17.0.1"):
        status, found = await ask(on_instance(node, served), "/v4/3-app", own)
        assert (status, found["Networks"]) == (200, [{"NetworkMode": "host"}])
        assert found["Ports"] == [{"ContainerPort": 8080, "Protocol": "tcp", "HostPort": 8080}]
    _, stats = await ask(on_instance(node, served), "/v4/3-app/stats", "127.0.0.1")
    assert "networks" not in stats


@pytest.mark.parametrize(
    ("endpoint", "peer"),
    [
        ("1-my-web", "172.17.0.3"),  # a neighbour on the bridge that has learnt the id
        ("1-my-web", "10.0.0.5"),  # what runs on the instance itself
        ("1-my-web", "127.0.0.1"),
        ("1-my-web", "172.17.0.1"),
        ("3-app", "172.17.0.2"),  # a bridge container with a host container's id
        ("3-app", "10.0.0.7"),  # an address that is a task's, not the instance's
        ("4-app", "10.0.0.7"),  # a task with an interface asks in its VPC, not here
        ("4-app", "127.0.0.1"),
        ("5-app", "127.0.0.1"),  # a task without a network cannot ask at all
        ("2-app", ""),
        ("guessed", "172.17.0.2"),
    ],
)
@virtual
async def test_id_is_worth_nothing_elsewhere(tmp_path: Path, endpoint: str, peer: str):
    node, served = await neighbours(tmp_path)
    handler = on_instance(node, served)
    for path in (f"/v4/{endpoint}", f"/v3/{endpoint}/task", f"/v4/{endpoint}/stats", f"/v4/{endpoint}/task/stats"):
        assert (await ask(handler, path, peer))[0] == 404
    assert (await ask(handler, f"/api/{endpoint}/task-protection/v1/state", peer))[0] == 404


@virtual
async def test_interface_of_a_task_is_asked_for_in_its_vpc(tmp_path: Path):
    node, served = await neighbours(tmp_path)
    in_vpc = served.handler(VpcPlace(node.agent.roster, "vpc-1"))
    status, found = await ask(in_vpc, "/v4/4-app", "10.0.0.7")
    assert (status, found["Networks"][0]["NetworkMode"]) == (200, "awsvpc")
    assert "eth0" in (await ask(in_vpc, "/v4/4-app/stats", "10.0.0.7"))[1]["networks"]
    for endpoint in ("1-my-web", "3-app"):  # their instance's address, seen from the VPC, is nobody's here
        assert (await ask(in_vpc, f"/v4/{endpoint}", "10.0.0.5"))[0] == 404
        assert (await ask(in_vpc, f"/v4/{endpoint}", "172.17.0.2"))[0] == 404


@virtual
async def test_version_2_knows_nobody_on_an_instance(tmp_path: Path):
    node, served = await neighbours(tmp_path)
    status, found = await ask(on_instance(node, served), "/v2/metadata", "172.17.0.2")
    assert (status, "unable to associate '172.17.0.2' with a task" in found) == (404, True)


@virtual
async def test_agent_tells_of_the_tasks_on_its_instance(tmp_path: Path):
    node, _ = await neighbours(tmp_path)
    served = Introspection(node.agent.roster, node.instance).handle

    async def tasks(query: str):
        response = await served(Request("GET", "/v1/tasks", query, b"", "127.0.0.1"))
        return response.status, json.loads(response.body)

    metadata = (await ask(served, "/v1/metadata", "127.0.0.1"))[1]
    assert metadata["Cluster"] == "web"
    assert metadata["Version"].startswith("Amazon ECS Agent - v1.")
    status, found = await tasks("")
    assert (status, len(found["Tasks"])) == (200, 5)
    status, one = await tasks("dockerid=000000000001my")
    assert (status, one["Containers"][0]["DockerId"]) == (200, "000000000001my-web")
    assert one["Containers"][0]["Ports"][0]["HostPort"] == 32_768
    assert (one["Family"], one["Version"], one["KnownStatus"], one["DesiredStatus"]) == (
        "web",
        "3",
        "RUNNING",
        "RUNNING",
    )
    assert (await tasks("dockerid=0000"))[0] == 400  # several
    assert (await tasks("dockerid=ffff"))[0] == 404
    assert (await tasks("taskarn=arn:none"))[0] == 404
    assert (await tasks(f"taskarn={one['Arn']}"))[0] == 400  # these tasks share an ARN here


def test_name_for_the_runtime_has_no_odd_characters_and_stays_the_same():
    spec = instance_task(1, BRIDGE)
    name = docker_name(spec, container("my_web.1"))
    assert name.startswith("ecs-web-3-myweb1-")
    assert name == docker_name(spec, container("my_web.1"))
    assert docker_name(spec, container("a")) != docker_name(spec, container("b"))
