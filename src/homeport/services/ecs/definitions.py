"""
Task definitions in the form in which AWS gives them back: defaults filled in, sizes as plain numbers.

Also what a definition asks of the instance it may run on (requiresAttributes).  All pure.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from homeport.services.ecs.errors import Client
from homeport.services.ecs.validation import registration
from homeport.services.ecs.validation.fargate import is_ecr
from homeport.services.ecs.validation.size import parse_cpu, parse_memory

_API = "com.amazonaws.ecs.capability."
_ECS = "ecs.capability."
_LARGEST = 65_536  # bytes of JSON

#: The Docker API versions at which log drivers and other features came; part of AWS's attribute names.
_API_OF_DRIVER = {"awslogs": "1.21", "fluentd": "1.21", "gelf": "1.21", "journald": "1.19", "splunk": "1.22"}


def complete(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request's definition as AWS would describe it, without what only its registration gives; or refuse it."""
    size = len(msgspec.json.encode(given))
    if size > _LARGEST:
        raise Client(f"Actual length: '{size}'. Max allowed length is '{_LARGEST}' bytes.")
    registration.check_form(given)
    definition = normalise(given)
    registration.check_rules(definition)
    definition["compatibilities"] = registration.compatibilities(definition)
    definition["requiresAttributes"] = required_attributes(definition)
    return definition


def normalise(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition with everything AWS fills in."""
    filled = {"volumes": [], "placementConstraints": []} | dict(definition)
    for member in ("taskRoleArn", "executionRoleArn"):
        if not filled.get(member, "-"):
            del filled[member]  # an empty string is how tools say "none"
    if "cpu" in filled:
        filled["cpu"] = str(parse_cpu(filled["cpu"]))
    if "memory" in filled:
        filled["memory"] = str(parse_memory(filled["memory"]))
    mode = filled.get("networkMode")
    filled["containerDefinitions"] = [_container(container, mode) for container in filled["containerDefinitions"]]
    filled["volumes"] = [_volume(volume) for volume in filled["volumes"]]
    return filled


def _container(container: Mapping[str, Any], mode: str | None) -> dict[str, Any]:
    filled: dict[str, Any] = {
        "cpu": 0,
        "essential": True,
        "environment": [],
        "mountPoints": [],
        "volumesFrom": [],
        "systemControls": [],
    } | dict(container)
    filled["portMappings"] = [_port(mapping, mode) for mapping in container.get("portMappings", ())]
    return filled


def _port(mapping: Mapping[str, Any], mode: str | None) -> dict[str, Any]:
    filled = dict(mapping)
    filled.setdefault("protocol", "tcp")
    if "containerPort" in filled and not filled.get("hostPort"):
        # Where host and container share a port the host's is filled in; elsewhere 0 asks for any.
        filled["hostPort"] = filled["containerPort"] if mode in {"awsvpc", "host"} else 0
    return filled


def _volume(volume: Mapping[str, Any]) -> dict[str, Any]:
    kinds = set(volume) - {"name", "host", "configuredAtLaunch"}
    return dict(volume) if kinds or volume.get("configuredAtLaunch") else {"host": {}} | dict(volume)


def required_attributes(definition: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what an instance must offer to run the definition, in AWS's attribute names."""
    names = set(_task_attributes(definition))
    for container in definition["containerDefinitions"]:
        names.update(_container_attributes(container, bool(definition.get("executionRoleArn"))))
    return [{"name": name} for name in sorted(names)]


def _task_attributes(definition: Mapping[str, Any]) -> Iterator[str]:
    yield f"{_API}docker-remote-api.1.18"
    if definition.get("networkMode") == "awsvpc":
        yield f"{_ECS}task-eni"
    if definition.get("cpu") or definition.get("memory"):
        yield f"{_ECS}task-cpu-mem-limit"
    if definition.get("taskRoleArn"):
        yield f"{_API}task-iam-role"
        if definition.get("networkMode") == "host":
            yield f"{_API}task-iam-role-network-host"
    if definition.get("pidMode") or definition.get("ipcMode"):
        yield f"{_ECS}pid-ipc-namespace-sharing"
    if definition.get("proxyConfiguration"):
        yield f"{_ECS}aws-appmesh"
    if definition.get("enableFaultInjection"):
        yield f"{_ECS}fault-injection"
    for volume in definition["volumes"]:
        if (efs := volume.get("efsVolumeConfiguration")) is not None:
            yield f"{_ECS}efs"
            if efs.get("authorizationConfig"):
                yield f"{_ECS}efsAuth"
        if volume.get("configuredAtLaunch"):
            yield f"{_ECS}storage.ebs-task-volume-attach"
        if driver := (volume.get("dockerVolumeConfiguration") or {}).get("driver"):
            yield f"{_ECS}docker-plugin.{driver}"


def _container_attributes(container: Mapping[str, Any], execution_role: bool) -> Iterator[str]:
    yield from _log_attributes(container.get("logConfiguration"), execution_role)
    yield from _secret_attributes(container)
    if is_ecr(container["image"]):
        yield f"{_API}ecr-auth"
        yield f"{_API}docker-remote-api.1.19"
        if execution_role:
            yield f"{_ECS}execution-role-ecr-pull"
    if container.get("privileged"):
        yield f"{_API}privileged-container"
    if container.get("healthCheck"):
        yield f"{_ECS}container-health-check"
        yield f"{_API}docker-remote-api.1.24"
    if container.get("dependsOn"):
        yield f"{_ECS}container-ordering"
    if container.get("restartPolicy"):
        yield f"{_ECS}container-restart-policy"
    if container.get("environmentFiles"):
        yield f"{_ECS}env-files.s3"
    if container.get("repositoryCredentials"):
        yield f"{_ECS}private-registry-authentication.secretsmanager"
    if firelens := container.get("firelensConfiguration"):
        yield f"{_ECS}firelens.{firelens['type']}"
    if any("containerPortRange" in mapping for mapping in container["portMappings"]):
        yield f"{_ECS}network.container-port-range"
    parameters = container.get("linuxParameters") or {}
    if parameters.get("tmpfs") or parameters.get("sharedMemorySize"):
        yield f"{_API}docker-remote-api.1.22"
    if parameters.get("initProcessEnabled"):
        yield f"{_API}docker-remote-api.1.25"


def _log_attributes(configuration: Mapping[str, Any] | None, execution_role: bool) -> Iterator[str]:
    if configuration is None:
        return
    driver = configuration["logDriver"]
    yield f"{_API}logging-driver.{driver}"
    if driver in _API_OF_DRIVER:
        yield f"{_API}docker-remote-api.{_API_OF_DRIVER[driver]}"
    if driver == "awslogs" and execution_role:
        yield f"{_ECS}execution-role-awslogs"


def _secret_attributes(container: Mapping[str, Any]) -> Iterator[str]:
    for place, secrets in (
        ("environment-variables", container.get("secrets", ())),
        ("bootstrap.log-driver", (container.get("logConfiguration") or {}).get("secretOptions", ())),
    ):
        for secret in secrets:
            store = "asm" if ":secretsmanager:" in secret["valueFrom"] else "ssm"
            yield f"{_ECS}secrets.{store}.{place}"
