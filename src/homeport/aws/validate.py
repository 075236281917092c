"""
Hold a request's document against the constraints of AWS's model: required, length, range, enum, pattern.

A check is compiled once per shape.  It answers None when all is well, which is nearly always, and
costs nothing for members without constraints.
"""

import re
import warnings
from collections.abc import Callable
from typing import Any

from homeport.aws.model import Shape
from homeport.aws.violations import Violation

Check = Callable[[Any], list[Violation] | None]

#: Longer values are not held against patterns with nested repetition, whose cost may explode.
NESTED_PATTERN_LIMIT = 1024

#: Shapes whose values the model only lists as of its day, EC2's instance types: handlers know which there are.
_OPEN_ENUMS = frozenset({"InstanceType"})

_LENGTH_TYPES = {"string", "blob", "list", "map"}
_NUMBER_TYPES = {"integer", "long", "float", "double"}

# Java's classes, widened where Python has no equal: a value that AWS takes must never be refused.
_JAVA_CLASSES = {
    "L": r"\w",
    "IsLetter": r"\w",
    "Lu": r"\w",
    "Ll": r"\w",
    "Alpha": "a-zA-Z",
    "Lower": "a-z",
    "Upper": "A-Z",
    "N": r"\d",
    "Nd": r"\d",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Z": r"\s",
    "Zs": r"\s",
    "Space": r"\s",
    "ASCII": r"\x00-\x7f",
    "Graph": r"\x21-\x7e",
    "Print": r"\x20-\x7e",
    "XDigit": "0-9a-fA-F",
}
# Patterns that take exponential time on short values, in Java as in Python.  A contract test looks for more.
_EXPLOSIVE = frozenset(
    {
        r"^[a-z0-9*](?:[._\-/a-z0-9*]?[a-z0-9*]+)*$",
        r"^[ \t]*[^\x00-\x1F:\x7F]+([ \t]+[^\x00-\x1F:\x7F]+)*[ \t]*$",
        r"^[ \t]*[\x20-\x7E]+([ \t]+[\x20-\x7E]+)*[ \t]*$",
    }
)
_ASCII_CLASSES = {"Alpha", "Lower", "Upper", "Digit", "Alnum", "ASCII", "Graph", "Print", "XDigit"}
_JAVA_CLASS = re.compile(r"\\p\{(\w+)\}")
_ASTRAL_RANGE = re.compile(r"\\u[dD]800\\u[dD][cC]00-\\u[dD][bB][fF]{2}\\u[dD][fF]{3}")
_NESTED_REPEAT = re.compile(r"[*+}]\)*\)[*+{]")


def compile_check(shape: Shape) -> Check | None:
    """Return the check of *shape*, or None when nothing in it is constrained."""
    return _compile(shape, {})


def _compile(shape: Shape, known: dict[tuple[str, ...], Check | None]) -> Check | None:
    if shape.key in known:
        return known[shape.key]
    cell: list[Check | None] = [None]
    known[shape.key] = lambda value: cell[0](value) if cell[0] is not None else None  # while the shape contains itself
    check = _combined(_own_checks(shape), _inner_check(shape, known))
    cell[0] = known[shape.key] = check
    return check


def _combined(own: list[Check], inner: Check | None) -> Check | None:
    checks = [*own, inner] if inner is not None else own
    if not checks:
        return None
    if len(checks) == 1:
        return checks[0]

    def check(value: Any) -> list[Violation] | None:
        for one in checks:
            found = one(value)
            if found:
                return found  # a value of the wrong length is not also held against its pattern
        return None

    return check


def _inner_check(shape: Shape, known: dict[tuple[str, ...], Check | None]) -> Check | None:
    match shape.type:
        case "structure":
            return _structure_check(shape, known)
        case "list":
            return _list_check(_compile(shape.member, known))
        case "map":
            return _map_check(_compile(shape.map_key, known), _compile(shape.map_value, known))
        case _:
            return None


def _structure_check(shape: Shape, known: dict[tuple[str, ...], Check | None]) -> Check | None:
    required = tuple(shape.required)
    compiled = ((name, _compile(member, known)) for name, member in shape.members.items())
    checks = tuple((name, check) for name, check in compiled if check is not None)
    if not required and not checks:
        return None

    def check_structure(document: dict[str, Any]) -> list[Violation] | None:
        found: list[Violation] = [
            Violation((name,), "required", None, "not be null") for name in required if name not in document
        ]
        for name, check in checks:
            if name in document and (inner := check(document[name])):
                found.extend(_inside(name, inner))
        return found or None

    return check_structure


def _list_check(check: Check | None) -> Check | None:
    if check is None:
        return None

    def check_list(items: list[Any]) -> list[Violation] | None:
        found: list[Violation] = []
        for position, item in enumerate(items, 1):
            if inner := check(item):
                found.extend(_inside(str(position), inner))
                if len(found) > 10:  # a list of ten thousand wrong items deserves no essay
                    break
        return found or None

    return check_list


def _map_check(check_key: Check | None, check_value: Check | None) -> Check | None:
    if check_key is None and check_value is None:
        return None

    def check_map(items: dict[str, Any]) -> list[Violation] | None:
        found: list[Violation] = []
        for key, value in items.items():
            if check_key is not None and (inner := check_key(key)):
                found.extend(inner)
            if check_value is not None and (inner := check_value(value)):
                found.extend(_inside(key, inner))
            if len(found) > 10:
                break
        return found or None

    return check_map


def _inside(name: str, violations: list[Violation]) -> list[Violation]:
    for violation in violations:
        violation.path = (name, *violation.path)
    return violations


def _own_checks(shape: Shape) -> list[Check]:
    checks: list[Check] = []
    low, high = shape.get("min"), shape.get("max")
    if low is not None or high is not None:
        if shape.type in _LENGTH_TYPES:
            checks.append(_bounds_check("length", low, high))
        elif shape.type in _NUMBER_TYPES:
            checks.append(_bounds_check("range", low, high))
    if shape.type == "string":
        if values := shape.get("enum"):
            if shape.name in _OPEN_ENUMS:
                return checks
            checks.append(_enum_check(values))
        elif (pattern := shape.get("pattern")) is not None and (matcher := compile_pattern(pattern)) is not None:
            checks.append(_pattern_check(pattern, matcher))
    return checks


def _bounds_check(kind: str, low: float | None, high: float | None) -> Check:
    noun = "length" if kind == "length" else "value"

    def check(value: Any) -> list[Violation] | None:
        size = len(value) if kind == "length" else value
        if low is not None and size < low:
            return [Violation((), kind, value, f"have {noun} greater than or equal to {low}")]
        if high is not None and size > high:
            return [Violation((), kind, value, f"have {noun} less than or equal to {high}")]
        return None

    return check


def _enum_check(values: list[str]) -> Check:
    allowed = frozenset(values)
    clause = f"satisfy enum value set: [{', '.join(values)}]"

    def check(value: str) -> list[Violation] | None:
        return None if value in allowed else [Violation((), "enum", value, clause)]

    return check


def _pattern_check(pattern: str, matches: Callable[[str], bool]) -> Check:
    clause = f"satisfy regular expression pattern: {pattern}"

    def check(value: str) -> list[Violation] | None:
        return None if matches(value) else [Violation((), "pattern", value, clause)]

    return check


def compile_pattern(pattern: str) -> Callable[[str], bool] | None:
    """
    Return a test for AWS's *pattern*, a Java expression, or None when Python cannot express or afford it.

    A contract test lists the patterns that are given up.
    """
    if pattern in _EXPLOSIVE:
        return None
    text = _ASTRAL_RANGE.sub(r"\\U00010000-\\U0010FFFF", pattern)
    names = set(_JAVA_CLASS.findall(text))
    if not names <= _JAVA_CLASSES.keys():
        return None
    text = _translate_classes(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # "possible nested set": Java reads it otherwise than Python
            compiled = re.compile(text, 0 if names - _ASCII_CLASSES else re.ASCII)
    except (re.error, Warning, OverflowError, RecursionError):
        return None
    anchored_at_front_only = text.startswith("^") and not text.endswith("$")
    match = compiled.match if anchored_at_front_only else compiled.fullmatch
    if _NESTED_REPEAT.search(text):
        return lambda value: len(value) > NESTED_PATTERN_LIMIT or match(value) is not None
    return lambda value: match(value) is not None


def _translate_classes(pattern: str) -> str:
    r"""Replace Java's `\p{Alnum}` and its like, which may stand inside brackets or alone."""
    parts: list[str] = []
    position, in_brackets = 0, False
    while position < len(pattern):
        found = _JAVA_CLASS.match(pattern, position)
        if found is not None:
            members = _JAVA_CLASSES[found[1]]
            parts.append(members if in_brackets else f"[{members}]")
            position = found.end()
            continue
        step = 2 if pattern[position] == "\\" else 1
        part = pattern[position : position + step]
        in_brackets = part == "[" or (in_brackets and part != "]")
        parts.append(part)
        position += step
    return "".join(parts)
