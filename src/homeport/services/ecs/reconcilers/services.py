"""
Keep services as they are declared: `deployments.plan` decides, this carries out.

One look at a service is one transaction, so that after a crash each of its actions is done or not, and never twice.
Only services that are due are looked at: those that were declared anew, those one of whose tasks has moved on, and
those for which time has run out.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from homeport.aws.errors import AwsError
from homeport.db.database import Database
from homeport.kit.clock import Clock
from homeport.kit.ids import Ids
from homeport.reconcile.driver import Reconciler
from homeport.services.ecs import balancing, impediments, lifecycle
from homeport.services.ecs.assigning import assign_again
from homeport.services.ecs.deploying import Beginning, ended, roll_back
from homeport.services.ecs.deployments import model as planned
from homeport.services.ecs.deployments import texts
from homeport.services.ecs.deployments.plan import plan
from homeport.services.ecs.model.services import (
    UNDERWAY,
    Deployment,
    Moved,
    Progress,
    Revision,
    ServiceRecord,
    ServiceStatus,
)
from homeport.services.ecs.model.tasks import Balancing, StopCode, TaskRecord
from homeport.services.ecs.moving import FOLLOWERS, move
from homeport.services.ecs.observing_services import Behind, Places, as_planned, phase_of
from homeport.services.ecs.starting import Here, daemon_places, start, zones
from homeport.services.ecs.store import container_instances, deployments, service_events, services, tasks

log = logging.getLogger(__name__)

NAME = "ecs.services"
#: A service that nothing happens to is looked at all the same, in seconds.
LONGEST_REST = 3600.0
#: How long to wait before a task that has no place is tried again, in seconds: at first, and at most.
FIRST_RETRY, LONGEST_RETRY = 5.0, 60.0
#: How often to look at targets that drain, should a report of theirs be missed, in seconds.
DRAIN_LOOK = 5.0
#: How long a service is left alone that could not be looked at, in seconds.
AFTER_FAILURE = 30.0
#: After how many seconds it is said again that tasks cannot be started.
REPEAT_SECONDS = 6 * 3600.0

_BATCH = 64


class Services:
    """The reconciler's passes."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, account: str, wake: Callable[[str], None]) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._account = account
        self._wake = wake

    def reconciler(self) -> Reconciler:
        # The interval is how late a look may be that time alone makes due; it costs one indexed read.
        return Reconciler(NAME, self.pass_, interval=1)

    async def pass_(self) -> None:
        """Look at every service that is due, each in a transaction of its own."""
        while True:
            async with self._database.snapshot() as tx:
                due = await services.due(tx, self._clock.now(), _BATCH)
            for arn in due:
                try:
                    await self._look(arn)
                except Exception:  # the boundary, for one service: it must not hold up the others
                    log.exception("the service %s could not be looked at", arn)
                    await self._postpone(arn)
            if len(due) < _BATCH:
                return

    async def _postpone(self, arn: str) -> None:
        async with self._database.transaction() as tx:
            await services.set_due(tx, arn, self._clock.now() + AFTER_FAILURE)

    async def _look(self, arn: str) -> None:
        async with self._database.transaction() as tx:
            service = await services.find(tx, arn)
            if service is None or service.status is ServiceStatus.INACTIVE:
                return
            here = Here(self._account, service.region, tx, self._ids, self._clock.now())
            look = Look(here, service, await tasks.watched(tx, arn))
            if service.status is ServiceStatus.DRAINING:
                await look.drain()
            else:
                await look.step()
        if look.again:
            look.wakes.add(NAME)
        for name in sorted(look.wakes):
            self._wake(name)


@dataclass
class Look:
    """One look at one service: what it finds, what it changes, and whom that concerns."""

    here: Here
    service: ServiceRecord
    records: Sequence[TaskRecord]
    wakes: set[str] = field(default_factory=set)
    deployments: dict[str, Deployment] = field(default_factory=dict)
    written: dict[str, Deployment] = field(default_factory=dict)  # the deployments as their rows have them
    revisions: dict[str, Revision] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    impediment: str = ""
    tried: bool = False
    last_words: list[str] = field(default_factory=list)  # events that come after those of the plan
    again: bool = False  # there is more to do at once
    held_up: bool = False  # traffic could not be shifted, nor could it be at once

    async def drain(self) -> None:
        """Stop every task of a service that is being deleted; when none is left it is gone."""
        phases = {record.task.id: phase_of(record.task) for record in self.records}
        for record in self.records:
            if phases[record.task.id] is planned.Phase.STOPPED:
                await tasks.settle(self.here.tx, record.task.id)
            elif phases[record.task.id] is not planned.Phase.STOPPING:
                await self._stop(record, texts.SCALING.format(record.task.started_by))
        name = self.service.name
        if running := [task for task, phase in phases.items() if phase is planned.Phase.RUNNING]:
            await self._say(texts.stopped_running(name, running))
        if pending := sum(phase is planned.Phase.PENDING for phase in phases.values()):
            await self._say(texts.stopped_pending(name, pending))
        await self._see_off()
        if set(phases.values()) <= {planned.Phase.STOPPED}:
            gone = replace(self.service, status=ServiceStatus.INACTIVE)
            await services.put(self.here.tx, gone, inactive_since=self.here.at)
        else:
            await services.set_due(self.here.tx, self.service.arn, self._due(None))

    async def step(self) -> None:
        """Take the next step of an active service."""
        tx, now = self.here.tx, self.here.at
        live = await deployments.of_service(tx, self.service.arn)
        self._have(live)
        self.revisions = await deployments.revisions(tx, list({each.revision for each in live}))
        self.progress = self.service.progress
        await self._register()
        places, behind = await self._places(live[0]), await self._behind()
        decided = plan(as_planned(self.service, live, self.records, places, behind, now), now)
        for action in decided.actions:
            await self._act(action)
        for sentence in (*decided.events, *self.last_words):
            await self._say(sentence)
        await self._see_off()
        self.again = self.again or (decided.again_at is not None and decided.again_at <= now and not self.held_up)
        await self._note_impediment()
        await self._save()
        self.progress = msgspec.structs.replace(
            self.progress, standing=dict(decided.standing), daemons=len(places.instances)
        )
        await services.put_progress(tx, self.service.arn, self.progress, self._due(decided.again_at))

    async def _places(self, primary: Deployment) -> Places:
        asked = (self.here, self.service, primary, self.revisions[primary.revision])
        if self.service.scheduling_strategy == planned.Scheduling.DAEMON:
            return Places(instances=await daemon_places(*asked))
        return Places(
            zones=await zones(*asked) if self.service.declared.rebalancing else (),
            draining=await container_instances.draining(
                self.here.tx, {each.launch.container_instance for each in self.records} - {""}
            ),
        )

    def _have(self, live: Sequence[Deployment]) -> None:
        self.deployments = {each.id: each for each in live}
        self.written = dict(self.deployments)

    async def _save(self) -> None:
        """Write the deployments that have changed."""
        for id_, deployment in self.deployments.items():
            if deployment != self.written.get(id_):
                await deployments.put(self.here.tx, msgspec.structs.replace(deployment, updated_at=self.here.at))

    async def _act(self, action: planned.Action) -> None:
        match action:
            case planned.Account():
                await tasks.settle(self.here.tx, action.task)
                self._count(action.deployment, failed=action.failed, launch=action.failed)
            case planned.Prove():
                await self._prove(action)
            case planned.ClearLaunchFailures():
                self._change(action.deployment, launch_failures=0)
            case planned.Start():
                await self._start(action)
            case planned.Stop():
                await self._stop(self._record(action.task), action.reason)
                self._count(action.deployment, failed=action.failed)
            case planned.Retire():
                del self.deployments[action.deployment]
                await deployments.retire(self.here.tx, action.deployment)
            case planned.Complete():
                await self._complete(action)
            case planned.Fail():
                await self._fail(action)
            case planned.Advance():
                self._change(action.deployment, stage=action.stage, stage_since=self.here.at)
                await self._touch_move()
            case planned.Shift():
                await self._shift(action)

    def _record(self, task_id: str) -> TaskRecord:
        return next(record for record in self.records if record.task.id == task_id)

    def _change(self, deployment: str, **members: object) -> None:
        """Change a deployment, unless it is gone: its last tasks may end after it."""
        if (found := self.deployments.get(deployment)) is not None:
            self.deployments[deployment] = msgspec.structs.replace(found, **members)

    def _count(self, deployment: str, *, failed: bool, launch: bool = False) -> None:
        found = self.deployments.get(deployment)
        if found is None or not failed:
            return
        self._change(
            deployment,
            failed_tasks=found.failed_tasks + 1,
            launch_failures=found.launch_failures + launch,
            last_failure_at=self.here.at,
        )

    async def _prove(self, action: planned.Prove) -> None:
        record = self._record(action.task)
        proven = replace(record, launch=msgspec.structs.replace(record.launch, proven=True))
        await tasks.update(self.here.tx, proven)
        self._wrote(record, proven)
        if action.reset:
            self._change(action.deployment, failed_tasks=0)

    async def _start(self, action: planned.Start) -> None:
        deployment = self.deployments[action.deployment]
        revision = self.revisions[deployment.revision]
        started = await start(self.here, self.service, deployment, revision, self.records, action)
        self.tried = True
        self.impediment = started.impediment or self.impediment
        if not started.ids:
            return
        self.wakes.add("ecs.placement")
        name = self.service.name
        if not action.zones:
            await self._say(texts.started(name, started.ids, min(action.replaced, len(started.ids))))
            return
        for zone, ids in started.by_zone.items():
            await self._say(texts.started_in_zone(name, zone, ids))

    async def _stop(self, record: TaskRecord, reason: str) -> None:
        task = lifecycle.stopped_with(record.task, StopCode.SERVICE, reason, self.here.at)
        stopped = replace(record, task=task)
        stopped = (await move(self.here.tx, record, stopped, self.here.at)).record
        self._wrote(record, stopped)
        self.wakes.update(FOLLOWERS)
        if record.waiting:
            self.wakes.add("ecs.placement")  # no node has it: placement ends it
        else:
            await assign_again(self.here.tx, stopped)
            self.wakes.add("fleet.sessions")

    def _wrote(self, before: TaskRecord, after: TaskRecord) -> None:
        self.records = [after if each is before else each for each in self.records]

    # --- Load balancers

    async def _register(self) -> None:
        """Make targets of tasks that run."""
        entered = await balancing.enter(self.here.tx, self.records, self.revisions, self.here.at)
        for before, after in zip(self.records, entered.records, strict=True):
            if after is not before:
                await tasks.update(self.here.tx, after)
        self.records = entered.records
        self.tried = bool(entered.counts or entered.refused)
        for group, count in entered.counts.items():
            await self._say(texts.registered(self.service.name, count, group))
            self.wakes.update(FOLLOWERS)
        for group, reason in entered.refused.items():
            self.impediment = texts.failed_to_register(self.service.name, group, reason)

    async def _behind(self) -> Behind:
        groups = {place.group for each in self.records for place in balancing.places_of(each)}
        return Behind(await balancing.states(self.here.tx, groups), self.revisions)

    async def _see_off(self) -> None:
        """Say which tasks have left their load balancers, and have those stopped that nothing is in flight to."""
        await self._announce([each for each in self.records if _has_just_left(each)])
        leaving = [each for each in self.records if each.launch.leaving]
        seen = (await self._behind()).states if leaving else {}
        for record in leaving:
            if balancing.in_flight(record, seen):
                continue
            over = balancing.with_balanced(record, None)
            await tasks.update(self.here.tx, over)
            await assign_again(self.here.tx, over)
            self._wrote(record, over)
            self.wakes.add("fleet.sessions")

    async def _announce(self, left: Sequence[TaskRecord]) -> None:
        groups = Counter(place.group for each in left for place in balancing.places_of(each))
        for group, count in groups.items():
            await self._say(texts.deregistered(self.service.name, count, group))
        for deployment, count in Counter(each.task.started_by or "" for each in left).items():
            await self._say(texts.draining(self.service.name, deployment, count))
        for record in left:
            said = balancing.announced(record)
            await tasks.update(self.here.tx, said)
            self._wrote(record, said)

    async def _shift(self, action: planned.Shift) -> None:
        """Move traffic as the plan says; a rule that is gone or cannot be changed is said, and tried again."""
        primary = self.revisions[self.deployments[action.deployment].revision]
        self.tried = True
        try:
            await balancing.shift(self.here.tx, self.service.region, self.revisions, primary, action)
        except AwsError as error:
            self.impediment = impediments.not_shifted(self.service.name, error.message)
            self.held_up = True
            return
        shares = {arn: percent for arn, percent in action.weights if percent > 0}
        name = "production" if action.listener is planned.Listener.PRODUCTION else "test"
        self.progress = msgspec.structs.replace(self.progress, **{name: shares})
        self._change(action.deployment, stage_since=self.here.at)
        await self._touch_move()
        self.wakes.update(FOLLOWERS)

    async def _touch_move(self) -> None:
        """Note in the service deployment when it last went on."""
        latest = await deployments.latest_move(self.here.tx, self.service.arn)
        if latest is not None and latest.status in UNDERWAY:
            await deployments.put_move(self.here.tx, msgspec.structs.replace(latest, updated_at=self.here.at))

    async def _complete(self, action: planned.Complete) -> None:
        done = self.deployments[action.deployment]
        self._change(action.deployment, rollout=planned.Rollout.COMPLETED, reason=action.reason)
        whole = {done.revision: 100.0}
        self.progress = msgspec.structs.replace(
            self.progress, completed=done.revision, production=whole, test=dict(whole)
        )
        await self._end_move(Moved.ROLLBACK_SUCCESSFUL if done.rollback else Moved.SUCCESSFUL)

    async def _fail(self, action: planned.Fail) -> None:
        failed = self.deployments[action.deployment]
        self._change(action.deployment, rollout=planned.Rollout.FAILED, reason=action.reason)
        if not action.roll_back_to:
            status = Moved.ROLLBACK_FAILED if failed.rollback else Moved.STOPPED
            await self._end_move(status, action.reason, self.deployments[failed.id].failed_tasks)
            return
        await self._save()
        at = Beginning(self.here.tx, self.here.ids, self.here.at)
        live = list(self.deployments.values())
        failures = self.deployments[failed.id].failed_tasks
        made = await roll_back(at, self.service, action.roll_back_to, live, action.reason, failures)
        self._have(await deployments.of_service(self.here.tx, self.service.arn))
        self._change(made.id, reason=texts.BREAKER_ROLLS_BACK.format(made.id))
        self.last_words.append(texts.rolling_back(self.service.name, made.id))
        self.again = True

    async def _end_move(self, status: Moved, reason: str = "", failures: int = 0) -> None:
        """End the service deployment that the PRIMARY deployment belongs to, if that has not ended."""
        latest = await deployments.latest_move(self.here.tx, self.service.arn)
        if latest is not None and latest.status in UNDERWAY:
            latest = msgspec.structs.replace(latest, failures=latest.failures or failures)
            await deployments.put_move(self.here.tx, ended(latest, status, reason or latest.reason, self.here.at))

    async def _say(self, message: str) -> None:
        await service_events.say(self.here.tx, self.service.arn, self.here.ids, self.here.at, message)

    async def _note_impediment(self) -> None:
        """Say why tasks could not be started, unless that was said within six hours and has not changed since."""
        before, now = self.progress, self.here.at
        if not self.impediment:
            if before.impediment and self.tried:
                self.progress = msgspec.structs.replace(before, impediment="", impeded_since=0.0, attempts=0)
            return
        news = self.impediment != before.impediment or now >= before.impeded_since + REPEAT_SECONDS
        if news:
            await self._say(self.impediment)
        self.progress = msgspec.structs.replace(
            before,
            impediment=self.impediment,
            impeded_since=now if news else before.impeded_since,
            attempts=before.attempts + 1,
        )

    def _due(self, again_at: float | None) -> float:
        """Return when the service must be looked at next, if nothing happens to it before."""
        now = self.here.at
        if self.again:
            return now
        protections = [each.protected_until for each in self.records if each.protected_until is not None]
        times = [now + LONGEST_REST, *(until for until in protections if until > now)]
        if again_at is not None and again_at > now:
            times.append(again_at)
        if any(each.launch.leaving for each in self.records):
            times.append(now + DRAIN_LOOK)
        if self.impediment:
            times.append(now + min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(self.progress.attempts - 1, 10)))
        return min(times)


def _has_just_left(record: TaskRecord) -> bool:
    balanced = record.launch.balanced
    return balanced is not None and balanced.stage is Balancing.DEREGISTERED
