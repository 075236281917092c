"""
How long a container takes from the request to its first instruction, and where the time goes.

Run it inside a box: a network namespace without a route out, with mounts and processes of its own.

    unshare --net --mount --pid --fork --kill-child --mount-proc -- .venv/bin/python bench/runtime_start.py
"""

import argparse
import asyncio
import os
import select
import shutil
import statistics
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from homeport.kit import linux
from homeport.runtime import conmon, oci
from homeport.runtime.build import ensure_demo_image
from homeport.runtime.images import PodmanImages
from homeport.runtime.oci import OciRuntime
from homeport.runtime.protocol import Image, Limits, Mount, Spec

spent: dict[str, list[float]] = defaultdict(list)


def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            spent[name].append(time.perf_counter() - began)

    return call


async def timed_wait(name: str, work: Awaitable[Any]) -> Any:
    began = time.perf_counter()
    result = await work
    spent[name].append(time.perf_counter() - began)
    return result


def instrument(runtime: OciRuntime) -> None:
    steps: list[tuple[str, object, str]] = [
        ("  conmon and crun create", conmon, "make"),
        ("  configuration", oci, "oci_config"),
        ("  user", oci, "find_user"),
        ("  overlay mount", linux, "mount"),
        ("  overlay unmount", linux, "unmount"),
        ("  cgroups", runtime._cgroups, "make_leaf"),
        ("  record", runtime._records, "put"),
        ("  run directories", runtime._records, "new_run"),
        ("  seccomp filter", runtime._filters, "annotation"),
        (" in the launch thread", runtime, "_make_blocking"),
    ]
    for name, holder, function in steps:
        setattr(holder, function, timed(name, getattr(holder, function)))


def spec(image: Image, base: Path, name: str, fifo: Path) -> Spec:
    return Spec(
        id=name,
        group="bench",
        image=image,
        argv=("/bin/sh", "-c", "echo > /go; exec sleep 1000"),
        environment={},
        network_namespace=Path("/proc/self/ns/net"),
        log_path=base / f"{name}.log",
        mounts=(Mount("/go", fifo),),
        limits=Limits(memory_bytes=64 << 20, cpu_shares=256, pids=100),
    )


async def one(runtime: OciRuntime, image: Image, base: Path, name: str) -> None:
    fifo = base / f"{name}.fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    made = spec(image, base, name, fifo)
    began = time.perf_counter()
    await timed_wait("create", runtime.create(made))
    await timed_wait("start", runtime.start(name))
    spent["create + start"].append(time.perf_counter() - began)
    select.select([reader], [], [], 10)
    spent["first instruction of the container"].append(time.perf_counter() - began)
    os.close(reader)
    await timed_wait("remove", runtime.remove(name))


async def parallel(runtime: OciRuntime, image: Image, base: Path, count: int) -> float:
    async def start(name: str) -> None:
        os.mkfifo(base / f"{name}.fifo")
        await runtime.create(spec(image, base, name, base / f"{name}.fifo"))
        await runtime.start(name)

    names = [f"p{uuid.uuid4().hex[:8]}" for _ in range(count)]
    began = time.perf_counter()
    await asyncio.gather(*(start(name) for name in names))
    took = time.perf_counter() - began
    await asyncio.gather(*(runtime.remove(name) for name in names))
    return count / took


def report() -> None:
    print(f"{'ms':36} median    p90    min")
    for name, values in spent.items():
        ms = sorted(value * 1000 for value in values)
        print(f"{name:36} {statistics.median(ms):6.2f} {ms[int(len(ms) * 0.9)]:6.2f} {ms[0]:6.2f}")


async def main(rounds: int) -> None:
    base = Path(tempfile.mkdtemp(prefix="runtime-start-", dir="/var/tmp"))
    runtime = OciRuntime(base / "state", base / "run", f"homeport-bench-{os.getpid()}-{uuid.uuid4().hex[:6]}")
    try:
        await ensure_demo_image(base / "store")
        image = await PodmanImages(base / "images", base / "store").find("homeport/web")
        assert image is not None
        await runtime.ensure_group("bench", Limits(memory_bytes=4 << 30, cpu_quota=16))
        for number in range(3):
            await one(runtime, image, base, f"warm{number}")
        spent.clear()
        for number in range(rounds):
            await one(runtime, image, base, f"c{number}")
        report()
        spent.clear()
        instrument(runtime)
        for number in range(rounds):
            await one(runtime, image, base, f"i{number}")
        print("\nwith the parts measured")
        report()
        rates = [await parallel(runtime, image, base, 20) for _ in range(5)]
        print(f"\n20 at once: {statistics.median(rates):.0f} starts a second")
    finally:
        await runtime.destroy()
        runtime.close()
        shutil.rmtree(base)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    asyncio.run(main(parser.parse_args().rounds))
