"""
Decide what to do about hosts and sandboxes.  Pure; `plan` puts it in order with the rest.

A host that is half made is made anew, with everything that lies in it; a sandbox goes with its host.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from homeport.network import host_rules, naming
from homeport.network.actions import (
    AttachSandbox,
    Box,
    ChangeHostRules,
    DetachSandboxes,
    EnsureHost,
    InForce,
    Link,
    RemoveHost,
    ReplaceHostRules,
    SetSources,
    Source,
)
from homeport.network.admission import device_number, is_ipv4, is_network
from homeport.network.desired import Host, Network, Sandbox

_FIRST_TABLE = 1000


@dataclass(slots=True)
class HostPlan:
    """What will be there, what is no longer intact, and what cannot be made (id to reason)."""

    hosts: dict[str, Host] = field(default_factory=dict)
    sandboxes: dict[str, Sandbox] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    intact: frozenset[str] = frozenset()  # hosts that are there and stay


def admit_hosts(current: InForce, desired: Network) -> HostPlan:
    """Say which hosts and sandboxes can be made, and which hosts are there as they shall be."""
    plan = HostPlan()
    for id_, host in desired.hosts.items():
        if fault := _host_fault(host):
            plan.failures[id_] = fault
        else:
            plan.hosts[id_] = host
    owners: dict[tuple[str, str], str] = {}
    for id_, sandbox in sorted(desired.sandboxes.items(), key=lambda item: item[0] not in current.sandboxes):
        if fault := _sandbox_fault(sandbox, plan.hosts) or _claim(owners, sandbox):
            plan.failures[id_] = fault
        else:
            plan.sandboxes[id_] = sandbox
    plan.intact = frozenset(id_ for id_, host in plan.hosts.items() if current.hosts.get(id_) == host)
    return plan


def remove(current: InForce, plan: HostPlan) -> Iterator[DetachSandboxes | RemoveHost]:
    """Yield what has to go, the interfaces of the hosts excepted: they are gone by then."""
    by_host: dict[str, dict[str, str]] = {}
    for id_, box in current.sandboxes.items():
        if not _stays(id_, box, plan):
            by_host.setdefault(box.host, {})[id_] = box.address
    for id_, host in current.half_sandboxes.items():
        by_host.setdefault(host, {})[id_] = ""
    for host, boxes in sorted(by_host.items()):
        yield DetachSandboxes(host, tuple(sorted(boxes)), tuple(sorted(set(boxes.values()) - {""})))
    for host in sorted((current.hosts.keys() | current.half_hosts) - plan.intact):
        yield RemoveHost(host)


def make(plan: HostPlan) -> Iterator[EnsureHost]:
    """Yield the hosts to be made, before the interfaces that lie in them."""
    for id_, host in sorted(plan.hosts.items()):
        if id_ not in plan.intact:
            yield EnsureHost(host)


def attach(current: InForce, after: InForce, plan: HostPlan) -> Iterator[AttachSandbox]:
    """Yield the sandboxes to be made."""
    for id_ in sorted(plan.sandboxes.keys()):
        there = current.sandboxes.get(id_)
        if there is None or there != after.sandboxes[id_] or not _stays(id_, there, plan):
            sandbox = plan.sandboxes[id_]
            yield AttachSandbox(sandbox, plan.hosts[sandbox.host])


def settle(
    current: InForce, after: InForce, plan: HostPlan
) -> Iterator[SetSources | ReplaceHostRules | ChangeHostRules]:
    """Yield what brings routing and rules of the hosts to what they shall be."""
    for id_, host in sorted(plan.hosts.items()):
        known = id_ in plan.intact
        if not known or current.sources.get(id_) != after.sources[id_]:
            yield SetSources(id_, after.sources[id_])
        existing, wanted = current.host_rules.get(id_) if known else None, after.host_rules[id_]
        if existing is None:
            yield ReplaceHostRules(host, wanted)
        elif existing != wanted:
            yield ChangeHostRules(id_, existing.minus(wanted), wanted.minus(existing))


def describe(after: InForce, plan: HostPlan) -> None:
    """Put into *after* what will be there of hosts and sandboxes."""
    after.hosts = dict(plan.hosts)
    after.sandboxes = {id_: box_of(sandbox) for id_, sandbox in plan.sandboxes.items()}
    by_host: dict[str, dict[str, Sandbox]] = {id_: {} for id_ in plan.hosts}
    for id_, sandbox in plan.sandboxes.items():
        by_host[sandbox.host][id_] = sandbox
    after.host_rules = {id_: host_rules.rules_of(boxes) for id_, boxes in by_host.items()}
    after.sources = {id_: frozenset() for id_ in plan.hosts}
    if plan.hosts:
        for link in after.links.values():
            if link.host and not link.primary:
                after.sources[link.host] |= {source_of(link)}


def source_of(link: Link) -> Source:
    """Return the address of an attached interface, and the table by whose routes it sends."""
    return link.address, table_of(link.device)


def table_of(device: str) -> int:
    """Return the number of the routing table for what a device's address sends."""
    return _FIRST_TABLE + device_number(device)


def box_of(sandbox: Sandbox) -> Box:
    return Box(sandbox.host, sandbox.address) if sandbox.address else Box()


def _stays(id_: str, box: Box, plan: HostPlan) -> bool:
    wanted = plan.sandboxes.get(id_)
    return wanted is not None and box == box_of(wanted) and (not box.host or box.host in plan.intact)


def _host_fault(host: Host) -> str:
    if not naming.is_safe(host.id):
        return f"{host.id!r} cannot name a host"
    if host.bridge and (not is_network(host.bridge) or IPv4Network(host.bridge).prefixlen > 30):
        return f"{host.bridge!r} is not the network of a bridge"
    return "" if 0 < host.agent_port < 65536 else f"{host.agent_port} is not a port"


def _sandbox_fault(sandbox: Sandbox, hosts: Mapping[str, Host]) -> str:
    if not naming.is_safe(sandbox.id):
        return f"{sandbox.id!r} cannot name a sandbox"
    if sandbox.host not in hosts:
        return f"{sandbox.host} is not among the hosts of this node"
    if sandbox.address and not hosts[sandbox.host].bridge:
        return f"{sandbox.host} has no bridge"
    if not sandbox.address:
        return "what has no address publishes nothing" if sandbox.bindings else ""
    network = IPv4Network(hosts[sandbox.host].bridge)
    ours = (network[0], network[1], network[-1])
    if not is_ipv4(sandbox.address) or IPv4Address(sandbox.address) not in network:
        return f"{sandbox.address!r} is not an address of {network}"
    if IPv4Address(sandbox.address) in ours:
        return f"{sandbox.address} is nobody's address on {network}"
    for binding in sandbox.bindings:
        if binding.protocol not in host_rules.PROTOCOLS:
            return f"{binding.protocol!r} has no ports"
        if not (0 < binding.host_port < 65536 and 0 < binding.port < 65536):
            return f"{binding.host_port} to {binding.port} is not a pair of ports"
        if (binding.protocol, binding.host_port) == ("udp", host_rules.TRUNK_PORT):
            return f"udp {binding.host_port} is the port by which a trunk carries its branches"
    return ""


def _claim(owners: dict[tuple[str, str], str], sandbox: Sandbox) -> str:
    claims = [(sandbox.host, naming.port(sandbox.id))]
    if sandbox.address:
        claims.append((sandbox.host, sandbox.address))
    claims += [(sandbox.host, f"{binding.protocol} {binding.host_port}") for binding in sandbox.bindings]
    for claim in claims:
        if claim in owners:
            return f"{claim[1]} belongs to {owners[claim]}"
    owners.update(dict.fromkeys(claims, sandbox.id))
    return ""
