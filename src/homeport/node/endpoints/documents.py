"""
The metadata documents: what a task and its containers look like from inside (reference 5.3, 5.4).

Pure.  Absent is what AWS leaves out, not what we do not know.
"""

import hashlib
import re
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from homeport.node.tasks.container import gateway, shares
from homeport.node.tasks.model import ContainerState, Stage
from homeport.node.tasks.runner import Runner
from homeport.wire.messages import Binding, Container, Eni, NetworkMode, PortMapping, Task, Vpc

_LABEL = "com.amazonaws.ecs."
_KNOWN = {
    Stage.NEW: "NONE",
    Stage.PULLED: "PULLED",
    Stage.CREATED: "CREATED",
    Stage.STARTING: "CREATED",
    Stage.RUNNING: "RUNNING",
    Stage.STOPPED: "STOPPED",
}
_ORDER = ("NONE", "PULLED", "CREATED", "RUNNING", "STOPPED")


def timestamp(seconds: float | None) -> str | None:
    """Return RFC 3339 in UTC with as many digits as we know."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _present(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value not in (None, "", {}, [])}


def docker_name(spec: Task, container: Container) -> str:
    """Return the container's name as the runtime's: on an instance what the ECS agent would call it, always the same."""
    if not spec.instance:
        return container.name
    name = re.sub(r"[^A-Za-z0-9-]", "", container.name)
    tail = hashlib.sha256(container.runtime_id.encode()).hexdigest()[:20]
    return f"ecs-{spec.family}-{spec.revision}-{name}-{tail}"


def task_document(runner: Runner, version: int, *, vpc: str = "", tags: bool = False) -> dict[str, Any]:
    """Return the task's document in the words of endpoint *version* 2, 3 or 4; *vpc* is where it was asked for."""
    spec, state = runner.spec, runner.state
    known = min((known_status(state.containers[c.name]) for c in spec.containers), key=_ORDER.index)
    document = _present(
        {
            "Cluster": spec.cluster_arn,
            "TaskARN": spec.arn,
            "Family": spec.family,
            "Revision": str(spec.revision),
            "DesiredStatus": "RUNNING" if state.stop is None else "STOPPED",
            "KnownStatus": known,
            "Limits": _present({"CPU": spec.cpu / 1024 or None, "Memory": spec.memory or None}),
            "PullStartedAt": timestamp(state.pull_started_at),
            "PullStoppedAt": timestamp(state.pull_stopped_at),
            "ExecutionStoppedAt": timestamp(state.execution_stopped_at),
            "AvailabilityZone": spec.availability_zone,
            "TaskTags": spec.tags if tags else None,
            "LaunchType": spec.launch_type,
        }
    )
    document["Containers"] = [container_document(runner, c, version) for c in spec.containers]
    if version >= 4:
        document |= _present(
            {
                "VPCID": vpc,
                "ServiceName": spec.service,
                "Group": spec.group,
            }
        )
        document["FaultInjectionEnabled"] = False
    return document


def container_document(runner: Runner, container: Container, version: int) -> dict[str, Any]:
    """Return a container's document in the words of endpoint *version* 2, 3 or 4."""
    spec, own = runner.spec, runner.state.containers[container.name]
    document = _present(
        {
            "DockerId": container.runtime_id,
            "Name": container.name,
            "DockerName": docker_name(spec, container),
            "Image": container.image,
            "ImageID": own.image_id,
            "Ports": ports(spec, container, own),
            "Labels": _labels(spec, container),
            "DesiredStatus": "RUNNING" if runner.state.stop is None else "STOPPED",
            "KnownStatus": known_status(own),
            "Limits": {"CPU": shares(container), "Memory": container.memory or spec.memory},
            "CreatedAt": timestamp(own.created_at),
            "StartedAt": timestamp(own.started_at),
            "FinishedAt": timestamp(own.finished_at) if own.stage is Stage.STOPPED else None,
            "Type": "NORMAL",
            "Health": _health(container, own),
            "Volumes": [{"DockerName": m.volume, "Destination": m.path} for m in container.mounts],
            "LogDriver": "awslogs" if container.log is not None else None,
            "LogOptions": container.log.options if container.log is not None else None,
            "ContainerARN": container.arn,
        }
    )
    if own.stage is Stage.STOPPED and own.exit_code is not None:
        document["ExitCode"] = own.exit_code
    if found := networks(runner, container, version):
        document["Networks"] = found
    if version >= 4:
        if not spec.instance:
            document["Snapshotter"] = "overlayfs"
        if container.restart_policy is not None:
            document["RestartCount"] = own.restarts
    return document


def known_status(state: ContainerState) -> str:
    between_runs = state.ever_started and state.stage is not Stage.STOPPED
    return "RUNNING" if between_runs else _KNOWN[state.stage]


def ports(spec: Task, container: Container, own: ContainerState) -> list[dict[str, Any]]:
    """Return the container's ports, each by itself; in bridge mode with the instance's port that leads there."""
    if spec.network_mode is NetworkMode.BRIDGE:
        return [_bound(binding, offset) for binding in own.bindings for offset in range(_length(binding))]
    return [_port(mapping, offset) for mapping in container.port_mappings for offset in range(_length(mapping))]


def _length(ports: PortMapping | Binding) -> int:
    return max(ports.last_port, ports.container_port) - ports.container_port + 1


def _bound(binding: Binding, offset: int) -> dict[str, Any]:
    return {
        "ContainerPort": binding.container_port + offset,
        "Protocol": binding.protocol,
        "HostPort": binding.host_port + offset,
        "HostIp": binding.address,
    }


def _port(mapping: PortMapping, offset: int) -> dict[str, Any]:
    return {
        "ContainerPort": mapping.container_port + offset,
        "Protocol": mapping.protocol,
        "HostPort": (mapping.host_port or mapping.container_port) + offset,
    }


def networks(runner: Runner, container: Container, version: int) -> list[dict[str, Any]]:
    """Return the container's networks in the words of endpoint *version*."""
    mode, address = runner.spec.network_mode, runner.state.containers[container.name].address
    if mode is NetworkMode.AWSVPC:
        if runner.eni is None or runner.vpc is None:
            return []
        return [_network(runner.eni, runner.vpc, version)]
    if container.network_disabled:
        mode = NetworkMode.NONE
    return [_present({"NetworkMode": mode.value, "IPv4Addresses": [address] if address else None})]


def _labels(spec: Task, container: Container) -> dict[str, str]:
    return container.labels | {
        _LABEL + "cluster": spec.cluster_arn,
        _LABEL + "container-name": container.name,
        _LABEL + "task-arn": spec.arn,
        _LABEL + "task-definition-family": spec.family,
        _LABEL + "task-definition-version": str(spec.revision),
    }


def _health(container: Container, own: ContainerState) -> dict[str, Any] | None:
    if container.health_check is None:
        return None
    found = own.health
    document = _present({"status": found.status.value, "statusSince": timestamp(found.since), "output": found.output})
    if found.code is not None:
        document["exitCode"] = found.code
    return document


def _network(eni: Eni, vpc: Vpc, version: int) -> dict[str, Any]:
    network: dict[str, Any] = {"NetworkMode": "awsvpc", "IPv4Addresses": [eni.address]}
    if version >= 4:
        subnet = ip_network(eni.subnet_cidr)
        network |= {
            "AttachmentIndex": 0,
            "MACAddress": eni.mac,
            "IPv4SubnetCIDRBlock": eni.subnet_cidr,
            "DomainNameServers": [vpc.dns],
            "DomainNameSearchList": [vpc.domain],
            "PrivateDNSName": eni.dns_name,
            "SubnetGatewayIpv4Address": f"{gateway(eni)}/{subnet.prefixlen}",
        }
    return network
