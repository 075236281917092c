"""What machines register with; and the documented numbers of awsvpc tasks, as placement counts them."""

from random import Random

import pytest
from tests.unit.services.ec2.documented_limits import DOCUMENTED_LIMITS

from homeport.services.ec2.instance import Instance, Options
from homeport.services.ec2.instance_types import instance_types
from homeport.services.ecs.model.container_instances import ContainerInstance, Status
from homeport.services.ecs.placement.filters import Requirements
from homeport.services.ecs.placement.plan import plan_placement
from homeport.services.ecs.placement.resources import Demand
from homeport.services.ecs.registering import registration_of, wants_trunk


def machine(name: str = "c5.large", **agent: str) -> Instance:
    return Instance(
        id="i-1",
        region="us-east-1",
        reservation="r-1",
        launch_index=0,
        type=name,
        image="ami-1",
        vpc="vpc-1",
        subnet="subnet-1",
        zone="us-east-1a",
        interface="eni-1",
        node="n",
        options=Options(),
        launched_at=0,
        launched_by="root",
        agent=agent,
    )


def rows() -> list[tuple[str, int, int]]:
    """Return each documented type with its tasks without and with a trunk."""
    found = []
    for line in DOCUMENTED_LIMITS.strip().splitlines():
        family, _, sizes = line.partition(":")
        for each in sizes.split():
            size, _, figures = each.partition("=")
            _, plain, trunked = figures.split("/")
            found.append((f"{family}.{size}", int(plain), int(trunked)))
    return found


def admitted(name: str, trunk: str) -> int:
    """Count the awsvpc tasks that placement puts on one instance of a type."""
    registration = registration_of(machine(name), instance_types()[name], "x86_64", trunk)
    instance = ContainerInstance("c", "arn", "cluster", "i-1", Status.ACTIVE, 0.0, registration, connected=True)
    requirements = Requirements(Demand(interfaces=1), "family:web")
    return len(plan_placement(requirements, [instance.for_placement()], [], 600, Random(0)).placed)


def test_all_documented_rows_are_there() -> None:
    assert len(rows()) == 435


@pytest.mark.parametrize(("name", "plain", "trunked"), rows(), ids=[name for name, _, _ in rows()])
def test_placement_admits_the_documented_number_of_tasks(name: str, plain: int, trunked: int) -> None:
    assert admitted(name, "") == plain
    kind = instance_types()[name]
    assert admitted(name, "eni-trunk") == (trunked if kind.trunk_capable and trunked > 0 else plain)


def test_an_agent_without_task_interfaces_takes_no_awsvpc_task() -> None:
    registration = registration_of(machine(ECS_ENABLE_TASK_ENI="false"), instance_types()["c5.large"], "x86_64")
    assert registration.interfaces == 0
    assert "ecs.capability.task-eni" not in registration.attributes


def test_high_density_can_be_switched_off() -> None:
    kind = instance_types()["c5.large"]
    assert wants_trunk(machine(), kind)
    assert not wants_trunk(machine(ECS_ENABLE_HIGH_DENSITY_ENI="false"), kind)
    assert not wants_trunk(machine(), instance_types()["t3.large"])


def test_what_cannot_be_read_of_an_agents_settings_counts_as_absent() -> None:
    odd = machine(ECS_RESERVED_MEMORY="much", ECS_RESERVED_PORTS="{", ECS_INSTANCE_ATTRIBUTES="[1]")
    kind = instance_types()["c5.large"]
    assert registration_of(odd, kind, "x86_64") == registration_of(machine(), kind, "x86_64")
