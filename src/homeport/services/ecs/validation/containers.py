"""Container definitions, whatever the launch type."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from homeport.services.ecs.errors import Client
from homeport.services.ecs.validation.names import check_container

# A reference never begins with a hyphen: programs would take it for an option.
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+#-]{0,1023}")
_MOST_CONTAINERS = 10
_MOST_ENVIRONMENT_FILES = 10


def check_all(containers: Sequence[Mapping[str, Any]]) -> None:
    """Check each container by itself, then the rules about all of them together."""
    if not containers:
        raise Client("Container list cannot be empty.")
    if len(containers) > _MOST_CONTAINERS:
        raise Client("Too many containers")
    for container in containers:
        _check(container)
    names = [container["name"] for container in containers]
    if len(set(names)) < len(names):
        raise Client("Container names must be unique within a task definition")
    if not any(container.get("essential", True) for container in containers):
        raise Client("Task definition doesn't have any essential container")


def _check(container: Mapping[str, Any]) -> None:
    for member in ("name", "image"):
        if not container.get(member):
            raise Client(f"Container.{member} should not be null or empty.")
    name: str = container["name"]
    check_container(name)
    if not _IMAGE.fullmatch(container["image"]):
        raise Client("Container.image contains invalid characters.")
    _check_environment(name, container)
    _check_ulimits(container)
    _check_restart_policy(name, container.get("restartPolicy"))
    if (check := container.get("healthCheck")) is not None:
        _check_health_check(name, check)
    for member, least in (("startTimeout", 2), ("stopTimeout", 0)):
        if container.get(member, least) < least:
            raise Client(
                f"Granular start timeout on container '{name}' must be at least 2 seconds."
                if member == "startTimeout"
                else f"Invalid 'stopTimeout' setting for container '{name}'."
            )


def _check_environment(name: str, container: Mapping[str, Any]) -> None:
    check_variables(name, container.get("environment", ()))
    names = {variable["name"] for variable in container.get("environment", ())}
    for secret in container.get("secrets", ()):
        if secret["name"] in names:
            raise Client(
                "The secret name must be unique and not shared with any new or existing environment variables set on "
                f"the container, such as '{secret['name']}'."
            )
        names.add(secret["name"])
    check_environment_files(container.get("environmentFiles", ()))


def check_variables(name: str, variables: Sequence[Mapping[str, Any]]) -> None:
    """Refuse what no process can have in its environment."""
    for variable in variables:
        if not variable.get("name"):
            raise Client(f"Environment variable name should not be null or empty for container '{name}'.")
        if "=" in variable["name"] or "\0" in variable["name"] + variable.get("value", ""):
            raise Client(f"Invalid environment variable '{variable['name']}' for container '{name}'.")


def check_environment_files(files: Sequence[Mapping[str, Any]]) -> None:
    """Check the form of references to environment files; they are read when a task starts."""
    if len(files) > _MOST_ENVIRONMENT_FILES:
        raise Client("The maximum number of environment files was exceeded. Specify ten or less and try again")
    for file in files:
        if not file["value"].startswith("arn:") or file["value"].count(":") < 5:
            raise Client("Invalid arn syntax")
        if not file["value"].endswith(".env"):
            raise Client("Environment files must have the file extension .env")


def _check_ulimits(container: Mapping[str, Any]) -> None:
    for limit in container.get("ulimits", ()):
        # -1 is unlimited, above every number.
        soft, hard = (float("inf") if value == -1 else value for value in (limit["softLimit"], limit["hardLimit"]))
        if soft > hard:
            raise Client(f"Soft limit exceeds hard limit for ulimit {limit['name']}")


def _check_restart_policy(name: str, policy: Mapping[str, Any] | None) -> None:
    if policy is None:
        return
    if not 60 <= policy.get("restartAttemptPeriod", 300) <= 1800:
        raise Client(f"the 'restartAttemptPeriod' setting for container '{name}' must be between 60 and 1800 seconds")
    if len(policy.get("ignoredExitCodes", ())) > 50:
        raise Client(f"the 'ignoredExitCodes' setting for container '{name}' must have at most 50 exit codes")


def _check_health_check(name: str, check: Mapping[str, Any]) -> None:
    command = check["command"]
    if not command or command[0] not in {"CMD", "CMD-SHELL", "NONE"}:
        raise Client(
            f"Invalid 'healthCheck' setting for container '{name}': the command must begin with CMD or CMD-SHELL."
        )
    if command[0] != "NONE" and (len(command) < 2 or (command[0] == "CMD-SHELL" and len(command) != 2)):
        raise Client(
            f"Invalid 'healthCheck' setting for container '{name}': CMD needs a command, CMD-SHELL one string."
        )
    for member, least, most in (("interval", 5, 300), ("timeout", 2, 60), ("retries", 1, 10), ("startPeriod", 0, 300)):
        value = check.get(member)
        if value is not None and not least <= value <= most:
            raise Client(
                f"Invalid 'healthCheck' setting for container '{name}': '{member}' must be between {least} and {most}."
            )
