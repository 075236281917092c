"""Rows of scaling policies."""

from collections.abc import Callable

import msgspec

from homeport.db.database import Row, Tx
from homeport.services.applicationautoscaling.model import Policy, Progress, StepScaling, Tracking
from homeport.services.applicationautoscaling.store import listing

_COLUMNS = "region, resource, name, id, created_at, document, progress"


class _Document(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was declared: one of the two."""

    step: StepScaling | None = None
    tracking: Tracking | None = None


def _policy(row: Row) -> Policy:
    region, resource, name, id_, created_at, document, progress = row
    declared = msgspec.json.decode(document, type=_Document)
    configuration = declared.step or declared.tracking
    assert configuration is not None, "one of the two was written"
    return Policy(region, resource, name, id_, created_at, configuration, msgspec.json.decode(progress, type=Progress))


async def find(tx: Tx, region: str, resource: str, name: str) -> Policy | None:
    row = await tx.fetch_one(
        f"SELECT {_COLUMNS} FROM autoscaling_policies WHERE region = ? AND resource = ? AND name = ?",
        *(region, resource, name),
    )
    return None if row is None else _policy(row)


async def find_by_id(tx: Tx, id_: str) -> Policy | None:
    row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM autoscaling_policies WHERE id = ?", id_)
    return None if row is None else _policy(row)


async def of_target(tx: Tx, region: str, resource: str) -> list[Policy]:
    """Return a target's policies, by name."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM autoscaling_policies WHERE region = ? AND resource = ? ORDER BY name", region, resource
    )
    return [_policy(row) for row in rows]


async def page(
    tx: Tx, region: str, *, resource: str, after: tuple[str, str], limit: int, wanted: Callable[[Policy], bool]
) -> list[Policy]:
    """Return up to *limit* policies that are *wanted* behind the key *after*; an empty resource means any."""
    return await listing.page(
        tx,
        f"SELECT {_COLUMNS} FROM autoscaling_policies",
        region,
        resource=resource,
        after=after,
        limit=limit,
        read=_policy,
        wanted=wanted,
    )


async def put(tx: Tx, policy: Policy) -> None:
    """Write what is declared of a policy; its progress stays."""
    configuration = policy.configuration
    document = (
        _Document(tracking=configuration) if isinstance(configuration, Tracking) else _Document(step=configuration)
    )
    await tx.execute(
        "INSERT INTO autoscaling_policies (region, resource, name, id, created_at, document) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (region, resource, name) DO UPDATE SET document = excluded.document",
        *(policy.region, policy.resource, policy.name, policy.id, policy.created_at),
        msgspec.json.encode(document).decode(),
    )


async def put_progress(tx: Tx, policy: Policy, progress: Progress) -> None:
    await tx.execute(
        "UPDATE autoscaling_policies SET progress = ? WHERE id = ?", msgspec.json.encode(progress).decode(), policy.id
    )


async def remove(tx: Tx, policy: Policy) -> None:
    await tx.execute("DELETE FROM autoscaling_policies WHERE id = ?", policy.id)
