"""
Would a packet pass, hop by hop, and which rule decides.  Pure.

Judged is the first packet of a connection: what it starts comes back by connection tracking.  Whether anybody
listens where it arrives is not judged, as the API does not know.
"""

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from homeport.cli.net import rules, ways
from homeport.cli.net.model import DOCKER_NETWORK, Eni, Instance, Kind, Mode, Model
from homeport.cli.net.packet import (
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
from homeport.network.host_rules import TRUNK_PORT

LOOPBACK = IPv4Network("127.0.0.0/8")
AGENT_PORTS = (51678, 51679)


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of the packet's way: where it is, and what happens to it there."""

    where: str
    what: str
    passes: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the packet arrives, by which hops, and in one sentence what decided."""

    passes: bool
    hops: tuple[Hop, ...]
    reason: str


class _Stopped(Exception):
    """The packet goes no further; the last hop says why."""


@dataclass(slots=True)
class _Path:
    model: Model
    packet: Packet
    hops: list[Hop] = field(default_factory=list)
    reason: str = ""  # the rule that let it in, if one did

    def through(self, where: str, what: str) -> None:
        self.hops.append(Hop(where, what))

    def stop(self, where: str, what: str) -> _Stopped:
        self.hops.append(Hop(where, what, passes=False))
        return _Stopped(what)

    def groups(self, eni: Eni, peer: str, *, inbound: bool) -> None:
        """Pass the interface's security groups, or go no further."""
        ruling = rules.judge(self.model, eni, self.packet, peer, inbound=inbound)
        where = "ingress groups" if inbound else "egress groups"
        if not ruling.passes:
            raise self.stop(where, ruling.sentence)
        self.through(where, ruling.sentence)
        self.reason = ruling.sentence


def judge(model: Model, source: Source, destination: Destination, packet: Packet) -> Verdict:
    """Follow the packet until it arrives or something stops it."""
    path = _Path(model, packet)
    try:
        _follow(path, source, destination)
    except _Stopped as stopped:
        return Verdict(False, tuple(path.hops), str(stopped))
    return Verdict(True, tuple(path.hops), path.reason or path.hops[-1].what)


def _follow(path: _Path, source: Source, destination: Destination) -> None:
    _check_alive(path, source)
    _check_alive(path, destination)
    if _stays_inside(path, source, destination):
        return
    match source, destination:
        case Alone(), _:
            raise path.stop("none", "A container in network mode none has a loopback and nothing else.")
        case _, Alone(container=container):
            raise path.stop("none", f"{container.name} is in network mode none: nothing leads to it.")
        case OnBridge() | OnInstance(), OnBridge() if source.instance.id == destination.instance.id:
            path.through(
                "docker0", f"Both are on {source.instance.id}: it goes straight to {destination.container.name}."
            )
            _arrive(path)
        case OnBridge() | OnInstance(), Address(address) if IPv4Address(address) in DOCKER_NETWORK:
            _to_docker_address(path, source.instance, address)
        case Outside(), _:
            _come_in(path, source, destination)
        case _:
            _leave(path, source, destination)


def _check_alive(path: _Path, place: Destination) -> None:
    match place:
        case OnInstance(instance=instance) | OnBridge(instance=instance) if not instance.running:
            raise path.stop(instance.id, f"{instance.id} is {instance.state}.")
        case AtEni(eni=eni) | OnInstance(eni=eni) if not eni.attached:
            raise path.stop(eni.id, f"{eni.id} is attached to nothing.")
        case OnBridge(container=container) | Alone(container=container) if not container.running:
            raise path.stop("container", f"The container {container.name} does not run.")
        case AtEni(task=task) | OnInstance(task=task) | OnBridge(task=task) | Alone(task=task):
            if task is not None and not task.running:
                raise path.stop("task", f"The task {task.id} is {task.status}.")
        case _:
            pass


def _stays_inside(path: _Path, source: Source, destination: Destination) -> bool:
    """Deal with what never leaves the source's own namespace."""
    if isinstance(source, Outside):
        return False
    if isinstance(destination, Address) and IPv4Address(destination.address) in LOOPBACK:
        hint = "; published ports do not answer here" if isinstance(source, OnInstance) else ""
        path.through("lo", f"It stays in {_home(source)}{hint}.")
        _arrive(path)
        return True
    match source, destination:
        case AtEni(eni=mine), Address(address) if address == mine.address:
            same = True
        case AtEni(eni=mine), AtEni(eni=theirs):
            same = mine.id == theirs.id
        case (Alone() | OnBridge(), Alone() | OnBridge()):
            same = source.task.id == destination.task.id and source.container.name == destination.container.name
        case _:
            same = False
    if same:
        path.through("lo", f"The destination is the source's own: it stays in {_home(source)}.")
        _arrive(path)
    return same


def _home(source: Source) -> str:
    match source:
        case AtEni(task=task, eni=eni):
            return f"the namespace that all containers of the task {task.id} share" if task else f"that of {eni.id}"
        case OnInstance(instance=instance):
            return f"the namespace of {instance.id}, which its host-mode tasks share"
        case OnBridge(container=container) | Alone(container=container):
            return f"the namespace of the container {container.name}, which no other shares"
        case Outside():
            return "the internet"


def _to_docker_address(path: _Path, instance: Instance, address: str) -> None:
    if address == ways.DOCKER_GATEWAY:
        path.through("docker0", f"{address} is {instance.id} itself on its bridge.")
        _deliver(path, instance, from_self=True)
        return
    bridged = [task for task in path.model.tasks_on(instance.id) if task.mode is Mode.BRIDGE and task.running]
    if not bridged:
        raise path.stop(
            "docker0",
            f"{address} is an address of docker0, of which every instance has its own, and no container is on that of "
            f"{instance.id}.",
        )
    path.through(
        "docker0", f"It goes to the bridge of {instance.id}; which container has {address} the API does not say."
    )
    _arrive(path)


def _leave(path: _Path, source: AtEni | OnInstance | OnBridge, destination: Destination) -> None:
    """Go by the source's interface: to the instance itself, to what the router answers, into the VPC or out of it."""
    model, eni = path.model, source.eni
    target = ways.aim(model, source, destination, path.packet)
    if isinstance(target, ways.Nowhere):
        raise path.stop(target.where, target.why)
    if isinstance(source, OnBridge):
        path.through("docker0", f"It leaves {source.container.name} for the bridge of {source.instance.id}.")
    if isinstance(target, ways.Service):
        if source_instance := ways.instance_of(source):
            path.through(source_instance.id, target.by_instance or f"It goes on as {eni.address}.")
        path.through(target.where, target.what)
        return
    if isinstance(target, ways.ToEni) and target.host_port:
        path.through("published port", target.publication)
        path.packet = Packet(target.host_port, path.packet.protocol)
    local = ways.instance_of(source)
    if isinstance(target, ways.ToEni) and local and not target.public and ways.lives_in(target.eni, local):
        path.through(local.id, f"{target.address} is {local.id} itself: it does not leave it, and no group is asked.")
        _deliver(path, local, from_self=True)
        return
    if isinstance(source, OnBridge):
        path.through(
            "masquerade", f"{source.instance.id} sends it on as {eni.address}, its primary interface's address."
        )
    if eni.kind is Kind.BRANCH:
        path.through("trunk", f"{eni.id} is carried by {eni.trunk} as VLAN {eni.vlan}.")
    path.through(eni.id, f"It enters the VPC from {eni.address}.")
    if isinstance(target, ways.ToEni) and not target.public:
        path.groups(eni, target.address, inbound=False)
        path.through("route", f"{target.address} is in the VPC: local.")
        _enter(path, target.eni, eni.address)
        return
    _leave_vpc(path, eni, target)


def _leave_vpc(path: _Path, eni: Eni, target: "ways.ToEni | ways.Beyond") -> None:
    """Go out through the internet gateway, and if the target is here, too, in again."""
    path.groups(eni, target.address, inbound=False)
    _take_gateway(path, eni, target.address)
    path.through("internet gateway", f"It goes on as {eni.public}.")
    if isinstance(target, ways.ToEni):
        _pass_gateway_in(path, target.eni)
        _enter(path, target.eni, eni.public)
    else:
        path.through("internet", f"It has left the VPC for {target.address or 'the internet'}; beyond is not judged.")


def _come_in(path: _Path, source: Outside, destination: Destination) -> None:
    target = ways.aim(path.model, source, destination, path.packet)
    match target:
        case ways.Nowhere(where, why):
            raise path.stop(where, why)
        case ways.ToEni():
            if target.host_port:
                path.through("published port", target.publication)
                path.packet = Packet(target.host_port, path.packet.protocol)
            _pass_gateway_in(path, target.eni)
            _enter(path, target.eni, source.address)
        case ways.Beyond():
            raise path.stop("internet", "Neither end is in a VPC of this region.")
        case ways.Service():
            raise path.stop("internet", "This address answers inside a VPC only.")


def _take_gateway(path: _Path, eni: Eni, address: str) -> None:
    """Check that the interface may leave the VPC for the address: a route, a gateway, a public address."""
    route = ways.route_to(path.model, eni, address)
    if route is None:
        raise path.stop("route", f"The route table of {eni.subnet} has no route to {address or 'the internet'}.")
    if not ways.leads_out(path.model, eni, route):
        raise path.stop("route", f"The route of {eni.subnet} to {route.destination} is a black hole: {route.target}.")
    path.through("route", f"{route.destination} leads to {route.target}.")
    if not eni.public:
        raise path.stop("internet gateway", f"{eni.id} has no public address, and the gateway translates nothing else.")


def _pass_gateway_in(path: _Path, eni: Eni) -> None:
    """Check that the internet gateway leads to the interface's public address, and answers find the way back."""
    if not ways.gateway_of(path.model, eni.vpc):
        raise path.stop("internet gateway", f"{eni.vpc} has no internet gateway.")
    route = ways.route_to(path.model, eni, "")
    if route is None or not ways.leads_out(path.model, eni, route):
        raise path.stop(
            "internet gateway", f"{eni.subnet} has no route to an internet gateway: no answer would come back."
        )
    path.through("internet gateway", f"{eni.public} is {eni.address}, {eni.id}.")


def _enter(path: _Path, eni: Eni, peer: str) -> None:
    """Arrive at an interface from the address *peer*: groups first, then whoever lives behind it."""
    if not eni.attached:
        raise path.stop(eni.id, f"{eni.id} has the address {eni.address}, but is attached to nothing.")
    path.groups(eni, peer, inbound=True)
    if eni.kind is Kind.BRANCH:
        path.through("trunk", f"{eni.id} is carried by {eni.trunk} as VLAN {eni.vlan}.")
    instance = path.model.instances.get(eni.instance)
    if eni.task or instance is None:
        task = path.model.tasks.get(eni.task)
        if task is not None and not task.running:
            raise path.stop("task", f"The task {task.id} is {task.status}.")
        path.through(eni.id, f"It arrives in the namespace of {_owner(eni)}.")
        _arrive(path)
        return
    if not instance.running:
        raise path.stop(instance.id, f"{instance.id} is {instance.state}.")
    path.through(eni.id, f"It arrives at {instance.id}.")
    if eni.id != instance.interface and ways.published(path.model, instance, path.packet) is not None:
        raise path.stop(
            "DNAT",
            f"A container is published there, but its answers leave {instance.id} by its primary interface, where "
            f"{eni.address} is a forged source.",
        )
    _deliver(path, instance, from_self=False)


def _owner(eni: Eni) -> str:
    if eni.balancer:
        return f"the load balancer {eni.balancer}"
    return f"the task {eni.task}" if eni.task else eni.id


def _deliver(path: _Path, instance: Instance, *, from_self: bool) -> None:
    """Deal with what has arrived at an instance: a published port leads on to a container."""
    packet = path.packet
    if (packet.protocol, packet.port) == ("udp", TRUNK_PORT):
        raise path.stop(
            instance.id, f"Port {packet} is the trunk's: frames of branches come by it from the router only."
        )
    published = ways.published(path.model, instance, packet)
    if published is not None:
        task, container, binding = published
        port = binding.container_port_of(packet.port)
        path.through(
            "DNAT",
            f"{instance.id} leads {packet} to port {port} of {container.name} in the bridge-mode task {task.id}.",
        )
    elif packet.protocol == "tcp" and packet.port in AGENT_PORTS and not from_self:
        raise path.stop(instance.id, f"Port {packet.port} is the ECS agent's: {instance.id} answers it to itself only.")
    else:
        hosts = [task for task in path.model.tasks_on(instance.id) if task.mode is Mode.HOST and task.running]
        also = f", or its {len(hosts)} host-mode tasks" if hosts else ""
        path.through(instance.id, f"No container is published there: it is for {instance.id} itself{also}.")
    _arrive(path)


def _arrive(path: _Path) -> None:
    path.through("port", f"It has arrived; whether anybody listens on {path.packet} is not judged.")
