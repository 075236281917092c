"""
CPUUtilization and MemoryUtilization, from what nodes say that tasks use; CPUReservation and MemoryReservation with them.

A service's metric has one sample per running task: what the task uses of what it reserves, in percent.  So its
SampleCount tells how many tasks run, as on AWS.  A cluster's has one sample per container instance: what the tasks on it
use, or reserve, of what it registered.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service_utilization.html
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import UNSET, UnsetType

from homeport.db.database import Tx
from homeport.services.cloudwatch.distribution import of_values
from homeport.services.cloudwatch.model import Datum, Metric, metric_of
from homeport.services.cloudwatch.store import datapoints
from homeport.services.ecs.model.container_instances import ContainerInstance, Status
from homeport.services.ecs.model.tasks import Task, TaskRecord
from homeport.services.ecs.store import container_instances, tasks
from homeport.wire.metrics import TaskUsage, Usage

NAMESPACE = "AWS/ECS"
_CPU_UNITS = 1024
_MIB = 1024 * 1024
_CHUNK = 500
_DIGITS = 3  # of a percentage, behind the point: more say nothing, and each sample is kept


async def record_usage(tx: Tx, node: str, usage: Usage) -> None:
    """Publish what the tasks of *node* used; of tasks that it does not have it cannot speak."""
    used = {one.task: one for one in usage.tasks}
    ids = list(used)
    records: list[TaskRecord] = []
    for start in range(0, len(ids), _CHUNK):
        found = await tasks.among(tx, ids[start : start + _CHUNK])
        records += (record for record in found if record.node == node)
    machines = await container_instances.on_node(tx, node)
    samples = [
        *_service_samples([(record, used[record.task.id]) for record in records]),
        *_cluster_samples(machines, [(record, used[record.task.id]) for record in records]),
    ]
    await _publish(tx, usage.minute, samples)


Sample = tuple[str, Metric, float]  # region, metric, percent


async def _publish(tx: Tx, minute: int, samples: Iterable[Sample]) -> None:
    by_metric: dict[tuple[str, Metric], dict[float, float]] = defaultdict(dict)
    for region, metric, percent in samples:
        values = by_metric[region, metric]
        values[percent] = values.get(percent, 0) + 1
    by_region: dict[str, list[Datum]] = defaultdict(list)
    for (region, metric), values in by_metric.items():
        by_region[region].append(Datum(metric, minute, of_values(values), "Percent"))
    for region, data in by_region.items():
        await datapoints.publish(tx, region, data)


Used = Sequence[tuple[TaskRecord, TaskUsage]]


def _service_samples(used: Used) -> Iterator[Sample]:
    for record, usage in used:
        if not record.launch.service:
            continue
        task = record.task
        dimensions = {"ClusterName": _name(task.cluster_arn), "ServiceName": _name(record.launch.service)}
        yield from _percents(task.region, dimensions, usage.cpus, usage.memory, *reserved(task))


def _cluster_samples(machines: Iterable[ContainerInstance], used: Used) -> Iterator[Sample]:
    cpus: dict[str, float] = defaultdict(float)
    memory: dict[str, int] = defaultdict(int)
    for record, usage in used:
        cpus[record.launch.container_instance] += usage.cpus
        memory[record.launch.container_instance] += usage.memory
    for machine in machines:
        if machine.status in (Status.ACTIVE, Status.DRAINING):
            dimensions = {"ClusterName": _name(machine.cluster)}
            own = machine.registration
            region = machine.arn.split(":", 4)[3]
            yield from _percents(region, dimensions, cpus[machine.id], memory[machine.id], own.cpu, own.memory)
            for name, taken, whole in (("CPU", machine.used.cpu, own.cpu), ("Memory", machine.used.memory, own.memory)):
                if whole:
                    yield region, metric_of(NAMESPACE, f"{name}Reservation", dimensions), 100 * taken / whole


def _percents(
    region: str, dimensions: Mapping[str, str], cpus: float, memory: int, cpu_units: int, mib: int
) -> Iterator[Sample]:
    """Yield both utilisations; of what reserves nothing there is none."""
    if cpu_units:
        used = round(100 * cpus * _CPU_UNITS / cpu_units, _DIGITS)
        yield region, metric_of(NAMESPACE, "CPUUtilization", dimensions), used
    if mib:
        used = round(100 * memory / (mib * _MIB), _DIGITS)
        yield region, metric_of(NAMESPACE, "MemoryUtilization", dimensions), used


def reserved(task: Task) -> tuple[int, int]:
    """Return the CPU units and MiB that *task* reserves: its own, or those of its containers together."""
    cpu = _number(task.cpu) or sum(_number(container.cpu) for container in task.containers)
    # A soft limit is what a container reserves; the hard one only where there is no other.
    memory = _number(task.memory) or sum(
        _number(container.memory_reservation) or _number(container.memory) for container in task.containers
    )
    return cpu, memory


def _number(text: str | UnsetType) -> int:
    return int(text) if text is not UNSET and text.isdigit() else 0


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]
