"""What a load balancer answers with now, and what keeps its targets from being healthy.  Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from homeport.cli.net.model import Eni, Model
from homeport.cli.net.packet import AtEni, Outside, Packet
from homeport.cli.net.places import Unknown, find_source
from homeport.cli.net.verdict import judge

Document = Mapping[str, Any]

#: How many targets of one group, with one complaint, are worth naming.
_FEW = 3


@dataclass(frozen=True, slots=True)
class Balancing:
    """What the API says of one load balancer: rules by listener, groups by ARN, targets' health by group."""

    balancer: Document
    listeners: Sequence[Document] = ()
    rules: Mapping[str, Sequence[Document]] = field(default_factory=dict)
    groups: Mapping[str, Document] = field(default_factory=dict)
    health: Mapping[str, Sequence[Document]] = field(default_factory=dict)


def explain_balancer(found: Balancing, network: Model) -> Iterator[str]:
    """Yield the sentences: the load balancer itself, its listeners, then its target groups."""
    balancer = found.balancer
    enis = _interfaces(network, balancer)
    state = balancer["State"]
    reason = f": {state['Reason']}" if state.get("Reason") else ""
    addresses = ", ".join(eni.public or eni.address for eni in enis)
    yield (
        f"The {balancer['Scheme']} load balancer {balancer['LoadBalancerName']} is {state['Code']}{reason}."
        f" {balancer['DNSName']} is {addresses or 'nowhere yet'}."
    )
    if not found.listeners:
        yield "It has no listener, so it answers nobody."
    for listener in found.listeners:
        yield from _listener(found, listener, network, enis)
    for arn, group in found.groups.items():
        yield from _group(group, found.health.get(arn, ()), network, enis)


def _interfaces(network: Model, balancer: Document) -> list[Eni]:
    id_ = balancer["LoadBalancerArn"].partition("loadbalancer/")[2]
    return sorted((eni for eni in network.enis.values() if eni.balancer == id_), key=lambda eni: eni.address)


def _listener(found: Balancing, listener: Document, network: Model, enis: Sequence[Eni]) -> Iterator[str]:
    port = listener["Port"]
    count = len(found.rules.get(listener["ListenerArn"], ())) - 1  # the default rule is not counted
    also = f", after {_counted(count, 'rule')} that come before" if count > 0 else ""
    yield f"On port {port} ({listener['Protocol']}) it {_default(found, listener['DefaultActions'][-1])}{also}."
    public = [eni for eni in enis if eni.public]
    for eni in public[:1]:
        verdict = judge(network, Outside(""), AtEni(eni), Packet(port))
        if not verdict.passes:
            yield f"Nobody outside reaches port {port}: {verdict.reason}"


def _default(found: Balancing, action: Document) -> str:
    match action["Type"]:
        case "forward":
            groups = [group["TargetGroupArn"] for group in action["ForwardConfig"]["TargetGroups"]]
            names = " and ".join(str(found.groups[arn]["TargetGroupName"]) for arn in groups if arn in found.groups)
            return f"forwards to {names}"
        case "redirect":
            return "redirects"
        case _:
            return f"answers {action['FixedResponseConfig']['StatusCode']} itself"


def _group(group: Document, health: Sequence[Document], network: Model, enis: Sequence[Eni]) -> Iterator[str]:
    name = group["TargetGroupName"]
    if not health:
        yield f"{name} has no targets: what is forwarded to it is answered 503."
        return
    states: dict[str, int] = {}
    for target in health:
        state = target["TargetHealth"]["State"]
        states[state] = states.get(state, 0) + 1
    said = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    yield f"{name} has {_counted(len(health), 'target')}: {said}.{_consequence(states)}"
    complaints: dict[str, list[Document]] = {}
    for target in health:
        if target["TargetHealth"]["State"] in ("unhealthy", "unused", "initial"):
            complaints.setdefault(target["TargetHealth"].get("Description", ""), []).append(target)
    for description, targets in complaints.items():
        named = ", ".join(_named(target) for target in targets[:_FEW])
        more = f" and {len(targets) - _FEW} more" if len(targets) > _FEW else ""
        yield f"{named}{more}: {description}."
        yield from _unreachable(targets[0], network, enis)


def _consequence(states: Mapping[str, int]) -> str:
    if states.get("healthy"):
        return ""
    if states.get("unhealthy"):
        return " None is healthy, so requests go to all that are unhealthy."
    if states.get("initial"):
        return " Until one is healthy, requests are answered 503."
    return " None can be used: requests are answered 503."


def _unreachable(target: Document, network: Model, enis: Sequence[Eni]) -> Iterator[str]:
    """Say what in the network keeps health checks from a target, if anything does."""
    port = str(target.get("HealthCheckPort", ""))
    if not enis or not port.isdigit() or target["TargetHealth"]["State"] == "unused":
        return
    try:
        place = find_source(network, target["Target"]["Id"])
    except Unknown as problem:
        yield f"Nobody is there to be checked: {problem}."
        return
    if isinstance(place, Outside):
        return
    verdict = judge(network, AtEni(enis[0]), place, Packet(int(port)))
    if not verdict.passes:
        yield f"Its health checks do not arrive on port {port}: {verdict.reason}"


def _named(target: Document) -> str:
    described = target["Target"]
    return f"{described['Id']}:{described['Port']}" if "Port" in described else str(described["Id"])


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
