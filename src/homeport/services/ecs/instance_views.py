"""Container instances as AWS shows them.  Pure."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from homeport.aws.tags import tags_view
from homeport.services.ecs.model.container_instances import ContainerInstance


def container_instance_view(instance: ContainerInstance, include: Collection[str] = ()) -> dict[str, Any]:
    """Return a container instance; interfaces are counted, and shown to nobody."""
    own, room, used = instance.registration, instance.room, instance.used
    view: dict[str, Any] = {
        "containerInstanceArn": instance.arn,
        "ec2InstanceId": instance.ec2_instance,
        "version": own.version,
        "versionInfo": {"agentVersion": own.agent_version, "dockerVersion": _docker(own.runtime_version)},
        "remainingResources": _resources(room.cpu, room.memory_mib, room.ports, room.udp_ports),
        "registeredResources": _resources(own.cpu, own.memory, own.ports, own.udp_ports),
        "status": instance.status.value,
        "agentConnected": instance.connected,
        "runningTasksCount": used.running,
        "pendingTasksCount": used.pending,
        "attributes": [attribute_view(name, value) for name, value in sorted(instance.attributes.items())],
        "registeredAt": datetime.fromtimestamp(instance.registered_at, UTC),
        "attachments": [],
        "tags": tags_view(instance.tags) if "TAGS" in include else [],
    }
    if own.status_reason:
        view["statusReason"] = own.status_reason
    if "CONTAINER_INSTANCE_HEALTH" in include:
        status = "OK" if instance.connected else "INSUFFICIENT_DATA"
        view["healthStatus"] = {
            "overallStatus": status,
            "details": [{"type": "CONTAINER_RUNTIME", "status": status}],
        }
    return view


def attribute_view(name: str, value: str) -> dict[str, str]:
    """Return an attribute; one that is only a name has no value."""
    return {"name": name, "value": value} if value else {"name": name}


def _docker(version: str) -> str:
    return version.replace("Docker version ", "DockerVersion: ")


def _resources(cpu: int, memory: int, ports: Iterable[int], udp_ports: Iterable[int]) -> list[dict[str, Any]]:
    return [
        *(_amount(name, value) for name, value in (("CPU", cpu), ("MEMORY", memory))),
        *(_list(name, values) for name, values in (("PORTS", ports), ("PORTS_UDP", udp_ports))),
    ]


def _amount(name: str, value: int) -> dict[str, Any]:
    return {"name": name, "type": "INTEGER", "doubleValue": 0.0, "longValue": 0, "integerValue": value}


def _list(name: str, values: Iterable[int]) -> dict[str, Any]:
    return {
        "name": name,
        "type": "STRINGSET",
        "doubleValue": 0.0,
        "longValue": 0,
        "integerValue": 0,
        "stringSetValue": [str(value) for value in sorted(values)],
    }
