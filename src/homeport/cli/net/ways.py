"""What a destination is for one who asks: an interface, the instance, something the router answers, or nothing.  Pure."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from homeport.cli.net.model import (
    DOCKER_ADDRESS,
    DOCKER_NETWORK,
    Binding,
    Container,
    Eni,
    Instance,
    Mode,
    Model,
    Route,
    Task,
)
from homeport.cli.net.packet import Address, Alone, AtEni, Destination, OnBridge, OnInstance, Outside, Packet, Source

DOCKER_GATEWAY = str(DOCKER_ADDRESS)
CREDENTIALS, METADATA, RESOLVER = "169.254.170.2", "169.254.169.254", "169.254.169.253"
_LINK_LOCAL = IPv4Network("169.254.0.0/16")
_API_PORT = 4566


@dataclass(frozen=True, slots=True)
class ToEni:
    """An interface's address, private or *public*; with *host_port* a published port is what leads to the goal."""

    eni: Eni
    public: bool = False
    host_port: int = 0
    publication: str = ""

    @property
    def address(self) -> str:
        return self.eni.public if self.public else self.eni.address


@dataclass(frozen=True, slots=True)
class Beyond:
    """An address outside of all VPCs; "" for any."""

    address: str


@dataclass(frozen=True, slots=True)
class Service:
    """Something that is answered before any security group is asked."""

    where: str
    what: str
    by_instance: str = ""


@dataclass(frozen=True, slots=True)
class Nowhere:
    """Nothing leads there, and why."""

    where: str
    why: str


Aim = ToEni | Beyond | Service | Nowhere


def instance_of(source: Source) -> Instance | None:
    """Return the instance through whose namespace the source's packets go."""
    return source.instance if isinstance(source, OnInstance | OnBridge) else None


def lives_in(eni: Eni, instance: Instance) -> bool:
    """Tell whether the interface lies in the instance's own namespace."""
    return eni.instance == instance.id and not eni.task


def aim(model: Model, source: Source, destination: Destination, packet: Packet) -> Aim:
    """Return what *destination* is as seen from *source*, both alive."""
    match destination:
        case Address(address):
            return _aim_at_address(model, source, address, packet)
        case AtEni(eni=eni) | OnInstance(eni=eni):
            return _aim_at_eni(source, eni)
        case OnBridge():
            return _aim_at_container(source, destination, packet)
        case Outside(address):
            return Beyond(address)
        case Alone(container=container):
            return Nowhere("none", f"{container.name} is in network mode none.")


def _aim_at_eni(source: Source, eni: Eni) -> Aim:
    """Use the private address inside the VPC, and the public one from elsewhere."""
    if not isinstance(source, Outside | Alone) and source.eni.vpc == eni.vpc:
        return ToEni(eni)
    if eni.public:
        return ToEni(eni, public=True)
    if isinstance(source, Outside):
        return Nowhere(
            "internet", f"{eni.id} has no public address: nothing leads to {eni.address} from outside its VPC."
        )
    return Nowhere("route", f"{eni.id} is in another VPC, {eni.vpc}, and has no public address.")


def _aim_at_container(source: Source, destination: OnBridge, packet: Packet) -> Aim:
    """A container on a bridge is reached through its instance, at a port that the instance publishes."""
    container, instance = destination.container, destination.instance
    ports = [binding.host_port_of(packet.port, packet.protocol) for binding in container.bindings]
    host_port = next((port for port in ports if port), 0)
    if not host_port:
        published = ", ".join(
            f"{binding.protocol} {binding.container_port} as {binding.host_port}" for binding in container.bindings
        )
        return Nowhere(
            "docker0",
            f"{instance.id} does not publish {packet} of {container.name}, and its address on docker0 exists inside "
            f"the instance only. Published: {published or 'nothing'}.",
        )
    way = _aim_at_eni(source, destination.eni)
    if not isinstance(way, ToEni):
        return way
    said = f"{container.name} is asked at {way.address}:{host_port}, where {instance.id} publishes its {packet}."
    return ToEni(way.eni, way.public, host_port, said)


def _aim_at_address(model: Model, source: Source, address: str, packet: Packet) -> Aim:
    where = IPv4Address(address)
    if isinstance(source, Outside):
        owner = model.public_owner(address)
        if owner is not None:
            return ToEni(owner, public=True)
        return Nowhere("internet", f"{address} is the public address of nothing here.")
    assert not isinstance(source, Alone), "what is alone was dealt with"
    vpc = model.vpcs[source.eni.vpc]
    if where in _LINK_LOCAL or where == resolver_of(vpc.cidr):
        return _service(source, address, packet)
    if where in IPv4Network(vpc.cidr):
        owner = model.address_owner(vpc.id, address)
        return ToEni(owner) if owner is not None else Nowhere("route", f"No interface of {vpc.id} has {address}.")
    if where in DOCKER_NETWORK:
        return Nowhere("route", f"{address} is an address of docker0, which exists inside one instance only.")
    if (owner := model.public_owner(address)) is not None:
        return ToEni(owner, public=True)
    if _in_some_vpc(model, where):
        return Nowhere("route", f"{address} is in another VPC, and nothing connects the two.")
    return Beyond(address)


def _in_some_vpc(model: Model, where: IPv4Address) -> bool:
    return any(where in IPv4Network(vpc.cidr) for vpc in model.vpcs.values())


def resolver_of(cidr: str) -> IPv4Address:
    """Return the address of a VPC's resolver: its third."""
    return IPv4Network(cidr)[2]


def _service(source: AtEni | OnInstance | OnBridge, address: str, packet: Packet) -> Aim:
    kind = (packet.protocol, packet.port)
    instance = instance_of(source)
    if address == METADATA and isinstance(source, AtEni) and not source.eni.instance:
        return Nowhere("route", "Fargate has no instance metadata: the task has no route to it.")
    if address == CREDENTIALS and kind == ("tcp", 80):
        if instance is None:
            return Service("router", "The VPC's router answers with the task's credentials and metadata.")
        return Service(
            "agent", f"The agent on {instance.id} answers.", f"{instance.id} leads it to its own port 51679."
        )
    if address == METADATA and kind == ("tcp", 80):
        return Service("router", "The VPC's router answers as the instance metadata service.")
    resolver = address not in {CREDENTIALS, METADATA} and not (
        IPv4Address(address) in _LINK_LOCAL and address != RESOLVER
    )
    if resolver and (kind in {("tcp", 53), ("udp", 53)} or (kind == ("tcp", _API_PORT) and address != RESOLVER)):
        what = "with the AWS API" if packet.port == _API_PORT else "as the VPC's resolver"
        return Service("router", f"The VPC's router answers {what}; no security group is asked.")
    if packet.protocol == "icmp" and (resolver or address == METADATA):
        return Service("router", "The VPC's router answers; no security group is asked.")
    return Nowhere("router", f"The VPC's router does not answer {packet} at {address}.")


def route_to(model: Model, eni: Eni, address: str) -> Route | None:
    """Return the most specific route of the interface's subnet; for "" that to everywhere."""
    subnet = model.subnets.get(eni.subnet)
    table = model.table_of(subnet) if subnet is not None else None
    if table is None:
        return None
    where = IPv4Address(address or "0.0.0.0")  # noqa: S104 - nobody listens on it
    nets = [(IPv4Network(route.destination), route) for route in table.routes if ":" not in route.destination]
    if not address:
        nets = [(net, route) for net, route in nets if net.prefixlen == 0]
    found = [(net.prefixlen, route) for net, route in nets if where in net]
    return max(found, key=lambda item: item[0])[1] if found else None


def leads_out(model: Model, eni: Eni, route: Route) -> bool:
    """Tell whether a route leads to an internet gateway that is attached to the interface's VPC."""
    gateway = model.gateways.get(route.target)
    return route.active and gateway is not None and gateway.vpc == eni.vpc


def gateway_of(model: Model, vpc: str) -> str:
    return next((gateway.id for gateway in model.gateways.values() if gateway.vpc == vpc), "")


def published(model: Model, instance: Instance, packet: Packet) -> tuple[Task, Container, Binding] | None:
    """Return the container that an instance's port leads to."""
    for task in model.tasks_on(instance.id):
        if task.mode is not Mode.BRIDGE or not task.running:
            continue
        for container in task.containers:
            for binding in container.bindings:
                if container.running and binding.publishes(packet.port, packet.protocol):
                    return task, container, binding
    return None
