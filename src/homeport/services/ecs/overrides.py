"""What a RunTask changes of its task definition for that run alone.  Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from homeport.aws.arn import is_role_arn
from homeport.services.ecs.errors import InvalidParameter, UnsupportedFeature
from homeport.services.ecs.validation.containers import check_variables
from homeport.services.ecs.validation.fargate import check_ephemeral_storage
from homeport.services.ecs.validation.size import check_fargate, check_task, parse_cpu, parse_memory

_LONGEST = 8192


def apply(definition: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition with overrides applied that were checked once; what a task echoes can be applied too."""
    by_name = {override["name"]: override for override in overrides.get("containerOverrides", ())}
    changed = dict(definition)
    for member in ("executionRoleArn", "taskRoleArn", "ephemeralStorage"):
        if overrides.get(member):
            changed[member] = overrides[member]
    for member, parse in (("cpu", parse_cpu), ("memory", parse_memory)):
        if member in overrides:
            changed[member] = str(parse(overrides[member]))
    changed["containerDefinitions"] = [
        _container(container, by_name.get(container["name"], {})) for container in definition["containerDefinitions"]
    ]
    return changed


def echo(definition: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the overrides as a task shows them: with an entry for every container, changed or not."""
    by_name = {override["name"]: override for override in overrides.get("containerOverrides", ())}
    return {
        **overrides,
        "containerOverrides": [
            by_name.get(container["name"], {"name": container["name"]})
            for container in definition["containerDefinitions"]
        ],
        "inferenceAcceleratorOverrides": [],
    }


def check(definition: Mapping[str, Any], overrides: Mapping[str, Any]) -> None:
    """Refuse overrides that name no container, or lead to a task that Fargate would not take."""
    if not overrides:
        return
    _check_form(definition, overrides)
    changed = apply(definition, overrides)
    check_fargate(changed.get("cpu"), changed.get("memory"))
    check_task(changed)


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
    unnamed = {container["name"] for container in definition["containerDefinitions"]}
    known = set(unnamed)
    for override in overrides.get("containerOverrides", ()):
        if override.get("name") not in known:
            raise InvalidParameter(
                f"Override for container named {override.get('name')} is not a container in the TaskDefinition."
            )
        if override["name"] not in unnamed:
            raise InvalidParameter(f"There is more than one override for container named {override['name']}.")
        unnamed.remove(override["name"])
        for member in ("environmentFiles", "resourceRequirements"):
            if override.get(member):
                raise UnsupportedFeature(f"{member} of a container override is not supported.")
        check_variables(override["name"], override.get("environment", ()))


def _container(container: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(container)
    if override.get("command"):  # tools send an empty list for "not overridden"
        changed["command"] = override["command"]
    for member in ("cpu", "memory", "memoryReservation"):
        if member in override:
            changed[member] = override[member]
    if override.get("environment"):
        merged = {variable["name"]: variable for variable in container["environment"]}
        merged |= {variable["name"]: variable for variable in override["environment"]}
        changed["environment"] = list(merged.values())
    return changed
