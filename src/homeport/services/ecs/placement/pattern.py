"""
Regular expressions in placement constraints: Java's syntax, as far as it is regular.

Whoever may run a task writes them, and the server matches them against every instance.  So they run as
an automaton, in time that grows with the text and the pattern: no pattern can stall the server, as
backtracking would let it.  What only backtracking can do (back references, look-around, possessive
quantifiers) is refused, and so are the rarer notations (flags, \\p classes, class intersections).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

_LAST = 0x10FFFF
_MOST_STEPS = 1000
_MOST_DEPTH = 40
_MOST_REPEATS = 1000


class InvalidPattern(ValueError):
    """The pattern is malformed, or more than is supported; *position* counts from 0 within the pattern."""

    def __init__(self, problem: str, position: int) -> None:
        super().__init__(problem)
        self.position = position


@dataclass(frozen=True, slots=True)
class _Characters:
    """A set of characters, as ranges of code points."""

    ranges: tuple[tuple[int, int], ...]

    def has(self, character: str) -> bool:
        return any(first <= ord(character) <= last for first, last in self.ranges)

    def complement(self) -> "_Characters":
        gaps, start = [], 0
        for first, last in sorted(self.ranges):
            if first > start:
                gaps.append((start, first - 1))
            start = max(start, last + 1)
        return _Characters((*gaps, (start, _LAST)) if start <= _LAST else tuple(gaps))


@dataclass(frozen=True, slots=True)
class _Edge:
    """The beginning or the end of the text."""

    end: bool


@dataclass(frozen=True, slots=True)
class _Sequence:
    items: tuple["_Node", ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    options: tuple["_Node", ...]


@dataclass(frozen=True, slots=True)
class _Repeat:
    item: "_Node"
    least: int
    most: int | None


_Node = _Characters | _Edge | _Sequence | _Choice | _Repeat


@dataclass(frozen=True, slots=True)
class _Fork:
    """Go on at any of these steps."""

    targets: tuple[int, ...]


_Step = _Characters | _Edge | _Fork


def _set(*parts: str) -> _Characters:
    """Return a set from single characters and pairs that are ranges."""
    return _Characters(tuple((ord(part[0]), ord(part[-1])) for part in parts))


_CLASSES = {"d": _set("09"), "w": _set("az", "AZ", "09", "_"), "s": _set(" ", "\t", "\n", "\v", "\f", "\r")}
_CLASSES |= {name.upper(): members.complement() for name, members in _CLASSES.items()}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_ANY = _set("\n", "\r", "\N{NEXT LINE}", "\N{LINE SEPARATOR}", "\N{PARAGRAPH SEPARATOR}").complement()


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern."""

    steps: tuple[_Step, ...]

    def matches(self, text: str) -> bool:
        """Say whether the pattern matches the whole *text*, as Java's `matches` does."""
        reached = self._follow([0], start=True, end=not text)
        for index, character in enumerate(text, start=1):
            onward = [
                number + 1
                for number in reached
                if number < len(self.steps)
                and isinstance(step := self.steps[number], _Characters)
                and step.has(character)
            ]
            reached = self._follow(onward, start=False, end=index == len(text))
        return len(self.steps) in reached

    def _follow(self, numbers: list[int], *, start: bool, end: bool) -> set[int]:
        """Return the steps that can be reached from *numbers* without another character."""
        reached: set[int] = set()
        while numbers:
            number = numbers.pop()
            if number in reached:
                continue
            reached.add(number)
            if number == len(self.steps):
                continue
            step = self.steps[number]
            if isinstance(step, _Fork):
                numbers.extend(step.targets)
            elif isinstance(step, _Edge) and (end if step.end else start):
                numbers.append(number + 1)
        return reached


def compile_pattern(text: str) -> Pattern:
    """Return the pattern of *text*, or raise InvalidPattern."""
    node = _Reader(text).read()
    if _size(node) > _MOST_STEPS:
        raise InvalidPattern("the pattern is too large", 0)
    steps: list[_Step] = []
    _lay(node, steps)
    return Pattern(tuple(steps))


def _size(node: _Node) -> int:
    """Return no less than the number of steps the node takes, and no less than the work of laying them."""
    if isinstance(node, _Sequence):
        return 1 + sum(_size(item) for item in node.items)
    if isinstance(node, _Choice):
        return sum(_size(option) + 2 for option in node.options)
    if isinstance(node, _Repeat):
        return 2 + (node.least + 1 if node.most is None else node.most) * (_size(node.item) + 1)
    return 1


def _lay(node: _Node, steps: list[_Step]) -> None:
    """Append the node's steps; whoever comes through arrives behind the last."""
    if isinstance(node, _Sequence):
        for item in node.items:
            _lay(item, steps)
    elif isinstance(node, _Choice):
        _lay_choice(node, steps)
    elif isinstance(node, _Repeat):
        for _ in range(node.least):
            _lay(node.item, steps)
        if node.most is None:
            _lay_loop(node.item, steps)
        else:
            _lay_optional(node.item, node.most - node.least, steps)
    else:
        steps.append(node)


def _lay_choice(choice: _Choice, steps: list[_Step]) -> None:
    fork, starts, ends = len(steps), [], []
    steps.append(_Fork(()))
    for option in choice.options:
        starts.append(len(steps))
        _lay(option, steps)
        ends.append(len(steps))
        steps.append(_Fork(()))
    steps[fork] = _Fork(tuple(starts))
    for end in ends:
        steps[end] = _Fork((len(steps),))


def _lay_loop(item: _Node, steps: list[_Step]) -> None:
    fork = len(steps)
    steps.append(_Fork(()))
    _lay(item, steps)
    steps.append(_Fork((fork,)))
    steps[fork] = _Fork((fork + 1, len(steps)))


def _lay_optional(item: _Node, times: int, steps: list[_Step]) -> None:
    forks = []
    for _ in range(times):
        forks.append(len(steps))
        steps.append(_Fork(()))
        _lay(item, steps)
    for fork in forks:
        steps[fork] = _Fork((fork + 1, len(steps)))


class _Reader:
    """Recursive descent over a pattern's text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def read(self) -> _Node:
        node = self._choice()
        if self._at < len(self._text):
            raise self._error("there is no group to close")
        return node

    def _error(self, problem: str) -> InvalidPattern:
        return InvalidPattern(problem, self._at)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _next(self) -> str:
        if not self._peek():
            raise self._error("the pattern ends too early")
        self._at += 1
        return self._text[self._at - 1]

    def _choice(self) -> _Node:
        options = [self._sequence()]
        while self._take("|"):
            options.append(self._sequence())
        return _Choice(tuple(options)) if len(options) > 1 else options[0]

    def _sequence(self) -> _Node:
        items = []
        while self._peek() not in {"", "|", ")"}:
            items.append(self._quantified(self._item()))
        return _Sequence(tuple(items))

    def _item(self) -> _Node:
        if self._peek() in set("*+?{"):
            raise self._error("there is nothing to repeat")
        character = self._next()
        if character == "(":
            return self._group()
        if character == "[":
            return self._class()
        if character == "\\":
            return self._escape()
        single: dict[str, Callable[[], _Node]] = {
            ".": lambda: _ANY,
            "^": lambda: _Edge(end=False),
            "$": lambda: _Edge(end=True),
        }
        return single[character]() if character in single else _set(character)

    def _group(self) -> _Node:
        if self._peek() == "?" and not self._take("?:"):
            raise self._error("this kind of group is not supported")
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise self._error("groups are nested too deeply")
        node = self._choice()
        if not self._take(")"):
            raise self._error("a group is not closed")
        self._depth -= 1
        return node

    def _escape(self) -> _Characters:
        character = self._next()
        if character in _CLASSES:
            return _CLASSES[character]
        if character in _CONTROLS:
            return _set(_CONTROLS[character])
        if character.isascii() and character.isalnum():
            self._at -= 1
            raise self._error(f"\\{character} is not supported")
        return _set(character)

    def _class(self) -> _Characters:
        negated = self._take("^")
        members: list[_Characters] = []
        while not members or self._peek() != "]":
            if self._peek() == "[" or self._text.startswith("&&", self._at):
                raise self._error("unions and intersections of classes are not supported")
            members.append(self._member())
        self._at += 1
        merged = reduce(lambda left, right: _Characters(left.ranges + right.ranges), members)
        return merged.complement() if negated else merged

    def _member(self) -> _Characters:
        first = self._class_item()
        if self._peek() != "-" or self._text[self._at + 1 : self._at + 2] in {"]", ""}:
            return first
        self._at += 1
        last = self._class_item()
        low, high = _only(first), _only(last)
        if low is None or high is None or low > high:
            raise self._error("the range of characters is invalid")
        return _Characters(((low, high),))

    def _class_item(self) -> _Characters:
        character = self._next()
        return self._escape() if character == "\\" else _set(character)

    def _quantified(self, item: _Node) -> _Node:
        bounds = self._quantifier()
        if bounds is None:
            return item
        if self._peek() == "+":
            raise self._error("possessive quantifiers are not supported")
        self._take("?")  # lazy or not makes no difference to whether the whole text matches
        if self._peek() in set("*+?{"):
            raise self._error("there is nothing to repeat")
        return _Repeat(item, *bounds)

    def _quantifier(self) -> tuple[int, int | None] | None:
        simple: Sequence[tuple[str, tuple[int, int | None]]] = (("*", (0, None)), ("+", (1, None)), ("?", (0, 1)))
        for sign, bounds in simple:
            if self._take(sign):
                return bounds
        if not self._take("{"):
            return None
        least = self._number()
        most: int | None = least
        if self._take(","):
            most = None if self._peek() == "}" else self._number()
        if not self._take("}"):
            raise self._error("a quantifier is not closed")
        if most is not None and most < least:
            raise self._error("a quantifier has its bounds the wrong way round")
        return least, most

    def _number(self) -> int:
        digits = ""
        while self._peek().isascii() and self._peek().isdigit() and len(digits) < 5:
            digits += self._next()
        if not digits or int(digits) > _MOST_REPEATS:
            raise self._error(f"a quantifier needs a number up to {_MOST_REPEATS}")
        return int(digits)


def _only(characters: _Characters) -> int | None:
    """Return the one code point of a set of one."""
    (first, last), *others = characters.ranges
    return first if first == last and not others else None
