"""Pages of ECS's lists: at most a hundred items, and tokens refused in ECS's words."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from homeport.aws.paging import Key, decode_token, encode_token
from homeport.services.ecs.errors import InvalidParameter

_MOST = 100

R = TypeVar("R")


def page_size(max_results: int | None, most: int = _MOST) -> int:
    """Return how many items to show: what was asked for, *most* at the most and by default."""
    if max_results is None:
        return most
    if not 1 <= max_results <= most:
        raise InvalidParameter(f"maxResults must be between 1 and {most}.")
    return max_results


def after(token: str | None, *kinds: type) -> Key | None:
    """Return the key that a token of ours holds, its parts of those kinds; None without a token."""
    return decode_token(token, kinds, lambda: InvalidParameter("Invalid nextToken."))


def cut(rows: Sequence[R], size: int, key: Callable[[R], Key]) -> tuple[Sequence[R], dict[str, Any]]:
    """Split *rows*, read with one more than *size*, into the page and its token as a member of the answer."""
    if len(rows) <= size:
        return rows, {}
    shown = rows[:size]
    return shown, {"nextToken": encode_token(key(shown[-1]))}
