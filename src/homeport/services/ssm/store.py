"""Parameters in the store."""

from collections.abc import Callable

from homeport.db.database import Row, Tx
from homeport.services.ssm.model import Parameter

#: How many versions of a parameter there are, with the one in use; an older one goes when one more is made.
KEPT_VERSIONS = 100

_COLUMNS = "name, version, type, value, description, modified, modified_by"
_CHUNK = 100


def _parameter(row: Row) -> Parameter:
    return Parameter(*row)


async def find_parameter(tx: Tx, region: str, name: str) -> Parameter | None:
    row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM ssm_parameters WHERE region = ? AND name = ?", region, name)
    return _parameter(row) if row else None


async def former_versions(tx: Tx, region: str, name: str) -> list[Parameter]:
    """Return the versions before the one in use, oldest first."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM ssm_former_versions WHERE region = ? AND name = ? ORDER BY version", region, name
    )
    return [_parameter(row) for row in rows]


async def list_parameters(
    tx: Tx, region: str, *, prefix: str = "", after: str, limit: int, wanted: Callable[[Parameter], bool]
) -> list[Parameter]:
    """Return the first *limit* parameters that are *wanted*, by name, beginning after the one called *after*."""
    found: list[Parameter] = []
    while True:
        rows = await tx.fetch(
            f"SELECT {_COLUMNS} FROM ssm_parameters "
            f"WHERE region = ? AND name >= ? AND name < ? AND name > ? ORDER BY name LIMIT {_CHUNK}",
            *(region, prefix, f"{prefix}\U0010ffff", after),
        )
        found += filter(wanted, map(_parameter, rows))
        if len(rows) < _CHUNK or len(found) >= limit:
            return found[:limit]
        after = rows[-1][0]


async def add_parameter(tx: Tx, region: str, parameter: Parameter) -> None:
    await tx.execute(
        f"INSERT INTO ssm_parameters (region, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        *(region, parameter.name, parameter.version, parameter.type, parameter.value, parameter.description),
        *(parameter.modified, parameter.modified_by),
    )


async def replace_parameter(tx: Tx, region: str, parameter: Parameter) -> None:
    """Put *parameter* in the place of the version before it, which becomes a former one."""
    await tx.execute(
        f"INSERT INTO ssm_former_versions (region, {_COLUMNS}) "
        f"SELECT region, {_COLUMNS} FROM ssm_parameters WHERE region = ? AND name = ?",
        *(region, parameter.name),
    )
    await tx.execute(
        "DELETE FROM ssm_former_versions WHERE region = ? AND name = ? AND version <= ?",
        *(region, parameter.name, parameter.version - KEPT_VERSIONS),
    )
    await tx.execute("DELETE FROM ssm_parameters WHERE region = ? AND name = ?", region, parameter.name)
    await add_parameter(tx, region, parameter)


async def remove_parameter(tx: Tx, region: str, name: str) -> bool:
    """Delete a parameter with all its versions; False if there is none."""
    await tx.execute("DELETE FROM ssm_former_versions WHERE region = ? AND name = ?", region, name)
    return await tx.execute("DELETE FROM ssm_parameters WHERE region = ? AND name = ?", region, name) > 0
