"""What tasks need and what instances have left."""

from typing import Any

import pytest

from homeport.services.ecs.definitions import normalise
from homeport.services.ecs.placement.resources import Demand, Resource, Room, demand_of, room_beside

TCP, UDP = {"containerPort": 80, "hostPort": 8080}, {"containerPort": 53, "hostPort": 53, "protocol": "udp"}


def demand(*containers: dict[str, Any], **more: Any) -> Demand:
    parts = [{"name": f"c{number}", "image": "web"} | container for number, container in enumerate(containers)]
    return demand_of(normalise({"family": "web", "containerDefinitions": parts} | more))


@pytest.mark.parametrize(
    ("containers", "task", "needs"),
    [
        ([{"cpu": 10, "memory": 64}, {"memory": 64}], {}, (10, 128)),
        ([{"memory": 64, "memoryReservation": 32}, {"memoryReservation": 16}], {}, (0, 48)),
        ([{"cpu": 10, "memory": 64, "memoryReservation": 32}], {"cpu": "1 vCPU", "memory": "0.5GB"}, (1024, 512)),
        ([{"cpu": 10, "memory": 64}], {"memory": "512"}, (10, 512)),
        ([{"cpu": 10, "memory": 64}], {"cpu": "512"}, (512, 64)),
    ],
)
def test_a_task_counts_by_its_own_size_or_its_containers(
    containers: list[dict[str, Any]], task: dict[str, str], needs: tuple[int, int]
) -> None:
    needed = demand(*containers, **task)
    assert (needed.cpu, needed.memory_mib) == needs


@pytest.mark.parametrize(
    ("mode", "ports", "udp_ports", "interfaces"),
    [
        (None, {8080}, {53}, 0),
        ("bridge", {8080}, {53}, 0),
        ("host", {8080}, {53}, 0),
        ("awsvpc", set(), set(), 1),
    ],
)
def test_fixed_host_ports_count_unless_the_task_has_an_interface(
    mode: str | None, ports: frozenset[int] | set[int], udp_ports: frozenset[int] | set[int], interfaces: int
) -> None:
    needed = demand(
        {"memory": 64, "portMappings": [TCP]},
        {"memory": 64, "portMappings": [UDP]},
        **({"networkMode": mode} if mode else {}),
    )
    assert (needed.ports, needed.udp_ports, needed.interfaces) == (ports, udp_ports, interfaces)


def test_ports_that_the_node_picks_are_promised_to_nobody() -> None:
    mappings = [{"containerPort": 80}, {"containerPort": 81, "hostPort": 0}, {"containerPortRange": "90-95"}]
    assert demand({"memory": 64, "portMappings": mappings}) == Demand(memory_mib=64)


def test_a_container_port_is_a_host_port_in_host_mode() -> None:
    assert demand({"memory": 64, "portMappings": [{"containerPort": 80}]}, networkMode="host").ports == {80}


def test_what_is_left_is_what_was_registered_without_the_tasks() -> None:
    registered = Room(cpu=2048, memory_mib=3800, ports=frozenset({22}), interfaces=2)
    web = Demand(cpu=512, memory_mib=1000, ports=frozenset({80}), interfaces=1)
    dns = Demand(memory_mib=100, udp_ports=frozenset({53}))
    assert room_beside(registered, [web, dns]) == Room(
        cpu=1536, memory_mib=2700, ports=frozenset({22, 80}), udp_ports=frozenset({53}), interfaces=1
    )


ROOM = Room(cpu=256, memory_mib=512, ports=frozenset({22, 80, 443}), udp_ports=frozenset({53}), interfaces=0)


@pytest.mark.parametrize(
    ("needed", "resource", "sentence"),
    [
        (Demand(cpu=257), Resource.CPU, "It has 256 CPU units left and the task needs 257."),
        (Demand(memory_mib=513), Resource.MEMORY, "It has 512 MiB of memory left and the task needs 513."),
        (
            Demand(ports=frozenset({443, 80, 8080}), udp_ports=frozenset({53})),
            Resource.PORTS,
            "Host ports the task needs are in use or reserved: tcp 80, 443; udp 53.",
        ),
        (Demand(interfaces=1), Resource.ENI, "It can take 0 more network interfaces and the task needs 1."),
    ],
)
def test_a_shortage_comes_with_its_figures(needed: Demand, resource: Resource, sentence: str) -> None:
    (shortage,) = ROOM.shortages(needed)
    assert (shortage.resource, shortage.sentence) == (resource, sentence)


def test_what_fits_exactly_fits() -> None:
    assert not list(ROOM.shortages(Demand(256, 512, frozenset({53}), frozenset({80}))))


def test_shortages_come_in_order() -> None:
    lacks = [shortage.resource for shortage in ROOM.shortages(Demand(9999, 9999, frozenset({80}), frozenset(), 1))]
    assert lacks == [Resource.CPU, Resource.MEMORY, Resource.PORTS, Resource.ENI]


def test_a_task_without_cpu_fits_on_an_instance_that_has_less_than_none() -> None:
    shrunk = Room(cpu=-10, memory_mib=64)
    assert not list(shrunk.shortages(Demand(memory_mib=64)))
    assert [shortage.resource for shortage in shrunk.shortages(Demand(cpu=1))] == [Resource.CPU]
