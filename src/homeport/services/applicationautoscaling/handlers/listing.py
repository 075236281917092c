"""Pages of what is declared of targets: policies and scheduled actions."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from homeport.aws.paging import Page, cut_page, decode_token
from homeport.services.applicationautoscaling import validation
from homeport.services.applicationautoscaling.errors import invalid_token


class Declared(Protocol):
    """What has a name among all that is declared of a target."""

    @property
    def resource(self) -> str: ...
    @property
    def name(self) -> str: ...


D = TypeVar("D", bound=Declared)


async def page_of(
    fetch: Callable[[tuple[str, str], int], Awaitable[list[D]]],
    max_results: int | None,
    next_token: str | None,
    most: int,
) -> Page[D]:
    """Return the page that is asked for; *fetch* is given the key that it begins behind, and how many to return."""
    size = validation.page_size(max_results, most)
    after = decode_token(next_token, (str, str), invalid_token) or ("", "")
    return cut_page(
        await fetch((after[0], after[1]), size + 1), size, key=lambda declared: (declared.resource, declared.name)
    )
