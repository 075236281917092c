"""
What the containers of bridge tasks have on their instances: addresses on docker0, and host ports.

Nothing is made here, and nothing is written: a task's state holds what was chosen for it, and after a
restart the claims are put together from the states of all tasks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from homeport.node.tasks.model import Claim, ContainerState
from homeport.node.tasks.ports import Asked, Chooser, Settings, Unavailable, host_ports
from homeport.wire.messages import Binding, Container, Task

BRIDGE = IPv4Network("172.17.0.0/16")
GATEWAY = str(BRIDGE[1])  # the bridge's own address


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for a task's containers, by name, and why some could not have what they asked for."""

    claims: Mapping[str, Claim]
    failures: Mapping[str, str]


@dataclass(slots=True)
class _Instance:
    addresses: dict[str, tuple[str, str]] = field(default_factory=dict)  # -> task and container
    ports: dict[tuple[str, int], str] = field(default_factory=dict)  # protocol and port -> task
    claims: dict[str, dict[str, Claim]] = field(default_factory=dict)  # task -> container -> what it has
    last_port: int = 0  # the dynamic one chosen last

    def take(self, task: str, container: str, claim: Claim) -> None:
        self.claims.setdefault(task, {})[container] = claim
        self.addresses[claim.address] = (task, container)
        for binding in claim.bindings:
            self.take_ports(task, binding)

    def take_ports(self, task: str, binding: Binding) -> None:
        self.ports.update(((binding.protocol, port), task) for port in host_ports(binding))

    def give_back(self, binding: Binding) -> None:
        for port in host_ports(binding):
            self.ports.pop((binding.protocol, port), None)

    def lowest_free_address(self) -> str:
        for number in range(2, BRIDGE.num_addresses - 1):
            if (address := str(BRIDGE[number])) not in self.addresses:
                return address
        raise Unavailable(
            "CannotStartContainerError: Error response from daemon: no available IPv4 addresses on this network's"
            " address pools: bridge"
        )


@dataclass(slots=True)
class _Draft:
    """A container's claim while it is being chosen; its ports are taken already."""

    container: Container
    bindings: dict[int, Binding] = field(default_factory=dict)  # by the mapping's position

    def choose(self, own: _Instance, task: str, chooser: Chooser, *, static: bool) -> None:
        for index, mapping in enumerate(self.container.port_mappings):
            if bool(mapping.host_port) is not static:
                continue
            endpoint = f"{self.container.name} ({self.container.runtime_id})"
            binding = self.bindings[index] = chooser.choose(mapping, endpoint, own.last_port)
            own.take_ports(task, binding)
            if not static:
                own.last_port = host_ports(binding)[-1]

    def settle(self, own: _Instance, task: str) -> None:
        bindings = tuple(self.bindings[index] for index in sorted(self.bindings))
        own.take(task, self.container.name, Claim(own.lowest_free_address(), bindings))

    def undo(self, own: _Instance) -> None:
        for binding in self.bindings.values():
            own.give_back(binding)


class Claims:
    """The claims of all tasks on this node, by instance."""

    def __init__(self) -> None:
        self._instances: dict[str, _Instance] = {}

    def holder(self, instance: str, address: str) -> tuple[str, str] | None:
        """Return the task, and the container in it, that has *address* on the instance's bridge."""
        own = self._instances.get(instance)
        return own.addresses.get(address) if own is not None else None

    def restore(self, task: Task, containers: Mapping[str, ContainerState]) -> None:
        """Take what was chosen for *task* before a restart of ours."""
        own = self._instances.setdefault(task.instance, _Instance())
        for name, state in containers.items():
            if state.address:
                own.take(task.id, name, Claim(state.address, state.bindings))
                own.last_port = max([own.last_port, *(host_ports(binding)[-1] for binding in state.bindings)])

    def choose(self, task: Task, settings: Settings, free: Asked) -> Choice:
        """
        Choose addresses and host ports for the task's containers, and claim them.

        Ports that are asked for by number come first, so that no dynamic one takes them.
        """
        own = self._instances.setdefault(task.instance, _Instance())
        assert task.id not in own.claims, "claims are chosen once"
        chooser = Chooser(settings, lambda protocol, port: (protocol, port) in own.ports, free)
        drafts = {container.name: _Draft(container) for container in task.containers if not container.network_disabled}
        steps: tuple[Callable[[_Draft], None], ...] = (
            lambda draft: draft.choose(own, task.id, chooser, static=True),
            lambda draft: draft.choose(own, task.id, chooser, static=False),
            lambda draft: draft.settle(own, task.id),
        )
        failures: dict[str, str] = {}
        try:
            for step in steps:
                for name, draft in list(drafts.items()):
                    try:
                        step(draft)
                    except Unavailable as unavailable:
                        failures[name] = str(unavailable)
                        drafts.pop(name).undo(own)
        except BaseException:  # whoever was asked about a port did not answer
            for draft in drafts.values():
                draft.undo(own)
            self.free(task)
            raise
        return Choice(dict(own.claims.get(task.id, {})), failures)

    def free(self, task: Task) -> None:
        """Let go of everything the task has."""
        own = self._instances.get(task.instance)
        if own is None:
            return
        for claim in own.claims.pop(task.id, {}).values():
            del own.addresses[claim.address]
            for binding in claim.bindings:
                own.give_back(binding)

    def forget(self, instance: str) -> None:
        """Leave no memory of an instance that is gone, with all its tasks."""
        own = self._instances.pop(instance, None)
        assert own is None or not own.claims, f"tasks on {instance} still have claims there"
