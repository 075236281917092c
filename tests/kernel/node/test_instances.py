"""Instances on the real kernel: what boots, what it is told of itself, what survives, and what is left behind."""

import asyncio
import json
import os
import random
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.kernel.node.nodelab import GROUP, VPC, Server, container, eni, instance, lab

from homeport.wire.messages import Instance, InstancePhase, NetworkMode, TaskPhase

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

IMDS = "169.254.169.254"
PUT = (
    "printf 'PUT /latest/api/token HTTP/1.1\\r\\nHost: i\\r\\nX-aws-ec2-metadata-token-ttl-seconds: 60\\r\\n"
    "Connection: {}\\r\\n\\r\\n{}'"
)
GET = "GET /latest/meta-data/mac HTTP/1.1\\r\\nHost: i\\r\\nConnection: close\\r\\n\\r\\n"
ASK_TOKEN = f"{PUT.format('close', '')} | busybox timeout {{}} nc {IMDS} 80"
ASK_TOKEN_AND_MORE = f"{PUT.format('keep-alive', GET)} | busybox timeout {{}} nc {IMDS} 80"
SHORT, LONG = 2, 60  # seconds: for what must not be answered, and for what must


def is_of_web(server: Server, instance: str) -> bool:
    return server.instances[instance].agent == {"ECS_CLUSTER": "web"}


def shared(server: Server, spec: Instance) -> Path:
    """Return the instance's /etc/ecs, which it shares with the node."""
    return server.folder / "state/instances" / spec.id / "ecs"


async def test_instance_boots_and_learns_of_itself(tmp_path: Path, root_filesystem: Path):
    user_data = f"""#!/bin/bash
set -e
cd /etc/ecs
echo 'ECS_CLUSTER="web"' >> ecs.config
{{ hostname; id -u; cat /etc/resolv.conf; ip -o -4 addr show; }} > self
wget -q -O - http://{IMDS}/latest/meta-data/ > tree
wget -q -O - http://{IMDS}/latest/meta-data/instance-id > id
{ASK_TOKEN.format(LONG)} > token
wget -q -O - --header "X-aws-ec2-metadata-token: $(tail -n 1 token)" http://{IMDS}/latest/meta-data/local-ipv4 > address
wget -q -O - http://localhost:51678/v1/metadata > agent
wget -q -O - http://169.254.170.2/v2/metadata 2> nobody || :
echo printed
cp /var/log/cloud-init-output.log log
"""
    async with lab(tmp_path, root_filesystem) as server:
        spec, primary = instance(9, user_data=user_data.encode())
        server.put(VPC, GROUP, replace(primary, subnet="subnet-1"), spec)
        await server.instance_phase(spec, InstancePhase.RUNNING)
        seen = server.instances[spec.id]
        assert (seen.agent, seen.reason) == ({"ECS_CLUSTER": "web"}, ""), (shared(server, spec) / "log").read_text()
        said = {path.name: path.read_text() for path in shared(server, spec).iterdir()}
        assert said["self"].splitlines()[:4] == ["ip-10-0-0-9", "0", "search ec2.internal", "nameserver 10.0.0.2"]
        assert "inet 10.0.0.9/20" in said["self"]
        assert "inet 172.17.0.1/16" in said["self"]
        assert "instance-id" in said["tree"].splitlines()
        assert said["id"] == spec.id
        assert said["token"].startswith("HTTP/1.1 200 OK")
        assert said["address"] == "10.0.0.9"
        assert "404" in said["nobody"]
        assert said["log"].splitlines()[-1] == "printed"
        server.drop(spec, primary)
        await server.instance_phase(spec, InstancePhase.GONE)
        assert not shared(server, spec).exists()


async def test_failed_script_is_reported_and_the_instance_runs(tmp_path: Path, root_filesystem: Path):
    async with lab(tmp_path, root_filesystem) as server:
        spec = await server.launch(9, user_data=b"#!/bin/sh\nexit 3\n")
        assert server.instances[spec.id].reason == "Runparts: 1 failures (part-001) in 1 attempted commands"


async def test_stop_and_start_keep_the_disk_and_run_user_data_once(tmp_path: Path, root_filesystem: Path):
    user_data = b"""#cloud-config
bootcmd:
- echo boot >> /root/boots
- cp /root/boots /root/once /etc/ecs/
runcmd:
- echo once >> /root/once
- echo ECS_CLUSTER=web > /etc/ecs/ecs.config
"""
    async with lab(tmp_path, root_filesystem) as server:
        spec = await server.launch(9, user_data=user_data)
        for boots in (2, 3):
            server.put(replace(spec, running=False))
            await server.instance_phase(spec, InstancePhase.STOPPED)
            remaining = [line for line in server.remains() if str(server.folder / "state") not in line]
            assert not [line for line in remaining if spec.id in line], remaining
            server.put(spec)
            await server.instance_phase(spec, InstancePhase.RUNNING)
            assert (shared(server, spec) / "boots").read_text() == "boot\n" * boots
            assert (shared(server, spec) / "once").read_text() == "once\n"
            assert server.instances[spec.id].agent == {"ECS_CLUSTER": "web"}


async def test_hop_limit_keeps_tokens_from_the_bridge(tmp_path: Path, root_filesystem: Path):
    async with lab(tmp_path, root_filesystem) as server:
        spec = await server.launch(9)
        for number, (script, hops, wanted) in enumerate(
            (
                (ASK_TOKEN.format(SHORT), 1, []),
                (ASK_TOKEN_AND_MORE.format(SHORT), 1, []),  # what follows must not carry the token along
                (ASK_TOKEN.format(LONG), 2, ["HTTP/1.1 200 OK"]),
                (f"wget -q -O - http://{IMDS}/latest/meta-data/mac; echo", 1, [eni(9).mac]),
            ),
            start=60,
        ):
            server.put(replace(spec, metadata=replace(spec.metadata, hop_limit=hops)))
            asking = server.run_on(spec, number, NetworkMode.BRIDGE, container(script))
            await server.phase(asking, TaskPhase.STOPPED)
            heard = [line.strip("\r") for line in server.output(asking) if line != "Terminated"]
            assert heard[:1] == wanted, heard
        host = server.run_on(spec, 70, NetworkMode.HOST, container(ASK_TOKEN.format(LONG)))
        await server.phase(host, TaskPhase.STOPPED)
        server.put(spec)
        assert server.output(host)[0].startswith("HTTP/1.1 200 OK")


async def test_containers_are_known_by_where_they_are(tmp_path: Path, root_filesystem: Path):
    async with lab(tmp_path, root_filesystem) as server:
        spec = await server.launch(9)

        def ask(url: str, seconds: int = LONG) -> str:
            return f"busybox timeout {seconds} wget -q -O - {url} 2>&1; echo"

        own = ask("$ECS_CONTAINER_METADATA_URI_V4")
        bridge = server.run_on(spec, 60, NetworkMode.BRIDGE, container(f"{own}; sleep 1000", stop_timeout=1))
        await server.phase(bridge, TaskPhase.RUNNING)
        stolen = ask(f"http://169.254.170.2/v4/{bridge.containers[0].endpoint_id}")
        host = server.run_on(spec, 61, NetworkMode.HOST, container(f"{own}; {stolen}"))
        thief = server.run_on(
            spec, 62, NetworkMode.BRIDGE, container(f"{stolen}; {ask('http://172.17.0.1:51678/v1/tasks')}")
        )
        closed = (f"http://10.0.0.9:{port}" for port in ("51679/", "51678/v1/tasks"))
        outside = "; ".join([*(ask(url, SHORT) for url in closed), ask(f"http://{IMDS}/")])
        stranger = server.run(63, container(outside))
        for spec_ in (host, thief, stranger):
            await server.phase(spec_, TaskPhase.STOPPED)
        await server.until(lambda: server.output(bridge))
        assert json.loads(server.output(bridge)[0])["Networks"] == [
            {"NetworkMode": "bridge", "IPv4Addresses": ["172.17.0.2"]}
        ]
        assert json.loads(server.output(host)[0])["Networks"] == [{"NetworkMode": "host"}]
        assert "404" in server.output(host)[1]
        assert "404" in server.output(thief)[0]
        assert len(json.loads(server.output(thief)[-1])["Tasks"]) >= 2
        said = "\n".join(server.output(stranger))
        assert "Tasks" not in said
        assert "403" in said  # a Fargate task has no instance


async def test_instance_that_links_its_files_away_leads_nobody_astray(tmp_path: Path, root_filesystem: Path):
    secret = tmp_path / "secret"
    secret.write_text("STOLEN=1\n")
    user_data = (
        f"#!/bin/sh\nln -s {secret} /etc/ecs/ecs.config\nln -s {secret} /var/lib/cloud/instance/boot-finished.new\n"
    )
    async with lab(tmp_path, root_filesystem) as server:
        spec = await server.launch(9, user_data=user_data.encode())
        assert server.instances[spec.id].agent == {}
        assert secret.read_text() == "STOLEN=1\n"


@pytest.mark.fault
async def test_agent_killed_at_random_moments_of_instances_lives(tmp_path: Path, root_filesystem: Path):
    dice = random.Random(7)
    user_data = b"#!/bin/sh\necho run >> /etc/ecs/runs\necho ECS_CLUSTER=web > /etc/ecs/ecs.config\n"
    async with lab(tmp_path, root_filesystem) as server:
        machines = [instance(number, user_data=user_data) for number in (9, 10, 11)]
        for spec, primary in machines:
            server.put(VPC, GROUP, primary, spec)
        for _ in range(20):
            if dice.random() < 0.8:
                await server.until(lambda: server.writer is not None)
            place = dice.randrange(len(machines))
            spec, primary = machines[place]
            if dice.random() < 0.5:
                spec = replace(spec, running=not spec.running)
                machines[place] = (spec, primary)
                server.put(spec)
            await asyncio.sleep(dice.choice((0.0, 0.01, 0.05, 0.1, 0.2, 0.5)))  # the moment is the point
            server.kill_agent()
            server.start_agent()
        for spec, primary in machines:
            running = replace(spec, running=True)
            server.put(running)
            await server.instance_phase(running, InstancePhase.RUNNING)
            await server.until(partial(is_of_web, server, spec.id))
            assert (shared(server, spec) / "runs").read_text() == "run\n"
            server.drop(running, primary)
            await server.instance_phase(running, InstancePhase.GONE)
        server.drop(GROUP, VPC)
        assert not [line for line in server.remains() if any(spec.id in line for spec, _ in machines)]
        assert not [entry for entry in os.scandir(server.folder / "state/instances") if entry.name.startswith("i-")]
