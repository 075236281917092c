"""Rows of service events: the hundred newest of each service."""

from homeport.db.database import Tx
from homeport.kit.ids import Ids
from homeport.services.ecs.model.services import ServiceEvent

MOST = 100


async def say(tx: Tx, service: str, ids: Ids, now: float, message: str) -> None:
    """Record that the service has something to say."""
    await add(tx, service, ServiceEvent(ids.uuid(), now, message))


async def add(tx: Tx, service: str, event: ServiceEvent) -> None:
    """Record one event more, and forget what is older than the hundred newest."""
    row = await tx.fetch_one("SELECT MAX(number) FROM ecs_service_events WHERE service = ?", service)
    number = 1 + (row[0] or 0 if row is not None else 0)
    await tx.execute(
        "INSERT INTO ecs_service_events (service, number, id, created_at, message) VALUES (?, ?, ?, ?, ?)",
        service,
        number,
        event.id,
        event.created_at,
        event.message,
    )
    await tx.execute("DELETE FROM ecs_service_events WHERE service = ? AND number <= ?", service, number - MOST)


async def newest(tx: Tx, service: str, limit: int = MOST) -> list[ServiceEvent]:
    """Return up to *limit* events, newest first."""
    rows = await tx.fetch(
        "SELECT id, created_at, message FROM ecs_service_events WHERE service = ? ORDER BY number DESC LIMIT ?",
        service,
        limit,
    )
    return [ServiceEvent(*row) for row in rows]


async def remove(tx: Tx, service: str) -> None:
    await tx.execute("DELETE FROM ecs_service_events WHERE service = ?", service)
