"""
Requests made up from AWS's own model: whatever the gateway lets through is taken or refused in words.

A KeyError here would be an internal failure there.
"""

import contextlib
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, StructureShape
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.services.ecs.samples import launched

from homeport.aws.errors import AwsError
from homeport.services.ecs.definitions import complete
from homeport.services.ecs.runnable import unsupported
from homeport.services.ecs.translate import wire_task
from homeport.services.ecs.validation import launch

MODEL = botocore.session.Session().get_service_model("ecs")
REGISTER: Any = MODEL.operation_model("RegisterTaskDefinition").input_shape
RUN: Any = MODEL.operation_model("RunTask").input_shape

WORDS = st.sampled_from(
    ["", "web", "side", "data", "80-90", "256", "512", "1 vCPU", "CMD", "awslogs-group", "arn:aws:s3:::b/a.env",
     "arn:aws:iam::123456789012:role/r", "net.core.somaxconn", "/", "\x00", "\N{PILE OF POO}"]
)  # fmt: skip
NUMBERS = st.sampled_from([-(2**31), -1, 0, 1, 2, 21, 64, 80, 300, 65536, 2**31 - 1])


def deferred(shape: Any) -> st.SearchStrategy[Any]:
    """Shapes lie within themselves."""
    return st.deferred(lambda: documents(shape))


def documents(shape: Any) -> st.SearchStrategy[Any]:
    """Return documents of a shape as the gateway's checks would let them through."""
    if isinstance(shape, StructureShape):
        members = {name: deferred(member) for name, member in shape.members.items()}
        required = {name: members[name] for name in shape.required_members}
        optional = {name: strategy for name, strategy in members.items() if name not in required}
        return st.fixed_dictionaries(required, optional=optional)
    if isinstance(shape, ListShape):
        return st.lists(documents(shape.member), max_size=2)
    if isinstance(shape, MapShape):
        return st.dictionaries(documents(shape.key), documents(shape.value), max_size=2)
    if getattr(shape, "enum", None):
        return st.sampled_from(shape.enum)
    return {"string": WORDS, "boolean": st.booleans(), "timestamp": st.floats(0, 1e9)}.get(shape.type_name, NUMBERS)


def valid_containers() -> st.SearchStrategy[dict[str, Any]]:
    """Return containers of good form with one member of any value, so that checks behind the first are reached."""
    container: Any = MODEL.shape_for("ContainerDefinition")
    members = container.members
    extra = st.sampled_from(sorted(set(members) - {"name", "image"})).flatmap(
        lambda name: st.fixed_dictionaries({name: documents(members[name])})
    )
    return extra.map(lambda more: {"name": "web", "image": "homeport/web"} | more)


def valid_definitions() -> st.SearchStrategy[dict[str, Any]]:
    base = {
        "family": st.just("web"),
        "networkMode": st.just("awsvpc"),
        "requiresCompatibilities": st.sampled_from([["FARGATE"], [], ["EC2"]]),
        "cpu": st.just("256"),
        "memory": st.just("512"),
        "executionRoleArn": st.just("arn:aws:iam::123456789012:role/r"),
        "volumes": st.sampled_from([[], [{"name": "data"}], [{"name": "data", "host": {}}]]),
        "containerDefinitions": valid_containers().map(
            lambda container: [container, {"name": "side", "image": "side", "essential": False}]
        ),
    }
    members = REGISTER.members
    extra = st.sampled_from(
        ["pidMode", "ipcMode", "runtimePlatform", "ephemeralStorage", "proxyConfiguration"]
    ).flatmap(lambda name: st.fixed_dictionaries({}, optional={name: documents(members[name])}))
    return st.tuples(st.fixed_dictionaries(base), extra).map(lambda parts: parts[0] | parts[1])


@given(documents(REGISTER))
def test_any_definition_is_taken_or_refused(definition: dict[str, Any]) -> None:
    try:
        completed = complete(definition)
    except AwsError:
        return
    assert completed["compatibilities"]


@settings(max_examples=200)
@given(valid_definitions(), documents(MODEL.shape_for("TaskOverride")))
def test_what_is_taken_can_be_run_or_is_refused(definition: dict[str, Any], overriding: dict[str, Any]) -> None:
    try:
        completed = complete(definition)
        launch.check_compatible(completed, "FARGATE")
        assert complete(definition) == completed
        for changes in ({}, overriding):
            if not unsupported(completed, "x86_64"):
                run(completed, changes)
    except AwsError:
        return


def run(definition: dict[str, Any], changes: dict[str, Any]) -> None:
    """Make a task of the definition and translate it, as RunTask and placement do."""
    record = launched(definition, changes)
    item = wire_task(record.task, record.launch, definition, {})
    assert [container.name for container in item.containers] == ["web", "side"]


@given(documents(RUN))
def test_any_run_is_checked_without_failing(request: dict[str, Any]) -> None:
    for check in (
        lambda: launch.check_labels(request.get("group", ""), request.get("startedBy", "")),
        lambda: launch.check_platform(request.get("platformVersion", "LATEST")),
        lambda: launch.check_network("awsvpc", request.get("networkConfiguration"), "FARGATE"),
    ):
        with contextlib.suppress(AwsError):
            check()
