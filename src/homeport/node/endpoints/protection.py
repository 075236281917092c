"""
$ECS_AGENT_URI/task-protection/v1/state: a task reads and changes its own protection (reference 5.7).

What is wrong with a request by itself is said here, in the agent's words; all else is the server's to say.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from homeport.node.endpoints.http import Request, Response, json_response
from homeport.node.tasks.runner import Runner
from homeport.wire.messages import ProtectionAnswer

Ask = Callable[[str, bool | None, int | None], Awaitable[ProtectionAnswer | None]]

_INVALID = "InvalidParameterException"
_Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class _Wanted(msgspec.Struct, forbid_unknown_fields=True):
    protectionenabled: bool | None = None
    expiresinminutes: _Integer | None = None


class ProtectionEndpoint:
    """The endpoint's answers; *ask* is the way to the server."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def answer(self, request: Request, runner: Runner | None) -> Response:
        """Answer a question of the task of *runner*, or of nobody that is known."""
        if request.method not in ("GET", "PUT"):
            return json_response(405, "Method Not Allowed")
        wanted = _Wanted() if request.method == "GET" else _decode(request.body)
        if wanted is None:
            return _refusal(400, "", _INVALID, "UpdateTaskProtection: failed to decode request")
        if runner is None:
            return _refusal(404, "", "ResourceNotFoundException", "Failed to find a task for the request")
        arn = runner.spec.arn
        if request.method == "PUT" and wanted.protectionenabled is None:
            message = "Invalid request: does not contain 'ProtectionEnabled' field"
            return _refusal(400, arn, _INVALID, message)
        if not runner.spec.role:
            message = "Invalid Request: no task IAM role credentials available for task"
            return _refusal(403, arn, "AccessDeniedException", message)
        answer = await self._ask(runner.spec.id, wanted.protectionenabled, wanted.expiresinminutes)
        if answer is None:
            return _refusal(504, arn, "RequestCanceled", "Timed out calling ECS Task Protection API")
        return _told(arn, answer)


def _decode(body: bytes) -> _Wanted | None:
    """Return what a body asks for; the agent's decoder takes the members' names in any case."""
    try:
        given = msgspec.json.decode(body, type=dict[str, bool | int | None])
        return msgspec.convert({name.lower(): value for name, value in given.items()}, _Wanted)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None


def _told(arn: str, answer: ProtectionAnswer) -> Response:
    if answer.error:
        return _refusal(answer.status, arn, answer.error, answer.message, answer.request)
    if answer.failure:
        return json_response(200, {"failure": {"Arn": arn, "Detail": None, "Reason": answer.failure}})
    end = None
    if answer.until is not None:
        end = (
            datetime.fromtimestamp(round(answer.until, 3), UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z")
        )
    protection = {"ExpirationDate": end, "ProtectionEnabled": end is not None, "TaskArn": arn}
    return json_response(200, {"protection": protection})


def _refusal(status: int, arn: str, code: str, message: str, request: str = "") -> Response:
    """Return an error; the agent leaves out what is not known."""
    document: dict[str, Any] = {"requestID": request} if request else {}
    document["error"] = ({"Arn": arn} if arn else {}) | {"Code": code, "Message": message}
    return json_response(status, document)
