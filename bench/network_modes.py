"""
Print what each network mode costs: round trip, connections a second and throughput, side by side in one run.

Hosts in one VPC with everything allowed, made by the network package as for tasks: an interface of the task's own
(awsvpc), the same on a trunk, the hosts themselves (host), containers on docker0 reached through a published port
(bridge), and for comparison two containers on one docker0, which is what an emulator that hands containers to Docker
gives.  Client and server are pinned to one processor, so that the length of the way counts and not luck; rounds
alternate.  Round trip and throughput are qperf's; connections are opened and closed one after the other.

Run it in a lab: homeport lab -- .venv/bin/python bench/network_modes.py
"""

import argparse
import asyncio
import contextlib
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeport.network.desired import Binding, Group, Host, Interface, Network, Rule, Sandbox, Vpc
from homeport.network.kernel import KernelNetwork

CONTROL, DATA, ECHO = 19765, 19766, 7000
PROCESSOR = "0"
_CONNECTS = 5000
CONNECTS = """
import socket, struct, sys, time
linger = struct.pack("ii", 1, 0)
if sys.argv[1] == "serve":
    server = socket.create_server(("0.0.0.0", int(sys.argv[2])), backlog=64)
    print("ready", flush=True)
    while True:
        accepted, _ = server.accept()
        accepted.send(b"x")
        accepted.close()
address, count = (sys.argv[2], int(sys.argv[3])), int(sys.argv[4])
began = time.monotonic()
for _ in range(count):
    with socket.socket() as opened:
        opened.connect(address)
        opened.recv(1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
print(count / (time.monotonic() - began))
"""


@dataclass(frozen=True)
class Way:
    """Two places that talk: namespaces, and the address under which the second is reached."""

    name: str
    client: str
    server: str
    address: str


WAYS = (
    Way("awsvpc", "eni-a", "eni-b", "10.0.1.12"),
    Way("awsvpc on a trunk", "eni-c", "eni-d", "10.0.1.14"),
    Way("host", "i-c", "i-d", "10.0.1.24"),
    Way("bridge", "box-a", "box-b", "10.0.1.22"),
    Way("one docker0", "box-a", "box-c", "172.17.0.3"),
)


def desired() -> Network:
    def interface(name: str, number: int, **members: Any) -> Interface:
        mac, address = f"02:00:00:00:00:{number:02x}", f"10.0.1.{number}"
        return Interface(name, "vpc-1", "10.0.1.0/24", mac, address, groups=("sg-1",), **members)

    everything = (Rule(cidr="0.0.0.0/0"),)
    bindings = tuple(Binding("tcp", port, port) for port in (CONTROL, DATA, ECHO))
    items = [
        interface("eni-a", 11, device="eth0"),
        interface("eni-b", 12, device="eth0"),
        interface("eni-c", 13, device="eth0", trunk="eni-ta", vlan=1),
        interface("eni-d", 14, device="eth0", trunk="eni-tb", vlan=1),
        interface("eni-ha", 21, device="eth0", host="i-a"),
        interface("eni-hb", 22, device="eth0", host="i-b"),
        interface("eni-hc", 23, device="eth0", host="i-c"),
        interface("eni-hd", 24, device="eth0", host="i-d"),
        interface("eni-ta", 31, device="eth1", host="i-a", primary=False, carries_branches=True),
        interface("eni-tb", 32, device="eth1", host="i-b", primary=False, carries_branches=True),
    ]
    boxes = [
        Sandbox("box-a", "i-a", "172.17.0.2"),
        Sandbox("box-b", "i-b", "172.17.0.2", bindings),
        Sandbox("box-c", "i-a", "172.17.0.3"),
    ]
    return Network(
        {"vpc-1": Vpc("vpc-1", ("10.0.0.0/16",), "10.0.0.2")},
        {"sg-1": Group("sg-1", "vpc-1", everything, everything)},
        {each.id: each for each in items},
        {name: Host(name) for name in ("i-a", "i-b", "i-c", "i-d")},
        {each.id: each for each in boxes},
    )


class Measurement:
    """Runs programs in the network's namespaces."""

    def __init__(self, network: KernelNetwork) -> None:
        self._network = network

    def _inside(self, place: str, *argv: str) -> list[str]:
        return ["/usr/bin/nsenter", f"--net={self._network.namespace(place)}", "taskset", "-c", PROCESSOR, *argv]

    @contextlib.contextmanager
    def serving(self, place: str) -> Iterator[None]:
        """Have qperf and the answering of connections listen in a namespace, and return when they do."""
        qperf = subprocess.Popen(self._inside(place, "qperf", "-lp", str(CONTROL)))
        answering = subprocess.Popen(
            self._inside(place, sys.executable, "-c", CONNECTS, "serve", str(ECHO)), stdout=subprocess.PIPE
        )
        try:
            assert answering.stdout is not None
            assert answering.stdout.readline() == b"ready\n"
            self._wait_for_qperf(place)
            yield
        finally:
            for process in (qperf, answering):
                process.terminate()
                process.wait()
            assert answering.stdout is not None
            answering.stdout.close()

    def _wait_for_qperf(self, place: str) -> None:
        deadline = time.monotonic() + 10
        listening = self._inside(place, "cat", "/proc/net/tcp", "/proc/net/tcp6")
        while not re.search(rf":{CONTROL:04X} 0+:0000 0A", subprocess.check_output(listening, text=True)):
            assert time.monotonic() < deadline, "qperf does not listen"

    def qperf(self, way: Way, test: str, size: str, seconds: int) -> float:
        """Return the number that qperf gives for a test, in seconds or bytes a second."""
        argv = [
            "qperf",
            "-lp",
            str(CONTROL),
            "-ip",
            str(DATA),
            "-t",
            str(seconds),
            "-m",
            size,
            "-uu",
            way.address,
            test,
        ]
        output = subprocess.check_output(self._inside(way.client, *argv), text=True)
        found = re.search(r"(latency|bw)\s*=\s*([\d.]+)\s*(\S+)", output)
        assert found is not None, output
        return float(found[2])

    def connects(self, way: Way) -> float:
        """Return connections a second; few enough that no port is used twice, which the kernel would make wait."""
        argv = [sys.executable, "-c", CONNECTS, "connect", way.address, str(ECHO), str(_CONNECTS)]
        return float(subprocess.check_output(self._inside(way.client, *argv), text=True))


def measure(network: KernelNetwork, rounds: int, seconds: int) -> dict[str, dict[str, float]]:
    measurement = Measurement(network)
    seen: dict[str, dict[str, list[float]]] = {way.name: {} for way in WAYS}
    for number in range(rounds):
        for way in WAYS if number % 2 == 0 else reversed(WAYS):
            with measurement.serving(way.server):
                for name, value in (
                    ("round trip", measurement.qperf(way, "tcp_lat", "64", seconds)),
                    ("connections", measurement.connects(way)),
                    ("throughput", measurement.qperf(way, "tcp_bw", "64K", seconds)),
                ):
                    seen[way.name].setdefault(name, []).append(value)
    return {way: {name: statistics.median(values) for name, values in found.items()} for way, found in seen.items()}


def show(found: dict[str, dict[str, float]]) -> None:
    base = found["awsvpc"]
    print(f"{'mode':<20}{'round trip':>12}{'ratio':>7}{'connects/s':>12}{'ratio':>7}{'Gbit/s':>9}{'ratio':>7}")
    for way, values in found.items():
        latency, connects, bandwidth = values["round trip"], values["connections"], values["throughput"]
        print(
            f"{way:<20}{2e-3 * latency:>9.1f} us{latency / base['round trip']:>7.2f}"
            f"{connects:>12.0f}{base['connections'] / connects:>7.2f}"
            f"{8e-9 * bandwidth:>9.1f}{base['throughput'] / bandwidth:>7.2f}"
        )
    print("Ratios are costs beside awsvpc's: higher is slower.")


async def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--seconds", type=int, default=1)
    options.add_argument("--json", type=Path, default=None, help="also write the medians to this file")
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory() as run:
        network = KernelNetwork(Path(run), uplink=False)
        try:
            failures = await network.apply(desired())
            assert not failures, failures
            found = await asyncio.to_thread(measure, network, arguments.rounds, arguments.seconds)
        finally:
            await network.destroy()
            await network.close()
    show(found)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    asyncio.run(main())
