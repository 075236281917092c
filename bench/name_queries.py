"""
Print DNS queries per second: our resolver for the machine itself, and knot beside it with the same zone.

It needs knotd and dnsperf (Debian's packages knot and dnsperf).  Both servers have one zone of 10,000 names with an A
record each, on loopback; dnsperf asks for names drawn at random, first 1,000 of them and then all.  Run it in a namespace:
homeport lab -- .venv/bin/python bench/name_queries.py
"""

import asyncio
import multiprocessing
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import uvloop

from homeport.node.endpoints.machine import MachineResolver
from homeport.node.naming.zones import Names
from homeport.wire.messages import RecordSet, Zone

NAMES = 10_000
SECONDS = 5
ROUNDS = 3
OURS, KNOT = 5301, 5302
SOA = "ns.bench.test. hostmaster.bench.test. 1 7200 900 1209600 300"


def serve() -> None:
    """Be our resolver, as the node runs it, until killed."""

    async def run() -> None:
        items: list[Zone | RecordSet] = [
            Zone(id="Z", name="bench.test."),
            RecordSet(id="soa", zone="Z", name="bench.test.", kind="SOA", ttl=900, values=(SOA,)),
        ]
        items += [
            RecordSet(id=f"h{number}", zone="Z", name=f"h{number}.bench.test.", kind="A", ttl=60, values=("192.0.2.1",))
            for number in range(NAMES)
        ]
        await MachineResolver(f"127.0.0.1:{OURS}", Names(items)).run()
        while True:
            await asyncio.sleep(3600)

    uvloop.run(run())


def knot(folder: Path) -> subprocess.Popen[bytes]:
    lines = [f"@ 900 IN SOA {SOA}", "@ 900 IN NS ns.bench.test.", "ns 900 IN A 127.0.0.1"]
    lines += [f"h{number} 60 IN A 192.0.2.1" for number in range(NAMES)]
    (folder / "bench.test.zone").write_text("\n".join(["$ORIGIN bench.test.", *lines]) + "\n")
    (folder / "knot.conf").write_text(
        f"server:\n    listen: 127.0.0.1@{KNOT}\n    rundir: {folder}\n    udp-workers: 1\n    tcp-workers: 1\n"
        f"database:\n    storage: {folder}\n"
        f"zone:\n  - domain: bench.test\n    storage: {folder}\n    file: bench.test.zone\n"
    )
    output = (folder / "knot.log").open("wb")
    return subprocess.Popen(["knotd", "-c", str(folder / "knot.conf")], stdout=output, stderr=output)


def answers(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.settimeout(0.2)
        asked.sendto(b"\0\1\1\0\0\1\0\0\0\0\0\0\2h1\5bench\4test\0\0\1\0\1", ("127.0.0.1", port))
        try:
            return len(asked.recv(512)) > 40
        except OSError:
            return False


def measure(port: int, questions: Path) -> tuple[float, float]:
    """Return queries per second and mean latency in milliseconds."""
    said = subprocess.run(
        [
            "dnsperf",
            "-s",
            "127.0.0.1",
            "-p",
            str(port),
            "-d",
            str(questions),
            "-l",
            str(SECONDS),
            "-c",
            "8",
            "-q",
            "64",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    def figure(name: str) -> float:
        found = re.search(rf"{re.escape(name)}:\s+([\d.]+)", said)
        assert found, f"no {name} in {said}"
        return float(found[1])

    assert figure("Queries lost") == 0, said
    return figure("Queries per second"), 1000 * figure("Average Latency (s)")


def main() -> None:
    if not shutil.which("knotd") or not shutil.which("dnsperf"):
        sys.exit("bench/name_queries.py needs knotd and dnsperf: apt-get install knot dnsperf")
    chance = Random(1)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        ours = multiprocessing.Process(target=serve, daemon=True)
        ours.start()
        other = knot(folder)
        try:
            while not (answers(OURS) and answers(KNOT)):
                time.sleep(0.1)
            print(f"{'names asked for':<18}{'server':<10}{'queries/s, best of ' + str(ROUNDS):>26}{'latency (ms)':>16}")
            for count in (1_000, NAMES):
                questions = folder / f"questions-{count}"
                drawn = [f"h{chance.randrange(count)}.bench.test A" for _ in range(50_000)]
                questions.write_text("\n".join(drawn) + "\n")
                for server, port in (("homeport", OURS), ("knot", KNOT)):
                    best, latency = max(measure(port, questions) for _ in range(ROUNDS))
                    print(f"{count:<18}{server:<10}{best:>26,.0f}{latency:>16.2f}")
        finally:
            ours.kill()
            other.terminate()
            other.wait(10)


if __name__ == "__main__":
    main()
