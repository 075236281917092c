"""
Pieces of a drawing, and how to put them beside and into one another.  Pure.

A block is made at its own origin and moved into place.  Text is monospaced, so its width is known without a font.
Lengths are in pixels.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

SIZES = {"title": 12, "strong": 11, "body": 11, "muted": 10, "tag": 9}
_ADVANCE = 0.603  # a monospaced letter's width, as part of its size; DejaVu Sans Mono has the widest
LEADING = 16
GAP = 8


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; its kind gives its colours."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text from its left end; *y* is its baseline."""

    x: float
    y: float
    text: str
    kind: str = "body"

    @property
    def width(self) -> float:
        return width_of(self.text, self.kind)


@dataclass(frozen=True, slots=True)
class Dot:
    """A security group's mark: its number on its colour.  *x* and *y* are its centre."""

    x: float
    y: float
    number: int


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line; its kind says whether it is a wire, a bus or a translation."""

    x: float
    y: float
    to_x: float
    to_y: float
    kind: str


Mark = Box | Text | Dot | Line


@dataclass(frozen=True, slots=True)
class Block:
    """Marks with the room they take.  *plugs* are the points from which a wire leads out to the left."""

    width: float
    height: float
    marks: tuple[Mark, ...] = ()
    plugs: tuple[tuple[float, float], ...] = ()

    def moved(self, x: float, y: float) -> "Block":
        return Block(
            self.width,
            self.height,
            tuple(_moved(mark, x, y) for mark in self.marks),
            tuple((plug_x + x, plug_y + y) for plug_x, plug_y in self.plugs),
        )


def _moved(mark: Mark, x: float, y: float) -> Mark:
    if isinstance(mark, Line):
        return replace(mark, x=mark.x + x, y=mark.y + y, to_x=mark.to_x + x, to_y=mark.to_y + y)
    return replace(mark, x=mark.x + x, y=mark.y + y)


def width_of(text: str, kind: str) -> float:
    return len(text) * SIZES[kind] * _ADVANCE


def fitted(text: str, kind: str, width: float) -> str:
    """Return the text, its end replaced by an ellipsis where it is too long."""
    most = int(width / (SIZES[kind] * _ADVANCE) + 0.001)  # a text fits into its own width
    return text if len(text) <= most else text[: max(most - 1, 0)] + "…"


def wrapped(words: Sequence[str], kind: str, width: float) -> list[str]:
    """Put words into lines, separated by commas."""
    lines: list[str] = []
    for number, word in enumerate(words, 1):
        piece = word + ("," if number < len(words) else "")
        if lines and width_of(f"{lines[-1]} {piece}", kind) <= width:
            lines[-1] += f" {piece}"
        else:
            lines.append(fitted(piece, kind, width))
    return lines


def lines_of(lines: Iterable[tuple[str, str]], width: float) -> Block:
    """Return lines of text, each given with its kind, below one another."""
    marks: list[Mark] = []
    for text, kind in lines:
        marks.append(Text(0, len(marks) * LEADING + 12, fitted(text, kind, width), kind))
    return Block(width, len(marks) * LEADING, tuple(marks))


def beneath(blocks: Iterable[Block], gap: float = GAP) -> Block:
    """Put blocks below one another."""
    x, y = 0.0, 0.0
    marks: list[Mark] = []
    plugs: list[tuple[float, float]] = []
    for block in blocks:
        placed = block.moved(0, y)
        marks += placed.marks
        plugs += placed.plugs
        x, y = max(x, block.width), y + block.height + gap
    return Block(x, max(y - gap, 0), tuple(marks), tuple(plugs))


def beside(blocks: Iterable[Block], gap: float = GAP) -> Block:
    """Put blocks beside one another."""
    x, y = 0.0, 0.0
    marks: list[Mark] = []
    plugs: list[tuple[float, float]] = []
    for block in blocks:
        placed = block.moved(x, 0)
        marks += placed.marks
        plugs += placed.plugs
        x, y = x + block.width + gap, max(y, block.height)
    return Block(max(x - gap, 0), y, tuple(marks), tuple(plugs))


def framed(block: Block, kind: str, *, width: float = 0, padding: float = GAP) -> Block:
    """Put a box around a block."""
    inner = block.moved(padding, padding)
    outer_width = max(width, block.width + 2 * padding)
    height = block.height + 2 * padding
    return Block(outer_width, height, (Box(0, 0, outer_width, height, kind), *inner.marks), inner.plugs)


def bus(head: Block, hanging: Sequence[Block], kind: str) -> Block:
    """Hang blocks on a bar that comes down from *head*; their own plugs are what they hang by."""
    if not hanging:
        return head
    indent, stem = 14.0, 12.0
    body = beneath(hanging, gap=6).moved(indent + stem, head.height + GAP)
    last = max(y for _, y in body.plugs)
    marks: list[Mark] = [Line(indent, head.height, indent, last, kind)]
    marks += [Line(indent, y, x, y, kind) for x, y in body.plugs]
    height = head.height + GAP + body.height
    return Block(max(head.width, indent + stem + body.width), height, (*head.marks, *marks, *body.marks), head.plugs)
