"""
Turn a declared container and its image into what the runtime starts.

Pure.  Precedence of the environment, lowest first: the image's ENV, ours where it gives way, the
task definition's, ours that cannot be overridden.
"""

import resource
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path

from homeport.node.tasks.dependencies import pid_namespace_owner
from homeport.node.tasks.files import ETC, TaskFiles
from homeport.runtime.protocol import Image, Limits, Mount, Rlimit, Spec
from homeport.wire.messages import Container, Eni, NetworkMode, Task, Vpc

ENDPOINT = "http://169.254.170.2"
API_PORT = 4566
MINIMUM_SHARES = 2
MAXIMUM_SHARES = 262_144

_MIB = 1024 * 1024
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # Docker's default
_FARGATE_NOFILE = (65_535, 65_535)
_INSTANCE_NOFILE = (32_768, 65_536)  # as the ECS-optimised images set Docker up
_SMALLEST_MEMORY = 4  # MiB; the ECS agent raises what is below
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a container runs: its network namespace and its name there, the VPC it belongs to, and its links' variables."""

    namespace: Path
    hostname: str
    vpc: Vpc
    links: Mapping[str, str] = field(default_factory=dict)


def hostname(eni: Eni) -> str:
    """Return the host part of the interface's private DNS name."""
    return eni.dns_name.partition(".")[0] or host_name(eni.address)


def host_name(address: str) -> str:
    """Return the name that EC2 gives to whoever has *address*."""
    return "ip-" + address.replace(".", "-")


def container_hostname(task: Task, container: Container, host_address: str) -> str:
    """Return a container's name in other modes than awsvpc, as Docker chooses it."""
    if container.hostname:
        return container.hostname
    if task.network_mode is NetworkMode.HOST and not container.network_disabled:
        return host_name(host_address)
    return container.runtime_id[:12]


def group_name(task: Task) -> str:
    """Return the name of the task's control group, on an instance a part of the instance's."""
    return f"{task.instance}/{task.id}" if task.instance else task.id


def gateway(eni: Eni) -> str:
    """Return the subnet's router: its first address."""
    return str(ip_network(eni.subnet_cidr)[1])


def environment(task: Task, container: Container, image: Image, place: Place) -> dict[str, str]:
    """Return the container's environment, as on AWS and with the API's address added."""
    of_image = dict(_pairs(image.environment))
    declared = container.environment
    merged = {"PATH": _PATH, "HOSTNAME": place.hostname, **place.links, **of_image}
    if not any(name in of_image or name in declared for name in _REGIONS):
        merged |= dict.fromkeys(_REGIONS, task.region)
    merged.setdefault("AWS_ENDPOINT_URL", f"http://{place.vpc.dns}:{API_PORT}")
    merged.setdefault("AWS_DISABLE_HOST_PREFIX_INJECTION", "true")  # no resolver knows data-10.0.0.2
    return merged | declared | _fixed(task, container)


def _fixed(task: Task, container: Container) -> dict[str, str]:
    return {
        "AWS_EXECUTION_ENV": "AWS_ECS_EC2" if task.instance else "AWS_ECS_FARGATE",
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
        memory_bytes=max(container.memory, _SMALLEST_MEMORY) * _MIB if container.memory else None,
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


def rlimits(task: Task, container: Container, machine: Mapping[str, int]) -> tuple[Rlimit, ...]:
    """
    Return the container's resource limits, none above what this machine can grant.

    Without CAP_SYS_RESOURCE nobody, root included, can raise a limit above the inherited hard one,
    and asking for more keeps the container from starting.  *machine* has those hard limits.
    """
    asked = {"nofile": _INSTANCE_NOFILE if task.instance else _FARGATE_NOFILE}
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


def dropped_capabilities(task: Task, container: Container) -> tuple[str, ...]:
    """
    Return the capabilities that the container is not to have.

    In host mode NET_RAW is among them unless it was asked for: in the instance's namespace it would show a
    container what its neighbours on the bridge say.
    """
    asked = {name.upper().removeprefix("CAP_") for name in container.capabilities_add}
    if task.network_mode is NetworkMode.HOST and not asked & {"NET_RAW", "ALL"}:
        return (*container.capabilities_drop, "NET_RAW")
    return container.capabilities_drop


def forbidden_sysctl(task: Task, container: Container) -> str:
    """Return a setting that the container must not make, because it would make it for the whole instance."""
    if task.network_mode is not NetworkMode.HOST or container.network_disabled:
        return ""
    return next((name for name in sorted(container.sysctls) if name.startswith("net.")), "")


def runtime_spec(
    task: Task, container: Container, image: Image, place: Place, files: TaskFiles, machine: Mapping[str, int]
) -> Spec:
    """Return the container as the runtime shall make it: nothing is left to the image's defaults."""
    owner = pid_namespace_owner(task) if task.pid_mode == "task" else container.name
    return Spec(
        id=container.runtime_id,
        group=group_name(task),
        image=image,
        argv=argv(container, image),
        environment=environment(task, container, image, place),
        network_namespace=place.namespace,
        log_path=files.log_path(container),
        hostname=place.hostname,
        working_directory=container.working_directory or image.working_directory or "/",
        user=container.user or image.user,
        mounts=_mounts(task, container, files),
        limits=limits(container),
        rlimits=rlimits(task, container, machine),
        capabilities_add=container.capabilities_add,
        capabilities_drop=dropped_capabilities(task, container),
        sysctls=container.sysctls,
        read_only_root=container.read_only_root,
        init=container.init_process,
        tty=container.pseudo_terminal,
        open_stdin=container.interactive,
        pid_namespace_of="" if owner == container.name else _runtime_id(task, owner),
    )


def _runtime_id(task: Task, name: str) -> str:
    return next(container.runtime_id for container in task.containers if container.name == name)


def _mounts(task: Task, container: Container, files: TaskFiles) -> tuple[Mount, ...]:
    owner = "" if task.network_mode is NetworkMode.AWSVPC else container.name
    return (
        *(Mount(target=f"/etc/{name}", source=files.etc(name, owner)) for name in ETC),
        *(Mount(target=m.path, source=files.volume(m.volume), read_only=m.read_only) for m in container.mounts),
        *(Mount(target=t.path, options=(f"size={t.size}m", *t.options)) for t in container.tmpfs),
    )
