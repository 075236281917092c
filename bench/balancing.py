"""
Print what our load balancer costs beside HAProxy configured by hand: requests a second and latency.

One configuration is the shortest that balances; the other does by hand what an Application Load Balancer does to each
request: X-Forwarded headers, a trace id, another try where a target had just closed its connection.  All stand in the
load balancer's own network namespace, on ports of their own, in front of the same tasks; the client is outside the VPC.
Rounds alternate.  Then: how long from RunTask to the first request that the new task answers through the load
balancer, and how long a rolling deployment of ten tasks takes beside what its health checks make it wait.

Run it in a lab: homeport lab -- .venv/bin/python bench/balancing.py
"""

import argparse
import contextlib
import http.client
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import boto3

IMAGE = "bench/fast"
BY_HAND, THE_SAME = 8080, 8081
INTERVAL = 5  # seconds between health checks: the shortest that AWS allows
TASKS = 4
FAST = """
global
    nbthread 1
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 5s
frontend all
    bind :80
    http-request return status 200 content-type text/plain lf-string "%[env(REVISION)]"
"""
HAND = """
global
    nbthread {threads}
    maxconn 5000
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 5s
    option forwardfor{more}
frontend all
    bind :{port}{each}
    default_backend tasks
backend tasks
    balance roundrobin
    option httpchk GET /
{servers}
"""
MORE = """
    retry-on conn-failure empty-response"""
EACH = """
    http-request set-header X-Forwarded-Proto http
    http-request set-header X-Forwarded-Port {port}
    http-request set-header X-Amzn-Trace-Id Root=1-%[date,hex,bytes(8,8),lower]-{dice}"""
DICE = "%[rand(4294967295),hex,bytes(8,8),lower]" * 3


def build_image() -> None:
    """Build an image of this machine's HAProxy, which answers by itself: a server that is not what is measured."""
    program = shutil.which("haproxy", path="/usr/sbin:/usr/bin")
    assert program is not None, "haproxy is not installed"
    linked = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    libraries = sorted(set(re.findall(r"(/\S+)", linked)))
    with tempfile.TemporaryDirectory(prefix="bench-image-", dir="/var/tmp") as folder:
        root = Path(folder, "root")
        for path in (program, *libraries):
            target = root / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        (root / "fast.cfg").write_text(FAST)
        Path(folder, "Containerfile").write_text(
            f'FROM scratch\nCOPY root/ /\nCMD ["{program}", "-db", "-f", "/fast.cfg"]\n'
        )
        subprocess.run(
            [sys.executable, "-m", "homeport.cli.main", "image", "build", folder, "--tag", IMAGE], check=True
        )


class Site:
    """A cluster's service and its load balancer."""

    def __init__(self) -> None:
        self.ecs, self.elb, self.ec2 = boto3.client("ecs"), boto3.client("elbv2"), boto3.client("ec2")
        subnets = self.ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][:2]
        self.vpc, self.subnets = subnets[0]["VpcId"], [subnet["SubnetId"] for subnet in subnets]
        self.group = self.ec2.create_security_group(GroupName="bench", Description="bench", VpcId=self.vpc)["GroupId"]
        self.ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])  # fmt: skip
        self.network = {"awsvpcConfiguration": {"subnets": self.subnets, "securityGroups": [self.group]}}
        self.target_group = self.elb.create_target_group(
            Name="bench", Protocol="HTTP", Port=80, VpcId=self.vpc, TargetType="ip",
            HealthCheckIntervalSeconds=INTERVAL, HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2, UnhealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
        self.elb.modify_target_group_attributes(
            TargetGroupArn=self.target_group,
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}],
        )
        made = self.elb.create_load_balancer(Name="bench", Subnets=self.subnets, SecurityGroups=[self.group])
        arn = made["LoadBalancers"][0]["LoadBalancerArn"]
        self.elb.get_waiter("load_balancer_available").wait(
            LoadBalancerArns=[arn], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        self.elb.create_listener(
            LoadBalancerArn=arn, Protocol="HTTP", Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.target_group}],
        )  # fmt: skip
        description = "ELB " + arn.partition(":loadbalancer/")[2]
        found = self.ec2.describe_network_interfaces(Filters=[{"Name": "description", "Values": [description]}])
        self.address = found["NetworkInterfaces"][0]["Association"]["PublicIp"]

    def define(self, revision: str) -> str:
        answer = self.ecs.register_task_definition(
            family="bench", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            containerDefinitions=[
                {
                    "name": "web", "image": IMAGE, "portMappings": [{"containerPort": 80}],
                    # HAProxy leaves SIGTERM to the kernel, which does not end a process 1 by it.
                    "linuxParameters": {"initProcessEnabled": True},
                    "environment": [{"name": "REVISION", "value": revision}],
                }
            ],
        )  # fmt: skip
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def serve(self, desired: int) -> None:
        self.ecs.create_service(
            serviceName="bench", taskDefinition=self.define("one"), desiredCount=desired, launchType="FARGATE",
            networkConfiguration=self.network,
            loadBalancers=[{"targetGroupArn": self.target_group, "containerName": "web", "containerPort": 80}],
        )  # fmt: skip
        self.stable()

    def stable(self) -> None:
        while True:
            service = self.ecs.describe_services(services=["bench"])["services"][0]
            rollouts = [deployment["rolloutState"] for deployment in service["deployments"]]
            if rollouts == ["COMPLETED"] and service["runningCount"] == service["desiredCount"]:
                return
            time.sleep(0.1)

    def targets(self) -> list[str]:
        health = self.elb.describe_target_health(TargetGroupArn=self.target_group)["TargetHealthDescriptions"]
        return [each["Target"]["Id"] for each in health if each["TargetHealth"]["State"] == "healthy"]


def proxy() -> int:
    """Return the process of the one load balancer there is."""
    own = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and b"haproxy\0-db\0-C" in _command_line(entry)
    ]
    assert own, "no load balancer runs"
    return max(own)


def _command_line(entry: Path) -> bytes:
    with contextlib.suppress(OSError):
        return (entry / "cmdline").read_bytes()
    return b""


@contextlib.contextmanager
def by_hand(site: Site, beside: int, port: int, more: str = "", each: str = "") -> Iterator[None]:
    """Run a HAProxy with a configuration written by hand, in the namespace of process *beside*."""
    servers = "\n".join(
        f"    server s{number} {address}:80 check inter {INTERVAL}s" for number, address in enumerate(site.targets())
    )
    with tempfile.TemporaryDirectory(prefix="bench-haproxy-") as folder:
        config = Path(folder, "hand.cfg")
        filled = HAND.format(
            threads=os.cpu_count(), port=port, servers=servers, more=more, each=each.format(port=port, dice=DICE)
        )
        config.write_text(filled)
        process = subprocess.Popen(["nsenter", f"--net=/proc/{beside}/ns/net", "haproxy", "-db", "-f", str(config)])
        try:
            wait_for(site.address, port)
            yield
        finally:
            process.terminate()
            process.wait()


def wait_for(address: str, port: int) -> None:
    deadline = time.monotonic() + 30
    while ask(address, port) is None:
        assert time.monotonic() < deadline, f"nothing answers at {address}:{port}"
        time.sleep(0.05)


def ask(address: str, port: int) -> str | None:
    connection = http.client.HTTPConnection(address, port, timeout=5)
    with contextlib.suppress(OSError), contextlib.closing(connection):
        connection.request("GET", "/")
        answer = connection.getresponse()
        return answer.read().decode() if answer.status == 200 else None
    return None


def wrk(address: str, port: int, connections: int, seconds: int) -> tuple[float, float]:
    """Return requests a second, and the median latency in milliseconds."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", f"http://{address}:{port}/"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in printed, printed
    assert "Socket errors" not in printed, printed
    rate = re.search(r"Requests/sec:\s+([\d.]+)", printed)
    median = re.search(r"50%\s+([\d.]+)(us|ms|s)", printed)
    assert rate is not None, printed
    assert median is not None, printed
    return float(rate[1]), float(median[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[median[2]]


def compare(site: Site, rounds: int, seconds: int) -> None:
    beside = proxy()
    names = {80: "homeport", BY_HAND: "by hand", THE_SAME: "and the same"}
    with by_hand(site, beside, BY_HAND), by_hand(site, beside, THE_SAME, MORE, EACH):
        for connections in (1, 32):
            figures: dict[int, list[tuple[float, float]]] = {port: [] for port in names}
            for _ in range(rounds):
                for port, values in figures.items():
                    values.append(wrk(site.address, port, connections, seconds))
            print(f"{connections} connections, {rounds} rounds of {seconds} s")
            rates = {port: statistics.median(rate for rate, _ in values) for port, values in figures.items()}
            medians = {port: statistics.median(median for _, median in values) for port, values in figures.items()}
            for port, name in names.items():
                ratios = f"homeport has {rates[80] / rates[port]:.3f} and {medians[80] / medians[port]:.3f} of these"
                print(f"  {name:<12} {rates[port]:9.0f} requests/s   p50 {medians[port]:7.3f} ms   {ratios}")


def first_request(site: Site, rounds: int) -> None:
    """Measure from RunTask to the first answer of the new task through the load balancer."""
    taken = []
    for number in range(rounds):
        mark = f"task-{number}"
        definition = site.define(mark)
        began = time.monotonic()
        task = site.ecs.run_task(taskDefinition=definition, launchType="FARGATE", networkConfiguration=site.network)[
            "tasks"
        ][0]["taskArn"]
        while (found := site.ecs.describe_tasks(tasks=[task])["tasks"][0])["lastStatus"] != "RUNNING":
            time.sleep(0.01)
        running = time.monotonic()
        address = found["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
        site.elb.register_targets(TargetGroupArn=site.target_group, Targets=[{"Id": address, "Port": 80}])
        while ask(site.address, 80) != mark:
            pass
        taken.append((running - began, time.monotonic() - began))
        site.elb.deregister_targets(TargetGroupArn=site.target_group, Targets=[{"Id": address, "Port": 80}])
        site.ecs.stop_task(task=task)
    launch, served = (statistics.median(values) for values in zip(*taken, strict=True))
    print(
        f"RunTask to RUNNING {launch * 1000:.0f} ms, to the first request served {served * 1000:.0f} ms, {rounds} rounds"
    )


def deployment(site: Site) -> None:
    site.ecs.update_service(service="bench", desiredCount=10)
    site.stable()
    began = time.monotonic()
    site.ecs.update_service(service="bench", taskDefinition=site.define("two"))
    site.stable()
    took = time.monotonic() - began
    print(f"a rolling deployment of 10 tasks: {took:.1f} s; the drain of the old ones may take 5 s of it")


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=5)
    arguments = options.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    build_image()
    site = Site()
    site.serve(TASKS)
    compare(site, arguments.rounds, min(arguments.seconds, 30))
    first_request(site, arguments.rounds)
    deployment(site)
    return 0


if __name__ == "__main__":
    sys.exit(main())
