"""What this machine offers a container: programs, capabilities, resource limits, cgroups."""

import functools
import os
import resource
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from homeport.runtime.cgroups import MOUNT, Cgroups
from homeport.runtime.cgroups_v1 import CgroupsV1
from homeport.runtime.cgroups_v2 import CgroupsV2
from homeport.runtime.protocol import Rlimit, RuntimeFailed
from homeport.runtime.spec import CAPABILITIES

_INITS = (
    "/usr/libexec/podman/catatonit",
    "/usr/bin/catatonit",
    "/usr/bin/tini-static",
    "/usr/bin/docker-init",
)
_SYS_RESOURCE = 1 << CAPABILITIES.index("SYS_RESOURCE")
_RLIM_MAX = 2**63 - 1


def get_program(name: str, package: str) -> str:
    """Return a program's path.  Raises RuntimeFailed naming the package that has it."""
    if found := shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin"):
        return found
    raise RuntimeFailed(f"{name} is not installed on this machine (package {package})")


def get_init() -> Path:
    """Return a static init.  Raises RuntimeFailed if the machine has none."""
    for path in map(Path, _INITS):
        if path.is_file():
            return path
    raise RuntimeFailed("initProcessEnabled needs a static init on this machine (package catatonit)")


@functools.cache
def _capability_mask(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1], 16)
    raise RuntimeFailed(f"/proc/self/status has no {field}")


@functools.cache
def allowed_capabilities() -> frozenset[str]:
    """Return what this process could hand on, without CAP_."""
    mask = _capability_mask("CapBnd") & _capability_mask("CapPrm")
    return frozenset(name for number, name in enumerate(CAPABILITIES) if mask >> number & 1)


def plan_rlimits(rlimits: Sequence[Rlimit]) -> list[dict[str, Any]]:
    """
    Return the OCI form of resource limits.

    Without CAP_SYS_RESOURCE no hard limit can be raised: then a user's is refused and a default
    of ours is lowered.
    """
    free = bool(_capability_mask("CapEff") & _SYS_RESOURCE)
    planned = []
    for limit in rlimits:
        kind = getattr(resource, f"RLIMIT_{limit.name.upper()}", None)
        if kind is None and limit.name != "locks":
            raise RuntimeFailed(f"unknown ulimit {limit.name}")
        soft, hard = _unsigned(limit.soft), _unsigned(limit.hard)
        if soft > hard:
            raise RuntimeFailed(f"ulimit {limit.name}: the soft limit {limit.soft} exceeds the hard limit {limit.hard}")
        ceiling = _RLIM_MAX if free or kind is None else _unsigned(resource.getrlimit(kind)[1])
        if hard > ceiling and not limit.lower:
            raise RuntimeFailed(
                f"ulimit {limit.name}={limit.hard} is above {ceiling}, the most this machine allows:"
                " the node lacks the capability SYS_RESOURCE"
            )
        planned.append({"type": f"RLIMIT_{limit.name.upper()}", "soft": min(soft, ceiling), "hard": min(hard, ceiling)})
    return planned


def _unsigned(value: int) -> int:
    return _RLIM_MAX if value < 0 else min(value, _RLIM_MAX)


def open_cgroups(root: str) -> Cgroups:
    """Return the cgroups below *root*, of whichever generation this machine mounts."""
    trees: dict[str, Path] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        target = Path(before.split()[4])
        if kind == "cgroup":
            trees |= dict.fromkeys(options.split(","), target)
        elif kind == "cgroup2" and target == MOUNT:
            return CgroupsV2(root)
    if not trees:
        raise RuntimeFailed("this machine mounts no cgroups")
    return CgroupsV1(root, trees)
