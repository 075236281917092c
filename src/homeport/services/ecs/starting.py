"""
Start tasks of a service, as RunTask starts those of its callers.

On Fargate each goes to the zone that has the fewest; on container instances placement finds a place for each, unless
they are daemons, whose places are known.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

import msgspec

from homeport.aws.errors import AwsError
from homeport.db.database import Tx
from homeport.kit.ids import Ids
from homeport.services.ecs import impediments
from homeport.services.ecs.deploying import asked_by
from homeport.services.ecs.deployments import model as planned
from homeport.services.ecs.launching import Order, build, build_on, group_of
from homeport.services.ecs.model.clusters import Cluster
from homeport.services.ecs.model.container_instances import ContainerInstance, Status
from homeport.services.ecs.model.services import Deployment, Revision, ServiceRecord
from homeport.services.ecs.model.tasks import Desired, TaskRecord
from homeport.services.ecs.ordering import make_order, network_of
from homeport.services.ecs.placement.filters import (
    ZONE,
    MemberOf,
    Reason,
    Refusal,
    Requirements,
    find_refusal,
    requirements_of,
)
from homeport.services.ecs.placement.plan import plan_placement
from homeport.services.ecs.registries import registry_of
from homeport.services.ecs.store import clusters, container_instances, task_definitions, tasks
from homeport.services.ecs.strategies import distribute
from homeport.services.ecs.validation import placement


@dataclass(frozen=True, slots=True)
class Here:
    """The transaction, place and moment in which tasks are started."""

    account: str
    region: str
    tx: Tx
    ids: Ids
    at: float

    def now(self) -> float:
        return self.at


@dataclass(frozen=True, slots=True)
class Started:
    """The tasks that were started, by id and zone, and the event that says why there are not more; "" if all were."""

    tasks: tuple[tuple[str, str], ...]
    impediment: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(task for task, _ in self.tasks)

    @property
    def by_zone(self) -> Mapping[str, list[str]]:
        """The ids of the tasks by the zones they were started in."""
        found: dict[str, list[str]] = {}
        for task, zone in self.tasks:
            found.setdefault(zone, []).append(task)
        return found


async def start(
    here: Here,
    service: ServiceRecord,
    deployment: Deployment,
    revision: Revision,
    present: Sequence[TaskRecord],
    wanted: planned.Start,
) -> Started:
    """Start the tasks of a deployment that are *wanted* beside those *present*, or as many as there is room for."""
    try:
        order, cluster = await _order(here, service, deployment, revision)
    except AwsError as error:
        return Started((), impediments.not_launched(service.name, error.message))
    # Those of other revisions are on their way out: who counted them would leave gaps where they are.
    meant = [
        each
        for each in present
        if each.task.desired_status is Desired.RUNNING and each.launch.revision_of_service == revision.arn
    ]
    if revision.on_fargate:
        records, impediment = _on_fargate(here, order, revision, meant, wanted), ""
    elif wanted.instances:
        records, impediment = await _daemons(here, service, order, cluster, wanted.instances)
    else:
        records, impediment = await _on_instances(here, service, order, cluster, wanted)
    if wanted.zones:
        records = [_for_balance(record) for record in records]
    registry = registry_of(service.name, revision.registries)
    for record in records:
        listed = replace(record, launch=msgspec.structs.replace(record.launch, registry=registry))
        await tasks.insert(here.tx, listed)
    return Started(tuple((record.task.id, record.task.availability_zone) for record in records), impediment)


def _for_balance(record: TaskRecord) -> TaskRecord:
    return replace(record, launch=msgspec.structs.replace(record.launch, rebalances=True))


async def zones(here: Here, service: ServiceRecord, deployment: Deployment, revision: Revision) -> tuple[str, ...]:
    """Return the zones in which the service's tasks can be."""
    try:
        order, cluster = await _order(here, service, deployment, revision)
    except AwsError:
        return ()
    of_subnets = {subnet.zone for subnet in order.subnets}
    if revision.on_fargate:
        return tuple(sorted(of_subnets))
    found = await container_instances.in_cluster(here.tx, cluster.arn, Status.ACTIVE)
    of_instances = {each.attributes.get(ZONE, "") for each in found} - {""}
    return tuple(sorted(of_instances & of_subnets if of_subnets else of_instances))


async def _order(
    here: Here, service: ServiceRecord, deployment: Deployment, revision: Revision
) -> tuple[Order, Cluster]:
    family, _, number = revision.task_definition.rpartition("/")[2].partition(":")
    definition = await task_definitions.find(here.tx, here.region, family, int(number))
    assert definition is not None, "a task definition outlives the services that run it"
    cluster = await clusters.find(here.tx, service.cluster)
    assert cluster is not None, "a cluster outlives its services"
    return await make_order(here, cluster, definition, asked_by(service, revision, deployment.id)), cluster


def _on_fargate(
    here: Here, order: Order, revision: Revision, meant: Sequence[TaskRecord], wanted: planned.Start
) -> list[TaskRecord]:
    """Make the tasks, each in the zone and, where there is a strategy, with the provider that is furthest behind."""
    providers: list[str | None] = [None] * wanted.count
    if revision.strategy:
        held = Counter(each.task.capacity_provider_name or "" for each in meant)
        providers = list(distribute(revision.strategy, wanted.count, held))
    there = list(dict.fromkeys(subnet.zone for subnet in order.subnets))
    filled = Counter(each.task.availability_zone for each in meant)
    asked = iter(wanted.zones)
    records = []
    for provider in providers:
        zone = next(asked, "") or min(there, key=lambda zone: (filled[zone], there.index(zone)))
        # A turn picks the zone by its remainder, and among the zone's own subnets by its quotient.
        turn = there.index(zone) + filled[zone] * len(there)
        filled[zone] += 1
        records.append(build(replace(order, turn=turn), provider, 0, here.ids))
    return records


async def _on_instances(
    here: Here, service: ServiceRecord, order: Order, cluster: Cluster, wanted: planned.Start
) -> tuple[list[TaskRecord], str]:
    """Make the tasks for which there is a place, and say why there is none for the others."""
    found = await container_instances.in_cluster(here.tx, cluster.arn, Status.ACTIVE)
    constraints = placement.parse_constraints(service.declared.placement_constraints, ())
    strategies = placement.parse_strategies(service.declared.placement_strategy)
    requirements = requirements_of(order.applied, group_of(order), network_of(order), constraints)
    chance = Random(order.turn)  # noqa: S311 - spreads tasks, no secret
    by_arn = {each.arn: each for each in found}
    records: list[TaskRecord] = []
    impediment = ""
    # A task that is for a zone goes there or is not made.
    for zone, count in (Counter(wanted.zones) or {"": wanted.count}).items():
        instances = [each.for_placement() for each in found if zone in {"", each.attributes.get(ZONE)}]
        decided = plan_placement(requirements, instances, strategies, count, chance)
        records += [build_on(order, by_arn[arn], index, here.ids) for index, arn in enumerate(decided.placed)]
        if decided.unplaced:
            impediment = impediments.no_place(service.name, decided.refusals, zone)
    return records, impediment


#: What keeps a daemon from being started where it belongs, but does not change where that is.
_PASSING = frozenset({Reason.AGENT, Reason.CPU, Reason.MEMORY, Reason.PORTS, Reason.ENI})


async def daemon_places(
    here: Here, service: ServiceRecord, deployment: Deployment, revision: Revision
) -> tuple[str, ...]:
    """Return the ARNs of the container instances on each of which a daemon belongs."""
    found = await container_instances.in_cluster(here.tx, service.cluster, Status.ACTIVE)
    try:
        order, _ = await _order(here, service, deployment, revision)
    except AwsError:
        return tuple(each.arn for each in found)  # starting one will say what is wrong
    requirements = _daemon_requirements(service, order)
    refusals = [(each.arn, find_refusal(requirements, each.for_placement())) for each in found]
    return tuple(arn for arn, refusal in refusals if refusal is None or refusal.reason in _PASSING)


def _daemon_requirements(service: ServiceRecord, order: Order) -> Requirements:
    """Return what daemons ask for; that there is one on each instance is the planner's business."""
    constraints = placement.parse_constraints(service.declared.placement_constraints, ())
    kept = [each for each in constraints if isinstance(each, MemberOf)]
    return requirements_of(order.applied, group_of(order), network_of(order), kept)


async def _daemons(
    here: Here, service: ServiceRecord, order: Order, cluster: Cluster, places: Sequence[str]
) -> tuple[list[TaskRecord], str]:
    """Make one task on each of the instances *places* that has room for it."""
    found = {each.arn: each for each in await container_instances.in_cluster(here.tx, cluster.arn, Status.ACTIVE)}
    requirements = _daemon_requirements(service, order)
    records: list[TaskRecord] = []
    refusals: list[Refusal] = []
    for index, instance in enumerate(_known(found, places)):
        refusal = find_refusal(requirements, instance.for_placement())
        if refusal is None:
            records.append(build_on(order, instance, index, here.ids))
        else:
            refusals.append(refusal)
    return records, impediments.no_place(service.name, refusals) if refusals else ""


def _known(found: Mapping[str, ContainerInstance], places: Sequence[str]) -> list[ContainerInstance]:
    return [found[arn] for arn in places if arn in found]
