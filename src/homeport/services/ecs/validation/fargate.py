"""What Fargate refuses of a task definition that EC2 would take."""

import re
from collections.abc import Mapping
from typing import Any

from homeport.services.ecs.errors import Client
from homeport.services.ecs.validation.size import check_fargate as check_size

_DRIVERS = ("awslogs", "splunk", "awsfirelens")
_SYSTEM_CONTROLS = re.compile(
    r"kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\.\w+|net\.[\w.-]+", re.ASCII
)
_ECR = re.compile(r"\d{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.")
_LINUX_PARAMETERS = ("devices", "sharedMemorySize", "maxSwap", "swappiness")
_STOP_TIMEOUT = 120


def is_ecr(image: str) -> bool:
    """Say whether the image lies in a private ECR registry, which takes a role to pull from."""
    return _ECR.match(image) is not None


def check_all(definition: Mapping[str, Any]) -> None:
    """Refuse what cannot run on Fargate, in the order in which AWS looks."""
    if definition.get("networkMode") != "awsvpc":
        raise Client(
            "Fargate only supports network mode \N{LEFT SINGLE QUOTATION MARK}awsvpc\N{RIGHT SINGLE QUOTATION MARK}."
        )
    check_size(definition.get("cpu"), definition.get("memory"))
    for container in definition["containerDefinitions"]:
        _check_container(container)
        _check_roles(container, definition.get("executionRoleArn"))
    _check_task(definition)
    if (storage := definition.get("ephemeralStorage")) is not None:
        check_ephemeral_storage(storage["sizeInGiB"])


def check_ephemeral_storage(gib: int) -> None:
    if gib < 21:
        raise Client("EphemeralStorage size should be at least 21")
    if gib > 200:
        raise Client("EphemeralStorage size should be at most 200")


def _check_task(definition: Mapping[str, Any]) -> None:
    if definition.get("pidMode") == "host":
        raise Client(
            "Tasks using the Fargate launch type do not support pidMode 'host'. "
            "The supported value for pidMode is 'task'."
        )
    if definition.get("ipcMode") is not None:
        raise Client("Fargate compatible task definitions do not support ipcMode")
    if definition.get("placementConstraints"):
        raise Client("Fargate compatible task definitions do not support constraints")
    for volume in definition.get("volumes", ()):
        if (volume.get("host") or {}).get("sourcePath"):
            raise Client("Fargate compatible task definitions do not support sourcePath")
        for kind in ("dockerVolumeConfiguration", "fsxWindowsFileServerVolumeConfiguration"):
            if volume.get(kind) is not None:
                raise Client(f"Fargate compatible task definitions do not support {kind}")
    platform = definition.get("runtimePlatform") or {}
    if platform.get("operatingSystemFamily", "LINUX") != "LINUX":
        if platform.get("cpuArchitecture", "X86_64") != "X86_64":
            raise Client("Windows task definitions do not support cpuArchitecture ARM64")
        if not 1024 <= int(definition["cpu"]) <= 4096:
            raise Client("Windows task definitions on Fargate require a 'cpu' of 1, 2 or 4 vCPU.")


def _check_container(container: Mapping[str, Any]) -> None:
    name = container["name"]
    if container.get("privileged"):
        raise Client("Fargate requires that the 'privileged' setting be 'false'")
    parameters = container.get("linuxParameters") or {}
    for member in _LINUX_PARAMETERS:
        if parameters.get(member) not in (None, []):
            raise Client(f"Fargate compatible task definitions do not support {member}")
    for capability in (parameters.get("capabilities") or {}).get("add", ()):
        if capability != "SYS_PTRACE":
            raise Client(f"{capability} is not allowed on Fargate.")
    if container.get("dockerSecurityOptions"):
        raise Client("Fargate compatible task definitions do not support dockerSecurityOptions")
    if any(need["type"] == "GPU" for need in container.get("resourceRequirements", ())):
        raise Client("Fargate compatible task definitions do not support resourceRequirements of type GPU")
    if container.get("stopTimeout", 0) > _STOP_TIMEOUT:
        raise Client("Tasks using the Fargate launch type must have a container stop timeout of less than 120 seconds.")
    if container.get("startTimeout", 0) > _STOP_TIMEOUT:
        raise Client(f"Granular start timeout on container '{name}' must be at most 120 seconds.")
    for control in container.get("systemControls", ()):
        if not _SYSTEM_CONTROLS.fullmatch(control.get("namespace", "")):
            raise Client(f"Fargate does not support the system control '{control.get('namespace', '')}'.")
    _check_logs(container.get("logConfiguration"))


def _check_logs(configuration: Mapping[str, Any] | None) -> None:
    if configuration is None:
        return
    driver = configuration["logDriver"]
    if driver not in _DRIVERS:
        raise Client(f"{driver} is not a valid log driver. Must be one of [{', '.join(_DRIVERS)}]")
    if driver == "awslogs" and not configuration.get("options", {}).get("awslogs-stream-prefix"):
        raise Client(
            "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs."
        )


def _check_roles(container: Mapping[str, Any], role: str | None) -> None:
    """An execution role is what Fargate itself acts under: without one it can neither pull privately nor log."""
    if role:
        return
    needs = []
    if (container.get("logConfiguration") or {}).get("logDriver") == "awslogs":
        needs.append("log driver awslogs")
    if is_ecr(container["image"]):
        needs.append("ECR images")
    if container.get("secrets") or (container.get("logConfiguration") or {}).get("secretOptions"):
        needs.append("secrets")
    if container.get("repositoryCredentials"):
        needs.append("private registry authentication")
    if container.get("environmentFiles"):
        needs.append("environment files")
    if needs:
        raise Client(f"Fargate requires task definition to have execution role ARN to support {needs[0]}.")
