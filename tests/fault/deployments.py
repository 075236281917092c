"""
Deploy a service again and again under load, and count the requests that fail.

Run inside a lab: homeport lab -- python -m tests.fault.deployments --deployments 20 --rate 300

A service in two zones behind an Application Load Balancer; its application ends at once on SIGTERM.  With --kills,
server, node, load balancer and tasks are killed meanwhile; then only requests that meet a killed proxy may fail, which
are counted: those under way when it was killed, or sent before its successor answered.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tests.load import Failure, Load, Outcome

RUN = Path(os.environ["HOMEPORT_RUN"])
CGROUPS = json.loads((RUN / "installation.json").read_text())["cgroup_root"]
CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=60)
PATIENCE = 300.0  # seconds for one deployment
SERVE = (
    "mkdir -p /tmp/www && echo $REVISION > /tmp/www/index.html && "
    "trap 'kill $server; exit 0' TERM; httpd -f -p 80 -h /tmp/www & server=$!; wait $server"
)
KILLED = ("server", "node", "balancer", "task", "container")


def insist(operation: Any, **arguments: Any) -> Any:
    """Call until there is an answer, for requests that may be repeated: the server is killed now and then."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return operation(**arguments)
        except (BotoCoreError, ClientError) as error:
            transient = isinstance(error, BotoCoreError) or error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
            if not transient or time.monotonic() > deadline:
                raise


@dataclass
class Site:
    """The service, its load balancer, and what has been asked of them."""

    ecs: Any = field(default_factory=lambda: boto3.client("ecs", config=CONFIG))
    ec2: Any = field(default_factory=lambda: boto3.client("ec2", config=CONFIG))
    elb: Any = field(default_factory=lambda: boto3.client("elbv2", config=CONFIG))
    address: str = ""
    target_group: str = ""
    green: str = ""
    listener: str = ""
    balancer: str = ""
    revision: int = 0

    def build(self, desired: int) -> None:
        subnets = self.ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][:2]
        vpc, zones = subnets[0]["VpcId"], [subnet["SubnetId"] for subnet in subnets]
        front = self.ec2.create_security_group(GroupName="soak-front", Description="soak", VpcId=vpc)["GroupId"]
        back = self.ec2.create_security_group(GroupName="soak-back", Description="soak", VpcId=vpc)["GroupId"]
        self.ec2.authorize_security_group_ingress(
            GroupId=front, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0"
        )
        self.ec2.authorize_security_group_ingress(
            GroupId=back,
            IpPermissions=[
                {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": front}]}
            ],
        )
        self.target_group, self.green = (self._target_group(name, vpc) for name in ("soak", "soak-green"))
        made = self.elb.create_load_balancer(Name="soak", Subnets=zones, SecurityGroups=[front])["LoadBalancers"][0]
        self.balancer = made["LoadBalancerArn"]
        self.elb.get_waiter("load_balancer_available").wait(
            LoadBalancerArns=[self.balancer], WaiterConfig={"Delay": 1, "MaxAttempts": 180}
        )
        listener = self.elb.create_listener(
            LoadBalancerArn=self.balancer, Protocol="HTTP", Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.target_group}],
        )  # fmt: skip
        self.listener = listener["Listeners"][0]["ListenerArn"]
        prefix = "ELB " + self.balancer.partition(":loadbalancer/")[2]
        interfaces = self.ec2.describe_network_interfaces(Filters=[{"Name": "description", "Values": [prefix]}])
        self.address = interfaces["NetworkInterfaces"][0]["Association"]["PublicIp"]
        self.ecs.create_service(
            serviceName="soak",
            taskDefinition=self.register(),
            desiredCount=desired,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": zones, "securityGroups": [back]}},
            loadBalancers=[{"targetGroupArn": self.target_group, "containerName": "web", "containerPort": 80}],
            deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
        )

    def _target_group(self, name: str, vpc: str) -> str:
        made = self.elb.create_target_group(
            Name=name, Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip",
            HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2, UnhealthyThresholdCount=2,
        )  # fmt: skip
        arn = str(made["TargetGroups"][0]["TargetGroupArn"])
        self.elb.modify_target_group_attributes(
            TargetGroupArn=arn, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "10"}]
        )
        return arn

    def register(self, *, broken: bool = False) -> str:
        self.revision += 1
        command = "exit 1" if broken else SERVE
        answer = insist(
            self.ecs.register_task_definition,
            family="soak", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            containerDefinitions=[
                {
                    "name": "web", "image": "homeport/web:latest", "entryPoint": ["sh", "-c"], "command": [command],
                    "portMappings": [{"containerPort": 80}], "stopTimeout": 5,
                    "environment": [{"name": "REVISION", "value": f"revision {self.revision}"}],
                }
            ],
        )  # fmt: skip
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def service(self) -> Any:
        return insist(self.ecs.describe_services, services=["soak"])["services"][0]

    def settled(self) -> str:
        """Return the primary deployment's end, or nothing while it goes on."""
        service = self.service()
        if len(service["deployments"]) == 1 and service["runningCount"] == service["desiredCount"]:
            return str(service["deployments"][0]["rolloutState"])
        return ""

    def deploy(self, definition: str) -> None:
        insist(self.ecs.update_service, service="soak", taskDefinition=definition)

    def deploy_beside(self, definition: str) -> None:
        """Begin a blue/green deployment."""
        advanced = {
            "alternateTargetGroupArn": self.green,
            "productionListenerRule": self.listener,
            "roleArn": "arn:aws:iam::123456789012:role/ecs-elb",
        }
        front = {"targetGroupArn": self.target_group, "containerName": "web", "containerPort": 80}
        insist(
            self.ecs.update_service,
            service="soak",
            taskDefinition=definition,
            loadBalancers=[{**front, "advancedConfiguration": advanced}],
            deploymentConfiguration={"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0},
        )

    def tasks(self) -> list[str]:
        return list(insist(self.ecs.list_tasks, serviceName="soak")["taskArns"])


async def settle(site: Site, definition: str) -> float:
    """Wait until one deployment is left, completed, of *definition*; returns the seconds it took."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        state, service = await asyncio.to_thread(site.settled), await asyncio.to_thread(site.service)
        if state == "COMPLETED" and service["taskDefinition"] == definition:
            return time.monotonic() - began
        await asyncio.sleep(0.25)
    raise AssertionError("not settled: " + json.dumps(site.service()["events"][:12], default=str, indent=1))


@dataclass
class Kills:
    """What was killed, and when no proxy answered for that: from and until, of time.monotonic."""

    killed: list[str] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def explain(self, failure: Failure) -> bool:
        """Return whether the request met a killed proxy."""
        return any(failure.due <= until and failure.at >= since for since, until in self.gaps)


async def kill_about(site: Site, chance: random.Random, kills: Kills) -> None:
    """Kill something every few seconds, each kind as often as the others, until it is over."""
    coming: list[str] = []
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(kills.over.wait(), chance.uniform(2, 5))
            return
        coming = coming or chance.sample(KILLED, len(KILLED))
        what = coming[-1]
        with contextlib.suppress(ProcessLookupError, FileNotFoundError, ClientError, BotoCoreError, IndexError):
            began = time.monotonic()
            await asyncio.to_thread(_kill, what, site, chance)
            kills.killed.append(coming.pop())
            if what == "balancer":
                try:
                    await _answered(site.address)
                finally:
                    kills.gaps.append((began, time.monotonic()))


async def _answered(address: str) -> None:
    """Return when a proxy answers: the kernel still takes connections for one that is being killed."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(ConnectionError):
                reader, writer = await asyncio.open_connection(address, 80)
                writer.write(b"GET / HTTP/1.0\r\n\r\n")
                answer = await reader.readline()
                writer.close()
                if answer:
                    return
            await asyncio.sleep(0.005)


def _kill(what: str, site: Site, chance: random.Random) -> None:
    if what == "task":
        site.ecs.stop_task(task=chance.choice(site.tasks()), reason="killed")
    elif what == "balancer":
        for pid in _processes(f"haproxy.*{RUN}"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    elif what == "container":
        ours = [pid for pid in _processes("^httpd -f -p 80") if CGROUPS in Path(f"/proc/{pid}/cgroup").read_text()]
        os.kill(chance.choice(ours), signal.SIGKILL)
    else:
        os.kill(int((RUN / f"{what}.pid").read_text()), signal.SIGKILL)


def _processes(pattern: str) -> list[int]:
    found = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


async def soak(chosen: argparse.Namespace) -> tuple[Outcome, Kills]:
    site = Site()
    site.build(chosen.desired)
    good = site.service()["taskDefinition"]
    print(f"first deployment: {await settle(site, good):.1f} s", flush=True)
    load = Load(site.address, 80, rate=chosen.rate)
    running = asyncio.create_task(load.run())
    kills = Kills()
    killing = asyncio.create_task(kill_about(site, random.Random(chosen.seed), kills)) if chosen.kills else None
    try:
        for number in range(chosen.deployments):
            await asyncio.sleep(chosen.pause)
            good = await asyncio.to_thread(site.register)
            await asyncio.to_thread(site.deploy, good)
            took = await settle(site, good)
            print(f"deployment {number + 1}: {took:.1f} s, {len(load.outcome.failures)} failed", flush=True)
        if chosen.blue_green:
            good = await asyncio.to_thread(site.register)
            await asyncio.to_thread(site.deploy_beside, good)
            took = await settle(site, good)
            print(f"blue/green: {took:.1f} s, {len(load.outcome.failures)} failed", flush=True)
        if chosen.rollback:
            broken = await asyncio.to_thread(lambda: site.register(broken=True))
            await asyncio.to_thread(site.deploy, broken)
            took = await settle(site, good)
            print(f"rolled back: {took:.1f} s, {len(load.outcome.failures)} failed", flush=True)
        while load.outcome.sent < chosen.requests or (chosen.kills and not set(KILLED) <= set(kills.killed)):
            await asyncio.sleep(1)
    finally:
        if killing is not None:
            kills.over.set()
            await killing  # what it has begun to kill must be known
        load.stop()
        outcome = await running
    return outcome, kills


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deployments", type=int, default=20)
    parser.add_argument("--rate", type=float, default=300)
    parser.add_argument("--pause", type=float, default=0, help="seconds of load before each deployment")
    parser.add_argument("--desired", type=int, default=4)
    parser.add_argument("--requests", type=int, default=0, help="go on until so many were sent")
    parser.add_argument("--rollback", action="store_true", help="end with a broken revision")
    parser.add_argument("--blue-green", action="store_true", help="and one blue/green deployment")
    parser.add_argument("--kills", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    began = time.monotonic()
    outcome, kills = asyncio.run(soak(chosen))
    others = [failure for failure in outcome.failures if not kills.explain(failure)]
    longest = max((until - since for since, until in kills.gaps), default=0.0)
    print(
        f"{outcome.sent} requests, {len(outcome.failures)} failed, 50 % within {outcome.percentile(0.5) * 1000:.1f} ms, "
        f"99 % within {outcome.percentile(0.99) * 1000:.1f} ms, killed: {', '.join(kills.killed) or 'nothing'}; "
        f"{len(outcome.failures) - len(others)} met one of {len(kills.gaps)} killed proxies, "
        f"whose successors answered within {longest:.2f} s"
    )
    for failure in others[:40]:
        print(f"{failure.at - began:.3f} s, {failure.at - failure.due:.3f} s after it was due: {failure.why}")
    return 1 if others else 0


if __name__ == "__main__":
    sys.exit(main())
