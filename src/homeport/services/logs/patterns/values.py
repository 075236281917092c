"""What a filter pattern compares with: texts with wildcards, numbers, regular expressions."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any

from homeport.services.logs.patterns.regex import Regex

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_ORDERINGS: dict[str, Callable[[float, float], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


class BadPattern(ValueError):
    """The pattern cannot be understood; the message says why."""


def number(text: str) -> float | None:
    """Return the number that *text* is, or None."""
    return float(text) if len(text) < 64 and _NUMBER.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class Operand:
    """The right side of a comparison as written: bare, "quoted" or %regex%."""

    text: str
    quoted: bool = False
    regex: Regex | None = None


def comparison(operator: str, operand: Operand) -> Callable[[Any], bool]:
    """
    Return the test that `FIELD operator operand` puts a field's value to.

    An event without the field never gets here: a comparison with what is not there does not hold,
    whichever way it is asked.
    """
    if operator in _ORDERINGS:
        limit = None if operand.quoted or operand.regex else number(operand.text)
        if limit is None:
            raise BadPattern(f"Invalid filter pattern: '{operator}' compares numbers, not '{operand.text}'")
        ordering, bound = _ORDERINGS[operator], limit
        return lambda value: (found := _as_number(value)) is not None and ordering(found, bound)
    equal = _equality(operand)
    if operator == "=":
        return equal
    return lambda value: _as_text(value) is not None and not equal(value)


def _equality(operand: Operand) -> Callable[[Any], bool]:
    if operand.regex is not None:
        regex = operand.regex
        return lambda value: (text := _as_text(value)) is not None and regex.search(text)
    wanted = None if operand.quoted else number(operand.text)
    pieces = operand.text.split("*")
    if wanted is not None:
        target = wanted
        return lambda value: (found := _as_number(value)) is not None and found == target
    return lambda value: (text := _as_text(value)) is not None and _wildcard(pieces, text)


def _wildcard(pieces: list[str], text: str) -> bool:
    """Say whether *text* consists of *pieces* with anything between them."""
    if len(pieces) == 1:
        return text == pieces[0]
    first, *middle, last = pieces
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for piece in middle:  # the leftmost fit leaves the most room for what follows
        found = text.find(piece, place, end)
        if found < 0:
            return False
        place = found + len(piece)
    return True


def _as_number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:
            return None
    return number(value) if isinstance(value, str) else None


def _as_text(value: Any) -> str | None:
    """Return a scalar as JSON writes it; objects, lists and null have no text to compare."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None
