"""Carry a decision out: set a service's desired count, or a target's bounds, and write down that it was done."""

from dataclasses import dataclass, replace

from homeport.db.database import Tx
from homeport.kit.ids import Ids
from homeport.services.applicationautoscaling.model import Activity, NotScaled, Outcome, Target
from homeport.services.applicationautoscaling.store import activities, targets
from homeport.services.ecs import scaling


@dataclass(frozen=True, slots=True)
class Here:
    """What every change needs."""

    tx: Tx
    account: str
    ids: Ids
    now: float


def set_count(count: int) -> str:
    return f"Successfully set desired count to {count}."


async def change_capacity(here: Here, target: Target, count: int, cause: str) -> bool:
    """Set the desired count of the target's service; False if there is no such service."""
    done = await scaling.set_desired_count(here.tx, target.region, here.account, target.cluster, target.service, count)
    if not done:
        return False
    for before in await activities.under_way(here.tx, target.region, target.resource):
        await override(here, before, count)
    await activities.add(
        here.tx,
        Activity(
            target.region,
            target.resource,
            here.ids.uuid(),
            here.now,
            f"Setting desired count to {count}.",
            cause,
            Outcome.IN_PROGRESS,
            f"{set_count(count)} Waiting for change to be fulfilled by ecs.",
            wanted=count,
        ),
    )
    return True


async def override(here: Here, activity: Activity, count: int) -> None:
    """End an activity whose desired count was changed to *count* before it was reached."""
    assert activity.wanted is not None
    message = f"{set_count(activity.wanted)} Found it was later changed to {count}."
    await activities.end(here.tx, activity, Outcome.OVERRIDDEN, message, here.now)


async def not_scaled(here: Here, target: Target, cause: str, reason: NotScaled) -> None:
    """Write down that an alarm changed nothing."""
    await activities.add(
        here.tx,
        Activity(
            target.region,
            target.resource,
            here.ids.uuid(),
            here.now,
            "Attempting to scale due to alarm triggered",
            cause,
            Outcome.FAILED,
            "",
            ended_at=here.now,
            not_scaled=reason,
        ),
    )


async def keep_bounds(here: Here, target: Target) -> bool:
    """Bring the desired count between the target's bounds, after these were set; True if it had to be changed."""
    scale = await scaling.find_scale(here.tx, target.region, here.account, target.cluster, target.service)
    if scale is None or target.low <= scale.desired <= target.high:
        return False
    if scale.desired < target.low:
        return await change_capacity(here, target, target.low, f"minimum capacity was set to {target.low}")
    return await change_capacity(here, target, target.high, f"maximum capacity was set to {target.high}")


async def change_bounds(here: Here, target: Target, low: int, high: int, action: str) -> bool:
    """Do what the scheduled action called *action* asks for; True if the desired count had to be changed."""
    what = f"min capacity to {low} and max capacity to {high}"
    fits = low <= high
    message = f"Successfully set {what}" if fits else f"Failed to set {what}: the minimum is above the maximum"
    await activities.add(
        here.tx,
        Activity(
            target.region,
            target.resource,
            here.ids.uuid(),
            here.now,
            f"Setting {what}",
            f"scheduled action name {action} was triggered",
            Outcome.SUCCESSFUL if fits else Outcome.FAILED,
            message,
            ended_at=here.now,
        ),
    )
    if not fits:
        return False
    changed = replace(target, low=low, high=high)
    await targets.put(here.tx, changed)
    return await keep_bounds(here, changed)
