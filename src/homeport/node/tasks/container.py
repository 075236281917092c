"""
Turn a declared container and its image into what the runtime starts.

Pure.  Precedence of the environment, lowest first: the image's ENV, ours where it gives way, the
task definition's, ours that cannot be overridden.
"""

import resource
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path

from homeport.node.tasks.dependencies import pid_namespace_owner
from homeport.node.tasks.files import TaskFiles
from homeport.runtime.protocol import Image, Limits, Mount, Rlimit, Spec
from homeport.wire.messages import Container, Eni, Task, Vpc

ENDPOINT = "http://169.254.170.2"
API_PORT = 4566
MINIMUM_SHARES = 2
MAXIMUM_SHARES = 262_144

_MIB = 1024 * 1024
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # Docker's default
_DEFAULT_NOFILE = 65_535  # Fargate's
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task runs: its interface, that interface's VPC, and the path of its network namespace."""

    eni: Eni
    vpc: Vpc
    namespace: Path


def hostname(eni: Eni) -> str:
    """Return the host part of the interface's private DNS name."""
    return eni.dns_name.partition(".")[0] or "ip-" + eni.address.replace(".", "-")


def gateway(eni: Eni) -> str:
    """Return the subnet's router: its first address."""
    return str(ip_network(eni.subnet_cidr)[1])


def environment(task: Task, container: Container, image: Image, place: Place) -> dict[str, str]:
    """Return the container's environment, as on Fargate and with the API's address added."""
    of_image = dict(_pairs(image.environment))
    declared = container.environment
    merged = {"PATH": _PATH, "HOSTNAME": hostname(place.eni), **of_image}
    if not any(name in of_image or name in declared for name in _REGIONS):
        merged |= dict.fromkeys(_REGIONS, task.region)
    merged.setdefault("AWS_ENDPOINT_URL", f"http://{place.vpc.dns}:{API_PORT}")
    return merged | declared | _fixed(container)


def _fixed(container: Container) -> dict[str, str]:
    return {
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
        "ECS_CONTAINER_METADATA_URI": f"{ENDPOINT}/v3/{container.endpoint_id}",
        "ECS_CONTAINER_METADATA_URI_V4": f"{ENDPOINT}/v4/{container.endpoint_id}",
        "ECS_AGENT_URI": f"{ENDPOINT}/api/{container.endpoint_id}",
    }


def _pairs(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        name, _, value = line.partition("=")
        yield name, value


def argv(container: Container, image: Image) -> tuple[str, ...]:
    """Return the command line; a declared entry point discards the image's command, as Docker does."""
    if container.entry_point is not None:
        return (*container.entry_point, *(container.command or ()))
    command = image.command if container.command is None else container.command
    return (*image.entry_point, *command)


def shares(container: Container) -> int:
    """Return the container's weight: CPU units, never under Docker's minimum."""
    return min(max(container.cpu, MINIMUM_SHARES), MAXIMUM_SHARES)


def limits(container: Container) -> Limits:
    """Return the container's own limits: CPU is a weight and never a cap, memory is hard."""
    return Limits(
        cpu_shares=shares(container),
        memory_bytes=container.memory * _MIB or None,
        memory_reservation_bytes=container.memory_reservation * _MIB or None,
    )


def group_limits(task: Task, processes: int) -> Limits:
    """Return the task's limits; without a task-level CPU size it weighs what its containers weigh."""
    return Limits(
        cpu_quota=task.cpu / 1024 if task.cpu else None,
        cpu_shares=None if task.cpu else min(sum(shares(c) for c in task.containers), MAXIMUM_SHARES),
        memory_bytes=task.memory * _MIB or None,
        pids=processes,
    )


def dying_limits(task: Task, processes: int) -> Limits:
    """
    Return the limits of a task whose processes are being killed: CPU time without a cap.

    The kernel makes a killed process wait for its share of CPU time before it may die, and a task
    full of runaway processes would take minutes to end under the cap that it exhausts.
    """
    return replace(group_limits(task, processes), cpu_quota=None)


def rlimits(container: Container, machine: Mapping[str, int]) -> tuple[Rlimit, ...]:
    """
    Return the container's resource limits, none above what this machine can grant.

    Without CAP_SYS_RESOURCE nobody, root included, can raise a limit above the inherited hard one,
    and asking for more keeps the container from starting.  *machine* has those hard limits.
    """
    asked = {"nofile": (_DEFAULT_NOFILE, _DEFAULT_NOFILE)}
    asked |= {limit.name: (limit.soft, limit.hard) for limit in container.ulimits}
    return tuple(
        Rlimit(name, min(soft, machine.get(name, soft)), min(hard, machine.get(name, hard)))
        for name, (soft, hard) in sorted(asked.items())
    )


def machine_limits() -> dict[str, int]:
    """Return the hard limits that bound us; empty where we may raise them at will."""
    if _can_raise_limits():
        return {}
    found = {}
    for name in dir(resource):
        if name.startswith("RLIMIT_"):
            hard = resource.getrlimit(getattr(resource, name))[1]
            if hard != resource.RLIM_INFINITY:
                found[name.removeprefix("RLIMIT_").lower()] = hard
    return found


def task_processes() -> int:
    """Return how many processes a task may have: a quarter of the machine's, so that none keeps others from starting."""
    return int(Path("/proc/sys/kernel/pid_max").read_text()) // 4


def _can_raise_limits() -> bool:
    cap_sys_resource = 1 << 24
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) & cap_sys_resource)
    return False


def runtime_spec(
    task: Task, container: Container, image: Image, place: Place, files: TaskFiles, machine: Mapping[str, int]
) -> Spec:
    """Return the container as the runtime shall make it: nothing is left to the image's defaults."""
    owner = pid_namespace_owner(task) if task.pid_mode == "task" else container.name
    return Spec(
        id=container.runtime_id,
        group=task.id,
        image=image,
        argv=argv(container, image),
        environment=environment(task, container, image, place),
        network_namespace=place.namespace,
        log_path=files.log_path(container),
        hostname=hostname(place.eni),
        working_directory=container.working_directory or image.working_directory or "/",
        user=container.user or image.user,
        mounts=_mounts(container, files),
        limits=limits(container),
        rlimits=rlimits(container, machine),
        capabilities_add=container.capabilities_add,
        capabilities_drop=container.capabilities_drop,
        sysctls=container.sysctls,
        read_only_root=container.read_only_root,
        init=container.init_process,
        tty=container.pseudo_terminal,
        open_stdin=container.interactive,
        pid_namespace_of="" if owner == container.name else _runtime_id(task, owner),
    )


def _runtime_id(task: Task, name: str) -> str:
    return next(container.runtime_id for container in task.containers if container.name == name)


def _mounts(container: Container, files: TaskFiles) -> tuple[Mount, ...]:
    return (
        *(Mount(target=f"/etc/{name}", source=files.etc(name)) for name in ("hosts", "resolv.conf", "hostname")),
        *(Mount(target=m.path, source=files.volume(m.volume), read_only=m.read_only) for m in container.mounts),
        *(Mount(target=t.path, options=(f"size={t.size}m", *t.options)) for t in container.tmpfs),
    )
