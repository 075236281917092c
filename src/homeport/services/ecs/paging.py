"""Pages by key: a token holds the key of the last item shown, so a page costs what it shows."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from homeport.services.ecs.errors import InvalidParameter

_MOST = 100

R = TypeVar("R")
K = TypeVar("K")


def page_size(max_results: int | None) -> int:
    """Return how many items to show: what was asked for, 100 at the most and by default."""
    if max_results is None:
        return _MOST
    if not 1 <= max_results <= _MOST:
        raise InvalidParameter(f"maxResults must be between 1 and {_MOST}.")
    return max_results


def token_key(token: str | None, kind: type[K]) -> K | None:
    """Return the key in a token of ours, or None without one; *kind* is the key's type."""
    if not token:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(token.encode("ascii")), type=kind)
    except (UnicodeEncodeError, binascii.Error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidParameter("Invalid nextToken.") from error


def cut(rows: Sequence[R], size: int, key: Any) -> tuple[Sequence[R], dict[str, str]]:
    """
    Split *rows*, read with one more than the page holds, into the page and the rest of the answer.

    *key* makes the token's key of the page's last row; a list that ends here gets no token.
    """
    if len(rows) <= size:
        return rows, {}
    shown = rows[:size]
    token = base64.urlsafe_b64encode(msgspec.json.encode(key(shown[-1]))).decode("ascii")
    return shown, {"nextToken": token}
