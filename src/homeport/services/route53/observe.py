"""Record what nodes find by health checks, and how far they are with names."""

from homeport.db.database import Tx
from homeport.services.route53.store import changes, health_checks
from homeport.wire.messages import CheckObserved, NamesTaken


async def observe_check(tx: Tx, node: str, observed: CheckObserved) -> None:
    """Keep the latest result, and the latest failure; a check that was deleted leaves nothing."""
    if await health_checks.find(tx, observed.check) is not None:
        await health_checks.observe(tx, node, observed)


async def observe_names(tx: Tx, node: str, taken: NamesTaken) -> None:
    """Note up to which change a node's answers are true."""
    await changes.record_taking(tx, node, taken.generation)
