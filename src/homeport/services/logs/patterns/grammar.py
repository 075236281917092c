"""Parse filter patterns."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from homeport.services.logs.patterns.regex import BadRegex, Regex
from homeport.services.logs.patterns.values import BadPattern, Operand, comparison

Pattern = Callable[[str], bool]
Condition = Callable[[Any], bool]

_MISSING = object()
_TERM = re.compile(
    r'(?P<mark>[?-]?)(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|%(?P<regex>[^%]+)%|(?P<bare>[^\s"]+))(?=\s|$)', re.DOTALL
)
_TOKEN = re.compile(
    r'\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|%(?P<regex>[^%]+)%|(?P<mark>&&|\|\||!=|>=|<=|[=<>()])'
    r'|(?P<word>\$(?:\.?[A-Za-z0-9_@:#-]+|\.?\[[^\]]*\])+|(?:(?!&&|\|\|)[^\s"()=<>!])+))',
    re.DOTALL,
)
_STEP = re.compile(
    r"\.?\[\s*(?:(?P<index>\d{1,9})|(?P<quote>['\"])(?P<name>.*?)(?P=quote))\s*\]|\.(?P<key>[A-Za-z0-9_@:#-]+)"
)
_MAX_DEPTH = 50


def parse_pattern(text: str) -> Pattern:
    """Return the test that *text* describes; raises BadPattern."""
    text = text.strip()
    try:
        if text.startswith("{"):
            return _parse_json_pattern(text)
        if text.startswith("["):
            return _parse_fields_pattern(text)
        return _parse_terms(text)
    except BadRegex as error:
        raise BadPattern(f"Invalid filter pattern: {error}") from error


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _parse_terms(text: str) -> Pattern:
    """Terms: all plain ones must be there and none of the excluded; optional ones count only among themselves."""
    wanted: list[Pattern] = []
    excluded: list[Pattern] = []
    optional: list[Pattern] = []
    place = 0
    while place < len(text):
        match = _TERM.match(text, place)
        if match is None:
            raise BadPattern(f"Invalid filter pattern: cannot read '{text[place:]}'")
        {"": wanted, "-": excluded, "?": optional}[match["mark"]].append(_term(match))
        place = match.end()
        while place < len(text) and text[place].isspace():
            place += 1
    if optional and not wanted and not excluded:
        return lambda message: any(term(message) for term in optional)
    return lambda message: all(term(message) for term in wanted) and not any(term(message) for term in excluded)


def _term(match: re.Match[str]) -> Pattern:
    if match["regex"] is not None:
        return Regex(match["regex"]).search
    if match["quoted"] is not None:
        phrase = _unescape(match["quoted"])
    else:
        phrase = match["bare"]
        if not all(character.isalnum() or character == "_" for character in phrase):
            raise BadPattern(f"Invalid character(s) in term '{phrase}'")
    return lambda message: phrase in message


def _parse_json_pattern(text: str) -> Pattern:
    if not text.endswith("}"):
        raise BadPattern("Invalid filter pattern: a { is not closed.")
    condition = _Conditions(text[1:-1], _path).parse()

    def matches(message: str) -> bool:
        if not message.lstrip().startswith("{"):
            return False
        try:
            document = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return condition(document)

    return matches


def _path(selector: str) -> Callable[[Any], Any]:
    """Return what follows a selector such as `$.users[0].name` into a document."""
    steps: list[str | int] = []
    place = 1
    while place < len(selector):
        match = _STEP.match(selector, place)
        if match is None:
            break
        if match["index"] is not None:
            steps.append(int(match["index"]))
        else:
            steps.append(match["key"] if match["key"] is not None else match["name"])
        place = match.end()
    if not selector.startswith("$") or not steps or place < len(selector):
        raise BadPattern(f"Invalid filter pattern: '{selector}' is not a property selector such as $.name")

    def follow(document: Any) -> Any:
        for step in steps:
            if isinstance(step, str):
                document = document.get(step, _MISSING) if isinstance(document, dict) else _MISSING
            else:
                document = document[step] if isinstance(document, list) and step < len(document) else _MISSING
        return document

    return follow


def _parse_fields_pattern(text: str) -> Pattern:
    """Space-delimited fields: one name, or condition on it, for each; `...` stands for any number of fields."""
    if not text.endswith("]"):
        raise BadPattern("Invalid filter pattern: a [ is not closed.")
    parts = [part.strip() for part in _split(text[1:-1])]
    names = [_field_name(part) for part in parts]
    if names.count("...") > 1:
        raise BadPattern("Invalid filter pattern: only one ... can stand among the fields.")
    conditions = [
        _Conditions(part, lambda name: lambda fields: fields.get(name, _MISSING)).parse()
        for part, name in zip(parts, names, strict=True)
        if part != name
    ]

    def matches(message: str) -> bool:
        fields = _name_fields(names, _fields(message))
        return fields is not None and all(condition(fields) for condition in conditions)

    return matches


def _split(text: str) -> list[str]:
    """Split at commas outside quotes and regular expressions."""
    return [part for part in re.findall(r'(?:"(?:[^"\\]|\\.)*"|%[^%]+%|[^,"%]|["%])+', text, re.DOTALL) if part.strip()]


def _field_name(part: str) -> str:
    match = re.match(r"\(*\s*(\.\.\.|[A-Za-z0-9_@$#.-]+)", part)
    if match is None:
        raise BadPattern(f"Invalid filter pattern: cannot read the field '{part}'")
    return match[1]


def _fields(message: str) -> list[str]:
    """Split an event at spaces; brackets and quotes hold a field together and do not belong to it."""
    fields = []
    closing = {"[": "]", '"': '"'}
    place = 0
    while place < len(message):
        if message[place].isspace():
            place += 1
            continue
        if message[place] in closing:
            end = message.find(closing[message[place]], place + 1)
            if end >= 0:
                fields.append(message[place + 1 : end])
                place = end + 1
                continue
            del closing[message[place]]  # so that many open brackets cost one search, not one each
        end = place
        while end < len(message) and not message[end].isspace():
            end += 1
        fields.append(message[place:end])
        place = end
    return fields


def _name_fields(names: list[str], fields: list[str]) -> Mapping[str, str] | None:
    """Return the event's fields by name, or None if it has not that many."""
    if "..." not in names:
        return dict(zip(names, fields, strict=True)) if len(names) == len(fields) else None
    before = names.index("...")
    behind = len(names) - before - 1
    if len(fields) < before + behind:
        return None
    named = [*zip(names[:before], fields, strict=False)]
    if behind:
        named += zip(names[-behind:], fields[-behind:], strict=True)
    return dict(named)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


class _Conditions:
    """Comparisons joined by && and ||, && first; *select* turns a field's name into a look-up."""

    def __init__(self, text: str, select: Callable[[str], Callable[[Any], Any]]) -> None:
        self._select = select
        self._tokens: list[_Token] = []
        self._depth = 0
        place = 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                raise BadPattern(f"Invalid filter pattern: cannot read '{text[place:].strip()}'")
            kind = str(match.lastgroup)
            self._tokens.append(_Token(kind, match[kind]))
            place = match.end()

    def parse(self) -> Condition:
        condition = self._alternatives()
        if self._tokens:
            raise BadPattern(f"Invalid filter pattern: unexpected '{self._tokens[0].text}'")
        return condition

    def _take(self) -> _Token:
        if not self._tokens:
            raise BadPattern("Invalid filter pattern: it ends too early.")
        return self._tokens.pop(0)

    def _next_is(self, *texts: str) -> bool:
        return bool(self._tokens) and self._tokens[0].kind in ("mark", "word") and self._tokens[0].text in texts

    def _alternatives(self) -> Condition:
        options = [self._conjunction()]
        while self._next_is("||"):
            self._take()
            options.append(self._conjunction())
        return options[0] if len(options) == 1 else lambda subject: any(option(subject) for option in options)

    def _conjunction(self) -> Condition:
        parts = [self._single()]
        while self._next_is("&&"):
            self._take()
            parts.append(self._single())
        return parts[0] if len(parts) == 1 else lambda subject: all(part(subject) for part in parts)

    def _single(self) -> Condition:
        if self._next_is("("):
            self._take()
            self._depth += 1
            if self._depth > _MAX_DEPTH:
                raise BadPattern("Invalid filter pattern: too many parentheses.")
            inner = self._alternatives()
            if not self._next_is(")"):
                raise BadPattern("Invalid filter pattern: a ( is not closed.")
            self._take()
            self._depth -= 1
            return inner
        token = self._take()
        if token.kind != "word":
            raise BadPattern(f"Invalid filter pattern: unexpected '{token.text}'")
        return self._test(self._select(token.text))

    def _test(self, look: Callable[[Any], Any]) -> Condition:
        operator = self._take()
        if operator.kind == "word":
            return self._state(look, f"{operator.text} {self._take().text}".upper())
        if operator.text not in ("=", "!=", "<", "<=", ">", ">="):
            raise BadPattern(f"Invalid filter pattern: unexpected '{operator.text}'")
        test = comparison(operator.text, self._operand(self._take()))
        return lambda subject: (value := look(subject)) is not _MISSING and test(value)

    def _state(self, look: Callable[[Any], Any], words: str) -> Condition:
        states: dict[str, Any] = {"IS NULL": None, "IS TRUE": True, "IS FALSE": False, "NOT EXISTS": _MISSING}
        if words not in states:
            raise BadPattern(f"Invalid filter pattern: unexpected '{words}'")
        state = states[words]
        return lambda subject: look(subject) is state

    def _operand(self, token: _Token) -> Operand:
        if token.kind == "regex":
            return Operand(token.text, regex=Regex(token.text))
        if token.kind == "quoted":
            return Operand(_unescape(token.text), quoted=True)
        if token.kind == "word":
            return Operand(token.text)
        raise BadPattern(f"Invalid filter pattern: unexpected '{token.text}'")
