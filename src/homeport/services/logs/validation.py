"""Rules that AWS's model of CloudWatch Logs does not state."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from homeport.services.logs.errors import InvalidParameter, TooManyTags
from homeport.services.logs.model import DAY, event_size

RETENTION_DAYS = frozenset(
    (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
)
MAX_BATCH_BYTES = 1_048_576
MAX_BATCH_EVENTS = 10_000
MAX_TAGS = 50

_GROUP_NAME = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
_STREAM_NAME = re.compile(r"[^:*]{1,512}")


def check_group_name(name: str) -> None:
    if not _GROUP_NAME.fullmatch(name):
        raise InvalidParameter(
            f"1 validation error detected: Value '{name}' at 'logGroupName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+"
        )
    if name.startswith("aws/"):
        raise InvalidParameter("Log group names can't start with the string aws/")


def check_stream_name(name: str) -> None:
    if not _STREAM_NAME.fullmatch(name):
        raise InvalidParameter(
            f"1 validation error detected: Value '{name}' at 'logStreamName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [^:*]*"
        )


def check_retention(days: int) -> None:
    if days not in RETENTION_DAYS:
        raise InvalidParameter(f"Invalid retention value. Valid values are: {sorted(RETENTION_DAYS)}")


def check_tags(tags: Mapping[str, str]) -> None:
    """Check a log group's whole set of tags."""
    if len(tags) > MAX_TAGS:
        raise TooManyTags("The maximum number of tags was exceeded: a resource can have no more than 50 tags.")
    check_tag_keys(tags)


def check_tag_keys(keys: Iterable[str]) -> None:
    if any(key.lower().startswith("aws:") for key in keys):
        raise InvalidParameter("Tag keys that start with aws: are reserved for AWS use.")


def check_batch(events: Sequence[Mapping[str, Any]]) -> None:
    """Check what makes PutLogEvents refuse a batch as a whole."""
    if len(events) > MAX_BATCH_EVENTS:
        raise InvalidParameter(f"Log event count exceeds limit of {MAX_BATCH_EVENTS}.")
    size = sum(event_size(event["message"]) for event in events)
    if size > MAX_BATCH_BYTES:
        raise InvalidParameter(f"Upload too large: {size} bytes exceeds limit of {MAX_BATCH_BYTES}")
    times = [event["timestamp"] for event in events]
    if any(later < earlier for earlier, later in pairwise(times)):
        raise InvalidParameter("Log events in a single PutLogEvents request must be in chronological order.")


def check_span(times: Sequence[int]) -> None:
    """Check the accepted events of a batch, in order: they may not span more than a day."""
    if times and times[-1] - times[0] > DAY:
        raise InvalidParameter(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
        )
