"""Record what a node reports of a target, and have the services look that wait for it."""

from homeport.db.database import Tx
from homeport.services.ecs.store import services
from homeport.services.elbv2 import observe
from homeport.services.elbv2.store import targets
from homeport.wire.balancing import TargetObserved


async def observe_target(tx: Tx, node: str, observed: TargetObserved) -> None:
    """Bring the target up to the report, inside the transaction whose commit the node waits for."""
    target = await targets.find_by_item(tx, observed.target)
    await observe.observe_target(tx, node, observed)
    if target is not None:
        await services.mark_target_group_due(tx, target.group)
