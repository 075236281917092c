"""What a container reads from 169.254.170.2, and what a neighbour does not."""

import json
from pathlib import Path

from tests.unit.node.virtual import VirtualClock, pass_time, virtual
from tests.unit.node.world import World, container, task

from homeport.node.endpoints.http import Handler, Request
from homeport.node.endpoints.identity import VpcPlace
from homeport.node.endpoints.metadata import Metadata
from homeport.node.endpoints.protection import ProtectionEndpoint
from homeport.node.endpoints.stats import StatsReader
from homeport.runtime.protocol import ExecResult, Stats
from homeport.wire.messages import HealthCheck, LogTarget, PortMapping, RestartPolicy, TaskPhase

SPEC = task(
    container(
        "web",
        cpu=256,
        memory=128,
        port_mappings=(PortMapping(container_port=80, host_port=80),),
        labels={"team": "a"},
        health_check=HealthCheck(command=("CMD", "true"), interval=5),
        restart_policy=RestartPolicy(),
        log=LogTarget(region="us-east-1", group="/g", stream="s", options={"awslogs-group": "/g"}),
    ),
    container("side", essential=False),
    cpu=512,
    memory=1024,
    tags={"stage": "test"},
    service="web",
    group="service:web",
    availability_zone="us-east-1a",
)


async def metadata(tmp_path: Path) -> tuple[World, Handler]:
    world = await World(tmp_path).start()
    world.runtime.commands[("true",)] = ExecResult(0, "true")
    world.runtime.stats_of["t1-web"] = Stats(cpu_nanoseconds=1_000_000, memory_bytes=4096, memory_limit_bytes=8192)
    world.run_task(SPEC)
    await world.phase(TaskPhase.RUNNING)
    clock = VirtualClock()
    served = Metadata(
        StatsReader(world.runtime, world.network, clock), ProtectionEndpoint(world.agent.protection.ask), clock
    )
    return world, served.handler(VpcPlace(world.agent.roster, "vpc-1"))


async def ask(served: Handler, path: str, *, peer: str = "10.0.0.5", method: str = "GET", body: bytes = b""):
    path, _, query = path.partition("?")
    response = await served(Request(method, path, query, body, peer))
    return response.status, json.loads(response.body)


@virtual
async def test_container_document_of_version_4(tmp_path: Path):
    _, served = await metadata(tmp_path)
    await pass_time(6)
    status, found = await ask(served, "/v4/endpoint-web")
    assert status == 200
    times = {name: found.pop(name) for name in ("CreatedAt", "StartedAt")}
    assert all(moment.startswith("2023-11-14T22:13:2") and moment.endswith("Z") for moment in times.values())
    health = found.pop("Health")
    assert health.pop("statusSince").startswith("2023-11-14T22:13:2")
    assert health == {"status": "HEALTHY", "output": "true", "exitCode": 0}
    assert found == {
        "DockerId": "t1-web",
        "Name": "web",
        "DockerName": "web",
        "Image": "busybox",
        "ImageID": "i1",
        "Ports": [{"ContainerPort": 80, "Protocol": "tcp", "HostPort": 80}],
        "Labels": {
            "team": "a",
            "com.amazonaws.ecs.cluster": SPEC.cluster_arn,
            "com.amazonaws.ecs.container-name": "web",
            "com.amazonaws.ecs.task-arn": SPEC.arn,
            "com.amazonaws.ecs.task-definition-family": "web",
            "com.amazonaws.ecs.task-definition-version": "3",
        },
        "DesiredStatus": "RUNNING",
        "KnownStatus": "RUNNING",
        "Limits": {"CPU": 256, "Memory": 128},
        "Type": "NORMAL",
        "LogDriver": "awslogs",
        "LogOptions": {"awslogs-group": "/g"},
        "ContainerARN": SPEC.containers[0].arn,
        "Networks": [
            {
                "NetworkMode": "awsvpc",
                "IPv4Addresses": ["10.0.0.5"],
                "AttachmentIndex": 0,
                "MACAddress": "02:00:00:00:00:05",
                "IPv4SubnetCIDRBlock": "10.0.0.0/24",
                "DomainNameServers": ["10.0.0.2"],
                "DomainNameSearchList": ["ec2.internal"],
                "PrivateDNSName": "ip-10-0-0-5.ec2.internal",
                "SubnetGatewayIpv4Address": "10.0.0.1/24",
            }
        ],
        "Snapshotter": "overlayfs",
        "RestartCount": 0,
    }


@virtual
async def test_task_documents_differ_by_version(tmp_path: Path):
    _, served = await metadata(tmp_path)
    _, four = await ask(served, "/v4/endpoint-side/task")
    assert (four["Cluster"], four["TaskARN"], four["Revision"]) == (SPEC.cluster_arn, SPEC.arn, "3")
    assert four["Limits"] == {"CPU": 0.5, "Memory": 1024}
    assert (four["VPCID"], four["ServiceName"], four["Group"]) == ("vpc-1", "web", "service:web")
    assert [c["Name"] for c in four["Containers"]] == ["web", "side"]
    assert four["ClockDrift"]["ClockSynchronizationStatus"] in ("SYNCHRONIZED", "NOT_SYNCHRONIZED")
    assert "TaskTags" not in four
    assert (await ask(served, "/v4/endpoint-side/taskWithTags"))[1]["TaskTags"] == {"stage": "test"}
    _, three = await ask(served, "/v3/endpoint-side/task")
    assert "VPCID" not in three
    assert three["Containers"][0]["Networks"] == [{"NetworkMode": "awsvpc", "IPv4Addresses": ["10.0.0.5"]}]
    assert (await ask(served, "/v2/metadata"))[1] == three


@virtual
async def test_stats_are_docker_stats_with_rates(tmp_path: Path):
    _, served = await metadata(tmp_path)
    status, found = await ask(served, "/v4/endpoint-web/stats")
    assert status == 200
    assert found["cpu_stats"]["cpu_usage"]["total_usage"] == 1_000_000
    assert found["memory_stats"]["usage"] == 4096
    assert found["precpu_stats"]["online_cpus"] >= 1
    assert found["network_rate_stats"] == {"rx_bytes_per_sec": 0.0, "tx_bytes_per_sec": 0.0}
    _, whole = await ask(served, "/v3/endpoint-web/task/stats")
    assert set(whole) == {"t1-web", "t1-side"}
    assert "network_rate_stats" not in whole["t1-web"]


@virtual
async def test_neighbour_with_a_guessed_id_learns_nothing(tmp_path: Path):
    _, served = await metadata(tmp_path)
    stranger = await ask(served, "/v4/endpoint-web", peer="10.0.0.6")
    unknown = await ask(served, "/v4/bad", peer="10.0.0.6")
    text = "V4 container metadata handler: unable to get container ID from request: unable to get docker ID from v3 endpoint ID: "
    assert stranger == (404, text + "endpoint-web")
    assert unknown == (404, text + "bad")
    assert (await ask(served, "/v2/metadata", peer="10.0.0.6"))[0] == 404


@virtual
async def test_credentials_of_no_role_are_refused_in_the_words_of_the_agent(tmp_path: Path):
    _, served = await metadata(tmp_path)
    assert await ask(served, "/v2/credentials/0b1c") == (
        400,
        {"code": "InvalidIdInRequest", "message": "CredentialsV2Request: Credentials not found", "HTTPErrorCode": 400},
    )
    assert (await ask(served, "/v2/credentials/"))[1]["code"] == "NoIdInRequest"


@virtual
async def test_too_many_questions_are_refused_until_time_has_passed(tmp_path: Path):
    _, served = await metadata(tmp_path)
    answers = [(await ask(served, "/v4/endpoint-web"))[0] for _ in range(61)]
    assert answers == [200] * 60 + [429]
    assert (await ask(served, "/v4/x", peer="10.0.0.6"))[0] == 404  # another task's allowance is its own
    await pass_time(1)
    assert [(await ask(served, "/v4/endpoint-web"))[0] for _ in range(41)] == [200] * 40 + [429]


@virtual
async def test_only_reading_is_allowed(tmp_path: Path):
    _, served = await metadata(tmp_path)
    assert (await ask(served, "/v4/endpoint-web", method="POST"))[0] == 405
