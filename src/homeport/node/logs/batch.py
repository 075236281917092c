"""
Make log events of lines, within CloudWatch's limits, and group what belongs together.

Pure.  A batch ends where an event ends: what is still open belongs to the next.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from homeport.kit.patterns import Pattern, compile_pattern
from homeport.node.logs.lines import MAX_EVENT_BYTES, Line
from homeport.wire.messages import LogEvent, LogTarget

MAX_BATCH_BYTES = 1_048_576
MAX_BATCH_EVENTS = 10_000
EVENT_OVERHEAD = 26


@dataclass(slots=True)
class Batch:
    """Events to send and how far they reach; *base* is where reading would resume after them."""

    end: int
    base: int
    events: list[LogEvent] = field(default_factory=list)
    size: int = 0


def event_start(target: LogTarget) -> Pattern | None:
    """Return what a line looks like that begins a new event, or None if every line does."""
    return compile_pattern(target.multiline_pattern.encode()) if target.multiline_pattern else None


def make_batch(lines: Iterable[Line], pattern: Pattern | None, *, start: int, base: int, close: bool) -> Batch:
    """
    Return the first batch that *lines* make.

    With a *pattern* lines are joined until one matches it; the last event is taken only with
    *close*, because its next line may be still to come.
    """
    batch = Batch(end=start, base=base)
    for group in _groups(lines, pattern, close=close):
        events = list(_events(group))
        size = sum(len(event.message.encode()) + EVENT_OVERHEAD for event in events)
        full = batch.size + size > MAX_BATCH_BYTES or len(batch.events) + len(events) > MAX_BATCH_EVENTS
        if full and batch.events:
            break
        batch.events += events
        batch.size += size
        batch.end = group[-1].end
        if group[-1].clean:
            batch.base = batch.end
    return batch


def _groups(lines: Iterable[Line], pattern: Pattern | None, *, close: bool) -> Iterator[list[Line]]:
    if pattern is None:
        for line in lines:
            yield [line]
        return
    group: list[Line] = []
    size = 0
    for line in lines:
        if group and (pattern.occurs_in(line.text) or size + len(line.text) > MAX_EVENT_BYTES):
            yield group
            group, size = [], 0
        group.append(line)
        size += len(line.text) + 1
    if group and close:
        yield group


def _events(group: list[Line]) -> Iterator[LogEvent]:
    """Yield a group's events: none for an empty line, which CloudWatch refuses; several for a long one."""
    text = b"\n".join(line.text for line in group)
    at = 0
    while at < len(text):
        end = _cut(text, at)
        yield LogEvent(timestamp=group[0].timestamp, message=text[at:end].decode(errors="replace"))
        at = end


def _cut(text: bytes, at: int) -> int:
    """Return where the event that begins at *at* ends: not inside a character if that can be helped."""
    end = at + MAX_EVENT_BYTES
    if end >= len(text):
        return len(text)
    for back in range(4):
        if text[end - back] & 0xC0 != 0x80:
            return end - back
    return end
