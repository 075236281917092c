"""
Pages by key: a token holds the key of the last item shown.

So a page costs what it shows, however many came before, and items that come or go between two
pages make none appear twice.  Tokens are opaque to clients; one that we did not make is refused.

    page = paginate(names, next_token, max_results, 100, key=lambda name: (name,))

    after = Keyset(("created_at", "id"), next_token, kinds=(float, str))
    rows = await tx.fetch(f"SELECT ... WHERE owner = ?{after.condition} ORDER BY created_at, id LIMIT ?",
                          owner, *after.values, size + 1)
    page = cut_page(rows, size, key=lambda row: (row[0], row[1]))
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from homeport.aws.errors import AwsError

T = TypeVar("T")
Key = tuple[Any, ...]


class InvalidToken(AwsError):
    """A page token that Homeport did not make.  Services pass a code and sentence of their own."""

    code = "ValidationException"


def invalid_token() -> AwsError:
    return InvalidToken("The specified nextToken is invalid.")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items to show, and the token for those after them, None at the end."""

    items: list[T]
    next_token: str | None

    def with_token(self, answer: dict[str, Any], name: str = "nextToken") -> dict[str, Any]:
        """Return *answer* with the token under *name*, where there is one."""
        return answer if self.next_token is None else {**answer, name: self.next_token}


def encode_token(key: Key) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode("ascii")


def decode_token(
    token: str | None, kinds: Sequence[type], invalid: Callable[[], AwsError] = invalid_token
) -> Key | None:
    """Return the key in *token*, whose parts are of *kinds*; None without a token."""
    if not token:
        return None
    try:
        key = msgspec.json.decode(base64.b64decode(token, altchars=b"-_", validate=True), type=list[str | float | int])
    except (binascii.Error, ValueError, msgspec.MsgspecError):  # UnicodeDecodeError is a ValueError
        raise invalid() from None
    if len(key) != len(kinds) or any(not _fits(part, kind) for part, kind in zip(key, kinds, strict=True)):
        raise invalid()
    return tuple(key)


def _fits(part: Any, kind: type) -> bool:
    return isinstance(part, kind) or (kind is float and isinstance(part, int))


def paginate(
    items: Sequence[T],
    next_token: str | None,
    max_results: int | None,
    default: int,
    *,
    key: Callable[[T], Key],
    invalid: Callable[[], AwsError] = invalid_token,
) -> Page[T]:
    """Return the page of *items*, sorted by their *key*, that follows *next_token*."""
    ordered = sorted(items, key=key)
    if next_token:
        kinds = tuple(type(part) for part in key(ordered[0])) if ordered else ()
        after = decode_token(next_token, kinds, invalid) if ordered else None
        ordered = [item for item in ordered if after is None or key(item) > after]
    return cut_page(ordered, max_results or default, key=key)


def cut_page(rows: Sequence[T], size: int, *, key: Callable[[T], Key]) -> Page[T]:
    """Return the first *size* of *rows*, which stand in the order of their keys and are more if others follow."""
    shown = list(rows[:size])
    return Page(shown, encode_token(key(shown[-1])) if len(rows) > size else None)


class Keyset:
    """The SQL that starts a query behind a token; the query orders by the same *columns*."""

    def __init__(
        self,
        columns: Sequence[str],
        next_token: str | None,
        *,
        kinds: Sequence[type],
        invalid: Callable[[], AwsError] = invalid_token,
    ) -> None:
        key = decode_token(next_token, kinds, invalid)
        #: Starts with AND, or is empty on the first page.
        self.condition = f" AND ({', '.join(columns)}) > ({', '.join('?' * len(columns))})" if key is not None else ""
        self.values: Key = key or ()
