"""What CloudWatch Logs is made of.  Times are milliseconds since the epoch; 0 means "none yet"."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

#: What CloudWatch adds to each event's size in UTF-8 when it counts bytes.
EVENT_OVERHEAD = 26

DAY = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class LogGroup:
    """A log group; `retention_days` of 0 keeps events for ever."""

    id: int
    region: str
    name: str
    created: int
    retention_days: int = 0
    stored_bytes: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)

    def horizon(self, now: int) -> int:
        """Return the time before which events of this group have expired."""
        return now - self.retention_days * DAY if self.retention_days else 0


@dataclass(frozen=True, slots=True)
class LogStream:
    """A log stream, with the span of the events in it."""

    id: int
    name: str
    created: int
    first_event: int
    last_event: int
    last_ingestion: int
    next_sequence: int


class Event(NamedTuple):
    """One line.  (timestamp, sequence) orders the events of a stream and never repeats."""

    timestamp: int
    sequence: int
    ingested: int
    message: str

    def size(self) -> int:
        return event_size(self.message)


class Gap(NamedTuple):
    """
    A place between two events of a stream: after the event of this key, and before the next.

    Page tokens are gaps rather than events, so that the same place can be left in both directions.
    """

    timestamp: int
    sequence: int


def gap_before(event: Event) -> Gap:
    return Gap(event.timestamp, event.sequence - 1)


def gap_after(event: Event) -> Gap:
    return Gap(event.timestamp, event.sequence)


def event_size(message: str) -> int:
    """Return the bytes that CloudWatch counts for an event."""
    # Almost every line is ASCII, and then its length needs no encoding.
    return (len(message) if message.isascii() else len(message.encode())) + EVENT_OVERHEAD


def event_id(stream: int, event: Event) -> str:
    """Return the event's id: 56 digits that sort by time, as AWS's do."""
    return f"{event.timestamp:014d}{stream:021d}{event.sequence:021d}"


def sequence_token(stream: LogStream) -> str:
    """Return the token of the deprecated upload protocol; clients pass it back and nobody looks at it."""
    return f"{stream.id:020d}{stream.next_sequence:036d}"
