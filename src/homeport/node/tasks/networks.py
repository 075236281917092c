"""
A task's network, in its mode: choose what it needs, have it made, say where each container is, let go of it.

awsvpc has the task's interface; bridge and none have a sandbox for each container; host has the instance's
namespace, which is not the task's to make.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from homeport.network import desired
from homeport.network.protocol import NetworkDriver
from homeport.node.interfaces import Interfaces, task_device
from homeport.node.store import TaskRecord
from homeport.node.tasks import dependencies, links, ports
from homeport.node.tasks.claims import Claims
from homeport.node.tasks.container import Place, container_hostname, hostname
from homeport.node.tasks.files import etc_of_container
from homeport.node.tasks.hosts import Host, Hosts, Sandboxes
from homeport.node.tasks.model import Allocated, ContainerFailed, Event, NetworkFailed, NetworkMade, TaskState
from homeport.runtime.protocol import Image
from homeport.wire.messages import Container, NetworkMode, Task

_NO_ENI = "ResourceInitializationError: failed to configure ENI: "
_NO_SANDBOX = "ContainerNetworkingError: "


@dataclass(frozen=True, slots=True)
class Networks:
    """What tasks' networks are made with."""

    driver: NetworkDriver
    interfaces: Interfaces
    sandboxes: Sandboxes
    hosts: Hosts
    port_free: Callable[[str, str, int], bool]  # instance, protocol, port -> whether no process there has it
    claims: Claims = field(default_factory=Claims)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a container is, and what its /etc says there; no files where the task's do."""

    place: Place
    etc: Mapping[str, str]


def sandboxes(task: Task, state: TaskState) -> tuple[desired.Sandbox, ...]:
    """Return the namespaces that the task's containers need, each its own."""
    found = []
    for container in task.containers:
        if container.network_disabled or task.network_mode is NetworkMode.NONE:
            found.append(desired.Sandbox(container.runtime_id, task.instance))
        elif task.network_mode is NetworkMode.BRIDGE and (own := state.containers[container.name]).address:
            bindings = tuple(
                desired.Binding(binding.protocol, host_port, binding.container_port + offset)
                for binding in own.bindings
                for offset, host_port in enumerate(ports.host_ports(binding))
            )
            found.append(desired.Sandbox(container.runtime_id, task.instance, own.address, bindings))
    return tuple(found)


def namespace_id(task: Task, container: Container) -> str:
    """Return what the network knows the container's namespace by."""
    if task.network_mode is NetworkMode.AWSVPC:
        return task.eni
    if task.network_mode is NetworkMode.HOST and not container.network_disabled:
        return task.instance
    return container.runtime_id


class TaskNetwork:
    """One task's network."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    def agent(self, task: Task) -> Mapping[str, str]:
        """Return the settings of the agent on the task's instance; Fargate's cannot be set."""
        return self._host(task).agent if task.instance else {}

    def allocate(self, record: TaskRecord) -> tuple[Event, ...]:
        """Choose addresses and host ports for the containers.  Raises NetworkError."""
        task = record.spec
        choice = self._networks.claims.choose(
            task,
            ports.settings(self.agent(task)),
            lambda protocol, port: self._networks.port_free(task.instance, protocol, port),
        )
        failed = (ContainerFailed(name, reason) for name, reason in choice.failures.items())
        return (Allocated(choice.claims), *failed)

    async def make(self, record: TaskRecord) -> Event:
        """Have everything made that the task's containers join."""
        if record.spec.network_mode is NetworkMode.AWSVPC:
            return await self._make_interface(record)
        wanted = sandboxes(record.spec, record.state)
        for sandbox in wanted:
            self._networks.sandboxes.hold_sandbox(sandbox)
        for sandbox in wanted:
            if reason := await self._networks.sandboxes.sandbox_made(sandbox.id):
                return NetworkFailed(_NO_SANDBOX + reason)
        return NetworkMade()

    async def _make_interface(self, record: TaskRecord) -> Event:
        if record.eni is None or record.vpc is None:
            return NetworkFailed(f"{_NO_ENI}{record.spec.eni} is not known")
        self._networks.interfaces.hold(record.eni, record.vpc, task_device(record.spec))
        if reason := await self._networks.interfaces.made(record.eni.id):
            return NetworkFailed(_NO_ENI + reason)
        return NetworkMade()

    def failure(self, task: Task, error: Exception) -> NetworkFailed:
        """Return what an unexpected error means for the task."""
        prefix = _NO_ENI if task.network_mode is NetworkMode.AWSVPC else _NO_SANDBOX
        return NetworkFailed(f"{prefix}{error}")

    def go_on(self, record: TaskRecord) -> None:
        """After a restart of ours, keep what the task has."""
        if record.eni is not None and record.vpc is not None and not record.state.released:
            self._networks.interfaces.hold(record.eni, record.vpc, task_device(record.spec))
        if not record.state.cleaned:
            self._networks.claims.restore(record.spec, record.state.containers)
            for sandbox in sandboxes(record.spec, record.state):
                self._networks.sandboxes.hold_sandbox(sandbox)

    def moved(self, record: TaskRecord) -> None:
        """Take new settings of the task's interface."""
        if record.eni is not None and record.vpc is not None:
            self._networks.interfaces.moved(record.eni, record.vpc)

    async def leave_instance(self, record: TaskRecord) -> None:
        """Let go of what the containers have on the instance; only then may others have it.  Raises NetworkError."""
        let_go = self._networks.sandboxes.release_sandbox
        await asyncio.gather(*(let_go(sandbox.id) for sandbox in sandboxes(record.spec, record.state)))
        self._networks.claims.free(record.spec)

    async def release(self, record: TaskRecord) -> None:
        """Let go of the task's interface.  Raises NetworkError."""
        if record.eni is not None:
            await self._networks.interfaces.release(record.eni.id)

    def surroundings(self, record: TaskRecord, container: Container, images: Mapping[str, Image]) -> Surroundings:
        """Return where *container* is; *images* are those at the other ends of its links, by container."""
        task = record.spec
        namespace = self._networks.driver.namespace(namespace_id(task, container))
        if task.network_mode is NetworkMode.AWSVPC:
            assert record.eni is not None and record.vpc is not None, "a container is created in its network"  # noqa: PT018 - one fact
            return Surroundings(Place(namespace, hostname(record.eni), record.vpc), {})
        host = self._host(task)
        name = container_hostname(task, container, host.address)
        found = tuple(_links(record, container, images))
        variables: dict[str, str] = {}
        for linked in found:
            variables |= links.variables(container.name, linked)
        names = [(linked.address, linked.names()) for linked in found]
        if address := record.state.containers[container.name].address:
            names.append((address, tuple(dict.fromkeys((name, name.partition(".")[0])))))
        connected = task.network_mode is not NetworkMode.NONE and not container.network_disabled
        etc = etc_of_container(container, name, host.vpc if connected else None, names)
        return Surroundings(Place(namespace, name, host.vpc, variables), etc)

    def _host(self, task: Task) -> Host:
        host = self._networks.hosts.find(task.instance)
        assert host is not None, f"{task.id} is on {task.instance}, which this node does not have"
        return host


def _links(record: TaskRecord, container: Container, images: Mapping[str, Image]) -> Iterable[links.Linked]:
    by_name = {other.name: other for other in record.spec.containers}
    for link in dependencies.links(container):
        other, image = by_name[link.container], images[link.container]
        if address := record.state.containers[other.name].address:
            environment = dict(text.partition("=")[::2] for text in image.environment)
            yield links.Linked(
                link=link,
                hostname=container_hostname(record.spec, other, ""),
                address=address,
                ports=links.exposed(other, image),
                environment=environment | other.environment,
            )
