"""A task asks for its own protection, and gets the server's answer or the agent's words for none."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.unit.node.virtual import pass_time, virtual
from tests.unit.node.world import World, container, task

from homeport.node.endpoints.http import Request
from homeport.node.endpoints.protection import ProtectionEndpoint
from homeport.wire.messages import Assignment, ProtectionAnswer, ProtectionRequest, TaskPhase

ROLE = "arn:aws:iam::123456789012:role/web"
SPEC = task(container("web"), role=ROLE)
Told = tuple[int, dict[str, Any]]


async def node(tmp_path: Path, **changes: Any) -> World:
    world = await World(tmp_path).start()
    world.run_task(task(container("web"), **({"role": ROLE} | changes)))
    await world.phase(TaskPhase.RUNNING)
    return world


def answers(world: World, tell: Callable[[ProtectionRequest], ProtectionAnswer]) -> list[ProtectionRequest]:
    """Have the server answer, and return what it is asked."""
    asked: list[ProtectionRequest] = []

    def answer(request: ProtectionRequest) -> ProtectionAnswer:
        asked.append(request)
        return tell(request)

    world.protect = answer
    return asked


def questions(world: World) -> list[ProtectionRequest]:
    return [message for message in world.sent if isinstance(message, ProtectionRequest)]


async def say(world: World, method: str, body: bytes = b"", *, known: bool = True) -> Told:
    endpoint = ProtectionEndpoint(world.agent.protection.ask)
    request = Request(method, "/api/endpoint-web/task-protection/v1/state", "", body, "10.0.0.5")
    response = await endpoint.answer(request, world.runner if known else None)
    return response.status, json.loads(response.body)


@virtual
async def test_the_servers_answer_is_told_in_the_agents_form(tmp_path: Path):
    world = await node(tmp_path)
    until = {True: 1_700_000_000.4996, None: 1_700_000_000.4996, False: None}
    asked = answers(world, lambda request: ProtectionAnswer(request=request.id, until=until[request.enabled]))
    protected = {"ExpirationDate": "2023-11-14T22:13:20.500Z", "ProtectionEnabled": True, "TaskArn": SPEC.arn}
    assert await say(world, "PUT", b'{"ProtectionEnabled":true,"ExpiresInMinutes":60}') == (
        200,
        {"protection": protected},
    )
    assert await say(world, "GET") == (200, {"protection": protected})
    open_ = {"ExpirationDate": None, "ProtectionEnabled": False, "TaskArn": SPEC.arn}
    assert await say(world, "PUT", b'{"protectionenabled":false}') == (200, {"protection": open_})
    assert [(each.task, each.enabled, each.minutes) for each in asked] == [
        ("t1", True, 60), ("t1", None, None), ("t1", False, None),
    ]  # fmt: skip


@virtual
async def test_failures_of_the_server_are_passed_on(tmp_path: Path):
    world = await node(tmp_path)
    answers(world, lambda request: ProtectionAnswer(request=request.id, failure="DEPLOYMENT_BLOCKED"))
    failure = {"Arn": SPEC.arn, "Detail": None, "Reason": "DEPLOYMENT_BLOCKED"}
    assert await say(world, "PUT", b'{"ProtectionEnabled":true}') == (200, {"failure": failure})


@virtual
async def test_what_the_server_refuses_carries_the_requests_id(tmp_path: Path):
    world = await node(tmp_path)
    refused = ProtectionAnswer(request="", error="InvalidParameterException", message="too long", status=400)
    answers(world, lambda request: replace(refused, request=request.id))
    status, told = await say(world, "PUT", b'{"ProtectionEnabled":true,"ExpiresInMinutes":9999}')
    error = {"Arn": SPEC.arn, "Code": "InvalidParameterException", "Message": "too long"}
    assert (status, told) == (400, {"requestID": questions(world)[0].id, "error": error})


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"[]", b'{"Unknown":1}', b'{"ProtectionEnabled":"yes"}', b'{"ExpiresInMinutes":"1"}',
     b'{"ProtectionEnabled":true,"ExpiresInMinutes":9223372036854775808}', b'{"a":' + b"[" * 60_000],
    ids=["empty", "no-json", "list", "unknown", "text-for-bool", "text-for-number", "over-64-bits", "deep"],
)  # fmt: skip
@virtual
async def test_a_body_that_cannot_be_read_is_refused_before_anybody_is_asked(tmp_path: Path, body: bytes):
    world = await node(tmp_path)
    message = "UpdateTaskProtection: failed to decode request"
    error = {"Code": "InvalidParameterException", "Message": message}
    assert await say(world, "PUT", body) == (400, {"error": error})
    assert questions(world) == []


@virtual
async def test_the_agents_own_refusals(tmp_path: Path):
    world = await node(tmp_path, role="")
    status, told = await say(world, "PUT", b'{"ExpiresInMinutes":1}')
    assert (status, told["error"]["Message"]) == (400, "Invalid request: does not contain 'ProtectionEnabled' field")
    for method, body in (("GET", b""), ("PUT", b'{"ProtectionEnabled":true}')):
        status, told = await say(world, method, body)
        assert (status, told["error"]["Code"], told["error"]["Arn"]) == (403, "AccessDeniedException", SPEC.arn)
        message = "Failed to find a task for the request"
        error = {"Code": "ResourceNotFoundException", "Message": message}
        assert await say(world, method, body, known=False) == (404, {"error": error})
    assert (await say(world, "POST", b"{}"))[0] == 405
    assert questions(world) == []


@virtual
async def test_without_a_server_the_call_times_out(tmp_path: Path):
    world = await node(tmp_path)
    begun = asyncio.get_running_loop().time()
    error = {"Arn": SPEC.arn, "Code": "RequestCanceled", "Message": "Timed out calling ECS Task Protection API"}
    assert await say(world, "GET") == (504, {"error": error})
    assert 3.9 < asyncio.get_running_loop().time() - begun < 4.1
    (request,) = questions(world)
    world.agent.protection_answered(ProtectionAnswer(request=request.id))  # too late, and nobody waits
    world.agent.assigned(Assignment(generation=9, items=tuple(world.items.values())))
    assert questions(world) == [request]


@virtual
async def test_a_server_that_comes_back_in_time_is_asked_again(tmp_path: Path):
    world = await node(tmp_path)
    asking = asyncio.get_running_loop().create_task(say(world, "PUT", b'{"ProtectionEnabled":true}'))
    await pass_time(2)
    asked = answers(world, lambda request: ProtectionAnswer(request=request.id, until=1.0))
    world.agent.assigned(Assignment(generation=9, items=tuple(world.items.values())))
    status, told = await asking
    assert (status, told["protection"]["ProtectionEnabled"]) == (200, True)
    assert asked == questions(world)[:1]
