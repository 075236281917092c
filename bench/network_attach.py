"""
Print what an interface costs: attached one at a time to a VPC that already has 10, 100 and 1,000.

Run it as root in a network namespace of its own:
unshare --net --mount --pid --fork --kill-child --mount-proc .venv/bin/python bench/network_attach.py
"""

import asyncio
import cProfile
import statistics
import sys
import tempfile
import time
from pathlib import Path

from homeport.network.desired import Group, Interface, Network, Rule, Vpc
from homeport.network.kernel import KernelNetwork

SIZES = (10, 100, 1000)
SAMPLES = 30
VPC = Vpc("vpc-1", ("10.0.0.0/16",), "10.0.0.2")
GROUPS = {
    f"sg-{number}": Group(
        f"sg-{number}",
        "vpc-1",
        (Rule("tcp", 80, 80, cidr="0.0.0.0/0"), Rule("tcp", 1000, 2000, group=f"sg-{number}")),
        (Rule(cidr="0.0.0.0/0"),),
    )
    for number in range(10)
}


def interface(number: int) -> Interface:
    return Interface(
        id=f"eni-{number:017x}",
        vpc="vpc-1",
        subnet_cidr="10.0.0.0/16",
        mac=f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}",
        address=f"10.0.{1 + (number >> 8)}.{number & 255}",
        groups=(f"sg-{number % 10}",),
    )


def milliseconds(samples: list[float]) -> str:
    ordered = sorted(1000 * sample for sample in samples)
    return f"{statistics.median(ordered):7.2f}  {ordered[int(len(ordered) * 0.9)]:7.2f}"


async def timed(network: KernelNetwork, interfaces: dict[str, Interface], groups: dict[str, Group]) -> float:
    desired = Network({"vpc-1": VPC}, groups, dict(interfaces))
    start = time.perf_counter()
    failures = await network.apply(desired)
    assert not failures, failures
    return time.perf_counter() - start


async def measure(network: KernelNetwork) -> None:
    interfaces: dict[str, Interface] = {}
    print("interfaces         what                        median      p90   (ms)")
    for size in SIZES:
        missing = [interface(number) for number in range(len(interfaces), size)]
        interfaces |= {each.id: each for each in missing}
        bulk = await timed(network, interfaces, GROUPS)
        extra = [interface(60000 + number) for number in range(SAMPLES)]
        attached, removed, changed = [], [], []
        for each in extra:
            interfaces[each.id] = each
            attached.append(await timed(network, interfaces, GROUPS))
            await network.traffic(each.id)  # waits its turn: namespaces made ahead are no part of the next sample
        for number in range(SAMPLES):
            some = Group("sg-0", "vpc-1", (Rule("tcp", 80, 81 + number, cidr="0.0.0.0/0"),), GROUPS["sg-0"].egress)
            changed.append(await timed(network, interfaces, GROUPS | {"sg-0": some}))
        await timed(network, interfaces, GROUPS)
        nothing = [await timed(network, interfaces, GROUPS) for _ in extra]
        for each in extra:
            del interfaces[each.id]
            removed.append(await timed(network, interfaces, GROUPS))
        print(f"{size:10}         attach in bulk, each      {1000 * bulk / len(missing):7.2f}")
        for what, samples in (("attach one", attached), ("nothing", nothing), ("change a rule", changed)):
            print(f"{size:10}         {what:<26}{milliseconds(samples)}")
        print(f"{size:10}         {'remove one':<26}{milliseconds(removed)}")


async def main() -> None:
    with tempfile.TemporaryDirectory() as run:
        network = KernelNetwork(Path(run))
        try:
            await measure(network)
        finally:
            await network.destroy()
            await network.close()


if __name__ == "__main__":
    if "--profile" in sys.argv:
        cProfile.run("asyncio.run(main())", sort="tottime")
    else:
        asyncio.run(main())
