"""The verdict on a packet, against a second opinion that knows nothing of hops: sets of addresses and open ports."""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from hypothesis import event, given, settings
from hypothesis import strategies as st

from homeport.cli.net.model import (
    Binding,
    Container,
    Eni,
    Gateway,
    Group,
    Instance,
    Kind,
    Mode,
    Model,
    Route,
    RouteTable,
    Rule,
    Subnet,
    Task,
    Vpc,
)
from homeport.cli.net.packet import Address, Alone, AtEni, OnBridge, OnInstance, Outside, Packet
from homeport.cli.net.verdict import judge

GROUPS = ("sg-1", "sg-2", "sg-3")
PORTS = (80, 81, 32768, 32769)
OUTSIDE = "198.18.0.1"

ports = st.sampled_from(PORTS)
rules = st.builds(
    lambda protocol, low, high, peer: Rule(
        protocol,
        *((-1, -1) if protocol == "-1" else (min(low, high), max(low, high))),
        **({"group": peer} if peer.startswith("sg") else {"cidr": peer}),
    ),
    st.sampled_from(("-1", "tcp", "tcp", "udp", "17")),
    ports,
    ports,
    st.sampled_from((*GROUPS, "0.0.0.0/0", "10.0.0.0/16", "10.0.1.0/24", "10.0.1.10/32", "198.18.0.0/16")),
)


@dataclass(frozen=True)
class Case:
    model: Model
    source: object
    address: str
    packet: Packet


@st.composite
def models(draw: st.DrawFn) -> Model:
    def some_groups() -> tuple[str, ...]:
        return tuple(draw(st.lists(st.sampled_from(GROUPS), min_size=1, max_size=2, unique=True)))

    def public(number: int) -> str:
        return f"198.18.0.{number}" if draw(st.booleans()) else ""

    enis, instances, tasks = {}, {}, {}
    for number in (1, 2):
        instance = f"i-{number}"
        subnet = draw(st.sampled_from(("subnet-1", "subnet-2")))
        address = f"10.0.{subnet[-1]}.{10 * number}"
        eni = Eni(
            f"eni-{number}",
            subnet,
            "vpc-1",
            address,
            groups=some_groups(),
            instance=instance,
            public=public(10 * number),
        )
        enis[eni.id] = eni
        running = draw(st.sampled_from((True, True, True, False)))
        instances[instance] = Instance(
            instance, "c5.large", subnet, "vpc-1", eni.id, running=running, state="running" if running else "stopped"
        )
        host_ports = draw(st.lists(st.sampled_from((32768, 32769)), max_size=2, unique=True))
        bridge = Task(
            f"bridge{number}",
            "default",
            "bridge:1",
            Mode.BRIDGE,
            instance=instance,
            containers=(
                Container("web", bindings=tuple(Binding(80 + place, port) for place, port in enumerate(host_ports))),
                Container("side"),
            ),
        )
        alone = Task(
            f"alone{number}", "default", "none:1", Mode.NONE, instance=instance, containers=(Container("main"),)
        )
        host = Task(f"host{number}", "default", "host:1", Mode.HOST, instance=instance, containers=(Container("main"),))
        tasks |= {task.id: task for task in (bridge, alone, host)}
    for number in (3, 4):
        vpc, subnet = draw(st.sampled_from((("vpc-1", "subnet-1"), ("vpc-1", "subnet-2"), ("vpc-2", "subnet-3"))))
        address = f"10.{vpc[-1] != '1':d}.{subnet[-1]}.{10 * number}"
        on = draw(st.sampled_from(("", "i-1"))) if vpc == "vpc-1" else ""
        branch = {"kind": Kind.BRANCH, "trunk": "eni-t", "vlan": number} if on and draw(st.booleans()) else {}
        task = Task(f"task{number}", "default", "vpc:1", Mode.AWSVPC, instance=on, eni=f"eni-{number}")
        tasks[task.id] = task
        enis[task.eni] = Eni(
            task.eni,
            subnet,
            vpc,
            address,
            groups=some_groups(),
            public=public(10 * number),
            instance=on,
            task=task.id,
            **branch,
        )
    leads_out = draw(st.sampled_from(("igw-1", "igw-1", "igw-gone", "")))
    default = (Route("0.0.0.0/0", leads_out),) if leads_out else ()
    groups = {
        id_: Group(id_, "vpc-1", "", tuple(draw(st.lists(rules, max_size=3))), tuple(draw(st.lists(rules, max_size=3))))
        for id_ in GROUPS
    }
    return Model(
        vpcs={"vpc-1": Vpc("vpc-1", "10.0.0.0/16"), "vpc-2": Vpc("vpc-2", "10.1.0.0/16")},
        subnets={
            f"subnet-{n}": Subnet(f"subnet-{n}", f"vpc-{1 + n // 3}", f"10.{n // 3}.{n}.0/24", "us-east-1a")
            for n in (1, 2, 3)
        },
        tables={
            "rtb-1": RouteTable("rtb-1", "vpc-1", (Route("10.0.0.0/16", "local"), *default), main=True),
            "rtb-2": RouteTable("rtb-2", "vpc-1", (Route("10.0.0.0/16", "local"),), subnets=("subnet-2",)),
            "rtb-3": RouteTable("rtb-3", "vpc-2", (Route("10.1.0.0/16", "local"),), main=True),
        },
        gateways={"igw-1": Gateway("igw-1", "vpc-1")} if draw(st.booleans()) else {},
        groups=groups,
        enis=enis,
        instances=instances,
        tasks=tasks,
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    model = draw(models())
    sources: list[object] = [Outside(OUTSIDE)]
    for task in model.tasks.values():
        if task.mode is Mode.AWSVPC:
            sources.append(AtEni(model.enis[task.eni], task))
            continue
        instance = model.instances[task.instance]
        eni = model.enis[instance.interface]
        for container in task.containers:
            match task.mode:
                case Mode.BRIDGE:
                    sources.append(OnBridge(instance, eni, task, container))
                case Mode.HOST:
                    sources.append(OnInstance(instance, eni, task))
                case _:
                    sources.append(Alone(task, container))
    addresses = [eni.address for eni in model.enis.values()] + [eni.public for eni in model.enis.values() if eni.public]
    address = draw(st.sampled_from([*addresses, "10.0.1.77", "10.1.3.77", "198.18.0.77", "127.0.0.1", "172.17.0.2"]))
    packet = Packet(draw(ports), draw(st.sampled_from(("tcp", "tcp", "udp"))))
    return Case(model, draw(st.sampled_from(sources)), address, packet)


def allowed(model: Model, eni: Eni, peer: str, packet: Packet, inbound: bool) -> bool:
    members = {
        group: {e.address for e in model.enis.values() if e.vpc == eni.vpc and group in e.groups} for group in GROUPS
    }
    for group in eni.groups:
        for rule in model.groups[group].ingress if inbound else model.groups[group].egress:
            protocol = {"17": "udp"}.get(rule.protocol, rule.protocol)
            service = protocol == "-1" or (
                protocol == packet.protocol and rule.from_port <= packet.port <= rule.to_port
            )
            whom = peer in members[rule.group] if rule.group else ip_address(peer) in ip_network(rule.cidr)
            if service and whom:
                return True
    return False


def goes_out(model: Model, eni: Eni) -> bool:
    """Tell whether the interface is one that the internet gateway translates."""
    by_subnet = {"subnet-1": "rtb-1", "subnet-2": "rtb-2", "subnet-3": "rtb-3"}
    targets = {route.target for route in model.tables[by_subnet[eni.subnet]].routes if route.destination == "0.0.0.0/0"}
    return bool(eni.public) and "igw-1" in targets and "igw-1" in model.gateways


def second_opinion(case: Case) -> bool:
    model, source, address = case.model, case.source, case.address
    lives = {
        eni.id: model.instances[eni.instance].running if eni.instance and not eni.task else True
        for eni in model.enis.values()
    }
    private = {(eni.vpc, eni.address): eni for eni in model.enis.values()}
    public = {eni.public: eni for eni in model.enis.values() if eni.public}
    if isinstance(source, Outside):
        target = public.get(address)
        reached = target is not None and goes_out(model, target) and lives[target.id]
        return reached and allowed(model, target, OUTSIDE, case.packet, True)
    if isinstance(source, OnBridge | OnInstance) and not source.instance.running:
        return False
    if address == "127.0.0.1":
        return True
    if isinstance(source, Alone):
        return False
    eni = source.eni
    if isinstance(source, OnBridge | OnInstance):
        if address == "172.17.0.2":
            return True  # each instance has a bridge with containers on it
        if address == eni.address:
            return True
    elif address == eni.address:
        return True
    if ip_address(address) in ip_network(model.vpcs[eni.vpc].cidr):
        target, seen = private.get((eni.vpc, address)), eni.address
        if target is None:
            return False
    elif any(ip_address(address) in ip_network(cidr) for cidr in ("10.0.0.0/15", "172.17.0.0/16")):
        return False
    else:
        target, seen = public.get(address), eni.public
        if not goes_out(model, eni):
            return False
        if target is None:
            return allowed(model, eni, address, case.packet, False)
        if not goes_out(model, target):
            return False
    return (
        lives[target.id]
        and allowed(model, eni, address, case.packet, False)
        and allowed(model, target, seen, case.packet, True)
    )


@given(cases())
@settings(max_examples=600, deadline=None)
def test_the_verdict_is_what_a_naive_look_finds(case: Case) -> None:
    verdict = judge(case.model, case.source, Address(case.address), case.packet)
    event(f"passes: {verdict.passes}, from {type(case.source).__name__}")
    assert verdict.passes == second_opinion(case), verdict
    assert all(hop.passes for hop in verdict.hops[:-1])
    assert verdict.hops[-1].passes is verdict.passes


@given(cases())
@settings(max_examples=200, deadline=None)
def test_taking_a_rule_away_never_opens_a_way(case: Case) -> None:
    """No rule denies: fewer of them let fewer packets through."""
    before = judge(case.model, case.source, Address(case.address), case.packet).passes
    for id_, group in case.model.groups.items():
        for ingress, egress in ((group.ingress[1:], group.egress), (group.ingress, group.egress[1:])):
            fewer = Group(id_, group.vpc, group.name, ingress, egress)
            model = Model(
                case.model.vpcs,
                case.model.subnets,
                case.model.tables,
                case.model.gateways,
                {**case.model.groups, id_: fewer},
                case.model.enis,
                case.model.instances,
                case.model.tasks,
            )
            assert before or not judge(model, case.source, Address(case.address), case.packet).passes
