"""
Answer the alarms that call for scaling policies, run scheduled actions, and see activities to their end.

Each target is one transaction: after a crash an alarm has been answered, or will be.
"""

import logging
import re
from collections.abc import Callable, Iterable

from homeport.db.database import Database, Tx
from homeport.kit.clock import Clock
from homeport.kit.ids import Ids
from homeport.reconcile.driver import Reconciler
from homeport.services.applicationautoscaling.changing import Here, change_capacity, not_scaled, override, set_count
from homeport.services.applicationautoscaling.model import Activity, Outcome, Policy, Target, Tracking
from homeport.services.applicationautoscaling.planning.plan import Call, Decision, Heard, Situation, decide, is_new
from homeport.services.applicationautoscaling.reconcilers.schedules import run_action
from homeport.services.applicationautoscaling.store import activities, policies, scheduled_actions, targets
from homeport.services.cloudwatch.alarms.model import AlarmRecord, HistoryKind
from homeport.services.cloudwatch.model import DAY, MINUTE
from homeport.services.cloudwatch.store import alarms
from homeport.services.cloudwatch.watching import watched
from homeport.services.ecs import scaling
from homeport.services.ecs.model.services import ServiceEvent

log = logging.getLogger(__name__)

NAME = "applicationautoscaling.scaling"

#: For how long activities can be described, as AWS says.
KEPT_SECONDS = 6 * 7 * DAY

_SLICE = 100
_POLICY_ID = re.compile(r":scalingPolicy:([^:]+):")


class Scaling:
    """The reconciler's passes."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, account: str, wake: Callable[[str], None]) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._account = account
        self._wake = wake

    def reconciler(self) -> Reconciler:
        return Reconciler(NAME, self.pass_, interval=5)

    async def pass_(self) -> None:
        """Do whatever is to be done now."""
        changed = await self._run_schedules()
        for region, resource in await self._called():
            changed |= await self._scale(region, resource)
        await self._end_activities()
        if changed:
            self._wake(scaling.WAKE)

    def _here(self, tx: Tx) -> Here:
        return Here(tx, self._account, self._ids, self._clock.now())

    async def _run_schedules(self) -> bool:
        changed = False
        while True:
            async with self._database.snapshot() as tx:
                due = await scheduled_actions.due(tx, self._clock.now(), _SLICE)
            if not due:
                return changed
            async with self._database.transaction() as tx:
                here = self._here(tx)
                for action in await scheduled_actions.due(tx, here.now, _SLICE):
                    changed |= await run_action(here, action)

    async def _called(self) -> list[tuple[str, str]]:
        """Return region and resource of the targets with a policy that an alarm calls for, and that has not answered."""
        now = self._clock.now()
        found: dict[tuple[str, str], None] = {}
        async with self._database.snapshot() as tx:
            for _, action, record in await alarms.calling(tx, "arn:aws:autoscaling:"):
                named = _POLICY_ID.search(action)
                policy = await policies.find_by_id(tx, named[1]) if named is not None else None
                if policy is not None and is_new(policy, record.state_updated, now):
                    found[policy.region, policy.resource] = None
        return list(found)

    async def _scale(self, region: str, resource: str) -> bool:
        async with self._database.transaction() as tx:
            here = self._here(tx)
            target = await targets.find(tx, region, resource)
            if target is None:
                return False
            scale = await scaling.find_scale(tx, region, self._account, target.cluster, target.service)
            if scale is None:
                return False  # the service was deleted: there is nothing to scale
            heard = [
                await self._hear(tx, policy, here.now) for policy in await policies.of_target(tx, region, resource)
            ]
            situation = Situation(scale.desired, target.low, target.high, target.suspended, scale.deploying)
            decision = decide(situation, heard, here.now)
            return await self._carry_out(here, target, decision)

    async def _hear(self, tx: Tx, policy: Policy, now: float) -> Heard:
        found = await alarms.calling(tx, policy.arn(self._account))
        return Heard(policy, tuple([await _call(tx, policy, record, now) for _, _, record in found]))

    async def _carry_out(self, here: Here, target: Target, decision: Decision) -> bool:
        for policy, progress in decision.progress:
            await policies.put_progress(here.tx, policy, progress)
        await self._note(here, target, decision)
        for policy, call, reason in decision.refused:
            await not_scaled(here, target, _cause(call, policy), reason)
        if decision.cause is None:
            return False
        return await change_capacity(here, target, decision.capacity, _cause(*decision.cause))

    async def _note(self, here: Here, target: Target, decision: Decision) -> None:
        """Write into the history of each alarm that its action was taken, once for every time it went off."""
        for policy, call in decision.answered:
            if call.since > policy.progress.alarm_since:
                arn = policy.arn(self._account)
                data = {"actionState": "Succeeded", "notificationResource": arn, "stateUpdateTimestamp": call.since}
                summary = f"Successfully executed action {arn}"
                await alarms.note(here.tx, target.region, call.alarm, HistoryKind.ACTION, summary, data, here.now)

    async def _end_activities(self) -> None:
        async with self._database.snapshot() as tx:
            open_ = await activities.under_way(tx)
            old = await activities.any_before(tx, self._clock.now() - KEPT_SECONDS)
        if open_ or old:
            async with self._database.transaction() as tx:
                here = self._here(tx)
                await self._see_to_the_end(here, await activities.under_way(tx))
                await activities.forget(tx, here.now - KEPT_SECONDS, _SLICE)

    async def _see_to_the_end(self, here: Here, open_: Iterable[Activity]) -> None:
        for activity in open_:
            _, cluster, service = activity.resource.split("/")
            scale = await scaling.find_scale(here.tx, activity.region, self._account, cluster, service)
            wanted = activity.wanted
            assert wanted is not None, "other activities end as they begin"
            if scale is None:
                message = f"{set_count(wanted)} The service was deleted before the change was fulfilled."
                await activities.end(here.tx, activity, Outcome.FAILED, message, here.now)
            elif scale.desired != wanted:
                await override(here, activity, scale.desired)
            elif scale.running == wanted:
                message = f"{set_count(wanted)} Change successfully fulfilled by ecs."
                await activities.end(here.tx, activity, Outcome.SUCCESSFUL, message, here.now)
                # As AWS's console shows it among a service's events.
                event = ServiceEvent(here.ids.uuid(), here.now, f"Message: {message} Cause: {activity.cause}")
                await scaling.say(here.tx, activity.region, self._account, cluster, service, event)


def _cause(call: Call, policy: Policy) -> str:
    return f"monitor alarm {call.alarm} in state {call.state} triggered policy {policy.name}"


async def _call(tx: Tx, policy: Policy, record: AlarmRecord, now: float) -> Call:
    grain = min(record.alarm.period, MINUTE)  # as the alarm itself is evaluated
    points = await watched(tx, record, int(now // grain * grain))
    values = [point.value for point in points if point.value is not None]
    return Call(
        alarm=record.alarm.name,
        state=record.state.value,
        since=record.state_updated,
        threshold=record.alarm.threshold,
        values=tuple(values[-record.alarm.periods :]),
        low=isinstance(policy.configuration, Tracking) and record.alarm.name == policy.low_alarm,
    )
