"""
Find resources by ids, filters and page: the one way all Describe calls read.

Filters on columns narrow the query; what a filter means is decided by its `Field` alone, which
sees whole resources, so that wildcards and derived values need no SQL.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, Protocol, TypeVar

from homeport.db.database import Row, Tx, Value
from homeport.services.ec2 import errors
from homeport.services.ec2.model import Tags
from homeport.services.ec2.store import tags

OWNER = "owner-id"

_CHUNK = 1000  # rows read at a time, AWS's largest page


class Resource(Protocol):
    """Anything with an id that lives in a region."""

    @property
    def id(self) -> str: ...
    @property
    def region(self) -> str: ...


R = TypeVar("R", bound=Resource)


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter of a request: the named value must match one of *values* (* and ? are wildcards)."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field(Generic[R]):
    """
    What a filter looks at: the resource's values, any of which may match.

    A value that is OWNER stands for the account.  *sql* is an indexed condition with {} for the wanted values; it may
    let too much through, never too little.
    """

    values: Callable[[R], Iterable[str]]
    sql: str = ""


@dataclass(frozen=True, slots=True)
class Kind(Generic[R]):
    """A type of resource: its table, how its rows become values, and what may be asked of it."""

    table: str
    columns: str
    load: Callable[[Tx, Sequence[Row]], Awaitable[list[R]]]
    fields: Mapping[str, Field[R]]
    prefix: str
    noun: str  # "vpc ID", as the error for a missing one says it
    missing: str  # that error's code
    malformed: str = ""  # the code for an id of another form, where AWS distinguishes that


@dataclass(frozen=True, slots=True)
class Found(Generic[R]):
    """A resource with its tags."""

    resource: R
    tags: Tags


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some of the resources asked for; *last* is where the next page goes on, if there is one."""

    found: list[Found[R]]
    last: str = ""


async def get_all(tx: Tx, kind: Kind[R], region: str, ids: Sequence[str]) -> list[R]:
    """Return the resources with exactly these *ids*, in that order; any that is missing is an error."""
    check_form(kind, ids)
    rows = await tx.fetch(f"SELECT {kind.columns} FROM {kind.table} WHERE id IN ({marks(ids)})", *ids)
    by_id = {resource.id: resource for resource in await kind.load(tx, rows) if resource.region == region}
    if absent := [id_ for id_ in dict.fromkeys(ids) if id_ not in by_id]:
        raise errors.not_found(kind.missing, kind.noun, absent)
    return [by_id[id_] for id_ in dict.fromkeys(ids)]


async def get(tx: Tx, kind: Kind[R], region: str, id_: str) -> R:
    """Return one resource by its id, or raise the error that AWS has for it."""
    return (await get_all(tx, kind, region, [id_]))[0]


async def select(
    tx: Tx,
    kind: Kind[R],
    region: str,
    *,
    owner: str = "",
    ids: Sequence[str] = (),
    filters: Sequence[Filter] = (),
    after: str = "",
    limit: int | None = None,
) -> Page[R]:
    """
    Return the region's resources that pass all *filters*, by id from *after* on, at most *limit*.

    *owner* is the account, which owns every resource: the value behind the filter owner-id.
    """
    _check_filters(kind, filters)
    if not all(matches(wanted.values, [owner]) for wanted in filters if wanted.name == OWNER):
        return Page([])
    filters = [wanted for wanted in filters if wanted.name != OWNER]
    if ids:
        resources = await get_all(tx, kind, region, ids)
        return Page(await _passing(tx, kind, region, resources, filters, owner))
    found: list[Found[R]] = []
    chunk = _CHUNK if limit is None or filters else min(_CHUNK, limit + 1)
    while True:
        condition, values = _condition(kind, region, filters, after)
        rows = await tx.fetch(
            f"SELECT {kind.columns} FROM {kind.table} WHERE {condition} ORDER BY id LIMIT {chunk}", *values
        )
        found += await _passing(tx, kind, region, await kind.load(tx, rows), filters, owner)
        if limit is not None and len(found) > limit:
            return Page(found[:limit], found[limit - 1].resource.id)
        if len(rows) < chunk:
            return Page(found)
        after = rows[-1][0]


def _condition(kind: Kind[R], region: str, filters: Sequence[Filter], after: str) -> tuple[str, list[Value]]:
    """Return a condition that every wanted row meets, and its values."""
    parts: list[str] = []
    values: list[Value] = []
    for wanted in filters:
        if any(_is_pattern(value) for value in wanted.values):
            continue
        if wanted.name.startswith("tag:"):
            parts.append(f"id IN (SELECT resource FROM ec2_tags WHERE key = ? AND value IN ({marks(wanted.values)}))")
            values += [wanted.name.removeprefix("tag:"), *wanted.values]
        elif (found := kind.fields.get(wanted.name)) is not None and found.sql:
            parts.append(found.sql.format(marks(wanted.values)))
            values += wanted.values
    if not parts:  # only then: an index on the region would otherwise be preferred to a better one
        parts.append("region = ?")
        values.append(region)
    if after:
        parts.append("id > ?")
        values.append(after)
    return " AND ".join(parts), values


async def _passing(
    tx: Tx, kind: Kind[R], region: str, resources: Sequence[R], filters: Sequence[Filter], owner: str
) -> list[Found[R]]:
    tags_by_id = await tags.tags_of(tx, [resource.id for resource in resources])
    found = [Found(resource, tags_by_id.get(resource.id, {})) for resource in resources if resource.region == region]
    return [item for item in found if all(_passes(kind, item, wanted, owner) for wanted in filters)]


def _passes(kind: Kind[R], item: Found[R], wanted: Filter, owner: str) -> bool:
    if wanted.name == "tag-key":
        return matches(wanted.values, item.tags)
    if wanted.name.startswith("tag:"):
        key = wanted.name.removeprefix("tag:")
        return key in item.tags and matches(wanted.values, [item.tags[key]])
    values = kind.fields[wanted.name].values(item.resource)
    return matches(wanted.values, (owner if value == OWNER else value for value in values))


def _check_filters(kind: Kind[R], filters: Sequence[Filter]) -> None:
    for wanted in filters:
        known = wanted.name in kind.fields or wanted.name in {OWNER, "tag-key"} or wanted.name.startswith("tag:")
        if not known:
            raise errors.InvalidParameterValue(f"The filter '{wanted.name}' is invalid")


def check_form(kind: Kind[Any], ids: Sequence[str]) -> None:
    """Refuse ids of another form, for the kinds where AWS says so rather than that they do not exist."""
    for id_ in ids:
        if kind.malformed and not re.fullmatch(rf"{kind.prefix}-[0-9a-f]{{8,17}}", id_):
            raise errors.NotFound(f'Invalid id: "{id_}" (expecting "{kind.prefix}-...")', code=kind.malformed)


def matches(wanted: Iterable[str], values: Iterable[str]) -> bool:
    """Say whether one of *values* is one of *wanted*, in which * stands for any text and ? for any character."""
    patterns = [_pattern(value) for value in wanted]
    return any(pattern.fullmatch(value) for value in values for pattern in patterns)


def _is_pattern(text: str) -> bool:
    return any(character in text for character in "*?\\")


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    r"""Return an expression for *text*, in which \ makes the next character an ordinary one."""
    segments = [""]
    for part in re.findall(r"\\.|\*+|.", text, flags=re.DOTALL):
        if part[0] == "*":
            segments.append("")
        else:
            segments[-1] += "." if part == "?" else re.escape(part[1:] or part)
    first, *others = segments
    if not others:
        return re.compile(first, flags=re.DOTALL)
    # Atomic groups: each segment stays where it was first found, so that no text costs more than its length.
    between = "".join(f"(?>.*?{segment})" for segment in others[:-1])
    return re.compile(f"{first}{between}.*{others[-1]}", flags=re.DOTALL)


def marks(values: Iterable[object]) -> str:
    """Return one placeholder for each of *values*; IN (NULL) is nothing where PostgreSQL refuses IN ()."""
    return ", ".join("?" for _ in values) or "NULL"


def absent(*names: str) -> dict[str, Field[Any]]:
    """Return fields for filters on what no resource here has: valid to ask for, never found."""
    return dict.fromkeys(names, Field(lambda _: ()))


def simply(read: Callable[[Row], R]) -> Callable[[Tx, Sequence[Row]], Awaitable[list[R]]]:
    """Return the loader of resources that are a row each."""

    async def load(_: Tx, rows: Sequence[Row]) -> list[R]:
        return [read(row) for row in rows]

    return load
