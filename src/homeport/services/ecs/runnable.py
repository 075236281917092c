"""
What AWS would run and Homeport does not yet: named at RunTask, never silently dropped.

Registering such a definition is right, as it is on AWS; starting a task that lacks a part of what was
declared would not be.
"""

from collections.abc import Iterator, Mapping
from typing import Any

_LOG_OPTIONS = frozenset(
    {
        "awslogs-create-group",
        "awslogs-datetime-format",
        "awslogs-group",
        "awslogs-multiline-pattern",
        "awslogs-region",
        "awslogs-stream-prefix",
        "max-buffer-size",
        "mode",
    }
)
_VOLUME_KINDS = {
    "efsVolumeConfiguration": "EFS volumes",
    "s3filesVolumeConfiguration": "S3 Files volumes",
    "fsxWindowsFileServerVolumeConfiguration": "FSx volumes",
    "dockerVolumeConfiguration": "Docker volumes",
}
_CONTAINER_MEMBERS = {
    "credentialSpecs": "credentialSpecs",
    "environmentFiles": "environmentFiles",
    "firelensConfiguration": "firelensConfiguration",
    "repositoryCredentials": "repositoryCredentials",
    "resourceRequirements": "resourceRequirements",
    "secrets": "secrets",
}
_ARCHITECTURES = {"x86_64": "X86_64", "aarch64": "ARM64"}


def unsupported(definition: Mapping[str, Any], machine: str) -> list[str]:
    """Name what the definition declares and a node of that machine type ("x86_64") cannot give it."""
    return [*_of_task(definition, machine), *_of_volumes(definition), *_of_containers(definition)]


def unsupported_on_ec2(definition: Mapping[str, Any], machine: str) -> list[str]:
    """Name what the definition declares and an instance cannot give it, which is more than what no node can."""
    return [*unsupported(definition, machine), *_only_on_machines(definition)]


def _only_on_machines(definition: Mapping[str, Any]) -> Iterator[str]:
    """Name what Fargate never had, and what would reach through the instance to the machine under it."""
    if definition.get("ipcMode"):
        yield f"ipcMode {definition['ipcMode']}"
    if definition.get("pidMode") == "host":
        yield "pidMode host"
    for volume in definition["volumes"]:
        if (volume.get("host") or {}).get("sourcePath"):
            yield f"sourcePath of volume {volume['name']}"
    for container in definition["containerDefinitions"]:
        parameters = container.get("linuxParameters") or {}
        for member in ("privileged", "dockerSecurityOptions"):
            if container.get(member):
                yield f"{member} of container {container['name']}"
        for member in ("devices", "sharedMemorySize", "maxSwap", "swappiness"):
            if parameters.get(member):
                yield f"{member} of container {container['name']}"


def _of_task(definition: Mapping[str, Any], machine: str) -> Iterator[str]:
    platform = definition.get("runtimePlatform") or {}
    if (family := platform.get("operatingSystemFamily", "LINUX")) != "LINUX":
        yield f"operatingSystemFamily {family}"
    architecture = platform.get("cpuArchitecture")
    if architecture is not None and architecture != _ARCHITECTURES.get(machine, machine):
        yield f"cpuArchitecture {architecture} on a machine that is {machine}"
    if definition.get("proxyConfiguration"):
        yield "proxyConfiguration"
    if definition.get("enableFaultInjection"):
        yield "enableFaultInjection"
    isolation = (definition.get("trustedExecutionConfiguration") or {}).get("isolationMode", "SHARED")
    if isolation != "SHARED":
        yield f"isolationMode {isolation}"


def _of_volumes(definition: Mapping[str, Any]) -> Iterator[str]:
    for volume in definition["volumes"]:
        if volume.get("configuredAtLaunch"):
            yield "volumes configured at launch"
        for kind, name in _VOLUME_KINDS.items():
            if volume.get(kind) is not None:
                yield name


def _of_containers(definition: Mapping[str, Any]) -> Iterator[str]:
    for container in definition["containerDefinitions"]:
        for member, name in _CONTAINER_MEMBERS.items():
            if container.get(member):
                yield f"{name} of container {container['name']}"
        log = container.get("logConfiguration")
        if log is None:
            continue
        if log["logDriver"] == "json-file" and not log.get("options"):
            continue  # Docker's own default, which shows nobody anything off the instance
        if log["logDriver"] != "awslogs":
            yield f"log driver {log['logDriver']}"
            continue
        if log.get("secretOptions"):
            yield f"secretOptions of container {container['name']}"
        for option in sorted(set(log.get("options", {})) - _LOG_OPTIONS):
            yield f"log option {option}"


def cpu_architecture(definition: Mapping[str, Any], machine: str) -> str:
    """Return the value of a task's ecs.cpu-architecture attribute."""
    declared = (definition.get("runtimePlatform") or {}).get("cpuArchitecture")
    if declared is not None:
        return {"X86_64": "x86_64", "ARM64": "arm64"}[declared]
    return {"aarch64": "arm64"}.get(machine, machine)
