"""
Read conmon's k8s-file format: "TIMESTAMP STREAM F|P TEXT" a line.

P marks a piece of a line that is not finished; its rest follows later, perhaps with pieces of the
other stream between.  Pure, and told only by content: reading again from a place where no line was
half read gives the same lines at the same offsets.
"""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_EVENT_BYTES = 262_144 - 26  # CloudWatch's limit less what it charges for every event
_LONGEST_PIECE = 8192  # conmon's
_LONGEST_CHARACTER = 4  # bytes of UTF-8


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output; *end* is the offset behind its last piece, *timestamp* in milliseconds."""

    timestamp: int
    text: bytes
    end: int
    clean: bool  # no line was half read at *end*


@dataclass(slots=True)
class _Piece:
    timestamp: int
    parts: list[bytes] = field(default_factory=list)
    size: int = 0


class LineReader:
    """Joins pieces to lines; holds what is half read."""

    def __init__(self) -> None:
        self._open: dict[bytes, _Piece] = {}
        self._second = b""
        self._second_ms = 0

    @property
    def clean(self) -> bool:
        """Whether no line is half read."""
        return not self._open

    def read(self, data: bytes, start: int) -> Iterator[Line]:
        """Yield the lines that end in *data*, which begins at offset *start* and holds whole records only."""
        at = 0
        while (newline := data.find(b"\n", at)) >= 0:
            record, at = data[at:newline], newline + 1
            yield from self._take(record, start + at)

    def _take(self, record: bytes, end: int) -> Iterator[Line]:
        fields = record.split(b" ", 3)
        if len(fields) != 4 or fields[2] not in (b"F", b"P") or (timestamp := self._timestamp(fields[0])) is None:
            return  # not conmon's: a torn record of a machine that lost power
        _, stream, tag, text = fields
        piece = self._open.get(stream)
        if tag == b"F" and piece is None:
            yield Line(timestamp, text, end, not self._open)
            return
        if piece is None:
            piece = self._open[stream] = _Piece(timestamp)
        piece.parts.append(text)
        piece.size += len(text)
        if tag == b"F":
            del self._open[stream]
            yield Line(piece.timestamp, b"".join(piece.parts), end, not self._open)
        elif piece.size > MAX_EVENT_BYTES - _LONGEST_PIECE:
            # A line that fills an event is cut before its next piece: it may never end, and memory does.
            text = b"".join(piece.parts)
            whole = _whole_characters(text)
            del self._open[stream]
            if whole < len(text):
                self._open[stream] = _Piece(timestamp, [text[whole:]], len(text) - whole)
            yield Line(piece.timestamp, text[:whole], end, not self._open)

    def flush(self, end: int) -> Iterator[Line]:
        """
        Yield what is half read: nothing will follow.

        These lines end behind the file's own *end*, each at an offset of its own, so that having
        shipped one does not look like having shipped another.
        """
        pieces, self._open = sorted(self._open.values(), key=lambda piece: piece.timestamp), {}
        for number, piece in enumerate(pieces, 1):
            yield Line(piece.timestamp, b"".join(piece.parts), end + number, number == len(pieces))

    def _timestamp(self, text: bytes) -> int | None:
        """Return RFC 3339 with nanoseconds as milliseconds; the seconds of neighbouring lines are mostly equal."""
        second, zone = text[:19], text[29:]
        try:
            if second + zone != self._second:
                self._second_ms = _milliseconds(second, zone)
                self._second = second + zone
            return self._second_ms + int(text[20:23])
        except ValueError:
            return None


def _whole_characters(text: bytes) -> int:
    """Return where the last character of *text* begins if it is not whole, and else its length."""
    for back in range(1, _LONGEST_CHARACTER):
        lead = text[-back]
        if lead & 0xC0 == 0xC0:
            length = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
            return len(text) - back if length > back else len(text)
        if lead < 0x80:
            break
    return len(text)


def _milliseconds(second: bytes, zone: bytes) -> int:
    """Return "2024-01-31T23:59:59" with a zone of "Z" or "+01:00" in milliseconds since the epoch."""
    parts = (second[0:4], second[5:7], second[8:10], second[11:13], second[14:16], second[17:19])
    moment = calendar.timegm((*(int(part) for part in parts), 0, 0, 0))
    if zone not in (b"Z", b""):
        offset = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
        moment -= -offset if zone[:1] == b"-" else offset
    return moment * 1000
