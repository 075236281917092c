"""Who gets a task: zones and subnets, capacity providers, nodes."""

from collections import Counter
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.services.ecs.samples import task_document

from homeport.services.ecs import lifecycle
from homeport.services.ecs.errors import InvalidParameter
from homeport.services.ecs.launching import spread
from homeport.services.ecs.model.clusters import Strategy
from homeport.services.ecs.model.tasks import Attachment, Launch, TaskRecord
from homeport.services.ecs.reconcilers.placement import PATIENCE, End, Place, Tried, plan
from homeport.services.ecs.strategies import distribute, parse_strategy

NOW = 10_000.0


@dataclass(frozen=True)
class Subnet:
    """A subnet as spreading sees it."""

    id: str
    zone: str


subnets = st.lists(
    st.builds(Subnet, id=st.uuids().map(str), zone=st.sampled_from("abc")),
    min_size=1,
    max_size=9,
    unique_by=lambda s: s.id,
)


@given(subnets, st.integers(0, 1000))
def test_every_subnet_is_tried_once(given_subnets: list[Subnet], turn: int) -> None:
    order = spread(given_subnets, turn)
    assert sorted(subnet.id for subnet in order) == sorted(subnet.id for subnet in given_subnets)


@given(subnets, st.integers(0, 1000))
def test_consecutive_tasks_lie_in_different_zones(given_subnets: list[Subnet], turn: int) -> None:
    zones = {subnet.zone for subnet in given_subnets}
    chosen = [spread(given_subnets, turn + step)[0].zone for step in range(len(zones))]
    assert set(chosen) == zones


def test_tasks_follow_base_then_weights() -> None:
    strategy = [
        Strategy(capacity_provider="FARGATE", weight=1, base=2),
        Strategy(capacity_provider="FARGATE_SPOT", weight=3),
    ]
    assert distribute(strategy, 2) == ["FARGATE", "FARGATE"]
    assert Counter(distribute(strategy, 10)) == {"FARGATE": 4, "FARGATE_SPOT": 6}


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), min_size=2, max_size=2),
    st.integers(1, 10),
)
def test_every_task_gets_a_provider(shares: list[tuple[int, int]], count: int) -> None:
    items = [
        Strategy(capacity_provider=name, weight=weight, base=base)
        for name, (weight, base) in zip(("FARGATE", "FARGATE_SPOT"), shares, strict=True)
    ]
    if not any(item.weight for item in items):
        return
    assert len(distribute(items, count)) == count


def test_one_provider_needs_no_weight() -> None:
    (item,) = parse_strategy([{"capacityProvider": "FARGATE"}], ["FARGATE"])
    assert distribute([item], 3) == ["FARGATE"] * 3


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        ([("FARGATE", 1, 1), ("FARGATE_SPOT", 1, 1)], "with a base value defined"),
        ([("FARGATE", 0, 0), ("FARGATE_SPOT", 0, 0)], "with a weight value greater than zero"),
        ([("mine", 1, 0)], "cannot contain a capacity provider that is not associated with the cluster"),
        ([("FARGATE", 1001, 0)], "The weight must be between 0 and 1000"),
        ([("FARGATE", 1, 0), ("FARGATE", 1, 0)], "named only once"),
    ],
)
def test_strategy_is_refused(items: list[tuple[str, int, int]], sentence: str) -> None:
    given_items = [{"capacityProvider": name, "weight": weight, "base": base} for name, weight, base in items]
    with pytest.raises(InvalidParameter, match=sentence):
        parse_strategy(given_items, ["FARGATE", "FARGATE_SPOT"])


def waiting(number: int, created_at: float = NOW) -> TaskRecord:
    task = task_document(number, attachments=(Attachment(id="a"),), created_at=created_at)
    launch = Launch(family="web", revision=1, subnets=("subnet-1",), groups=(), public_address=False, containers=())
    return TaskRecord(task, launch, {})


def test_tasks_go_to_the_emptiest_node_in_turn() -> None:
    decisions = plan([waiting(number) for number in range(4)], {"a": 2, "b": 0, "c": 1}, Tried(), NOW)
    assert [decision.node for decision in decisions if isinstance(decision, Place)] == ["b", "b", "c", "a"]


def test_task_waits_for_a_node_but_not_for_ever() -> None:
    patient = waiting(1, created_at=NOW - PATIENCE + 1)
    given_up = waiting(2, created_at=NOW - PATIENCE)
    (decision,) = plan([patient, given_up], {}, Tried(), NOW)
    assert isinstance(decision, End)
    assert decision.record is given_up
    assert decision.reason.startswith("Capacity is unavailable at this time.")


def test_stopped_task_that_no_node_has_ends_with_its_own_reason() -> None:
    record = waiting(1)
    stopped = replace(record, task=lifecycle.stopped_by_user(record.task, "enough", NOW))
    (decision,) = plan([stopped], {"a": 0}, Tried(), NOW)
    assert isinstance(decision, End)
    ended = lifecycle.never_placed(decision.record.task, decision.reason, NOW)
    assert (ended.last_status, ended.stop_code, ended.stopped_reason) == ("STOPPED", "UserInitiated", "enough")


def test_task_that_cannot_be_placed_ends_with_the_reason_found() -> None:
    record = waiting(1)
    (decision,) = plan([record], {"a": 0}, Tried({record.task.id: "no address"}), NOW)
    assert decision == End(record, "no address")
