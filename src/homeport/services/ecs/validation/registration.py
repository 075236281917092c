"""Everything that RegisterTaskDefinition checks, in order, and the launch types a definition is fit for."""

from collections.abc import Callable, Mapping
from typing import Any

from homeport.aws.arn import is_role_arn
from homeport.services.ecs.errors import Client
from homeport.services.ecs.validation import containers, dependencies, fargate, logs, placement, ports, size, volumes
from homeport.services.ecs.validation.names import check_family


def check_form(definition: Mapping[str, Any]) -> None:
    """Check what must hold before anything can be filled in: names, roles, and containers by themselves."""
    check_family(definition["family"])
    for member in ("taskRoleArn", "executionRoleArn"):
        # An empty string is how tools say "none".
        if definition.get(member) and not is_role_arn(definition[member]):
            raise Client(f"Role is not valid: {member} must be the ARN of an IAM role.")
    if definition.get("inferenceAccelerators"):
        raise Client("Unsupported field 'inferenceAccelerators'")
    containers.check_all(definition["containerDefinitions"])


def check_rules(definition: Mapping[str, Any]) -> None:
    """Check a normalised definition against the rules of every launch type it asks for."""
    parts = definition["containerDefinitions"]
    mode = definition.get("networkMode")
    for wanted in definition.get("requiresCompatibilities", ()):
        _BY_LAUNCH_TYPE[wanted](definition)
    ports.check_all(mode, parts)
    ports.check_proxy(mode, definition.get("proxyConfiguration"), parts)
    size.check_task(definition)
    dependencies.check_all(parts)
    volumes.check_all(definition["volumes"], parts)
    logs.check_all(parts)
    placement.check_definition(definition["placementConstraints"])


def compatibilities(definition: Mapping[str, Any]) -> list[str]:
    """Return the launch types whose rules the definition meets, asked for or not; never none."""
    fit = [launch_type for launch_type, check in _BY_LAUNCH_TYPE.items() if _passes(check, definition)]
    if not fit:
        _check_ec2(definition)
    return fit


def _passes(check: Callable[[Mapping[str, Any]], None], definition: Mapping[str, Any]) -> bool:
    try:
        check(definition)
    except Client:
        return False
    return True


def _check_ec2(definition: Mapping[str, Any]) -> None:
    if definition.get("ephemeralStorage") is not None:
        raise Client("Tasks using the EC2 launch type do not support EphemeralStorage")


def _check_external(definition: Mapping[str, Any]) -> None:
    _check_ec2(definition)
    if definition.get("networkMode") == "awsvpc":
        raise Client("Tasks using the EXTERNAL launch type do not support networkMode awsvpc")


def _check_managed_instances(definition: Mapping[str, Any]) -> None:
    _check_ec2(definition)
    if definition.get("networkMode", "bridge") not in {"awsvpc", "host", "none"}:
        raise Client("Tasks using the MANAGED_INSTANCES launch type support networkMode awsvpc, host and none")
    for member in ("cpu", "memory"):
        if definition.get(member) is None:
            raise Client(f"MANAGED_INSTANCES requires that '{member}' be defined at the task level.")


_BY_LAUNCH_TYPE: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "EC2": _check_ec2,
    "FARGATE": fargate.check_all,
    "EXTERNAL": _check_external,
    "MANAGED_INSTANCES": _check_managed_instances,
}
