"""
What a machine registers with as a container instance: size, ports, attributes.  Pure.

Attributes follow the reference's appendix G, and only those are claimed that are honoured: a task that requires another
is refused for it.  MEMORY is the type's; on AWS the agent registers what Linux finds of that, a few per cent less.
"""

import json
from collections.abc import Iterable, Mapping

from homeport.services.ec2.images import ECS_AGENT_VERSION, ECS_RUNTIME_VERSION
from homeport.services.ec2.instance import Instance, State
from homeport.services.ec2.instance_types import InstanceType, task_eni_limit
from homeport.services.ecs.model.container_instances import Registration

RESERVED_PORTS = (22, 2375, 2376, 51678, 51679)
TRUNK_ATTRIBUTE = "ecs.awsvpc-trunk-id"

_API = "com.amazonaws.ecs.capability."
_ECS = "ecs.capability."
_DOCKER_API = (17, 18, 19, 20, 21, 22, 23, 24, 25, 28, 29, 30, 32)
_CAPABILITIES = (
    *(f"{_API}docker-remote-api.1.{minor}" for minor in _DOCKER_API),
    f"{_API}ecr-auth",
    f"{_API}logging-driver.awslogs",
    f"{_API}logging-driver.json-file",
    f"{_API}task-iam-role",
    f"{_API}task-iam-role-network-host",
    f"{_ECS}container-health-check",
    f"{_ECS}container-ordering",
    f"{_ECS}container-restart-policy",
    f"{_ECS}execution-role-awslogs",
    f"{_ECS}execution-role-ecr-pull",
    f"{_ECS}increased-task-cpu-limit",
    f"{_ECS}network.container-port-range",
    f"{_ECS}pid-ipc-namespace-sharing",
    f"{_ECS}task-cpu-mem-limit",
)
_TASK_ENI = (f"{_ECS}task-eni", f"{_ECS}cni-plugin-version")
_TRUNKING = (f"{_ECS}task-eni-trunking", f"{_ECS}branch-cni-plugin-version")
_BLOCKS = f"{_ECS}task-eni-block-instance-metadata"


def registration_of(instance: Instance, kind: InstanceType, architecture: str, trunk: str = "") -> Registration:
    """Return what a running instance registers with; *trunk* is its trunk interface, or nothing."""
    agent = instance.agent or {}
    reserved = _number(agent.get("ECS_RESERVED_MEMORY", ""))
    has_enis = _on(agent, "ECS_ENABLE_TASK_ENI", default=True)
    return Registration(
        cpu=kind.vcpus * 1024,
        memory=kind.memory_mib - reserved,
        interfaces=task_eni_limit(kind, trunking=bool(trunk)) if has_enis else 0,
        ports=tuple(sorted({*RESERVED_PORTS, *_numbers(agent.get("ECS_RESERVED_PORTS", ""))})),
        udp_ports=tuple(sorted(_numbers(agent.get("ECS_RESERVED_PORTS_UDP", "")))),
        attributes=_attributes(instance, agent, architecture, trunk, has_enis=has_enis),
        agent_version=ECS_AGENT_VERSION,
        runtime_version=ECS_RUNTIME_VERSION,
        trunk=trunk,
        block_metadata=_on(agent, "ECS_AWSVPC_BLOCK_IMDS", default=False),
    )


def wants_trunk(instance: Instance, kind: InstanceType) -> bool:
    """Say whether the instance could have a trunk and its agent would use one, should its principal have opted in."""
    agent = instance.agent or {}
    enabled = _on(agent, "ECS_ENABLE_HIGH_DENSITY_ENI", default=True) and _on(
        agent, "ECS_ENABLE_TASK_ENI", default=True
    )
    return kind.trunk_capable and enabled


def principal_of(instance: Instance) -> str:
    """Return whose account settings count for the instance: its role's, or where it has none its launcher's."""
    return instance.role_arn or instance.launched_by


def cluster_of(instance: Instance) -> str:
    """Return the name of the cluster that the instance's agent was told to join."""
    return (instance.agent or {}).get("ECS_CLUSTER", "") or "default"


def tags_of(instance: Instance) -> dict[str, str]:
    """Return the tags that the agent gives to its container instance."""
    try:
        found = json.loads((instance.agent or {}).get("ECS_CONTAINER_INSTANCE_TAGS", "") or "{}")
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def host_reason(ec2_instance: str, instance: Instance | None) -> str:
    """Return why tasks end whose instance is not meant to run any more, in AWS's words."""
    stopped = instance is not None and not instance.state.ending
    return f"Host EC2 (instance {ec2_instance}) {'stopped' if stopped else 'terminated'}."


def is_up(instance: Instance | None) -> bool:
    """Say whether tasks may be on the instance."""
    return instance is not None and instance.meant_to_run and instance.state is State.RUNNING


def _attributes(
    instance: Instance, agent: Mapping[str, str], architecture: str, trunk: str, *, has_enis: bool
) -> dict[str, str]:
    names: list[str] = [*_CAPABILITIES]
    if has_enis:
        names += _TASK_ENI
        names += _TRUNKING if _on(agent, "ECS_ENABLE_HIGH_DENSITY_ENI", default=True) else ()
        names += [_BLOCKS] if _on(agent, "ECS_AWSVPC_BLOCK_IMDS", default=False) else ()
    return {
        **dict.fromkeys(names, ""),
        "ecs.ami-id": instance.image,
        "ecs.availability-zone": instance.zone,
        "ecs.cpu-architecture": architecture,
        "ecs.instance-type": instance.type,
        "ecs.os-family": "LINUX",
        "ecs.os-type": "linux",
        "ecs.subnet-id": instance.subnet,
        "ecs.vpc-id": instance.vpc,
        **_declared(agent.get("ECS_INSTANCE_ATTRIBUTES", "")),
        **({TRUNK_ATTRIBUTE: trunk} if trunk else {}),
    }


def _declared(text: str) -> dict[str, str]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _on(agent: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = agent.get(name, "").lower()
    return value in {"true", "1", "t"} if value else default


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _numbers(text: str) -> Iterable[int]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return ()
    return [each for each in found if isinstance(each, int)] if isinstance(found, list) else ()
