"""A service with its tasks as the planner sees it.  Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from homeport.services.ecs import balancing
from homeport.services.ecs.deployments import model as planned
from homeport.services.ecs.model.services import Breaker, Deployment, DeploymentConfiguration, Revision, ServiceRecord
from homeport.services.ecs.model.tasks import Desired, Launch, Status, StopCode, Task, TaskRecord

#: The ends that a task does not come to by itself.
_TOLD = frozenset({StopCode.USER, StopCode.SERVICE, StopCode.TERMINATION_NOTICE})


@dataclass(frozen=True, slots=True)
class Places:
    """
    Where tasks can be: the zones, where these matter, and for daemons the ARNs of container instances.

    *draining* are the ids of the container instances that are to be emptied.
    """

    zones: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    draining: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Behind:
    """What load balancers say: the targets of the service's groups, and the revisions that name these."""

    states: balancing.States = field(default_factory=dict)
    revisions: Mapping[str, Revision] = field(default_factory=dict)


def as_planned(
    service: ServiceRecord,
    deployments: Sequence[Deployment],
    records: Sequence[TaskRecord],
    places: Places,
    behind: Behind,
    now: float,
) -> planned.Service:
    """Return *service* with its *deployments*, the PRIMARY one first, and all its tasks that are not settled."""
    declared = service.declared
    return planned.Service(
        name=service.name,
        desired=declared.desired_count,
        deployments=tuple(_deployment(each) for each in deployments),
        tasks=tuple(_task(each, places, behind, now) for each in records),
        minimum_healthy_percent=declared.configuration.minimum_healthy_percent,
        maximum_percent=declared.configuration.maximum_percent,
        grace_seconds=float(declared.grace_seconds or 0),
        scheduling=planned.Scheduling(service.scheduling_strategy),
        zones=places.zones,
        rebalancing=declared.rebalancing,
        instances=places.instances,
        breaker=breaker_of(declared.configuration.breaker),
        rollback_to=service.progress.completed,
        strategy=_shifting(declared.configuration),
        production=service.progress.production,
        test=service.progress.test,
        standing=service.progress.standing,
    )


def _deployment(deployment: Deployment) -> planned.Deployment:
    return planned.Deployment(
        id=deployment.id,
        revision=deployment.revision,
        rollout=deployment.rollout,
        rollback=deployment.rollback,
        failed_tasks=deployment.failed_tasks,
        launch_failures=deployment.launch_failures,
        last_failure_at=deployment.last_failure_at,
        stage=deployment.stage,
        stage_since=deployment.stage_since,
    )


def _shifting(configuration: DeploymentConfiguration) -> planned.Shifting:
    return planned.Shifting(
        kind=configuration.strategy,
        bake_seconds=60.0 * configuration.bake_minutes,
        step_percent=configuration.step_percent,
        step_bake_seconds=60.0 * configuration.step_bake_minutes,
    )


def breaker_of(breaker: Breaker) -> planned.Breaker | None:
    """Return a circuit breaker as the planner sees it; None if it is off."""
    if not breaker.enable:
        return None
    return planned.Breaker(
        rollback=breaker.rollback,
        reset_on_healthy_task=breaker.reset_on_healthy_task,
        threshold_type=planned.ThresholdType(breaker.threshold_configuration.type),
        threshold_value=breaker.threshold_configuration.value,
    )


def _task(record: TaskRecord, places: Places, behind: Behind, now: float) -> planned.Task:
    task, launch = record.task, record.launch
    return planned.Task(
        id=task.id,
        deployment=task.started_by or "",
        revision=launch.revision_of_service,
        phase=phase_of(task),
        running_since=task.started_at or None,
        container_health=_health(task, launch),
        targets=balancing.as_planned(record, behind.revisions.get(launch.revision_of_service), behind.states),
        protected=record.protected_until is not None and record.protected_until > now,
        zone=task.availability_zone,
        instance=task.container_instance_arn or "",
        created_at=task.created_at,
        told=task.stop_code in _TOLD,
        proven=launch.proven,
        rebalances=launch.rebalances,
        draining=launch.container_instance in places.draining,
    )


def phase_of(task: Task) -> planned.Phase:
    """Say how far a task has come, as far as its service cares."""
    if task.last_status is Status.STOPPED:
        return planned.Phase.STOPPED
    if task.desired_status is Desired.STOPPED:
        return planned.Phase.STOPPING
    return planned.Phase.RUNNING if task.last_status is Status.RUNNING else planned.Phase.PENDING


def _health(task: Task, launch: Launch) -> planned.Health | None:
    """Return what the health checks of the essential containers say; None if there are none."""
    if not any(part.essential and part.checked for part in launch.containers):
        return None
    return planned.Health(task.health_status or "UNKNOWN")
