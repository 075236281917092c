"""
Answer what an instance's own processes ask of its ECS agent, on port 51678: which cluster, which tasks (reference 5.9).

Whoever can reach it may know of every task on the instance, as on AWS: it is out of reach from outside.
"""

from typing import Any
from urllib.parse import parse_qs

from homeport.node.endpoints.documents import docker_name, known_status, networks, ports, timestamp
from homeport.node.endpoints.http import Request, Response, json_response
from homeport.node.instances.runner import InstanceRunner
from homeport.node.tasks.model import ContainerState, Stage
from homeport.node.tasks.roster import Roster
from homeport.node.tasks.runner import Runner
from homeport.wire.messages import Container

VERSION = "Amazon ECS Agent - v1.105.1 (homeport)"  # the agent whose behaviour this is
_DEFAULT_CLUSTER = "default"
_COMMANDS = ("/v1/metadata", "/v1/tasks")
_NOTHING: dict[str, Any] = {"Arn": "", "KnownStatus": "", "Family": "", "Version": "", "Containers": None}
_ORDER = ("NONE", "PULLED", "CREATED", "RUNNING", "STOPPED")


class Introspection:
    """The agent's answers on one instance."""

    def __init__(self, roster: Roster, instance: InstanceRunner) -> None:
        self._roster = roster
        self._instance = instance

    async def handle(self, request: Request) -> Response:
        """Answer a request that comes from the instance or its bridge."""
        if request.method not in ("GET", "HEAD"):
            return json_response(405, "Method Not Allowed")
        match request.path.rstrip("/"):
            case "/v1/metadata":
                cluster = self._instance.agent.get("ECS_CLUSTER") or _DEFAULT_CLUSTER
                return json_response(200, {"Cluster": cluster, "ContainerInstanceArn": None, "Version": VERSION})
            case "/v1/tasks":
                return self._tasks(request.query)
            case "":
                return json_response(200, {"AvailableCommands": _COMMANDS})
        return json_response(404, {"AvailableCommands": _COMMANDS})

    def _tasks(self, query: str) -> Response:
        runners = self._roster.tasks_on(self._instance.id)
        asked = parse_qs(query)
        if "dockerid" in asked:
            wanted = asked["dockerid"][0]
            found = [r for r in runners if any(c.runtime_id.startswith(wanted) for c in r.spec.containers)]
        elif "taskarn" in asked:
            found = [runner for runner in runners if runner.spec.arn == asked["taskarn"][0]]
        else:
            return json_response(200, {"Tasks": [task_document(runner) for runner in runners]})
        if len(found) > 1:
            return json_response(400, _NOTHING)  # the beginning of several ids
        return json_response(200, task_document(found[0])) if found else json_response(404, _NOTHING)


def task_document(runner: Runner) -> dict[str, Any]:
    """Return what the agent says of one task."""
    spec, state = runner.spec, runner.state
    return {
        "Arn": spec.arn,
        "DesiredStatus": "RUNNING" if state.stop is None else "STOPPED",
        "KnownStatus": min((known_status(c) for c in state.containers.values()), key=_ORDER.index),
        "Family": spec.family,
        "Version": str(spec.revision),
        "Containers": [_container(runner, c, state.containers[c.name]) for c in spec.containers],
    }


def _container(runner: Runner, container: Container, own: ContainerState) -> dict[str, Any]:
    spec = runner.spec
    document = {
        "DockerId": container.runtime_id if own.stage is not Stage.NEW else "",
        "DockerName": docker_name(spec, container),
        "Name": container.name,
        "Image": container.image,
        "ImageID": own.image_id,
        "CreatedAt": timestamp(own.created_at),
        "StartedAt": timestamp(own.started_at),
        "Ports": ports(spec, container, own) or None,
        "Networks": networks(runner, container, 2),
        "Volumes": [{"DockerName": m.volume, "Destination": m.path} for m in container.mounts] or None,
        "RestartCount": own.restarts if container.restart_policy is not None else None,
    }
    return {name: value for name, value in document.items() if value is not None}
