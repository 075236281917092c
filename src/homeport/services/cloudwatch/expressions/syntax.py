"""Expressions taken apart."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

# No deeper than a person nests: the parser and the evaluator recurse.
_MAX_DEPTH = 40

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)|(?P<string>\"[^\"]*\"|'[^']*')"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<operator>==|!=|<=|>=|&&|\|\||[-+*/^<>()\[\],]))",
    re.ASCII,
)

_OPERATORS: tuple[tuple[str, ...], ...] = (
    ("OR", "||"),
    ("AND", "&&"),
    ("==", "!=", "<=", ">=", "<", ">"),
    ("+", "-"),
    ("*", "/"),
)


class BadExpression(Exception):
    """An expression that AWS would not take, or that has no meaning here; the text says why."""


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Text:
    value: str


@dataclass(frozen=True, slots=True)
class Reference:
    """Another query, by its id."""

    id: str


@dataclass(frozen=True, slots=True)
class Array:
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Operator:
    """A binary operator; a sign is its operator with a zero on the left."""

    symbol: str
    left: "Node"
    right: "Node"


Node = Number | Text | Reference | Array | Function | Operator


def parse(text: str) -> Node:
    """Return the tree of *text*, or raise BadExpression."""
    return _Parser(text).whole()


def references(node: Node) -> Iterator[str]:
    """Yield the ids that *node* names."""
    match node:
        case Reference(id=name):
            yield name
        case Array(items=nodes) | Function(arguments=nodes):
            for inner in nodes:
                yield from references(inner)
        case Operator(left=left, right=right):
            yield from references(left)
            yield from references(right)
        case _:
            pass


def functions(node: Node) -> Iterator[str]:
    """Yield the names of the functions that *node* calls."""
    match node:
        case Function(name=name, arguments=nodes):
            yield name
            for inner in nodes:
                yield from functions(inner)
        case Array(items=nodes):
            for inner in nodes:
                yield from functions(inner)
        case Operator(left=left, right=right):
            yield from functions(left)
            yield from functions(right)
        case _:
            pass


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position = 0
    while text[position:].strip():
        token = _TOKEN.match(text, position)
        if token is None:
            raise BadExpression(f"unexpected {text[position:].strip()[:20]!r}")
        assert token.lastgroup is not None
        found.append((token.lastgroup, token[token.lastgroup]))
        position = token.end()
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._position = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._level(0)
        if self._position < len(self._tokens):
            self._refuse()
        return node

    def _refuse(self) -> NoReturn:
        if self._position < len(self._tokens):
            raise BadExpression(f"unexpected {self._tokens[self._position][1]!r}")
        raise BadExpression("it ends too early")

    def _next(self) -> str:
        return self._tokens[self._position][1] if self._position < len(self._tokens) else ""

    def _accept(self, *symbols: str) -> str:
        symbol = self._next()
        if symbol in symbols:
            self._position += 1
            return symbol
        return ""

    def _expect(self, symbol: str) -> None:
        if not self._accept(symbol):
            self._refuse()

    def _level(self, level: int) -> Node:
        if level == len(_OPERATORS):
            return self._sign()
        node = self._level(level + 1)
        while symbol := self._accept(*_OPERATORS[level]):
            node = Operator({"||": "OR", "&&": "AND"}.get(symbol, symbol), node, self._level(level + 1))
        return node

    def _sign(self) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise BadExpression("it is nested too deeply")
        if symbol := self._accept("-", "+"):
            node: Node = Operator(symbol, Number(0.0), self._sign())
        else:
            node = self._atom()
            if self._accept("^"):
                node = Operator("^", node, self._sign())
        self._depth -= 1
        return node

    def _atom(self) -> Node:
        if self._position == len(self._tokens):
            self._refuse()
        kind, text = self._tokens[self._position]
        if self._accept("("):
            node = self._level(0)
            self._expect(")")
            return node
        if self._accept("["):
            return Array(self._list("]"))
        if kind == "operator" or text in ("AND", "OR"):
            self._refuse()
        self._position += 1
        if kind == "number":
            return Number(float(text))
        if kind == "string":
            return Text(text[1:-1])
        return Function(text, self._list(")")) if self._accept("(") else Reference(text)

    def _list(self, end: str) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self._accept(end):
            if items:
                self._expect(",")
            items.append(self._level(0))
        return tuple(items)
