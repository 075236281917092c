"""Rows of account settings: one per principal that has chosen for itself."""

from homeport.db.database import Tx


async def put(tx: Tx, region: str, principal: str, name: str, value: str, now: float) -> None:
    """Write a principal's choice; made again it keeps the time at which it was made first."""
    await tx.execute(
        """INSERT INTO ecs_account_settings (region, principal, name, value, chosen_at) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (region, principal, name) DO UPDATE SET value = excluded.value, chosen_at = excluded.chosen_at
           WHERE ecs_account_settings.value <> excluded.value""",
        region,
        principal,
        name,
        value,
        now,
    )


async def chosen_before(tx: Tx, region: str, principal: str, name: str, moment: float) -> str | None:
    """Return what a principal had chosen by then, None if nothing."""
    row = await tx.fetch_one(
        """SELECT value FROM ecs_account_settings
           WHERE region = ? AND principal = ? AND name = ? AND chosen_at <= ?""",
        region,
        principal,
        name,
        moment,
    )
    return None if row is None else str(row[0])


async def remove(tx: Tx, region: str, principal: str, name: str) -> None:
    await tx.execute(
        "DELETE FROM ecs_account_settings WHERE region = ? AND principal = ? AND name = ?", region, principal, name
    )


async def of_principal(tx: Tx, region: str, principal: str) -> dict[str, str]:
    rows = await tx.fetch(
        "SELECT name, value FROM ecs_account_settings WHERE region = ? AND principal = ? ORDER BY name",
        region,
        principal,
    )
    return {row[0]: row[1] for row in rows}
