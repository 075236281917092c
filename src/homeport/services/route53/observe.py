"""Record what nodes find by health checks."""

from homeport.db.database import Tx
from homeport.services.route53.store import health_checks
from homeport.wire.messages import CheckObserved


async def observe_check(tx: Tx, node: str, observed: CheckObserved) -> None:
    """Keep the latest result, and the latest failure; a check that was deleted leaves nothing."""
    if await health_checks.find(tx, observed.check) is not None:
        await health_checks.observe(tx, node, observed)
