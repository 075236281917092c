"""Run scheduled actions when their time has come; of times that were missed, the last one counts."""

from homeport.services.applicationautoscaling.changing import Here, change_bounds
from homeport.services.applicationautoscaling.model import ScheduledAction
from homeport.services.applicationautoscaling.schedules import parse_schedule
from homeport.services.applicationautoscaling.store import scheduled_actions, targets


def next_due(action: ScheduledAction, now: float) -> float | None:
    """Return when the action runs next, None if it never will."""
    schedule = action.schedule
    expression = parse_schedule(schedule.expression, schedule.time_zone, schedule.start or action.created_at)
    # A start that has yet to come is itself a time at which the action may run.
    following = expression.next_after(max(now, schedule.start - 1e-3))
    return None if following is None or (schedule.end and following > schedule.end) else following


async def run_action(here: Here, action: ScheduledAction) -> bool:
    """Run an action that is due; True if a service's desired count was changed."""
    await scheduled_actions.set_due(here.tx, action, next_due(action, here.now))
    target = await targets.find(here.tx, action.region, action.resource)
    if target is None or target.suspended.schedules:
        return False
    low, high = action.schedule.low, action.schedule.high
    return await change_bounds(
        here, target, target.low if low is None else low, target.high if high is None else high, action.name
    )
