"""Where a page of ECS's lists starts and how long it may be, refused in ECS's words."""

from homeport.aws.paging import Key, decode_token
from homeport.services.ecs.errors import InvalidParameter

_MOST = 100


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
