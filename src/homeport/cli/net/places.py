"""What the words of `homeport net explain FROM TO:PORT` mean in a model.  Pure."""

from ipaddress import AddressValueError, IPv4Address, IPv4Network

from homeport.cli.net.model import DOCKER_NETWORK, Container, Eni, Mode, Model, Task
from homeport.cli.net.packet import (
    ECHO_REQUEST,
    Address,
    Alone,
    AtEni,
    Destination,
    OnBridge,
    OnInstance,
    Outside,
    Packet,
    Source,
)

_FEWEST_LETTERS = 6  # of a task's id


class Unknown(ValueError):
    """The word means nothing here, or more than one thing; the message says which."""


def parse_target(text: str) -> tuple[str, Packet]:
    """Read TO:PORT, TO:PORT/udp or TO/icmp."""
    if text.endswith("/icmp"):
        return text.removesuffix("/icmp"), Packet(ECHO_REQUEST, "icmp")
    where, _, service = text.rpartition(":")
    port, _, protocol = service.partition("/")
    if not where or not port.isdecimal() or not 0 < int(port) < 65536 or protocol not in {"", "tcp", "udp"}:
        raise Unknown(f"'{text}' is not TO:PORT, TO:PORT/udp or TO/icmp")
    return where, Packet(int(port), protocol or "tcp")


def find_source(model: Model, text: str) -> Source:
    """Return where a packet from *text* starts."""
    if text == "internet":
        return Outside()
    if (address := _address(text)) is not None:
        return _source_address(model, address)
    place = _find(model, text, None)
    if isinstance(place, AtEni | OnInstance) and not place.eni.attached:
        raise Unknown(f"{place.eni.id} is attached to nothing, so nothing sends from it")
    return place


def find_destination(model: Model, text: str, packet: Packet) -> Destination:
    """Return where a packet to *text* shall arrive."""
    if text == "internet":
        return Outside()
    if (address := _address(text)) is not None:
        return Address(str(address))
    return _find(model, text, packet)


def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None


def _source_address(model: Model, address: IPv4Address) -> Source:
    owners = [eni for eni in model.enis.values() if str(address) in {eni.address, eni.public}]
    if len(owners) > 1:
        raise Unknown(
            f"{address} is an address in several VPCs: name the interface, {' or '.join(e.id for e in owners)}"
        )
    if owners:
        return _at(model, owners[0])
    if address in IPv4Network("127.0.0.0/8") or address in DOCKER_NETWORK:
        raise Unknown(f"{address} is in every namespace another: name the task and the container")
    if any(address in IPv4Network(vpc.cidr) for vpc in model.vpcs.values()):
        raise Unknown(f"no interface has {address}")
    return Outside(str(address))


def _find(model: Model, text: str, packet: Packet | None) -> Source:
    if text in model.instances:
        instance = model.instances[text]
        if instance.interface not in model.enis:
            raise Unknown(f"{text} has no network interface; it is {instance.state}")
        return OnInstance(instance, model.enis[instance.interface])
    if text in model.enis:
        return _at(model, model.enis[text])
    if text.startswith(("i-", "eni-")):
        raise Unknown(f"there is no {text}")
    if text.startswith(("app/", "net/")):
        return _balancer(model, text)
    task, container = _find_task(model, text)
    return _in_task(model, task, container, packet)


def _balancer(model: Model, text: str) -> AtEni:
    """Return the first interface of the load balancer whose ARN goes on like this: app/NAME, with its id or without."""
    found = [eni for eni in model.enis.values() if eni.balancer == text or eni.balancer.startswith(f"{text}/")]
    if not found:
        raise Unknown(f"there is no load balancer {text}")
    return AtEni(min(found, key=lambda eni: (eni.subnet, eni.id)))


def _at(model: Model, eni: Eni) -> Source:
    """Return the namespace in which an interface lies."""
    instance = model.instances.get(eni.instance)
    if eni.task or instance is None:
        return AtEni(eni, model.tasks.get(eni.task))
    return OnInstance(instance, eni)


def _find_task(model: Model, text: str) -> tuple[Task, Container | None]:
    """Read a task's ARN or id, or the beginning of one, with a container's name behind it or not."""
    parts = text.split("/")
    if text.startswith("arn:"):
        parts = parts[2:]  # after ...:task and the cluster's name
    if len(parts) not in {1, 2} or not parts[0]:
        raise Unknown(f"'{text}' is no task, instance, interface or address")
    exact = [task for task in model.tasks.values() if task.id == parts[0]]
    found = exact or [
        task for task in model.tasks.values() if len(parts[0]) >= _FEWEST_LETTERS and task.id.startswith(parts[0])
    ]
    if len(found) != 1:
        raise Unknown(
            f"{'several tasks begin with' if found else 'there is no task, instance or interface'} '{parts[0]}'"
        )
    if len(parts) == 1:
        return found[0], None
    container = found[0].container(parts[1])
    if container is None:
        names = ", ".join(container.name for container in found[0].containers)
        raise Unknown(f"the task has no container '{parts[1]}'; it has {names}")
    return found[0], container


def _in_task(model: Model, task: Task, container: Container | None, packet: Packet | None) -> Source:
    if task.mode is Mode.AWSVPC:
        if task.eni not in model.enis:
            raise Unknown(f"the task {task.id} has no network interface; it is {task.status}")
        return AtEni(model.enis[task.eni], task)
    if container is None:
        container = _choose(task, packet)
    if task.mode is Mode.NONE:
        return Alone(task, container)
    instance = model.instances.get(task.instance)
    if instance is None or instance.interface not in model.enis:
        raise Unknown(f"the task {task.id} is on no instance; it is {task.status}")
    eni = model.enis[instance.interface]
    if task.mode is Mode.HOST:
        return OnInstance(instance, eni, task)
    return OnBridge(instance, eni, task, container)


def _choose(task: Task, packet: Packet | None) -> Container:
    """Return the one container that can be meant."""
    if packet is not None:
        service = (packet.port, packet.protocol)
        meant = [
            container
            for container in task.containers
            if service in container.ports
            or any(binding.host_port_of(packet.port, packet.protocol) for binding in container.bindings)
        ]
        if len(meant) == 1:
            return meant[0]
    if len(task.containers) == 1 or (task.mode is Mode.HOST and task.containers):
        return task.containers[0]
    names = ", ".join(f"{task.id[:8]}/{container.name}" for container in task.containers)
    raise Unknown(f"each container of the {task.mode}-mode task has a network of its own; name one: {names}")
