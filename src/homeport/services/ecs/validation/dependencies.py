"""The order of containers: dependsOn, volumesFrom, links."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from homeport.services.ecs.errors import Client


def check_all(containers: Sequence[Mapping[str, Any]]) -> None:
    """Check that every dependency can be met: it exists, can reach its condition, and leads in no circle."""
    by_name = {container["name"]: container for container in containers}
    graph: dict[str, set[str]] = {name: set() for name in by_name}
    for container in containers:
        for dependency in container.get("dependsOn", ()):
            _check(dependency, by_name)
            graph[container["name"]].add(dependency["containerName"])
        for source in container.get("volumesFrom", ()):
            name = source.get("sourceContainer", "")
            if name not in by_name:
                raise Client(f"Invalid 'volumesFrom' setting. Unknown container: '{name}'.")
            graph[container["name"]].add(name)
        for link in container.get("links", ()):
            linked = link.partition(":")[0]
            if linked not in by_name:
                raise Client(f"Invalid 'links' setting. Unknown container: '{linked}'.")
            graph[container["name"]].add(linked)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise Client(f"Container dependencies must not form a cycle: {circle}") from error


def _check(dependency: Mapping[str, Any], by_name: Mapping[str, Mapping[str, Any]]) -> None:
    name, condition = dependency["containerName"], dependency["condition"]
    target = by_name.get(name)
    if target is None:
        raise Client(f"Cannot depend on container + '{name}' because it does not exist")
    if condition in {"SUCCESS", "COMPLETE"} and target.get("essential", True):
        raise Client("A dependency container with SUCCESS or COMPLETE condition cannot be an essential container")
    if condition == "HEALTHY" and (target.get("healthCheck") or {"command": ["NONE"]})["command"][0] == "NONE":
        raise Client("A dependency container with HEALTHY condition must have health check configured")
