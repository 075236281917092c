"""What the machine is made of, as the server's placement needs it."""

import os
from pathlib import Path

from homeport.wire.messages import Facts


def gather(registry: str) -> Facts:
    """Return this machine's facts."""
    return Facts(
        cpus=len(os.sched_getaffinity(0)),
        memory=_memory_mib(Path("/proc/meminfo").read_text()),
        kernel=os.uname().release,
        registry=registry,
    )


def _memory_mib(meminfo: str) -> int:
    for line in meminfo.splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) // 1024
    raise AssertionError("/proc/meminfo has no MemTotal")
