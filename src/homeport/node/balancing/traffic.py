"""Tell the server once a minute what load balancers did."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Protocol

from homeport.kit.clock import Clock
from homeport.node.balancing.admin import Count
from homeport.node.balancing.counters import Counters, difference, total
from homeport.node.balancing.targets import Entry
from homeport.wire.balancing import TargetObserved, TargetState
from homeport.wire.metrics import BalancerTraffic, GroupTraffic

_MINUTE = 60


def traffic(
    balancer: str, minute: int, before: Counters, now: Counters, targets: Iterable[TargetObserved]
) -> BalancerTraffic:
    """Return what was done between two looks at a load balancer's counters."""
    states = Counter((observed.target.rpartition("/")[0], observed.state) for observed in targets)
    whole = difference(total(now.listeners.values()), total(before.listeners.values()))
    groups = []
    for group, count in sorted(now.groups.items()):
        grown = difference(count, before.groups.get(group, Count()))
        groups.append(
            GroupTraffic(
                group=group,
                requests=grown.requests,
                responses=grown.responses,
                failures=grown.failures,
                response_seconds=grown.response_seconds,
                healthy=states[group, TargetState.HEALTHY],
                unhealthy=states[group, TargetState.UNHEALTHY],
            )
        )
    return BalancerTraffic(
        minute=minute, balancer=balancer, requests=whole.requests, responses=whole.responses, groups=tuple(groups)
    )


class Balancer(Protocol):
    """A load balancer, as far as it is asked here."""

    @property
    def id(self) -> str: ...
    @property
    def gone(self) -> bool: ...
    @property
    def counters(self) -> Counters: ...
    @property
    def targets(self) -> Iterable[Entry]: ...


class TrafficReporter:
    """Remembers what had been counted when it last reported."""

    def __init__(self, balancers: Iterable[Balancer], clock: Clock, send: Callable[[BalancerTraffic], None]) -> None:
        self._balancers = balancers
        self._clock = clock
        self._send = send
        self._before: dict[str, Counters] = {}
        self._begun = False

    async def run(self) -> None:
        """Report for as long as this runs."""
        reported = 0
        while True:
            await asyncio.sleep(_MINUTE - self._clock.now() % _MINUTE)
            # Sleep may end a moment early, and then again: a minute is reported once.
            minute = int((self._clock.now() - _MINUTE / 2) // _MINUTE) * _MINUTE
            if minute != reported:
                self.report(minute)
                reported = minute

    def report(self, minute: int) -> None:
        """
        Send what was done since the last report.

        The first look says nothing: what a proxy that outlived the node's program has counted is of nobody knows when.
        """
        remembered: dict[str, Counters] = {}
        for runner in self._balancers:
            if runner.gone:
                continue
            before, now = self._before.get(runner.id, Counters()), runner.counters
            # A group that no rule names for a while comes back with what was counted before.
            remembered[runner.id] = Counters(now.listeners, {**before.groups, **now.groups})
            if self._begun:
                seen = [entry.observed for entry in runner.targets]
                self._send(traffic(runner.id, minute, before, now, seen))
        self._before, self._begun = remembered, True
