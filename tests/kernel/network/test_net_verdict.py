"""What `homeport net explain` says of a packet is what happens to it: random networks, every packet really sent."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.network.probing import Probe, answers, listening
from tests.kernel.network.vpclab import Lab

from homeport.cli.net import model as shown
from homeport.cli.net.packet import Address, Alone, AtEni, Destination, OnBridge, OnInstance, Outside, Packet, Source
from homeport.cli.net.verdict import Verdict, judge
from homeport.network.desired import Binding, Group, Host, Interface, Network, Rule, Sandbox, Vpc

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

GROUPS = ("sg-1", "sg-2", "sg-3", "sg-4")
PORTS = (80, 81, 30080, 30081)
CIDRS = ("0.0.0.0/0", "10.0.0.0/16", "10.0.1.0/24", "10.0.2.0/24", "10.0.1.11/32", "198.18.0.0/16")
MACHINE = "198.18.0.1"
CONFIGURATIONS = 30
PACKETS = 150  # of each configuration


def some_rules(dice: random.Random) -> tuple[Rule, ...]:
    rules = []
    for _ in range(dice.randrange(4)):
        protocol = dice.choice(("", "tcp", "tcp", "udp"))
        low, high = sorted(dice.choices(PORTS, k=2)) if protocol else (-1, -1)
        if dice.random() < 0.4:
            rules.append(Rule(protocol, low, high, group=dice.choice(GROUPS)))
        else:
            rules.append(Rule(protocol, low, high, cidr=dice.choice(CIDRS)))
    return tuple(rules)


def some_network(dice: random.Random) -> Network:
    """Two instances with interfaces, a trunk, bridges and lone containers, and tasks with interfaces of their own."""
    gateway = dice.random() < 0.7
    vpcs = {
        "vpc-1": Vpc("vpc-1", ("10.0.0.0/16",), "10.0.0.2", gateway),
        "vpc-2": Vpc("vpc-2", ("10.1.0.0/16",), "10.1.0.2"),
    }
    groups = {id_: Group(id_, "vpc-1", some_rules(dice), some_rules(dice)) for id_ in GROUPS}
    groups["sg-9"] = Group("sg-9", "vpc-2", (Rule(cidr="0.0.0.0/0"),), (Rule(cidr="0.0.0.0/0"),))
    interfaces: dict[str, Interface] = {}

    def add(number: int, vpc: str = "vpc-1", **members: Any) -> Interface:
        subnet = dice.choice((1, 2)) if vpc == "vpc-1" else 3
        made = Interface(
            id=f"eni-{number:017x}",
            vpc=vpc,
            subnet_cidr=f"10.{vpc == 'vpc-2':d}.{subnet}.0/24",
            mac=f"02:00:00:00:00:{number:02x}",
            address=f"10.{vpc == 'vpc-2':d}.{subnet}.{10 + number}",
            groups=tuple(sorted(dice.sample(GROUPS, dice.randint(1, 2)))) if vpc == "vpc-1" else ("sg-9",),
            public_address=f"198.18.0.{20 + number}" if vpc == "vpc-1" and dice.random() < 0.5 else "",
            internet=subnet == 1,
            **members,
        )
        interfaces[made.id] = made
        return made

    hosts: dict[str, Host] = {}
    sandboxes: dict[str, Sandbox] = {}
    for number in (1, 2):
        host = Host(f"i-{number:017x}")
        hosts[host.id] = host
        add(number, host=host.id, device="eth0")
        for place in range(dice.randrange(4)):
            free = [port for port in PORTS if dice.random() < 0.3 and not _taken(sandboxes, host.id, port)]
            bindings = tuple(Binding(dice.choice(("tcp", "udp")), port, dice.choice((80, 81))) for port in free)
            address = f"172.17.{number}.{2 + place}" if dice.random() < 0.8 else ""
            sandbox = Sandbox(f"box-{number}-{place}", host.id, address, bindings if address else ())
            sandboxes[sandbox.id] = sandbox
    first, second = hosts
    if dice.random() < 0.5:
        add(3, host=second, device="eth1", primary=False)
    trunk = add(4, host=first, device="eth1", primary=False, carries_branches=True) if dice.random() < 0.6 else None
    for number in (5, 6):
        branch: dict[str, Any] = {"trunk": trunk.id, "vlan": number} if trunk else {}
        add(number, device="eth0", **branch)
    add(7)
    add(8, "vpc-2")
    return Network(vpcs, groups, interfaces, hosts, sandboxes)


def _taken(sandboxes: dict[str, Sandbox], host: str, port: int) -> bool:
    return any(binding.host_port == port for box in sandboxes.values() if box.host == host for binding in box.bindings)


def model_of(network: Network) -> shown.Model:
    """Return the network as the API would show it."""
    subnets, tables, enis = {}, {}, {}
    for eni in network.interfaces.values():
        id_ = f"subnet-{eni.subnet_cidr}"
        subnets[id_] = shown.Subnet(id_, eni.vpc, eni.subnet_cidr, "us-east-1a")
        routes = [shown.Route(network.vpcs[eni.vpc].cidrs[0], "local")]
        routes += [shown.Route("0.0.0.0/0", f"igw-{eni.vpc}")] if eni.internet else []
        tables[id_] = shown.RouteTable(f"rtb-{id_}", eni.vpc, tuple(routes), subnets=(id_,))
        kind = shown.Kind.TRUNK if eni.carries_branches else shown.Kind.BRANCH if eni.trunk else shown.Kind.INTERFACE
        enis[eni.id] = shown.Eni(
            id=eni.id,
            subnet=id_,
            vpc=eni.vpc,
            address=eni.address,
            groups=eni.groups,
            kind=kind,
            public=eni.public_address,
            instance=eni.host,
            task="" if eni.host else f"task-{eni.id}",
            trunk=eni.trunk,
            vlan=eni.vlan,
        )
    primaries = {eni.host: eni for eni in network.interfaces.values() if eni.host and eni.primary}
    tasks = [
        shown.Task(
            box.id,
            "default",
            "box:1",
            shown.Mode.BRIDGE if box.address else shown.Mode.NONE,
            instance=box.host,
            containers=(
                shown.Container(
                    "main",
                    bindings=tuple(shown.Binding(each.port, each.host_port, each.protocol) for each in box.bindings),
                ),
            ),
        )
        for box in network.sandboxes.values()
    ]
    return shown.Model(
        vpcs={vpc.id: shown.Vpc(vpc.id, vpc.cidrs[0]) for vpc in network.vpcs.values()},
        subnets=subnets,
        tables=tables,
        gateways={
            f"igw-{vpc.id}": shown.Gateway(f"igw-{vpc.id}", vpc.id)
            for vpc in network.vpcs.values()
            if vpc.internet_gateway
        },
        groups={
            group.id: shown.Group(group.id, group.vpc, "", *(_rules(rules) for rules in (group.ingress, group.egress)))
            for group in network.groups.values()
        },
        enis=enis,
        instances={
            id_: shown.Instance(id_, "c5.large", f"subnet-{eni.subnet_cidr}", eni.vpc, eni.id)
            for id_, eni in primaries.items()
        },
        tasks={task.id: task for task in tasks},
    )


def _rules(rules: tuple[Rule, ...]) -> tuple[shown.Rule, ...]:
    return tuple(
        shown.Rule(rule.protocol or "-1", rule.from_port, rule.to_port, rule.cidr, rule.group) for rule in rules
    )


@dataclass(frozen=True)
class Case:
    """A packet as it is asked about, and as it is sent."""

    source: Source
    destination: Destination
    packet: Packet
    probe: Probe


def sources(network: Network, model: shown.Model) -> Iterator[tuple[Source, str]]:
    """Return every place packets can come from, with its namespace; "" is the machine's own."""
    yield Outside(MACHINE), ""
    for instance in model.instances.values():
        yield OnInstance(instance, model.enis[instance.interface]), instance.id
    for eni in model.enis.values():
        if not eni.instance:
            yield AtEni(eni), eni.id
    for box in network.sandboxes.values():
        task, container = model.tasks[box.id], model.tasks[box.id].containers[0]
        if box.address:
            instance = model.instances[box.host]
            yield OnBridge(instance, model.enis[instance.interface], task, container), box.id
        else:
            yield Alone(task, container), box.id


def some_cases(dice: random.Random, network: Network, model: shown.Model, lab: Lab) -> Iterator[Case]:
    """Return packets from anywhere to anywhere."""
    places = list(sources(network, model))
    addresses = [eni.address for eni in model.enis.values()] + [eni.public for eni in model.enis.values() if eni.public]
    boxes = list(network.sandboxes.values())
    while True:
        source, name = dice.choice(places)
        packet = Packet(dice.choice(PORTS), dice.choice(("tcp", "tcp", "udp")))
        here = source.instance.id if isinstance(source, OnInstance | OnBridge) else ""
        box = dice.choice(boxes) if boxes and dice.random() < 0.3 else None
        destination: Destination
        if box is not None and box.host == here and box.address:
            # On the same bridge it goes to the container's own address.
            destination, address, port = _on_bridge(model, box), box.address, packet.port
        elif box is not None and box.address:
            # From elsewhere it is asked at the port where the instance publishes it, if it does.
            destination = _on_bridge(model, box)
            eni = destination.eni
            ports = [
                each.host_port for each in box.bindings if (each.port, each.protocol) == (packet.port, packet.protocol)
            ]
            inside = not isinstance(source, Outside | Alone) and source.eni.vpc == eni.vpc
            address, port = eni.address if inside else eni.public, next(iter(ports), 0)
            if not address or not port:
                address, port = box.address, packet.port
        else:
            address = dice.choice(
                [*addresses, "10.0.1.200", "127.0.0.1", *(other.address for other in boxes if other.host == here)]
            )
            if not address or (isinstance(source, Outside) and not address.startswith("198.")):
                continue
            destination, port = Address(address), packet.port
        place = None if isinstance(source, Outside) else lab.driver.namespace(name)
        yield Case(source, destination, packet, Probe(place, address, port, packet.protocol))


def _on_bridge(model: shown.Model, box: Sandbox) -> OnBridge:
    task, instance = model.tasks[box.id], model.instances[box.host]
    return OnBridge(instance, model.enis[instance.interface], task, task.containers[0])


@pytest.mark.parametrize("seed", range(CONFIGURATIONS))
def test_the_verdict_is_what_happens(lab: Lab, seed: int) -> None:
    dice = random.Random(seed)
    network = some_network(dice)
    assert lab.apply_network(network) == {}
    model = model_of(network)
    cases = list(islice(some_cases(dice, network, model, lab), PACKETS))
    names = [name for _, name in sources(network, model)]
    places: list[Path | None] = [lab.driver.namespace(name) for name in names if name]
    verdicts = [judge(model, case.source, case.destination, case.packet) for case in cases]
    with listening(lab, places, PORTS) as servers:
        happened = answers(lab, [case.probe for case in cases], servers, [verdict.passes for verdict in verdicts])
    wrong = []
    for case, passed, verdict in zip(cases, happened, verdicts, strict=True):
        if verdict.passes is not passed:
            wrong.append((case, passed, verdict))
    assert not wrong, _say(wrong)
    assert any(happened)
    assert not all(happened)


def _say(wrong: list[tuple[Case, bool, Verdict]]) -> str:
    """Return what was sent, whether it arrived, and why it should not or should have."""
    lines = []
    for case, passed, verdict in wrong:
        hops = " ".join(f"[{hop.where}] {hop.what}" for hop in verdict.hops)
        lines.append(f"{case.probe}: {'it arrived' if passed else 'nobody answered'}, but {hops}")
    return "\n".join(lines)
