"""
The regular expressions of filter patterns: a small language without groups, matched in linear time.

Patterns come from clients and messages are long; a backtracking matcher would let one search stop the
server.  Without groups every alternative is a plain sequence of characters classes, each once, optional or
repeated, and a set of positions in it fits in the bits of one integer.  Python's own engine, many times
faster on ordinary patterns, is used wherever its worst case is small.
"""

import re
from dataclasses import dataclass

_LITERALS = frozenset("_#=@/;,- :\"'<>&~`!")
_CLASSES = "dDwWsS"
_MAX_ELEMENTS = 512
_AFFORDABLE = 2_000_000  # steps of a backtracking search, some 20 ms

_QUANTIFIER = re.compile(r"\?|\*|\+|\{(\d{1,3})(?:(,)(\d{1,3})?)?\}")


class BadRegex(ValueError):
    """The expression is not one that CloudWatch accepts."""


@dataclass(frozen=True, slots=True)
class _Element:
    """A character class, as Python writes it, and how often it may stand there; no maximum means any number."""

    text: str
    minimum: int = 1
    maximum: int | None = 1


class _Alternative:
    """One side of a `|`: a sequence of elements, perhaps tied to the start or end of the message."""

    def __init__(self, elements: list[_Element], *, at_start: bool, at_end: bool) -> None:
        self.at_start, self.at_end = at_start, at_end
        self._elements = elements
        self._lay_out()
        self._accepting: dict[str, int] = {}

    def _lay_out(self) -> None:
        """Spread the elements over bits: one for each time a character can or must be consumed."""
        self._tests: list[re.Pattern[str]] = []
        self._optional = self._repeated = 0
        for element in self._elements:
            test = re.compile(element.text, re.DOTALL | re.ASCII)
            copies = element.maximum if element.maximum is not None else element.minimum + 1
            for copy in range(copies):
                bit = 1 << len(self._tests)
                self._tests.append(test)
                if copy >= element.minimum:
                    self._optional |= bit
                    if element.maximum is None:
                        self._repeated |= bit
            if len(self._tests) > _MAX_ELEMENTS:
                raise BadRegex("The regular expression is too long.")

    def source(self) -> str:
        """Return the same expression for Python's engine."""
        parts = []
        for element in self._elements:
            if (element.minimum, element.maximum) == (1, 1):
                parts.append(element.text)
            else:
                most = "" if element.maximum is None else element.maximum
                parts.append(f"{element.text}{{{element.minimum},{most}}}")
        return ("\\A" if self.at_start else "") + "".join(parts) + ("\\Z" if self.at_end else "")

    def cost(self, length: int) -> int:
        """Return a bound on the steps that backtracking may take on a message of *length*."""
        steps = 1 if self.at_start else length + 1
        for element in self._elements:
            most = length if element.maximum is None else element.maximum
            steps *= max(1, most - element.minimum + 1)
            if steps > _AFFORDABLE:
                break
        return steps

    def _accepts(self, character: str) -> int:
        mask = self._accepting.get(character)
        if mask is None:
            mask = sum(1 << bit for bit, test in enumerate(self._tests) if test.match(character))
            self._accepting[character] = mask
        return mask

    def _skip(self, places: int) -> int:
        """Add the places reached by leaving optional elements out: a carry runs through each row of them."""
        return places | ((self._optional + (places & self._optional)) ^ self._optional)

    def search(self, message: str) -> bool:
        """Say whether *message* matches, in time proportional to its length."""
        end = 1 << len(self._tests)
        start = self._skip(1)
        places = start
        for character in message:
            if places & end and not self.at_end:
                return True
            taken = places & self._accepts(character)
            places = self._skip(((taken & ~self._repeated) << 1) | (taken & self._repeated))
            if not self.at_start:
                places |= start
        return bool(places & end)


class Regex:
    """A parsed expression."""

    def __init__(self, text: str) -> None:
        self._alternatives = _parse(text)
        self._compiled = re.compile("|".join(each.source() for each in self._alternatives), re.DOTALL | re.ASCII)

    def search(self, message: str) -> bool:
        """Say whether the expression matches anywhere in *message*."""
        if sum(each.cost(len(message)) for each in self._alternatives) <= _AFFORDABLE:
            return self._compiled.search(message) is not None
        return self.search_linear(message)

    def search_linear(self, message: str) -> bool:
        """Say the same, in time that no pattern can make worse than proportional to the message."""
        return any(each.search(message) for each in self._alternatives)


def _parse(text: str) -> list[_Alternative]:
    if not text.isascii():
        raise BadRegex("Multi-byte characters are not supported in regular expressions.")
    alternatives = []
    elements: list[_Element] = []
    at_start = at_end = False
    place = 0
    while place < len(text):
        character = text[place]
        if at_end and character != "|":
            raise BadRegex("Nothing can match behind $ in a regular expression.")
        if character == "|":
            alternatives.append(_Alternative(elements, at_start=at_start, at_end=at_end))
            elements, at_start, at_end = [], False, False
            place += 1
        elif character == "^" and not elements and not at_start:
            at_start = True
            place += 1
        elif character == "$":
            at_end = True
            place += 1
        else:
            atom, place = _parse_atom(text, place)
            element, place = _parse_quantity(atom, text, place)
            elements.append(element)
    alternatives.append(_Alternative(elements, at_start=at_start, at_end=at_end))
    return alternatives


def _parse_atom(text: str, place: int) -> tuple[str, int]:
    """Return the character class at *place*, and where it ends."""
    character = text[place]
    if character == ".":
        return ".", place + 1
    if character == "\\":
        return _parse_escape(text, place)
    if character == "[":
        return _parse_set(text, place)
    if character.isalnum() or character in _LITERALS:
        return re.escape(character), place + 1
    raise BadRegex(f"Invalid character(s) in regular expression: '{character}'")


def _parse_escape(text: str, place: int) -> tuple[str, int]:
    following = text[place + 1 : place + 2]
    if not following:
        raise BadRegex("A regular expression cannot end with a backslash.")
    if following in _CLASSES:
        return "\\" + following, place + 2
    if following == "x":
        digits = text[place + 2 : place + 4]
        if not re.fullmatch("[0-9A-Fa-f]{2}", digits):
            raise BadRegex("\\x takes two hexadecimal digits in a regular expression.")
        return f"\\x{digits}", place + 4
    if following.isalnum():
        raise BadRegex(f"Invalid escape in regular expression: '\\{following}'")
    return re.escape(following), place + 2


def _parse_set(text: str, place: int) -> tuple[str, int]:
    """Return a bracket expression such as [a-z0-9_] or [^ ]."""
    parts = ["["]
    place += 1
    if text[place : place + 1] == "^":
        parts.append("^")
        place += 1
    first = place
    while place < len(text) and (text[place] != "]" or place == first):
        if text[place] == "\\":
            part, place = _parse_escape(text, place)
        elif text[place] == "-" and place > first and text[place + 1 : place + 2] not in ("]", ""):
            part, place = "-", place + 1
        else:
            part, place = re.escape(text[place]), place + 1
        parts.append(part)
    if place >= len(text):
        raise BadRegex("A [ is not closed in the regular expression.")
    source = "".join([*parts, "]"])
    try:
        re.compile(source)
    except re.error as error:
        raise BadRegex(f"Invalid set in regular expression: {error}") from error
    return source, place + 1


def _parse_quantity(atom: str, text: str, place: int) -> tuple[_Element, int]:
    match = _QUANTIFIER.match(text, place)
    if match is None:
        return _Element(atom), place
    place = match.end()
    if _QUANTIFIER.match(text, place):
        raise BadRegex("A regular expression cannot repeat a repetition.")
    if match[0] == "?":
        return _Element(atom, 0, 1), place
    if match[0] in "*+":
        return _Element(atom, "*+".index(match[0]), None), place
    minimum = int(match[1])
    maximum = minimum if match[2] is None else int(match[3]) if match[3] else None
    if maximum is not None and maximum < minimum:
        raise BadRegex(f"Invalid repetition in regular expression: {match[0]}")
    return _Element(atom, minimum, maximum), place
