"""What is declared of targets, listed by resource and name: policies and scheduled actions."""

from collections.abc import Callable
from typing import TypeVar

from homeport.db.database import Row, Tx

T = TypeVar("T")

_AT_ONCE = 100


async def page(
    tx: Tx,
    select: str,
    region: str,
    *,
    resource: str,
    after: tuple[str, str],
    limit: int,
    read: Callable[[Row], T],
    wanted: Callable[[T], bool],
) -> list[T]:
    """
    Return up to *limit* that are *wanted* behind the key *after*; an empty resource means any.

    *select* is the query without its conditions; its second and third columns are the resource and the name.
    """
    found: list[T] = []
    condition, values = (" AND resource = ?", (resource,)) if resource else ("", ())
    while True:
        rows = await tx.fetch(
            f"{select} WHERE region = ?{condition} AND (resource, name) > (?, ?) ORDER BY resource, name LIMIT {_AT_ONCE}",
            *(region, *values, *after),
        )
        found += filter(wanted, map(read, rows))
        if len(rows) < _AT_ONCE or len(found) >= limit:
            return found[:limit]
        after = (rows[-1][1], rows[-1][2])
