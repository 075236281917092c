"""
Answer what containers ask of 169.254.170.2: metadata, stats, credentials, protection.

Who knows an endpoint's id may ask with it, as on AWS, and besides the question must come from where the
container is: an id that leaked to a neighbour is worth nothing; see `identity`.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from homeport.kit.clock import Clock
from homeport.node.endpoints import clockdrift
from homeport.node.endpoints.documents import container_document, task_document
from homeport.node.endpoints.http import Request, Response, json_response
from homeport.node.endpoints.identity import Place
from homeport.node.endpoints.limiter import RateLimiter
from homeport.node.endpoints.protection import ProtectionEndpoint
from homeport.node.endpoints.stats import StatsReader
from homeport.node.tasks.runner import Runner
from homeport.wire.messages import Container

_NO_CONTAINER = "unable to get container ID from request: unable to get docker ID from v3 endpoint ID"
_NO_TASK = "unable to get task arn from request: unable to get task Arn from v3 endpoint ID"


class Metadata:
    """The endpoint's answers for the tasks of one node."""

    def __init__(self, stats: StatsReader, protection: ProtectionEndpoint, clock: Clock) -> None:
        self._stats = stats
        self._protection = protection
        self._clock = clock
        self._limiter = RateLimiter()

    def handler(self, place: Place) -> Callable[[Request], Awaitable[Response]]:
        """Return the answers to requests that come to *place*."""

        async def handle(request: Request) -> Response:
            if not self._limiter.allows((place.name, request.peer), self._clock.now()):
                return json_response(429, "Too Many Requests")
            return await self._route(place, request)

        return handle

    async def _route(self, place: Place, request: Request) -> Response:
        parts = request.path.rstrip("/").split("/")[1:]
        if parts and parts[0] == "api":
            return await self._api(place, request, parts[1:])
        if request.method not in ("GET", "HEAD"):
            return json_response(405, "Method Not Allowed")
        match parts:
            case ["v1", "credentials"]:
                return _credentials(request.query.removeprefix("id="), 1)
            case ["v2", "credentials", *rest]:
                return _credentials("/".join(rest), 2)
            case ["v2", *rest]:
                return await self._by_address(place, request, rest)
            case ["v3" | "v4" as version, endpoint_id, *rest]:
                return await self._by_id(place, request, int(version[1]), endpoint_id, rest)
            case ["v3" | "v4" as version]:
                return json_response(404, f"{version.upper()} container metadata handler: {_NO_CONTAINER}: ")
        return json_response(404, "404 page not found")

    async def _by_id(self, place: Place, request: Request, version: int, endpoint_id: str, rest: list[str]) -> Response:
        kind = {"task": "task metadata", "taskWithTags": "task metadata", "stats": "container stats"}
        name = "task stats" if rest == ["task", "stats"] else kind.get("/".join(rest), "container metadata")
        if (found := place.find(request.peer, endpoint_id)) is None:
            missing = _NO_TASK if name.startswith("task") else _NO_CONTAINER
            return json_response(404, f"V{version} {name} handler: {missing}: {endpoint_id}")
        runner, container = found
        match rest:
            case []:
                return json_response(200, container_document(runner, container, version))
            case ["task"] | ["taskWithTags"]:
                return json_response(200, self._task(place, runner, version, tags=rest == ["taskWithTags"]))
            case ["stats"]:
                document = await self._stats.container(runner, container)
                return json_response(200, _for_version(document, version))
            case ["task", "stats"]:
                documents = await self._stats.task(runner)
                return json_response(200, {key: _for_version(value, version) for key, value in documents.items()})
        return json_response(404, "404 page not found")

    async def _by_address(self, place: Place, request: Request, rest: list[str]) -> Response:
        """Version 2 knows its callers by their address alone."""
        if (runner := place.task_at(request.peer)) is None:
            return json_response(
                404, f"Unable to get task arn from request: unable to associate '{request.peer}' with a task"
            )
        match rest:
            case ["metadata"] | ["metadataWithTags"]:
                return json_response(200, task_document(runner, 2, tags=rest == ["metadataWithTags"]))
            case ["metadata", docker_id] if container := _by_runtime_id(runner, docker_id):
                return json_response(200, container_document(runner, container, 2))
            case ["stats"]:
                documents = await self._stats.task(runner)
                return json_response(200, {key: _for_version(value, 2) for key, value in documents.items()})
            case ["stats", docker_id] if container := _by_runtime_id(runner, docker_id):
                return json_response(200, _for_version(await self._stats.container(runner, container), 2))
        return json_response(404, "404 page not found")

    def _task(self, place: Place, runner: Runner, version: int, *, tags: bool) -> dict[str, Any]:
        document = task_document(runner, version, vpc=place.vpc, tags=tags)
        on_fargate = not runner.spec.instance
        if version >= 4 and on_fargate and (drift := clockdrift.read(self._clock.now())) is not None:
            document["ClockDrift"] = drift.view()
        return document

    async def _api(self, place: Place, request: Request, parts: list[str]) -> Response:
        found = place.find(request.peer, parts[0]) if parts else None
        match parts[1:]:
            case ["task-protection", "v1", "state"]:
                return await self._protection.answer(request, found[0] if found is not None else None)
            case ["fault", "v1", _, "start" | "stop" | "status"]:
                if found is None:
                    return json_response(404, {"Error": f"unable to lookup container: {parts[0]}"})
                arn = found[0].spec.arn
                return json_response(400, {"Error": f"enableFaultInjection is not enabled for task: {arn}"})
        return json_response(404, "404 page not found")


def _by_runtime_id(runner: Runner, runtime_id: str) -> Container | None:
    return next((c for c in runner.spec.containers if c.runtime_id == runtime_id), None)


def _for_version(document: dict[str, Any] | None, version: int) -> dict[str, Any] | None:
    if document is None or version >= 4:
        return document
    return {name: value for name, value in document.items() if name != "network_rate_stats"}


def _credentials(credentials_id: str, version: int) -> Response:
    """No container has a role's credentials here, so no id names any."""
    prefix = f"CredentialsV{version}Request"
    if not credentials_id:
        code, message = "NoIdInRequest", f"{prefix}: No Credential ID in the request"
    else:
        code, message = "InvalidIdInRequest", f"{prefix}: Credentials not found"
    return json_response(400, {"code": code, "message": message, "HTTPErrorCode": 400})
