"""What a RunTask changes of its task definition for that run alone.  Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from homeport.aws.arn import is_role_arn
from homeport.services.ecs.errors import InvalidParameter, UnsupportedFeature
from homeport.services.ecs.validation.fargate import check_ephemeral_storage
from homeport.services.ecs.validation.size import check_fargate, check_task, parse_cpu, parse_memory

_LONGEST = 8192
_SIZES = ("cpu", "memory", "memoryReservation")


def effective(definition: Mapping[str, Any], overrides: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """
    Return the definition with the overrides applied, and the overrides as a task echoes them.

    Refuses overrides that name no container, or lead to a size that Fargate does not sell.
    """
    _check_form(definition, overrides)
    by_name = {override.get("name"): override for override in overrides.get("containerOverrides", ())}
    changed = dict(definition)
    echo: dict[str, Any] = {"inferenceAcceleratorOverrides": []}
    for member in ("executionRoleArn", "taskRoleArn", "ephemeralStorage"):
        if overrides.get(member):
            changed[member] = echo[member] = overrides[member]
    if "cpu" in overrides:
        changed["cpu"] = echo["cpu"] = str(parse_cpu(overrides["cpu"]))
    if "memory" in overrides:
        changed["memory"] = echo["memory"] = str(parse_memory(overrides["memory"]))
    containers = definition["containerDefinitions"]
    changed["containerDefinitions"] = [
        _container(container, by_name.get(container["name"], {})) for container in containers
    ]
    echo["containerOverrides"] = [
        {"name": container["name"], **by_name.get(container["name"], {})} for container in containers
    ]
    if overrides:
        check_fargate(changed.get("cpu"), changed.get("memory"))
        check_task(changed)
    return changed, echo


def _check_form(definition: Mapping[str, Any], overrides: Mapping[str, Any]) -> None:
    if len(msgspec.json.encode(overrides)) > _LONGEST:
        raise InvalidParameter(f"Container Overrides length must be at most {_LONGEST}")
    if overrides.get("inferenceAcceleratorOverrides"):
        raise InvalidParameter("Unsupported field 'inferenceAcceleratorOverrides'")
    for member in ("executionRoleArn", "taskRoleArn"):
        if overrides.get(member) and not is_role_arn(overrides[member]):
            raise InvalidParameter(f"Role is not valid: {member} must be the ARN of an IAM role.")
    if (storage := overrides.get("ephemeralStorage")) is not None:
        check_ephemeral_storage(storage["sizeInGiB"])
    known = {container["name"] for container in definition["containerDefinitions"]}
    for override in overrides.get("containerOverrides", ()):
        if override.get("name") not in known:
            raise InvalidParameter(
                f"Override for container named {override.get('name')} is not a container in the TaskDefinition."
            )
        for member in ("environmentFiles", "resourceRequirements"):
            if override.get(member):
                raise UnsupportedFeature(f"{member} of a container override is not supported.")
        if any(not variable.get("name") for variable in override.get("environment", ())):
            raise InvalidParameter("Environment variable name should not be null or empty.")


def _container(container: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(container)
    for member in ("command", *_SIZES):
        if member in override:
            changed[member] = override[member]
    if override.get("environment"):
        merged = {variable["name"]: variable for variable in container["environment"]}
        merged |= {variable["name"]: variable for variable in override["environment"]}
        changed["environment"] = list(merged.values())
    return changed
