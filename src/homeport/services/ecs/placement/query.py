"""
The cluster query language: expressions that pick container instances.

    attribute:ecs.instance-type =~ g2.* and attribute:ecs.availability-zone != us-east-1d

Where AWS does not say, an operator that denies (!=, !in, !~, !exists) is the exact opposite of the one
it denies: an instance without the attribute passes `attribute:stack != prod`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from homeport.kit.patterns import InvalidPattern, Pattern, compile_pattern
from homeport.services.ecs.placement.instance import Instance

LONGEST = 2000
_MOST_DEPTH = 40

_WORD = re.compile(r"""[^\s()\[\],!<>=&|~'"]+""")
_BARE_PATTERN = re.compile(r"[^\s()]+")
_ATTRIBUTE = re.compile(r"[\w./\\-]{1,128}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?", re.ASCII)
_COUNT = re.compile(r"\d{1,9}", re.ASCII)
_VERSION = re.compile(r"\d{1,9}(\.\d{1,9})*", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)?)?", re.ASCII)


class InvalidExpression(ValueError):
    """The expression cannot be understood; *position* counts characters from 1."""

    def __init__(self, problem: str, position: int) -> None:
        super().__init__(f"{problem} at position {position}")
        self.position = position


class Operator(StrEnum):
    """What a comparison asserts; each can also be denied."""

    EQUALS = "=="
    GREATER = ">"
    GREATER_EQUAL = ">="
    LESS = "<"
    LESS_EQUAL = "<="
    EXISTS = "exists"
    IN = "in"
    MATCHES = "=~"


_EQUALITY = frozenset({Operator.EQUALS})
_MEMBERSHIP = frozenset({Operator.IN, Operator.MATCHES})
_ORDER = frozenset({Operator.GREATER, Operator.GREATER_EQUAL, Operator.LESS, Operator.LESS_EQUAL})

# Longest first, so that `>=` is not read as `>`.
_SYMBOLS: tuple[tuple[str, Operator, bool], ...] = (
    ("==", Operator.EQUALS, False),
    ("!=", Operator.EQUALS, True),
    (">=", Operator.GREATER_EQUAL, False),
    ("<=", Operator.LESS_EQUAL, False),
    ("=~", Operator.MATCHES, False),
    ("!~", Operator.MATCHES, True),
    (">", Operator.GREATER, False),
    ("<", Operator.LESS, False),
)
_WORDS: Mapping[str, tuple[Operator, bool]] = {
    "equals": (Operator.EQUALS, False),
    "not_equals": (Operator.EQUALS, True),
    "greater_than": (Operator.GREATER, False),
    "greater_than_equal": (Operator.GREATER_EQUAL, False),
    "less_than": (Operator.LESS, False),
    "less_than_equal": (Operator.LESS_EQUAL, False),
    "exists": (Operator.EXISTS, False),
    "not_exists": (Operator.EXISTS, True),
    "in": (Operator.IN, False),
    "not_in": (Operator.IN, True),
    "matches": (Operator.MATCHES, False),
    "not_matches": (Operator.MATCHES, True),
}

#: Where a value lies on a subject's scale; None for a text that is not on it.
_Scale = Callable[[str], tuple[Any, ...] | None]


def _as_text(value: str) -> tuple[Any, ...]:
    return (value,)


def _as_number_or_text(value: str) -> tuple[Any, ...]:
    """Put numbers in their order, before all other texts."""
    return (0, float(value)) if _NUMBER.fullmatch(value) else (1, value)


def _as_count(value: str) -> tuple[Any, ...] | None:
    return (int(value),) if _COUNT.fullmatch(value) else None


def _as_version(value: str) -> tuple[Any, ...] | None:
    """Compare versions part by part, 1.9 before 1.14 and the same as 1.9.0."""
    if not _VERSION.fullmatch(value):
        return None
    parts = [int(part) for part in value.split(".")]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def _as_date(value: str) -> tuple[Any, ...] | None:
    """Read one of the four forms AWS takes; without a zone it is UTC."""
    if not _DATE.fullmatch(value):
        return None
    try:
        date = datetime.fromisoformat(value)
    except ValueError:
        return None
    return ((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp(),)


def _registered_at(instance: Instance) -> tuple[str, ...]:
    return (f"{datetime.fromtimestamp(int(instance.registered_at), UTC):%Y-%m-%dT%H:%M:%SZ}",)


@dataclass(frozen=True, slots=True)
class Subject:
    """Something about an instance that can be compared: none, one or many values, and their scales."""

    name: str
    values: Callable[[Instance], tuple[str, ...]]
    operators: frozenset[Operator] = frozenset(Operator)
    equal: _Scale = _as_text
    order: _Scale = _as_text

    def fact(self, instance: Instance) -> str:
        """Say how it stands with the subject on *instance*."""
        values = self.values(instance)
        if not values:
            return f"there is no {self.name}"
        return f"{self.name} is {', '.join(values)}" if any(values) else f"{self.name} has no value"


_SUBJECTS: Mapping[str, Subject] = {
    subject.name: subject
    for subject in (
        Subject("agentConnected", lambda it: (str(it.agent_connected).lower(),), _EQUALITY | _MEMBERSHIP),
        Subject(
            "agentVersion",
            lambda it: (it.agent_version,) if it.agent_version else (),
            _EQUALITY | _ORDER,
            _as_version,
            _as_version,
        ),
        Subject(
            "ec2InstanceId", lambda it: (it.ec2_instance_id,) if it.ec2_instance_id else (), _EQUALITY | _MEMBERSHIP
        ),
        Subject("registeredAt", _registered_at, _EQUALITY | _ORDER, _as_date, _as_date),
        Subject("runningTasksCount", lambda it: (str(it.running_tasks),), _EQUALITY | _ORDER, _as_count, _as_count),
        Subject("task:group", lambda it: tuple(sorted(group for group, count in it.tasks.items() if count))),
    )
}


def attribute(name: str) -> Subject:
    """Return the subject that is an instance's attribute of that name."""
    return Subject(
        f"attribute:{name}",
        lambda it: (it.attributes[name],) if name in it.attributes else (),
        order=_as_number_or_text,
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an instance meets an expression, and the facts that decide it."""

    holds: bool
    because: tuple[str, ...]


class _Node(Protocol):
    def judge(self, instance: Instance) -> Verdict: ...


@dataclass(frozen=True, slots=True)
class _Comparison:
    subject: Subject
    operator: Operator
    denied: bool
    arguments: tuple[str, ...] = ()
    pattern: Pattern | None = None

    def judge(self, instance: Instance) -> Verdict:
        asserted = any(self._meets(value) for value in self.subject.values(instance))
        return Verdict(asserted is not self.denied, (self.subject.fact(instance),))

    def _meets(self, value: str) -> bool:
        if self.operator is Operator.EXISTS:
            return True
        if self.pattern is not None:
            return self.pattern.matches(value)
        if self.operator in {Operator.EQUALS, Operator.IN}:
            found = self.subject.equal(value)
            return found is not None and any(found == self.subject.equal(argument) for argument in self.arguments)
        found, limit = self.subject.order(value), self.subject.order(self.arguments[0])
        if found is None or limit is None:
            return False
        if found == limit:
            return self.operator in {Operator.GREATER_EQUAL, Operator.LESS_EQUAL}
        return (found > limit) is (self.operator in {Operator.GREATER, Operator.GREATER_EQUAL})


@dataclass(frozen=True, slots=True)
class _Negation:
    part: _Node

    def judge(self, instance: Instance) -> Verdict:
        verdict = self.part.judge(instance)
        return Verdict(not verdict.holds, verdict.because)


@dataclass(frozen=True, slots=True)
class _Junction:
    """All parts, or at least one of them."""

    every: bool
    parts: tuple[_Node, ...]

    def judge(self, instance: Instance) -> Verdict:
        verdicts = [part.judge(instance) for part in self.parts]
        holds = (all if self.every else any)(verdict.holds for verdict in verdicts)
        # What goes with the outcome brought it about: the failures of a failed "and", the successes of an "or".
        deciding = [fact for verdict in verdicts if verdict.holds is holds for fact in verdict.because]
        return Verdict(holds, tuple(dict.fromkeys(deciding)))


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that was understood."""

    text: str
    _root: _Node

    def matches(self, instance: Instance) -> bool:
        return self._root.judge(instance).holds

    def explain(self, instance: Instance) -> str:
        """Say why *instance* does not match; "" if it does."""
        verdict = self._root.judge(instance)
        return "" if verdict.holds else f"{' and '.join(verdict.because)}, but {self.text} is required"


def parse_expression(text: str) -> Expression:
    """Return the expression, or raise InvalidExpression."""
    if len(text) > LONGEST:
        raise InvalidExpression(f"an expression has at most {LONGEST} characters; it ends", LONGEST)
    return Expression(text.strip(), _Reader(text).read())


class _Reader:
    """Recursive descent over the text; what a character means depends on what is expected."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def read(self) -> _Node:
        node = self._junction()
        self._skip()
        if self._at < len(self._text):
            raise self._error("expected 'and', 'or' or the end")
        return node

    def _error(self, problem: str, at: int | None = None) -> InvalidExpression:
        return InvalidExpression(problem, (self._at if at is None else at) + 1)

    def _skip(self) -> None:
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1

    def _take(self, symbol: str) -> bool:
        self._skip()
        if not self._text.startswith(symbol, self._at):
            return False
        self._at += len(symbol)
        return True

    def _take_word(self, *wanted: str) -> str | None:
        """Take the next word, provided that it is one of *wanted*, if any are named."""
        self._skip()
        match = _WORD.match(self._text, self._at)
        if match is None or (wanted and match[0] not in wanted):
            return None
        self._at = match.end()
        return match[0]

    def _junction(self) -> _Node:
        parts = [self._conjunction()]
        while self._take("||") or self._take_word("or"):
            parts.append(self._conjunction())
        return _Junction(False, tuple(parts)) if len(parts) > 1 else parts[0]

    def _conjunction(self) -> _Node:
        parts = [self._unit()]
        while self._take("&&") or self._take_word("and"):
            parts.append(self._unit())
        return _Junction(True, tuple(parts)) if len(parts) > 1 else parts[0]

    def _unit(self) -> _Node:
        self._skip()
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise self._error("parentheses and negations are nested too deeply")
        node: _Node
        if self._take("!") or self._take_word("not"):
            node = _Negation(self._unit())
        elif self._take("("):
            node = self._junction()
            if not self._take(")"):
                raise self._error("expected ')'")
        else:
            node = self._comparison()
        self._depth -= 1
        return node

    def _comparison(self) -> _Node:
        subject = self._subject()
        self._skip()
        at = self._at
        operator, denied = self._operator()
        if operator not in subject.operators:
            raise self._error(f"{self._text[at : self._at].strip()} cannot be used with {subject.name}", at)
        if operator is Operator.EXISTS:
            return _Comparison(subject, operator, denied)
        if operator is Operator.MATCHES:
            return _Comparison(subject, operator, denied, pattern=self._pattern())
        arguments = self._list() if operator is Operator.IN else (self._literal(subject, operator),)
        return _Comparison(subject, operator, denied, arguments)

    def _subject(self) -> Subject:
        word = self._take_word()
        if word is None:
            raise self._error("expected a subject")
        kind, _, name = word.partition(":")
        if kind == "attribute" and _ATTRIBUTE.fullmatch(name):
            return attribute(name)
        if word not in _SUBJECTS:
            raise self._error(f"unknown subject '{word}'", self._at - len(word))
        return _SUBJECTS[word]

    def _operator(self) -> tuple[Operator, bool]:
        for symbol, operator, denied in _SYMBOLS:
            if self._take(symbol):
                return operator, denied
        at = self._at
        if self._take("!"):
            word = self._take_word("in", "exists")
            if word is not None:
                return Operator(word), True
        elif (word := self._take_word(*_WORDS)) is not None:
            return _WORDS[word]
        raise self._error("expected an operator", at)

    def _literal(self, subject: Subject, operator: Operator) -> str:
        self._skip()
        at = self._at
        value = self._value()
        if (subject.equal if operator is Operator.EQUALS else subject.order)(value) is None:
            raise self._error(f"'{value}' is not a value of {subject.name}", at)
        return value

    def _value(self) -> str:
        value = self._quoted()
        if value is None:
            value = self._take_word()
        if value is None:
            raise self._error("expected an argument")
        return value

    def _list(self) -> tuple[str, ...]:
        if not self._take("["):
            raise self._error("expected '['")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        if not self._take("]"):
            raise self._error("expected ',' or ']'")
        return tuple(values)

    def _quoted(self) -> str | None:
        self._skip()
        quote = self._text[self._at : self._at + 1]
        if quote not in {"'", '"'}:
            return None
        end = self._text.find(quote, self._at + 1)
        if end < 0:
            raise self._error("a quotation is not closed")
        value = self._text[self._at + 1 : end]
        self._at = end + 1
        return value

    def _pattern(self) -> Pattern:
        self._skip()
        at = self._at
        value = self._quoted()
        if value is not None:
            at += 1
        elif match := _BARE_PATTERN.match(self._text, self._at):
            value = match[0]
            self._at = match.end()
        else:
            raise self._error("expected a pattern, in quotes if it has parentheses")
        try:
            return compile_pattern(value)
        except InvalidPattern as error:
            raise self._error(f"{error},", at) from error
