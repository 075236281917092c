"""A service with an environment: tasks that start, turn healthy, fail and end, and a store that takes actions."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from homeport.services.ecs.deployments.health import Verdict, judge
from homeport.services.ecs.deployments.model import (
    Account,
    Action,
    Advance,
    Breaker,
    Cause,
    ClearLaunchFailures,
    Complete,
    Deployment,
    Fail,
    Health,
    Listener,
    Phase,
    Plan,
    Prove,
    Retire,
    Rollout,
    Scheduling,
    Service,
    Shift,
    Shifting,
    Stage,
    Start,
    Stop,
    Strategy,
    Target,
    TargetHealth,
    Task,
)
from homeport.services.ecs.deployments.plan import plan

GROUP = "arn:tg"
ORDER = tuple(Stage)
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")


@dataclass
class World:
    """A service, one moment after the other; every action is checked against what it must never do."""

    service: Service
    containers_checked: bool = False
    balanced: bool = False
    now: float = 1000.0
    made: int = 0
    deployed: int = 1
    events: list[str] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)  # of each deployment since it was last proven
    started: Counter[str] = field(default_factory=Counter)  # tasks ever made for each deployment
    broken: set[str] = field(default_factory=set)  # revisions whose tasks never run
    stages: list[Stage] = field(default_factory=list)  # of the latest deployment
    shares: list[tuple[float, float]] = field(default_factory=list)  # when the latest got how much traffic
    crowding: bool = False  # new tasks go to one zone, whatever the others have
    sick: set[str] = field(default_factory=set)  # tasks, and revisions of tasks, that fail their checks for good

    # What is so.

    @property
    def live(self) -> list[Task]:
        return [task for task in self.service.tasks if task.phase is not Phase.STOPPED]

    @property
    def desired(self) -> int:
        daemon = self.service.scheduling is Scheduling.DAEMON
        return len(self.service.instances) if daemon else self.service.desired

    @property
    def floor(self) -> int:
        return -(-self.desired * self.service.minimum_healthy_percent // 100)

    @property
    def ceiling(self) -> int:
        return self.desired * self.service.maximum_percent // 100

    def verdict(self, task: Task) -> Verdict:
        return judge(task, self.service.grace_seconds, self.now)

    @property
    def healthy(self) -> int:
        return sum(self.verdict(task) is Verdict.HEALTHY for task in self.live)

    @property
    def converged(self) -> bool:
        """Whether exactly the desired tasks are there, all healthy and of the PRIMARY deployment's revision."""
        primary = self.service.primary
        return (
            primary.rollout is Rollout.COMPLETED
            and len(self.service.deployments) == 1
            and len(self.live) == self.healthy == self.desired
            and all(task.revision == primary.revision for task in self.live)
            and (
                self.service.scheduling is Scheduling.REPLICA
                or sorted(task.instance for task in self.live) == sorted(self.service.instances)
            )
        )

    @property
    def balanced_over_zones(self) -> bool:
        counts = Counter(task.zone for task in self.live)
        return max(counts[zone] for zone in ZONES) - min(counts[zone] for zone in ZONES) <= 1

    @property
    def movable(self) -> bool:
        """Whether the configuration leaves a deployment a way."""
        return not self.desired or self.ceiling > self.desired or self.floor < self.desired

    # What the store does.

    def plan(self) -> Plan:
        return plan(self.service, self.now)

    def step(self, most: int | None = None) -> Plan:
        """Plan and do all of it, or be cut short after *most* actions."""
        planned = self.plan()
        assert len(set(planned.actions)) == len(planned.actions)
        for action in planned.actions[:most]:
            self.apply(action)
        if most is None or most >= len(planned.actions):
            self.events += planned.events
            self.service = replace(self.service, standing=planned.standing)
        return planned

    def apply(self, action: Action) -> None:
        match action:
            case Start():
                self._start(action)
            case Stop():
                self._stop(action)
            case Account(task, deployment, failed, at):
                self.service = replace(self.service, tasks=tuple(one for one in self.service.tasks if one.id != task))
                self._fail(deployment, failed=failed, launch=failed, at=at)
            case Prove(task, deployment, reset):
                self.change(task, proven=True)
                if reset:
                    self.failures[deployment] = 0
                    self._deployment(deployment, failed_tasks=0)
            case ClearLaunchFailures(deployment):
                self._deployment(deployment, launch_failures=0)
            case Complete(deployment):
                assert deployment == self.service.primary.id
                self._deployment(deployment, rollout=Rollout.COMPLETED)
                self.service = replace(self.service, rollback_to=self.service.primary.revision)
            case Retire(deployment):
                assert deployment != self.service.primary.id
                left = tuple(one for one in self.service.deployments if one.id != deployment)
                self.service = replace(self.service, deployments=left)
            case Advance(deployment, stage):
                assert deployment == self.service.primary.id
                assert ORDER.index(stage) == ORDER.index(self.service.primary.stage) + 1, "a stage is left out"
                if stage is Stage.POST_SCALE_UP:
                    assert self.healthy_of(self.service.primary.revision) >= self.desired, "green is not whole"
                if stage is Stage.CLEAN_UP and not self.service.primary.rollback:
                    assert self.healthy_of(self.service.primary.revision) >= self.floor, "nobody is left to serve"
                self._deployment(deployment, stage=stage, stage_since=self.now)
                self.stages.append(stage)
            case Shift(deployment, listener, weights):
                self._shift(deployment, listener, weights)
            case Fail(deployment, _, back):
                assert deployment == self.service.primary.id
                self._deployment(deployment, rollout=Rollout.FAILED)
                if back:
                    self.deploy(back, rollback=True)

    def _shift(self, deployment: str, listener: Listener, weights: tuple[tuple[str, float], ...]) -> None:
        primary = self.service.primary
        assert deployment == primary.id
        assert sum(weight for _, weight in weights) == 100.0
        shares = dict(weights)
        if listener is Listener.TEST:
            self.service = replace(self.service, test=shares)
        else:
            before, after = (of.get(primary.revision, 0.0) for of in (self.service.production, shares))
            if primary.stage is Stage.RECONCILE_SERVICE:
                assert after == before or not self.service.production, "traffic for what is not there yet"
            else:
                assert after > before, "traffic goes back and forth"
                if not primary.rollback:
                    assert self.healthy_of(primary.revision) >= self.floor, "traffic to tasks that are not there"
                self.shares.append((self.now, after))
            self.service = replace(self.service, production=shares)
        self._deployment(deployment, stage_since=self.now)

    def healthy_of(self, revision: str) -> int:
        return sum(task.revision == revision and self.verdict(task) is Verdict.HEALTHY for task in self.live)

    @property
    def shifting(self) -> bool:
        return self.service.strategy.kind is not Strategy.ROLLING

    def _start(self, action: Start) -> None:
        primary = next(one for one in self.service.deployments if one.id == action.deployment)
        assert self.shifting or primary.id == self.service.primary.id
        assert primary.rollout is not Rollout.FAILED
        new = []
        for index, place in enumerate(action.instances or ("",) * action.count):
            self.made += 1
            spread = ZONES[0 if self.crowding else self.made % 3]
            new.append(
                Task(
                    f"t{self.made:04}",
                    primary.id,
                    primary.revision,
                    Phase.PENDING,
                    container_health=Health.UNKNOWN if self.containers_checked else None,
                    targets=(Target(GROUP),) if self.balanced else (),
                    zone=action.zones[index] if action.zones else spread,
                    rebalances=bool(action.zones),
                    instance=place,
                    created_at=self.now,
                )
            )
        assert len(new) == action.count > 0
        self.started[primary.id] += action.count
        self.service = replace(self.service, tasks=(*self.service.tasks, *new))
        if (
            self.shifting
            and primary.rollout is Rollout.IN_PROGRESS
            and not self.service.production.get(primary.revision)
        ):
            assert ORDER.index(primary.stage) >= ORDER.index(Stage.SCALE_UP), "tasks before their stage"
        beside = [task for task in self.live if not self.shifting or task.revision == primary.revision]
        assert len(beside) <= self.ceiling, "above the ceiling"
        wanted = [t for t in self.live if t.revision == primary.revision and self.verdict(t) in _WORTH_KEEPING]
        assert len(wanted) <= self.desired + len(action.zones), "more than desired"
        if self.service.scheduling is Scheduling.DAEMON:
            assert max(Counter(task.instance for task in self.live).values()) == 1, "two on an instance"

    def _stop(self, action: Stop) -> None:
        task = self.task(action.task)
        before = self.verdict(task)
        assert task.phase in {Phase.PENDING, Phase.RUNNING}
        if task.protected and action.cause is not Cause.MISPLACED:
            assert before is Verdict.UNHEALTHY, "a protected task"
        assert action.failed == (action.cause is Cause.UNHEALTHY)
        self.change(task.id, phase=Phase.STOPPING, told=True)
        self._fail(action.deployment, failed=action.failed)
        if before is not Verdict.HEALTHY or action.cause is Cause.MISPLACED:
            return
        if not self.shifting:
            assert self.healthy >= self.floor, "below the floor"
        elif self.service.production.get(task.revision, 0.0) > 0:
            assert self.healthy_of(task.revision) >= self.floor, "traffic to tasks that were stopped"

    def _fail(self, deployment: str, *, failed: bool, launch: bool = False, at: float | None = None) -> None:
        self.failures[deployment] += failed
        for one in self.service.deployments:
            if one.id == deployment:
                self._deployment(
                    deployment,
                    failed_tasks=one.failed_tasks + failed,
                    launch_failures=one.launch_failures + launch,
                    last_failure_at=one.last_failure_at if at is None or not failed else at,
                )

    def _deployment(self, deployment: str, **changes: Any) -> None:
        self.service = replace(
            self.service,
            deployments=tuple(
                replace(one, **changes) if one.id == deployment else one for one in self.service.deployments
            ),
        )

    # What users and the environment do.

    def deploy(self, revision: str = "", *, rollback: bool = False) -> None:
        self.deployed += 1
        self.stages, self.shares = [], []
        id_, made_from = f"ecs-svc/{self.deployed}", revision or f"revision/{self.deployed}"
        new = Deployment(id_, made_from, rollback=rollback, stage_since=self.now)
        self.service = replace(self.service, deployments=(new, *self.service.deployments))

    def task(self, task: str) -> Task:
        return next(one for one in self.service.tasks if one.id == task)

    def change(self, task: str, **changes: Any) -> None:
        self.service = replace(
            self.service,
            tasks=tuple(replace(one, **changes) if one.id == task else one for one in self.service.tasks),
        )

    def run(self, task: str) -> None:
        self.change(task, phase=Phase.RUNNING, running_since=self.now)

    def end(self, task: str) -> None:
        self.change(task, phase=Phase.STOPPED, protected=False)

    def check(self, task: str, *, healthy: bool) -> None:
        one = self.task(task)
        state = TargetHealth.HEALTHY if healthy else TargetHealth.UNHEALTHY
        health = Health.HEALTHY if healthy else Health.UNHEALTHY
        self.change(
            task,
            targets=tuple(replace(target, state=state) for target in one.targets),
            container_health=None if one.container_health is None else health,
        )

    def behave(self) -> None:
        """Let a minute pass in which each task does what it is meant to."""
        for task in self.live:
            if task.phase is Phase.STOPPING or task.revision in self.broken:
                self.end(task.id)
            elif task.phase is Phase.PENDING:
                self.run(task.id)
            elif task.phase is Phase.RUNNING:
                self.check(task.id, healthy=not self.sick & {task.id, task.revision})
        self.now += 60.0

    def settle(self, cuts: Iterable[int] = (), *, insist: bool = False) -> None:
        """
        Let everything behave until the service has converged; plans are cut short as *cuts* says.

        With *insist* another deployment is begun for one that fails: what has gone wrong before may still end it.
        """
        rest = iter(cuts)
        for _ in range(40 + 10 * (len(self.service.tasks) + self.desired)):
            planned = self.step(next(rest, None))
            if insist and self.service.primary.rollout is Rollout.FAILED:
                self.deploy()
            quiet = not planned.actions and all(task.phase is Phase.RUNNING for task in self.live)
            if self.converged and quiet:
                room = self.service.rebalancing and self.ceiling > self.desired
                assert self.balanced_over_zones or not room
                return
            self.behave()
            if quiet and planned.again_at is not None:
                self.now = max(self.now, planned.again_at)
        raise AssertionError(f"does not converge: {self.service} waits for {self.plan().waits}")


_WORTH_KEEPING = {Verdict.STARTING, Verdict.SETTLING, Verdict.HEALTHY}


def new_world(
    desired: int = 2,
    *,
    minimum: int = 100,
    maximum: int = 200,
    breaker: Breaker | None = None,
    daemon: bool = False,
    containers_checked: bool = False,
    balanced: bool = False,
    grace_seconds: float = 0.0,
    rebalancing: bool = False,
    strategy: Shifting | None = None,
) -> World:
    return World(
        Service(
            "web",
            desired,
            (Deployment("ecs-svc/1", "revision/1"),),
            minimum_healthy_percent=minimum,
            maximum_percent=maximum,
            grace_seconds=grace_seconds,
            scheduling=Scheduling.DAEMON if daemon else Scheduling.REPLICA,
            instances=tuple(f"i-{number}" for number in range(desired)) if daemon else (),
            breaker=breaker,
            zones=ZONES,
            rebalancing=rebalancing,
            strategy=strategy or Shifting(),
        ),
        containers_checked=containers_checked,
        balanced=balanced,
    )
