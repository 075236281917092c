"""The verdict on a packet, against a second opinion that knows nothing of hops: sets of addresses and open ports."""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.property.cli.networks import GROUPS, models, ports

from homeport.cli.net.model import Eni, Group, Mode, Model
from homeport.cli.net.packet import Address, Alone, AtEni, OnBridge, OnInstance, Outside, Packet, Source
from homeport.cli.net.verdict import judge

OUTSIDE = "198.18.0.1"


@dataclass(frozen=True)
class Case:
    model: Model
    source: Source
    address: str
    packet: Packet


@st.composite
def cases(draw: st.DrawFn) -> Case:
    model = draw(models())
    sources: list[Source] = [Outside(OUTSIDE)]
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
        if target is None or not goes_out(model, target) or not lives[target.id]:
            return False
        return allowed(model, target, OUTSIDE, case.packet, True)
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
        if address in {
            own.address for own in model.enis.values() if own.instance == source.instance.id and not own.task
        }:
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
