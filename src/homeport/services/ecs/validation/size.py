"""CPU and memory: how they may be written, and which sizes Fargate sells."""

import re
from collections.abc import Mapping
from typing import Any

from homeport.services.ecs.errors import Client

#: CPU units -> the MiB of memory that Fargate sells with them.
FARGATE: Mapping[int, frozenset[int]] = {
    256: frozenset({512, 1024, 2048}),
    512: frozenset(range(1024, 4097, 1024)),
    1024: frozenset(range(2048, 8193, 1024)),
    2048: frozenset(range(4096, 16385, 1024)),
    4096: frozenset(range(8192, 30721, 1024)),
    8192: frozenset(range(16384, 61441, 4096)),
    16384: frozenset(range(32768, 122881, 8192)),
}
_CPU_UNITS = range(128, 196_609)

_NUMBER = re.compile(r"\s*(\d{1,9})\s*")
_VCPU = re.compile(r"\s*(\d{1,6}(?:\.\d{1,6})?|\.\d{1,6})\s*vcpu\s*", re.IGNORECASE)
_GB = re.compile(r"\s*(\d{1,6}(?:\.\d{1,6})?|\.\d{1,6})\s*gb\s*", re.IGNORECASE)


def parse_cpu(text: str) -> int:
    """Return CPU units for "256", ".25 vCPU" and the like."""
    units = _parse(text, _VCPU)
    if units not in _CPU_UNITS:
        raise Client(
            "Invalid 'cpu' setting for task. For more information, see the Troubleshooting section of the "
            "Amazon ECS Developer Guide."
        )
    return units


def parse_memory(text: str) -> int:
    """Return MiB for "512", "0.5GB", "1 GB" and the like."""
    mib = _parse(text, _GB)
    if mib < 1:
        raise Client(
            "Invalid 'memory' setting for task. For more information, see the Troubleshooting section of the "
            "Amazon ECS Developer Guide."
        )
    return mib


def _parse(text: str, large: re.Pattern[str]) -> int:
    """Return a plain number, or 1,024 times one with the large unit; -1 for anything else."""
    if match := _NUMBER.fullmatch(text):
        return int(match[1])
    if match := large.fullmatch(text):
        scaled = float(match[1]) * 1024
        return int(scaled) if scaled.is_integer() else -1
    return -1


def check_task(definition: Mapping[str, Any]) -> None:
    """Check the containers' sizes against the task's and, where the task has none, for being there at all."""
    cpu, memory = definition.get("cpu"), definition.get("memory")
    containers = definition["containerDefinitions"]
    for container in containers:
        if container["cpu"] < 0:
            raise Client(f"Invalid 'cpu' setting for container '{container['name']}'.")
        _check_memory(container, int(memory) if memory is not None else None)
    if cpu is not None and sum(container["cpu"] for container in containers) > int(cpu):
        raise Client("The sum of all container 'cpu' values cannot be greater than the task-level 'cpu' value")


def _check_memory(container: Mapping[str, Any], task_memory: int | None) -> None:
    name, limit, reservation = container["name"], container.get("memory"), container.get("memoryReservation")
    for setting, value in (("memory", limit), ("memoryReservation", reservation)):
        if value is not None and value < 6:
            raise Client(f"Invalid setting for container '{name}'. '{setting}' must be at least 6.")
    if limit is None and reservation is None and task_memory is None:
        raise Client(
            f"Invalid setting for container '{name}'. At least one of 'memory' or 'memoryReservation' must be specified."
        )
    if limit is not None and reservation is not None and limit < reservation:
        raise Client(
            f"Invalid setting for container '{name}'. 'memory' must be greater than or equal to 'memoryReservation'."
        )
    if task_memory is not None and max(limit or 0, reservation or 0) > task_memory:
        raise Client(f"The 'memory' setting for container '{name}' is greater than for the task")


def check_fargate(cpu: str | None, memory: str | None) -> None:
    """Refuse a size that Fargate does not sell."""
    for name, value in (("cpu", cpu), ("memory", memory)):
        if value is None:
            raise Client(f"Fargate requires that '{name}' be defined at the task level.")
    assert cpu is not None
    assert memory is not None
    if int(memory) not in FARGATE.get(int(cpu), ()):
        raise Client(
            f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. "
            "See the Amazon ECS documentation for the valid values."
        )
