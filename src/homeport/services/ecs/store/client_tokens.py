"""Rows of client tokens: what a RunTask with that token has started."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from homeport.db.database import Tx


@dataclass(frozen=True, slots=True)
class Use:
    """The request a token came with first, as a digest, and the ids of the tasks it started."""

    request: str
    tasks: tuple[str, ...]


async def find(tx: Tx, cluster: str, token: str) -> Use | None:
    row = await tx.fetch_one(
        "SELECT request, tasks FROM ecs_client_tokens WHERE cluster = ? AND token = ?", cluster, token
    )
    return None if row is None else Use(row[0], tuple(json.loads(row[1])))


async def put(tx: Tx, cluster: str, token: str, request: str, tasks: Sequence[str], now: float) -> None:
    await tx.execute(
        "INSERT INTO ecs_client_tokens (cluster, token, request, tasks, created_at) VALUES (?, ?, ?, ?, ?)",
        cluster,
        token,
        request,
        json.dumps(list(tasks)),
        now,
    )


async def remove_old(tx: Tx, before: float) -> int:
    """Remove the tokens first used before that time, and say how many they were."""
    return await tx.execute("DELETE FROM ecs_client_tokens WHERE created_at < ?", before)
