"""Observed state: what tasks use."""

import msgspec

from homeport.wire.base import Message


class TaskUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What one task used on average: CPUs' worth of time, and bytes of memory without page cache that nobody misses."""

    task: str
    cpus: float
    memory: int


class Usage(Message, frozen=True, kw_only=True):
    """
    What the node's running tasks used in the minute that began at *minute*, in seconds since the epoch.

    It is said once and not acknowledged: a minute that the server did not hear of is one without datapoints.
    """

    minute: int
    tasks: tuple[TaskUsage, ...]
