"""
Regular expressions that users write: RE2's, which run in time that grows with the text alone.

A backtracking matcher, such as Python's own, can be made to hang by a pattern and a text chosen for
it.  RE2 has no back references, look-around or possessive quantifiers; everything else is there.
"""

from typing import Any

import re2


class InvalidPattern(ValueError):
    """RE2 does not take the pattern; the message is its own."""


class Pattern:
    """A compiled pattern over text, or over bytes where it was compiled from bytes."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled

    def matches(self, text: str | bytes) -> bool:
        """Say whether the pattern matches the whole of *text*."""
        return self._compiled.fullmatch(text) is not None

    def occurs_in(self, text: str | bytes) -> bool:
        """Say whether the pattern matches anywhere in *text*."""
        return self._compiled.search(text) is not None


def compile_pattern(pattern: str | bytes) -> Pattern:
    """Return the compiled pattern, or raise InvalidPattern."""
    options = re2.Options()
    options.log_errors = False  # they are for whoever wrote the pattern, not for our standard error
    try:
        return Pattern(re2.compile(pattern, options))
    except re2.error as error:
        problem = error.args[0] if error.args else str(error)
        raise InvalidPattern(problem.decode(errors="replace") if isinstance(problem, bytes) else str(problem)) from None
