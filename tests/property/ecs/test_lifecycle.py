"""Whatever nodes and users do, and in whatever order it arrives, a task's document only moves forward."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from tests.unit.services.ecs.samples import task_document

from homeport.services.ecs import lifecycle
from homeport.services.ecs.model.tasks import (
    RANK,
    Attachment,
    Container,
    ContainerLaunch,
    Desired,
    Pair,
    Status,
    StopCode,
    Task,
)
from homeport.wire.messages import ContainerObserved, Observed, StopCause, TaskPhase

ARN = "arn:aws:ecs:us-east-1:123456789012:task/default/" + "0" * 32
CREATED = 1_000.0
PARTS = (
    ContainerLaunch(name="web", runtime_id="r-1", checked=True),
    ContainerLaunch(name="side", runtime_id="r-2", essential=False),
)
ORDERED = ("created_at", "pull_started_at", "pull_stopped_at", "started_at", "execution_stopped_at", "stopped_at")
ONCE = (
    "connectivity_at",
    "execution_stopped_at",
    "pull_started_at",
    "pull_stopped_at",
    "started_at",
    "stop_code",
    "stopped_at",
    "stopped_reason",
    "stopping_at",
)


def new_task() -> Task:
    return task_document(
        attachments=(
            Attachment(id="a", status="ATTACHING", details=(Pair(name="privateIPv4Address", value="10.0.0.4"),)),
        ),
        containers=tuple(
            Container(container_arn=f"{ARN}/{part.name}", task_arn=ARN, name=part.name, image="i") for part in PARTS
        ),
        created_at=CREATED,
        task_arn=ARN,
    )


@dataclass(frozen=True)
class UserStop:
    """Somebody calls StopTask."""


times = st.none() | st.floats(min_value=0, max_value=5_000)
container_reports = st.builds(
    ContainerObserved,
    name=st.sampled_from(["web", "side", "unheard-of"]),
    status=st.sampled_from(["PENDING", "RUNNING", "STOPPED"]),
    exit_code=st.none() | st.integers(0, 255),
    reason=st.sampled_from(["", "OutOfMemoryError: Container killed due to memory usage"]),
    health=st.sampled_from(["HEALTHY", "UNHEALTHY", "UNKNOWN"]),
    started_at=times,
)
reports = st.builds(
    Observed,
    task=st.just("0" * 32),
    sequence=st.integers(1, 20),
    phase=st.sampled_from(TaskPhase),
    containers=st.lists(container_reports, max_size=3, unique_by=lambda report: report.name).map(tuple),
    cause=st.sampled_from(StopCause),
    reason=st.sampled_from(["", "CannotPullContainerError: no such image"]),
    pull_started_at=times,
    pull_stopped_at=times,
    started_at=times,
    execution_stopped_at=times,
)
steps = st.lists(
    st.tuples(st.floats(min_value=0, max_value=5_000), reports | st.just(UserStop())), min_size=1, max_size=25
)


def apply(task: Task, step: Observed | UserStop, now: float) -> Task:
    if isinstance(step, UserStop):
        return lifecycle.stopped_by_user(task, "", now)
    return lifecycle.advance(task, PARTS, step, now)


@given(steps)
def test_nothing_that_was_said_is_taken_back(history: list[tuple[float, Observed | UserStop]]) -> None:
    task = new_task()
    for now, step in history:
        after = apply(task, step, now)
        assert RANK[after.last_status] >= RANK[task.last_status]
        assert not (task.desired_status is Desired.STOPPED and after.desired_status is Desired.RUNNING)
        assert after.version == task.version + (after != task)
        for member in ONCE:
            before = getattr(task, member)
            assert before is UNSET or getattr(after, member) == before
        for old, new in zip(task.containers, after.containers, strict=True):
            order = ["PENDING", "RUNNING", "STOPPED"]
            assert order.index(new.last_status) >= order.index(old.last_status)
            assert old.exit_code is UNSET or new.exit_code == old.exit_code
        task = after


@given(steps)
def test_times_are_in_the_order_of_a_life(history: list[tuple[float, Observed | UserStop]]) -> None:
    task = new_task()
    for now, step in history:
        task = apply(task, step, now)
        known = [time for member in ORDERED if (time := getattr(task, member)) is not UNSET]
        assert known == sorted(known)
        assert task.stopped_at is UNSET or task.stopping_at is UNSET or task.stopped_at >= task.stopping_at


@given(steps, st.floats(min_value=0, max_value=5_000))
def test_gone_ends_every_task_whole(history: list[tuple[float, Observed | UserStop]], end: float) -> None:
    task = new_task()
    for now, step in history:
        task = apply(task, step, now)
    task = apply(task, Observed(task=task.id, sequence=99, phase=TaskPhase.GONE, containers=()), end)
    assert task.last_status is Status.STOPPED
    assert task.desired_status is Desired.STOPPED
    assert task.stop_code is not UNSET
    assert task.stopped_reason
    assert task.stopped_at is not UNSET
    assert {attachment.status for attachment in task.attachments} == {"DELETED"}
    assert {container.last_status for container in task.containers} == {"STOPPED"}


@given(reports, st.floats(min_value=0, max_value=5_000))
def test_saying_it_again_changes_nothing(report: Observed, now: float) -> None:
    once = apply(new_task(), report, now)
    assert apply(once, report, now + 10) is once


@given(steps)
def test_a_users_stop_keeps_its_reason_over_what_ends_later(history: list[tuple[float, Observed | UserStop]]) -> None:
    task = lifecycle.stopped_by_user(new_task(), "enough", CREATED)
    for now, step in history:
        task = apply(task, step, now)
    assert (task.stop_code, task.stopped_reason) == (StopCode.USER, "enough")


@given(st.permutations([phase for phase in TaskPhase if phase is not TaskPhase.GONE]))
def test_skipped_and_shuffled_phases_end_where_the_last_phase_does(phases: list[TaskPhase]) -> None:
    task = new_task()
    for sequence, phase in enumerate([*phases, TaskPhase.GONE], start=1):
        task = apply(task, Observed(task=task.id, sequence=sequence, phase=phase, containers=()), CREATED + sequence)
    assert task.last_status is Status.STOPPED
    assert task.version <= 1 + len(phases) + 1
