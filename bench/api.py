"""
Requests per second of the API beside moto_server, in one run: signed requests over keep-alive.

Homeport's server runs without a node here, so tasks are records on both sides.
Run inside a lab: homeport lab -- python bench/api.py
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from homeport.cli.supervisor import prepare_directories
from homeport.kit.installation import Installation, read_credentials

TARGET = "AmazonEC2ContainerServiceV20141113"
MOTO_PORT = 4599
HOMEPORT_PORT = 4598
DEFINITION: dict[str, Any] = {
    "family": "bench",
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "cpu": "256",
    "memory": "512",
    "containerDefinitions": [{"name": "web", "image": "web", "memory": 128, "portMappings": [{"containerPort": 80}]}],
}


class Server:
    """One side of the comparison."""

    def __init__(self, name: str, endpoint: str, credentials: Credentials) -> None:
        self.name = name
        self.endpoint = endpoint
        self.credentials = credentials
        self.session = botocore.session.get_session()
        config = Config(retries={"total_max_attempts": 1})
        keys = {
            "aws_access_key_id": credentials.access_key,
            "aws_secret_access_key": credentials.secret_key,
            "region_name": "us-east-1",
        }
        self.ecs = boto3.client("ecs", endpoint_url=endpoint, config=config, **keys)
        self.ec2 = boto3.client("ec2", endpoint_url=endpoint, config=config, **keys)

    def signed(self, operation: str, body: bytes) -> bytes:
        """Return the bytes of one signed request; signing is not what is measured."""
        host = self.endpoint.removeprefix("http://")
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{TARGET}.{operation}", "Host": host}
        request = AWSRequest(method="POST", url=self.endpoint + "/", data=body, headers=headers)
        SigV4Auth(self.credentials, "ecs", "us-east-1").add_auth(request)
        lines = [b"POST / HTTP/1.1"]
        lines += [f"{name}: {value}".encode() for name, value in request.headers.items()]
        lines.append(f"Content-Length: {len(body)}".encode())
        return b"\r\n".join(lines) + b"\r\n\r\n" + body


class Connection:
    """A kept-alive connection, made anew when the server says that it closes (moto's always does)."""

    def __init__(self, endpoint: str) -> None:
        self._host, self._port = endpoint.removeprefix("http://").split(":")
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def exchange(self, request: bytes) -> int:
        """Send one request, read its answer whole and return the status."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, int(self._port))
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(length)
        if b"connection: close" in head:
            self.close()
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def measure(server: Server, operation: str, body: bytes, seconds: float, clients: int) -> tuple[float, float]:
    """Return requests per second and the median latency in milliseconds."""
    latencies: list[float] = []
    stop = time.perf_counter() + seconds

    async def one() -> None:
        connection = Connection(server.endpoint)
        request = server.signed(operation, body)
        while time.perf_counter() < stop:
            begun = time.perf_counter()
            status = await connection.exchange(request)
            assert status == 200, f"{server.name} answered {status} to {operation}"
            latencies.append(time.perf_counter() - begun)
        connection.close()

    begun = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(clients)))
    return len(latencies) / (time.perf_counter() - begun), statistics.median(latencies) * 1000


def start_moto(folder: Path) -> subprocess.Popen[bytes]:
    moto = Path(sys.executable).with_name("moto_server")
    with (folder / "moto.log").open("wb") as log:
        return subprocess.Popen([str(moto), "-H", "127.0.0.1", "-p", str(MOTO_PORT)], stdout=log, stderr=log)


def start_homeport(folder: Path) -> tuple[subprocess.Popen[bytes], Installation]:
    installation = Installation(state=str(folder / "state"), run=str(folder / "run"), port=HOMEPORT_PORT)
    prepare_directories(installation)
    command = [sys.executable, "-m", "homeport.server", str(folder / "run" / "installation.json")]
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log), installation


def read_keys(installation: Installation) -> Credentials:
    deadline = time.monotonic() + 30
    while (keys := read_credentials(installation)) is None:
        assert time.monotonic() < deadline, "the server has not written its keys"
        time.sleep(0.01)
    return Credentials(keys.access_key_id, keys.secret_access_key)


def wait_for(server: Server) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            server.ecs.list_clusters()
        except Exception:
            if time.monotonic() > deadline:
                raise
        else:
            return


def fill(server: Server, count: int, known: list[str]) -> None:
    """Bring the number of tasks in the store to *count*; they wait for an image that does not come, or are records."""
    subnet = server.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    group = server.ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}}
    while len(known) < count:
        answer = server.ecs.run_task(
            cluster="bench",
            taskDefinition="bench",
            count=min(10, count - len(known)),
            launchType="FARGATE",
            networkConfiguration=network,
        )
        known += [task["taskArn"] for task in answer["tasks"]]


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=3.0)
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 10000])
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        moto = start_moto(Path(folder))
        homeport, installation = start_homeport(Path(folder))
        try:
            keys = read_keys(installation)
            ours = Server("homeport", installation.endpoint, keys)
            compare(arguments, ours, Server("moto", f"http://127.0.0.1:{MOTO_PORT}", keys))
        except BaseException:
            for log in ("moto.log", "server.log"):
                print(log, Path(folder, log).read_text()[-1500:], file=sys.stderr)
            raise
        finally:
            for process in (moto, homeport):
                process.terminate()
                process.wait()
    return 0


def compare(arguments: argparse.Namespace, ours: Server, theirs: Server) -> None:
    known: dict[str, list[str]] = {}
    for server in (ours, theirs):
        wait_for(server)
        server.ecs.create_cluster(clusterName="bench")
        server.ecs.register_task_definition(**DEFINITION)
        known[server.name] = []
    print(f"{'operation':<34}{'tasks':>7}{'homeport/s':>12}{'moto/s':>9}{'ratio':>7}{'homeport ms':>13}{'moto ms':>9}")
    for size in arguments.sizes:
        for server in (ours, theirs):
            fill(server, size, known[server.name])
        for title, operation, body in requests(known, size):
            figures = {}
            for server in (ours, theirs):
                coroutine = measure(server, operation, body[server.name], arguments.seconds, arguments.clients)
                figures[server.name] = asyncio.run(coroutine)
            (rate, latency), (moto_rate, moto_latency) = figures["homeport"], figures["moto"]
            print(
                f"{title:<34}{size:>7}{rate:>12.0f}{moto_rate:>9.0f}{rate / moto_rate:>7.1f}"
                f"{latency:>13.2f}{moto_latency:>9.2f}",
                flush=True,
            )


def requests(known: dict[str, list[str]], size: int) -> list[tuple[str, str, dict[str, bytes]]]:
    import json

    def each(make: Any) -> dict[str, bytes]:
        return {name: json.dumps(make(arns)).encode() for name, arns in known.items()}

    found = [
        ("DescribeTasks(1)", "DescribeTasks", each(lambda arns: {"cluster": "bench", "tasks": arns[-1:]})),
        ("DescribeTasks(100)", "DescribeTasks", each(lambda arns: {"cluster": "bench", "tasks": arns[-100:]})),
        ("ListTasks", "ListTasks", each(lambda _: {"cluster": "bench", "maxResults": 100})),
    ]
    if size <= 100:
        found.insert(0, ("RegisterTaskDefinition", "RegisterTaskDefinition", each(lambda _: DEFINITION)))
    return found


if __name__ == "__main__":
    sys.exit(main())
