"""
Container instances as placement sees them, rebuilt from what DescribeContainerInstances shows.  Pure.

Network interfaces are not among the resources that the API lists: what is left of them is counted from the
type's limit and the tasks that have one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from homeport.cli.net.reading import TRUNK_ATTRIBUTE, attributes_of
from homeport.services.ec2.instance_types import find_instance_type, find_trunk_limit
from homeport.services.ecs.placement.instance import Instance
from homeport.services.ecs.placement.resources import Room

Document = Mapping[str, Any]

TYPE_ATTRIBUTE, ZONE_ATTRIBUTE = "ecs.instance-type", "ecs.availability-zone"


def instances_of(
    registered: Iterable[Document], tasks: Sequence[Document], max_enis: Mapping[str, int]
) -> list[Instance]:
    """Return container instances with what *tasks* leave of them; *max_enis* gives the limits of types by name."""
    return [_instance(each, tasks, max_enis) for each in registered]


def _instance(each: Document, tasks: Sequence[Document], max_enis: Mapping[str, int]) -> Instance:
    here = [task for task in tasks if task.get("containerInstanceArn") == each["containerInstanceArn"]]
    attributes = attributes_of(each)
    left = {resource["name"]: resource for resource in each["remainingResources"]}
    registered_at = each.get("registeredAt")
    return Instance(
        arn=each["containerInstanceArn"],
        room=Room(
            cpu=left["CPU"]["integerValue"],
            memory_mib=left["MEMORY"]["integerValue"],
            ports=_ports(left.get("PORTS", {})),
            udp_ports=_ports(left.get("PORTS_UDP", {})),
            interfaces=eni_limit(attributes, max_enis) - sum(bool(task["attachments"]) for task in here),
        ),
        status=each["status"],
        agent_connected=each["agentConnected"],
        agent_version=each.get("versionInfo", {}).get("agentVersion", ""),
        ec2_instance_id=each.get("ec2InstanceId", ""),
        registered_at=registered_at.timestamp() if isinstance(registered_at, datetime) else 0.0,
        running_tasks=each.get("runningTasksCount", 0),
        tasks=Counter(task["group"] for task in here if task["desiredStatus"] == "RUNNING"),
        attributes=attributes,
    )


def eni_limit(attributes: Mapping[str, str], max_enis: Mapping[str, int]) -> int:
    """Return how many tasks may have an interface: the trunk's limit, or the type's without the primary one."""
    name = attributes.get(TYPE_ATTRIBUTE, "")
    known = find_instance_type(name)
    limit = find_trunk_limit(known) if known is not None and attributes.get(TRUNK_ATTRIBUTE) else None
    return limit.tasks if limit is not None else max(max_enis.get(name, 1) - 1, 0)


def _ports(resource: Document) -> frozenset[int]:
    return frozenset(int(port) for port in resource.get("stringSetValue", ()))
