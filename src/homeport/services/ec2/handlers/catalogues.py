"""Find in what EC2 offers everyone: lists that no request changes, filtered and paged in memory."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from homeport.aws.paging import cut_page, decode_token
from homeport.services.ec2 import errors
from homeport.services.ec2.handlers.documents import Documents, invalid_token, parse_filters
from homeport.services.ec2.store.selection import matches

T = TypeVar("T")

#: What a filter looks at in an item: values, any of which may match.
Reader = Callable[[T], Sequence[str]]


def passing(items: Iterable[T], filters: Documents, fields: Mapping[str, Reader[T]]) -> list[T]:
    """Return the *items* that pass every filter; one that *fields* does not have is refused."""
    wanted = parse_filters(filters)
    for one in wanted:
        if one.name not in fields:
            raise errors.InvalidParameterValue(f"The filter '{one.name}' is invalid")
    return [item for item in items if all(matches(one.values, fields[one.name](item)) for one in wanted)]


def page_of(
    items: Sequence[T],
    view: Callable[[T], dict[str, Any]],
    name: str,
    *,
    key: Callable[[T], str],
    size: int,
    next_token: str | None,
) -> dict[str, Any]:
    """Answer with the *items* behind *next_token* under *name*; they stand in the order of their keys."""
    after = decode_token(next_token, (str, str), invalid_token)
    if after is not None and after[0] != name:
        raise invalid_token()
    rest = [item for item in items if after is None or key(item) > after[1]]
    page = cut_page(rest, size, key=lambda item: (name, key(item)))
    return page.with_token({name: [view(item) for item in page.items]}, "NextToken")
