"""
Decide what to do so that the kernel's network becomes the desired one.

Pure: it knows what is in force and what is wanted, and yields actions whose order keeps these true
whenever it is interrupted:

- An interface is registered with its security groups only after its link exists, and what is not
  registered passes nothing: no moment is more open than the old or the new configuration.
- What an interface that goes has left behind (its link, its connections) is gone before
  anything with its address comes.
- What does not differ is not touched: connections outlive any number of passes.
"""

import itertools
import socket
from collections.abc import Collection, Iterator, Mapping
from ipaddress import IPv4Network

from homeport.network import firewall, host_plan, naming
from homeport.network.actions import (
    Action,
    Attach,
    ChangeFilter,
    ChangeTranslation,
    Detach,
    EnsureEdge,
    EnsureGateway,
    EnsureRouter,
    InForce,
    Link,
    Plan,
    Remains,
    RemoveEdge,
    RemoveGateway,
    RemoveRouter,
    ReplaceFilter,
    ReplaceTranslation,
    SetAddresses,
)
from homeport.network.admission import Admission, admit, vpc_fault
from homeport.network.desired import Group, Interface, Network, Vpc
from homeport.network.firewall import Filter
from homeport.network.ruleset import SERVICE_ADDRESSES


def plan(current: InForce, desired: Network, pool: IPv4Network) -> Plan:
    """Return what makes *desired* of *current*, with public addresses from *pool*; the same again yields no action."""
    vpcs = {id_: vpc for id_, vpc in desired.vpcs.items() if not vpc_fault(vpc)}
    hosts = host_plan.admit_hosts(current, desired)
    admission = admit(current.admitted, desired, vpcs, hosts.hosts.keys(), pool)
    after = _after(current, desired, vpcs, admission)
    host_plan.describe(after, hosts)
    lost = _lost(current, after.links, hosts.intact)
    actions: list[Action] = []
    actions += _detach(current, after.links, admission, lost, hosts.intact)
    actions += host_plan.remove(current, hosts)
    actions += [RemoveGateway(vpc) for vpc in sorted(current.gateways - after.gateways)]
    actions += [RemoveRouter(vpc) for vpc in sorted(current.routers.keys() - vpcs.keys())]
    if current.edge and not after.edge:
        actions.append(RemoveEdge())
    actions += [EnsureRouter(vpc) for id_, vpc in vpcs.items() if current.routers.get(id_) != vpc]
    for id_, addresses in after.addresses.items():
        if current.addresses.get(id_) != addresses:
            actions.append(SetAddresses(id_, addresses))
    if after.edge and not (current.edge and current.translations):
        actions.append(EnsureEdge())
    actions += [EnsureGateway(vpcs[id_]) for id_ in after.translations if not _gateway_known(current, vpcs[id_])]
    actions += host_plan.make(hosts)
    actions += _attach(current, after, admission, lost)
    actions += host_plan.attach(current, after, hosts)
    actions += host_plan.settle(current, after, hosts)
    actions += _filter_actions(current, vpcs, after.filters)
    actions += _translation_actions(current, after.translations)
    failures = hosts.failures | dict(admission.failures)
    return Plan(tuple(actions), failures, after, {id_: each.host for id_, each in hosts.sandboxes.items()})


def link_of(interface: Interface, number: int = 0, carrier: str = "") -> Link:
    """Return an interface's link; a trunk's *number* is its branches', too, as is its address, their *carrier*."""
    return Link(
        interface.vpc,
        interface.subnet_cidr,
        interface.mac,
        interface.address,
        interface.device,
        interface.host,
        interface.primary,
        number,
        interface.trunk,
        interface.vlan,
        carrier,
        interface.block_metadata,
    )


def gateway_address(subnet_cidr: str) -> str:
    """Return the subnet's first address, which its VPC's router answers to."""
    base, _, _ = subnet_cidr.partition("/")
    first = int.from_bytes(socket.inet_aton(base), "big") + 1
    return socket.inet_ntoa(first.to_bytes(4, "big"))


def _after(current: InForce, desired: Network, vpcs: Mapping[str, Vpc], admission: Admission) -> InForce:
    """Return what will be in force; a VPC that nothing touches keeps its very values."""
    interfaces = admission.admitted.interfaces
    links = {id_: link for id_, link in current.links.items() if id_ in interfaces}
    for id_ in sorted(
        admission.changed.keys() | (interfaces.keys() - links.keys()), key=lambda id_: bool(interfaces[id_].trunk)
    ):
        links[id_] = _link(interfaces[id_], links)
    after = InForce(links, routers=dict(vpcs), admitted=admission.admitted)
    groups: dict[str, dict[str, Group]] = {id_: {} for id_ in vpcs}
    for id_, group in desired.groups.items():
        if group.vpc in groups and naming.is_safe(id_):
            groups[group.vpc][id_] = group
    touched = {each.vpc for each in (*admission.changed.values(), *admission.left.values())}
    for id_, vpc in vpcs.items():
        existing = current.filters.get(id_)
        if existing and id_ not in touched and existing.groups == groups[id_] and current.routers.get(id_) == vpc:
            after.filters[id_] = existing
            after.addresses[id_] = current.addresses[id_]
            if vpc.internet_gateway:
                after.translations[id_] = current.translations[id_]
        else:
            members = {each.id: each for each in interfaces.values() if each.vpc == id_}
            carried = {
                each: naming.identifier(links[each].number, links[each].vlan) for each in members if links[each].trunk
            }
            after.filters[id_] = firewall.make_filter(groups[id_], members, vpc.internet_gateway, existing, carried)
            after.addresses[id_] = _addresses(vpc, members)
            if vpc.internet_gateway:
                after.translations[id_] = _translation(members)
    after.gateways = set(after.translations)
    after.edge = bool(after.translations)
    return after


def _link(interface: Interface, links: Mapping[str, Link]) -> Link:
    """Describe the link of an interface beside the others, of which trunks come before their branches."""
    if interface.trunk:
        trunk = links[interface.trunk]
        return link_of(interface, trunk.number, trunk.address)
    if not interface.carries_branches:
        return link_of(interface)
    there = links.get(interface.id)
    if there is not None and there.number and there.vpc == interface.vpc:
        return link_of(interface, there.number)
    taken = {link.number for link in links.values() if link.vpc == interface.vpc and not link.trunk}
    return link_of(interface, next(number for number in itertools.count(1) if number not in taken))


def _lost(current: InForce, links: Mapping[str, Link], intact: Collection[str]) -> set[str]:
    """Name the interfaces that exist and have to be made anew because what they lie in, or upon, is."""
    if current.hosts.keys() <= set(intact) and not current.half_hosts:
        hosted: set[str] = set()
    else:
        hosted = {id_ for id_, link in current.links.items() if link.host and link.host not in intact}
    trunks = {id_ for id_, link in current.links.items() if link.number and not link.trunk}
    changed = {id_ for id_ in trunks if id_ in hosted or links.get(id_) != current.links[id_]}
    return hosted | {id_ for id_, link in current.links.items() if changed and link.trunk in changed}


def _addresses(vpc: Vpc, members: Mapping[str, Interface]) -> frozenset[str]:
    gateways = {gateway_address(subnet) for subnet in {interface.subnet_cidr for interface in members.values()}}
    carriers = [naming.CARRIER] if any(interface.carries_branches for interface in members.values()) else []
    return frozenset({*SERVICE_ADDRESSES, *([vpc.dns] if vpc.dns else []), *gateways, *carriers})


def _translation(members: Mapping[str, Interface]) -> dict[str, str]:
    return {each.address: each.public_address for each in members.values() if firewall.reaches_internet(each)}


def _detach(
    current: InForce, links: Mapping[str, Link], admission: Admission, lost: Collection[str], intact: frozenset[str]
) -> Iterator[Detach]:
    """What is half made goes too, wanted or not: it is made anew from nothing."""
    suspects = admission.changed.keys() | (current.links.keys() - links.keys()) | set(lost)
    gone = {
        id_: Remains(link.vpc, link.address)
        for id_ in suspects
        if (link := current.links.get(id_)) is not None and (id_ in lost or link != links.get(id_))
    }
    by_vpc: dict[str, dict[str, Remains]] = {}
    for id_, left in (gone | current.remains).items():
        by_vpc.setdefault(left.vpc, {})[id_] = left
    for vpc, all_left in sorted(by_vpc.items()):
        addresses = {left.address for left in all_left.values()} - {""}
        hosts = {current.links[id_].host for id_ in all_left if id_ in current.links} & intact
        emptied = [id_ for id_ in sorted(all_left) if id_ not in current.links or current.links[id_].trunk]
        yield Detach(vpc, tuple(sorted(all_left)), tuple(sorted(addresses)), tuple(sorted(hosts)), tuple(emptied))


def _attach(current: InForce, after: InForce, admission: Admission, lost: Collection[str]) -> Iterator[Attach]:
    interfaces = admission.admitted.interfaces
    wanted = admission.changed.keys() | (interfaces.keys() - current.links.keys()) | (set(lost) & interfaces.keys())
    for id_ in sorted(wanted, key=lambda id_: (bool(interfaces[id_].trunk), id_)):
        if id_ in lost or current.links.get(id_) != after.links[id_]:
            yield Attach(interfaces[id_], after.links[id_])


def _gateway_known(current: InForce, vpc: Vpc) -> bool:
    return vpc.id in current.gateways and vpc.id in current.translations and current.routers.get(vpc.id) == vpc


def _filter_actions(
    current: InForce, vpcs: Mapping[str, Vpc], filters: Mapping[str, Filter]
) -> Iterator[ReplaceFilter | ChangeFilter]:
    for id_, wanted in filters.items():
        existing = current.filters.get(id_)
        if existing is None or current.routers.get(id_) != vpcs[id_]:
            yield ReplaceFilter(vpcs[id_], wanted)
        elif existing is not wanted:
            changes = firewall.changes(existing, wanted)
            if not changes.empty():
                yield ChangeFilter(id_, changes)


def _translation_actions(
    current: InForce, translations: Mapping[str, Mapping[str, str]]
) -> Iterator[ReplaceTranslation | ChangeTranslation]:
    for id_, wanted in translations.items():
        existing = current.translations.get(id_) if id_ in current.gateways else None
        if existing is None:
            yield ReplaceTranslation(id_, wanted)
        elif existing != wanted:
            removed = dict(existing.items() - wanted.items())
            yield ChangeTranslation(id_, removed, dict(wanted.items() - existing.items()))
