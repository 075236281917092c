"""Rows of account settings: one per principal that has chosen for itself."""

from homeport.db.database import Tx


async def put(tx: Tx, region: str, principal: str, name: str, value: str) -> None:
    await tx.execute(
        """INSERT INTO ecs_account_settings (region, principal, name, value) VALUES (?, ?, ?, ?)
           ON CONFLICT (region, principal, name) DO UPDATE SET value = excluded.value""",
        region,
        principal,
        name,
        value,
    )


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
