"""What tasks use becomes the utilisation of their service and their cluster, as AWS defines it."""

import pytest

from homeport.services.cloudwatch.model import metric_of
from homeport.services.cloudwatch.store import datapoints
from homeport.services.ecs.metering import record_usage, reserved
from homeport.services.ecs.model.container_instances import ContainerInstance, Registration, Share, Status
from homeport.services.ecs.model.tasks import Container, Launch, TaskRecord
from homeport.services.ecs.store import container_instances, tasks
from homeport.wire.metrics import TaskUsage, Usage

from .samples import CLUSTER, task_document

REGION = "us-east-1"
MINUTE = 1_700_000_400
SERVICE = "arn:aws:ecs:us-east-1:123456789012:service/default/web"
MIB = 1024 * 1024


def record(number, *, service=SERVICE, node="n", instance="", **members):
    launch = Launch(
        family="web",
        revision=1,
        subnets=(),
        groups=(),
        public_address=False,
        containers=(),
        container_instance=instance,
        service=service,
    )
    return TaskRecord(task_document(number, created_at=0.0, **members), launch, {}, node=node)


def container(**members):
    return Container(container_arn="arn", task_arn="arn", name="app", image="i", **members)


async def put(tx, *records):
    for each in records:
        await tasks.insert(tx, each)
        await tasks.update(tx, each)


def usage(**used):
    parts = (TaskUsage(task=task_id, cpus=cpus, memory=mib * MIB) for task_id, (cpus, mib) in used.items())
    return Usage(minute=MINUTE, tasks=tuple(parts))


def named(number):
    return f"{number:032x}"


async def found(tx, name, **dimensions):
    metric = metric_of("AWS/ECS", name, {"ClusterName": "default", **dimensions})
    return await datapoints.read(tx, metric.id_in(REGION), 0, 1e10, values=True)


def test_each_task_of_a_service_is_one_sample_of_what_it_uses_of_what_it_reserves(in_store):
    async def work(database):
        async with database.transaction() as tx:
            await put(tx, record(1), record(2), record(3, service=""))
            used = usage(**{named(1): (0.125, 128), named(2): (0.25, 256), named(3): (0.25, 512)})
            await record_usage(tx, "n", used)
            (cpu,) = await found(tx, "CPUUtilization", ServiceName="web")
            (memory,) = await found(tx, "MemoryUtilization", ServiceName="web")
            assert (cpu.timestamp, cpu.unit) == (MINUTE, "Percent")
            assert dict(cpu.distribution.values) == {50.0: 1.0, 100.0: 1.0}
            assert dict(memory.distribution.values) == {25.0: 1.0, 50.0: 1.0}
            assert await found(tx, "CPUUtilization") == []  # no container instances, no metric of the cluster

    in_store(work)


def test_a_node_cannot_speak_of_the_tasks_of_another(in_store):
    async def work(database):
        async with database.transaction() as tx:
            await put(tx, record(1, node="other"))
            await record_usage(tx, "n", usage(**{named(1): (1.0, 1), "unknown": (1.0, 1)}))
            assert await found(tx, "CPUUtilization", ServiceName="web") == []

    in_store(work)


def test_two_nodes_make_one_metric(in_store):
    async def work(database):
        async with database.transaction() as tx:
            await put(tx, record(1, node="a"), record(2, node="b"))
            await record_usage(tx, "a", usage(**{named(1): (0.25, 0)}))
            await record_usage(tx, "b", usage(**{named(2): (0.0, 0)}))
            (cpu,) = await found(tx, "CPUUtilization", ServiceName="web")
            assert (cpu.distribution.count, cpu.distribution.total) == (2, 100.0)

    in_store(work)


async def put_machine(tx, number, *, status=Status.ACTIVE):
    await tx.execute(
        "INSERT INTO ec2_instances VALUES (?, ?, 'r', 0, 'c5.large', 'ami', 'vpc', 'subnet', 'az', 'eni', 'n', '{}', 0, "
        "'me', 'running', '', '', NULL, 0, NULL, 0, 1, 0)",
        *(f"i-{number}", REGION),
    )
    arn = f"arn:aws:ecs:{REGION}:123456789012:container-instance/default/ci{number}"
    registration = Registration(cpu=2048, memory=1_000, interfaces=2)
    machine = ContainerInstance(f"ci{number}", arn, CLUSTER.arn, f"i-{number}", status, 0.0, registration)
    await container_instances.insert(tx, machine)


def test_each_container_instance_is_one_sample_of_its_cluster_also_when_it_is_idle(in_store):
    async def work(database):
        async with database.transaction() as tx:
            await put_machine(tx, 1)
            await put_machine(tx, 2)
            await put_machine(tx, 3, status=Status.INACTIVE)
            await put(tx, record(1, instance="ci1"), record(2, instance="ci1", service=""))
            await record_usage(tx, "n", usage(**{named(1): (0.5, 100), named(2): (0.5, 150)}))
            (cpu,) = await found(tx, "CPUUtilization")
            (memory,) = await found(tx, "MemoryUtilization")
            assert dict(cpu.distribution.values) == {50.0: 1.0, 0.0: 1.0}
            assert dict(memory.distribution.values) == {25.0: 1.0, 0.0: 1.0}

    in_store(work)


def test_a_cluster_says_what_its_tasks_reserve_of_its_instances_whatever_they_use(in_store):
    async def work(database):
        async with database.transaction() as tx:
            await put_machine(tx, 1)
            await put_machine(tx, 2)
            await container_instances.change_share(tx, "ci1", None, Share(cpu=1024, memory=250))
            await record_usage(tx, "n", usage())
            (cpu,) = await found(tx, "CPUReservation")
            (memory,) = await found(tx, "MemoryReservation")
            assert dict(cpu.distribution.values) == {50.0: 1.0, 0.0: 1.0}
            assert dict(memory.distribution.values) == {25.0: 1.0, 0.0: 1.0}
            (idle,) = await found(tx, "CPUUtilization")
            assert dict(idle.distribution.values) == {0.0: 2.0}

    in_store(work)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"cpu": "256", "memory": "512"}, (256, 512)),
        ({"cpu": "0", "memory": "0", "containers": (container(cpu="100", memory="300"),) * 2}, (200, 600)),
        ({"cpu": "0", "memory": "0", "containers": (container(memory="300", memory_reservation="200"),)}, (0, 200)),
        ({"cpu": "0", "memory": "512", "containers": (container(cpu="100"),)}, (100, 512)),
    ],
)
def test_a_task_reserves_what_it_asks_for_or_its_containers_do(members, expected):
    assert reserved(task_document(1, created_at=0.0, **members)) == expected
