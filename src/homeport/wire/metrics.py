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


class GroupTraffic(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What a target group was given in a minute, and how its targets were at its end.

    *responses* are those of 2xx, 3xx, 4xx and 5xx, *failures* the requests that the load balancer itself had to answer
    because no target did.  *response_seconds* is how long targets took on average, of late.
    """

    group: str
    requests: int = 0
    responses: tuple[int, int, int, int] = (0, 0, 0, 0)
    failures: int = 0
    response_seconds: float = 0.0
    healthy: int = 0
    unhealthy: int = 0


class BalancerTraffic(Message, frozen=True, kw_only=True):
    """
    What a load balancer did in the minute that began at *minute*, in seconds since the epoch.

    *requests* and *responses* are those of all its listeners: connections where it does not know HTTP.  It is said once
    and not acknowledged, as Usage is.
    """

    minute: int
    balancer: str
    requests: int = 0
    responses: tuple[int, int, int, int] = (0, 0, 0, 0)
    groups: tuple[GroupTraffic, ...] = ()
