"""
From the request to the first instruction in the container, beside Docker Engine, in one run with one image.

Homeport: RunTask of a Fargate task, with its own ENI, security group and log pipe.  Docker: create and start
through its API, on its bridge.  The container prints a word as its first act; what is taken is the time at which
each side's log has it, in Homeport's case rounded up to the millisecond that CloudWatch Logs knows.
Run inside a lab: homeport lab -- python bench/launch.py
"""

import argparse
import asyncio
import concurrent.futures
import contextlib
import http.client
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from homeport.kit.installation import read
from homeport.runtime.podman import Podman

IMAGE = "homeport/web:latest"
COMMAND = ["echo", "started"]
GROUP = "/bench"


class Unix(http.client.HTTPConnection):
    """HTTP over Docker's socket."""

    def __init__(self, path: str) -> None:
        super().__init__("docker")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


class Docker:
    name = "docker"

    def __init__(self, path: str) -> None:
        self._path = path
        self._local: dict[int, Unix] = {}

    def _ask(self, method: str, url: str, body: Any = None) -> bytes:
        import threading

        connection = self._local.setdefault(threading.get_ident(), Unix(self._path))
        data = json.dumps(body).encode() if body is not None else None
        connection.request(method, url, data, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status < 400, content
        return content

    def launch(self) -> float:
        """Return milliseconds from the request to the first instruction."""
        begun = time.time_ns()
        body = {"Image": IMAGE, "Cmd": COMMAND, "HostConfig": {"NetworkMode": "bridge", "Memory": 512 << 20}}
        container = json.loads(self._ask("POST", "/v1.41/containers/create", body))["Id"]
        self._ask("POST", f"/v1.41/containers/{container}/start")
        self._ask("POST", f"/v1.41/containers/{container}/wait")
        printed = self._ask("GET", f"/v1.41/containers/{container}/logs?stdout=1&timestamps=1")[8:]
        self._ask("DELETE", f"/v1.41/containers/{container}?force=1")
        return instant(printed.split(b" ")[0].decode()) - begun / 1e6


class Homeport:
    name = "homeport"

    def __init__(self) -> None:
        config = Config(max_pool_connections=32)
        self.ecs = boto3.client("ecs", config=config)
        self.logs = boto3.client("logs", config=config)
        ec2 = boto3.client("ec2", config=config)
        self.logs.create_log_group(logGroupName=GROUP)
        self.network = {"awsvpcConfiguration": {"subnets": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]]}}
        self.ecs.register_task_definition(
            family="bench",
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            executionRoleArn="arn:aws:iam::123456789012:role/execution",
            containerDefinitions=[
                {
                    "name": "c",
                    "image": IMAGE,
                    "entryPoint": [],
                    "command": COMMAND,
                    "logConfiguration": {
                        "logDriver": "awslogs",
                        "options": {
                            "awslogs-group": GROUP,
                            "awslogs-region": "us-east-1",
                            "awslogs-stream-prefix": "b",
                        },
                    },
                }
            ],
        )

    def launch(self) -> float:
        begun = time.time_ns()
        answer = self.ecs.run_task(taskDefinition="bench", launchType="FARGATE", networkConfiguration=self.network)
        task = answer["tasks"][0]["taskArn"]
        while (found := self.ecs.describe_tasks(tasks=[task])["tasks"][0])["lastStatus"] != "STOPPED":
            time.sleep(0.1)
        assert found["containers"][0].get("exitCode") == 0, found
        stream = f"b/c/{task.rsplit('/', 1)[1]}"
        events = self.logs.get_log_events(logGroupName=GROUP, logStreamName=stream)["events"]
        return float(events[0]["timestamp"] + 1) - begun / 1e6


@contextlib.contextmanager
def dockerd() -> Iterator[Docker]:
    """Docker Engine of our own, in this network namespace, for as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="bench-docker-", dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        path = f"{folder}/docker.sock"
        command = [
            *("dockerd", "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "-p", f"{folder}/pid"),
            *("-H", f"unix://{path}", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"),
        ]
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 60
            while subprocess.run(
                ["docker", "-H", f"unix://{path}", "info"], capture_output=True, check=False
            ).returncode:
                assert time.monotonic() < deadline, Path(folder, "log").read_text()[-2000:]
                time.sleep(0.2)
            load_image(path, folder)
            yield Docker(path)
        finally:
            process.terminate()
            process.wait()


def load_image(path: str, folder: str) -> None:
    installation = read()
    assert installation is not None
    archive = f"{folder}/image.tar"
    asyncio.run(Podman(Path(installation.shared_images)).call(["save", "--quiet", "-o", archive, IMAGE]))
    loaded = subprocess.run(
        ["docker", "-H", f"unix://{path}", "load", "-i", archive], check=True, capture_output=True, text=True
    ).stdout
    name = loaded.strip().rsplit(" ", 1)[-1]
    subprocess.run(["docker", "-H", f"unix://{path}", "tag", name, IMAGE], check=True)


def instant(text: str) -> float:
    """Return an RFC 3339 time with nanoseconds as milliseconds since the epoch."""
    whole, fraction = text.removesuffix("Z").split(".")
    return datetime.fromisoformat(whole + "+00:00").timestamp() * 1000 + float(f"0.{fraction}") * 1000


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--parallel", type=int, default=80)
    arguments = options.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    with dockerd() as docker:
        sides: list[Any] = [Homeport(), docker]
        for side in sides:
            side.launch()
        alone(sides, arguments.rounds)
        together(sides, arguments.clients, arguments.parallel)
    return 0


def alone(sides: list[Any], rounds: int) -> None:
    figures: dict[str, list[float]] = {side.name: [] for side in sides}
    for _ in range(rounds):
        for side in random.sample(sides, len(sides)):
            figures[side.name].append(side.launch())
    print(f"request to first instruction, ms, {rounds} rounds, one at a time")
    for name, values in figures.items():
        print(f"  {name:<10} p50 {statistics.median(values):7.1f}   p99 {percentile(values, 0.99):7.1f}")
    ours, theirs = figures["homeport"], figures["docker"]
    print(f"  docker / homeport: p50 {statistics.median(theirs) / statistics.median(ours):.1f}", end="")
    print(f", p99 {percentile(theirs, 0.99) / percentile(ours, 0.99):.1f}")


def together(sides: list[Any], clients: int, count: int) -> None:
    print(f"{count} launches by {clients} clients: launches a second, to the container's end")
    rates = {}
    for side in sides:
        begun = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            values = list(pool.map(lambda _, side=side: side.launch(), range(count)))
        rates[side.name] = count / (time.perf_counter() - begun)
        print(f"  {side.name:<10} {rates[side.name]:7.1f}/s   p50 {statistics.median(values):7.1f} ms")
    print(f"  homeport / docker: {rates['homeport'] / rates['docker']:.1f}")


if __name__ == "__main__":
    sys.exit(main())
