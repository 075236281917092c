"""Which container instances would take a task of a definition, and why the others would not.  Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from homeport.cli.explain.instances import TYPE_ATTRIBUTE, ZONE_ATTRIBUTE
from homeport.services.ecs.placement.filters import Network, Requirements, find_refusal, requirements_of
from homeport.services.ecs.placement.instance import Instance
from homeport.services.ecs.placement.resources import Demand

Document = Mapping[str, Any]


def explain_definition(
    definition: Document, instances: Sequence[Instance], network: Network | None, cluster: str
) -> Iterator[str]:
    """Yield the sentences; the last says how it would end."""
    wanted = requirements_of(_normalised(definition), f"family:{definition['family']}", network)
    name = f"{definition['family']}:{definition['revision']}"
    yield f"{name} runs in {mode_of(definition)} mode and needs {describe_demand(wanted.demand)}."
    if "EC2" not in definition.get("compatibilities", ("EC2",)):
        yield "It is for Fargate, which needs no container instance."
        return
    yield from _constraints(definition, wanted)
    if not instances:
        yield f"No container instances are registered in the cluster {cluster}."
        return
    fitting = 0
    for instance in sorted(instances, key=lambda instance: (instance.ec2_instance_id, instance.arn)):
        refusal = find_refusal(wanted, instance)
        if refusal is None:
            fitting += 1
            yield f"{title(instance)} would take it. {_left(instance, wanted.demand)}"
        else:
            yield f"{title(instance)} would not: {refusal.reason.value.rstrip('.')}. {refusal.sentence}"
    if fitting:
        yield f"It would run: {_counted(fitting, 'instance')} of {len(instances)} would take it."
    else:
        yield f"It would not run: none of {_counted(len(instances), 'instance')} would take it."


def explain_others(definition: Document, instances: Sequence[Instance], but: str) -> Iterator[str]:
    """Yield for every instance but one why it would not take another task of the definition, as things are now."""
    wanted = requirements_of(_normalised(definition), f"family:{definition['family']}")
    for instance in sorted(instances, key=lambda instance: (instance.ec2_instance_id, instance.arn)):
        if instance.arn == but:
            continue
        refusal = find_refusal(wanted, instance)
        if refusal is None:
            yield f"{title(instance)} would take such a task now, too."
        else:
            yield f"{title(instance)} would not take such a task now: {refusal.reason.value.rstrip('.')}. {refusal.sentence}"


def mode_of(definition: Document) -> str:
    return str(definition.get("networkMode", "bridge"))


def _normalised(definition: Document) -> Document:
    """Put in what the API leaves out of a definition where it is empty."""
    containers = [{"cpu": 0, "portMappings": [], **container} for container in definition["containerDefinitions"]]
    mode = mode_of(definition)
    whole = {"placementConstraints": [], "requiresAttributes": [], **definition}
    return {**whole, "networkMode": mode, "containerDefinitions": containers}


def title(instance: Instance) -> str:
    """Return what people know an instance by."""
    known = [instance.attributes.get(name, "") for name in (TYPE_ATTRIBUTE, ZONE_ATTRIBUTE)]
    about = ", ".join(word for word in known if word)
    return f"{instance.ec2_instance_id or instance.arn}" + (f" ({about})" if about else "")


def describe_demand(demand: Demand) -> str:
    """Return what a task takes, in words."""
    parts = [f"{demand.cpu} CPU units", f"{demand.memory_mib} MiB of memory"]
    for protocol, ports in (("tcp", demand.ports), ("udp", demand.udp_ports)):
        if ports:
            parts.append(
                f"host {'port' if len(ports) == 1 else 'ports'} {protocol} {', '.join(map(str, sorted(ports)))}"
            )
    if demand.interfaces:
        parts.append("a network interface of its own")
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _left(instance: Instance, demand: Demand) -> str:
    room = instance.room.take(demand)
    left = f"{room.cpu} CPU units and {room.memory_mib} MiB"
    if demand.interfaces:
        left = f"{room.cpu} CPU units, {room.memory_mib} MiB and {_counted(room.interfaces, 'network interface')}"
    return f"{left} would be left."


def _constraints(definition: Document, wanted: Requirements) -> Iterator[str]:
    """Yield what restricts the choice before anything is counted."""
    for constraint in definition.get("placementConstraints", ()):
        yield f"It may only go where: {constraint['expression']}."
    if wanted.demand.interfaces and wanted.network is None:
        yield "Its subnets are not known; with --subnets its VPC and zones are looked at, too."


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
