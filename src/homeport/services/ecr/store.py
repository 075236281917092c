"""Repositories, push times and the registry's own record in the store."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from homeport.db.database import Row, Tx, Value
from homeport.services.ecr.model import Repository

_REPOSITORY = "name, region, created, tags"


class RegistryRecord(NamedTuple):
    """Where the registry answers, and the key (PEM) whose tokens it trusts."""

    address: str
    signing_key: str
    certificate: str


def _repository(row: Row) -> Repository:
    name, region, created, tags = row
    return Repository(name, region, created, json.loads(tags))


async def find_registry(tx: Tx) -> RegistryRecord | None:
    row = await tx.fetch_one("SELECT address, signing_key, certificate FROM ecr_registry WHERE id = 1")
    return RegistryRecord(*row) if row else None


async def add_registry(tx: Tx, record: RegistryRecord) -> None:
    """Record the registry, unless another server was quicker."""
    await tx.execute(
        "INSERT INTO ecr_registry (id, address, signing_key, certificate) VALUES (1, ?, ?, ?) "
        "ON CONFLICT (id) DO NOTHING",
        *record,
    )


async def set_registry_address(tx: Tx, address: str) -> None:
    await tx.execute("UPDATE ecr_registry SET address = ? WHERE id = 1", address)


async def find_repository(tx: Tx, name: str) -> Repository | None:
    """Return the repository of that name, whatever its region."""
    row = await tx.fetch_one(f"SELECT {_REPOSITORY} FROM ecr_repositories WHERE name = ?", name)
    return _repository(row) if row else None


async def add_repository(tx: Tx, repository: Repository) -> bool:
    """Insert *repository*; False if its name is taken."""
    inserted = await tx.execute(
        "INSERT INTO ecr_repositories (name, region, created, tags) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
        *(repository.name, repository.region, repository.created, json.dumps(dict(repository.tags))),
    )
    return inserted > 0


async def remove_repository(tx: Tx, name: str) -> None:
    await tx.execute("DELETE FROM ecr_repositories WHERE name = ?", name)
    await tx.execute("DELETE FROM ecr_pushes WHERE repository = ?", name)


async def list_repositories(
    tx: Tx, region: str, *, condition: str, values: Sequence[Value], limit: int
) -> list[Repository]:
    """Return the region's repositories by name; *condition* is where a page starts."""
    rows = await tx.fetch(
        f"SELECT {_REPOSITORY} FROM ecr_repositories WHERE region = ?{condition} ORDER BY name LIMIT ?",
        *(region, *values, limit),
    )
    return [_repository(row) for row in rows]


async def set_tags(tx: Tx, name: str, tags: Mapping[str, str]) -> None:
    await tx.execute("UPDATE ecr_repositories SET tags = ? WHERE name = ?", json.dumps(dict(tags)), name)


async def record_push(tx: Tx, repository: str, digest: str, pushed: float) -> None:
    """Remember when an image of a known repository was pushed; the last push counts."""
    await tx.execute(
        "INSERT INTO ecr_pushes (repository, digest, pushed) SELECT name, ?, ? FROM ecr_repositories WHERE name = ? "
        "ON CONFLICT (repository, digest) DO UPDATE SET pushed = excluded.pushed",
        *(digest, pushed, repository),
    )


async def forget_pushes(tx: Tx, repository: str, digests: Sequence[str]) -> None:
    for digest in digests:
        await tx.execute("DELETE FROM ecr_pushes WHERE repository = ? AND digest = ?", repository, digest)


async def list_pushes(tx: Tx, repository: str) -> dict[str, float]:
    """Return the push times of the repository's images by digest."""
    rows = await tx.fetch("SELECT digest, pushed FROM ecr_pushes WHERE repository = ?", repository)
    return {str(row[0]): float(row[1]) for row in rows}
